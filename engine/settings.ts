/** What a host asks of the core, as bytes: `{ id u8, length u16, value }` each (assembly/settings.ts). */

export interface Setting {
  /** Whether round trips come out as events. */
  events?: boolean;
  /** Whether events come out too that a filter keeps out, or that statistics add up. */
  allEvents?: boolean;
  /** Whether what the capture itself saw twice counts twice. */
  keepDuplicates?: boolean;
  /** Whether query strings stay in paths. */
  raw?: boolean;
  /** Whether headers of messages are kept. */
  headers?: boolean;
  /** Bytes of their bodies that are kept, 2048 at the most; none unless given. */
  bodyBytes?: number;
  /** Networks of this host as CIDR, at most 64: what goes to them is `in`, what comes from them `out`. */
  hostNetworks?: readonly string[];
  /** Keys the tables; changes no output. */
  secret?: bigint;
  /** Names this run of the edge. */
  bootId?: bigint;
  /** Whether clients are kept as sets that can be compared too. */
  theta?: boolean;
  /** Which labels of breakdowns are kept: of a metric's number, bit i says so of its column i. All, unless given. */
  labels?: readonly LabelChoice[];
  /** Protocols that are spoken at a port, whatever it looks like; at most 64. */
  forced?: readonly ForcedProtocol[];
  /** Which of several threads of one edge this is, from 1 on: its minutes are no bundles until they are merged `ofThreads`. */
  thread?: number;
  /** Whether packets of files are chosen by programs, which the core then asks for. */
  choosesPackets?: boolean;
  /** Whether round trips say on which interfaces their packets were seen, where the source shows several. */
  stages?: boolean;
  /** Whether records of TLS are put to the host: it may have secrets for them at any time, or has those that files bring. */
  tlsKeys?: { given: boolean; ofFiles: boolean };
  /** Whether the host is asked whose connections are. */
  asksOwners?: boolean;
  dnsTimeoutMs?: number;
  streamTimeoutMs?: number;
}

/** Which labels of one breakdown are kept. */
export interface LabelChoice {
  metric: number;
  kept: number;
}

/** A protocol's number and the port at which it is spoken. */
export interface ForcedProtocol {
  protocol: number;
  port: number;
}

/** A setting that cannot be. */
export class SettingError extends Error {
  override name = "SettingError";
}

export const HOST_NETWORKS_MAX = 64;
const FORCED_MAX = 64;

class Writer {
  readonly bytes: number[] = [];

  put(id: number, value: ArrayLike<number>): void {
    this.bytes.push(id, value.length & 0xff, value.length >> 8, ...Array.from(value));
  }

  flag(id: number, on: boolean | undefined): void {
    if (on) this.put(id, [1]);
  }

  u32(id: number, value: number | undefined): void {
    if (value !== undefined) this.put(id, new Uint8Array(new Uint32Array([value]).buffer));
  }

  u64(id: number, value: bigint | undefined): void {
    if (value !== undefined) this.put(id, new Uint8Array(new BigUint64Array([value]).buffer));
  }
}

/** Encodes settings. Throws SettingError. */
export function encodeSettings(setting: Setting): Uint8Array {
  const writer = new Writer();
  writer.flag(1, setting.events);
  writer.flag(30, setting.allEvents);
  writer.flag(2, setting.keepDuplicates);
  writer.flag(3, setting.raw);
  writer.flag(21, setting.headers);
  writer.u32(23, setting.bodyBytes);
  const networks = encodeNetworks(setting.hostNetworks ?? []);
  if (networks.length > 0) writer.put(4, networks);
  writer.u64(5, setting.secret);
  writer.u64(6, setting.bootId);
  writer.u32(8, setting.dnsTimeoutMs);
  writer.u32(9, setting.streamTimeoutMs);
  writer.flag(10, setting.theta);
  if (setting.thread !== undefined) writer.put(11, [setting.thread]);
  writer.flag(12, setting.choosesPackets);
  writer.flag(26, setting.stages);
  const { tlsKeys } = setting;
  if (tlsKeys !== undefined) writer.put(16, [(tlsKeys.given ? 1 : 0) | (tlsKeys.ofFiles ? 2 : 0)]);
  const labels = setting.labels ?? [];
  if (labels.length > 0)
    writer.put(
      40,
      labels.flatMap(({ metric, kept }) => [metric & 0xff, metric >> 8, kept]),
    );
  const forced = setting.forced ?? [];
  if (forced.length > FORCED_MAX)
    throw new SettingError(`protocols are forced on at most ${FORCED_MAX} ports, not ${forced.length}`);
  if (forced.length > 0)
    writer.put(
      24,
      forced.flatMap(({ protocol, port }) => [protocol, port & 0xff, port >> 8]),
    );
  writer.flag(20, setting.asksOwners);
  return Uint8Array.from(writer.bytes);
}

/** The value of that setting: 17 bytes a network. Throws SettingError. */
export function encodeNetworks(networks: readonly string[]): Uint8Array {
  if (networks.length > HOST_NETWORKS_MAX)
    throw new SettingError(`at most ${HOST_NETWORKS_MAX} host networks, not ${networks.length}`);
  return Uint8Array.from(networks.flatMap(parseNetwork));
}

/** A network as 16 address bytes (IPv4 as ::ffff:a.b.c.d) and the length of its prefix in those 128 bits. */
export function parseNetwork(text: string): number[] {
  const [address = "", length, ...more] = text.trim().split("/");
  const bytes = address.includes(":") ? parseIpv6(address) : parseIpv4(address);
  const most = address.includes(":") ? 128 : 32;
  const prefix = length === undefined ? most : /^\d{1,3}$/.test(length) ? Number(length) : -1;
  if (bytes === undefined || more.length > 0 || prefix < 0 || prefix > most) {
    throw new SettingError(`"${text}" is no network: write it as 192.168.0.0/16 or 2001:db8::/32`);
  }
  return [...bytes, prefix + 128 - most];
}

function parseIpv4(text: string): number[] | undefined {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256)) return undefined;
  return [...Array<number>(10).fill(0), 255, 255, ...parts.map(Number)];
}

function parseIpv6(text: string): number[] | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const groups = halves.map((half) => (half === "" ? [] : half.split(":")));
  const written = groups.flat();
  if (!written.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return undefined;
  const missing = 8 - written.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  const all = [...(groups[0] ?? []), ...Array<string>(halves.length === 2 ? missing : 0).fill("0"), ...(groups[1] ?? [])];
  return all.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255]);
}
