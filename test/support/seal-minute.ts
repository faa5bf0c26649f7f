/** Real bundles of one edge's minutes, made by the core from captures that are built here. */
import { Core, type CoreOptions } from "../../engine/core";
import { leb128, readSections, varint } from "./bundle";
import { murmur3 } from "./murmur3";
import { type Captured, dnsQuery, dnsResponse, ethernet, ipv4, pcap, tcp, udp } from "./pcap-builder";

/** One DNS query and its answer. */
export interface Exchange {
  client: string;
  name: string;
  rcode?: number;
  durationMs?: number;
}

/** One HTTP request and its answer, on a connection of its own. */
export interface Page {
  client: string;
  path: string;
  status: number;
}

/** A minute of an edge whose own network is 10.0.0.0/8; its server is 192.0.2.53. */
export interface EdgeMinute {
  /** Start of the minute, seconds since the epoch. */
  minute: number;
  boot: bigint;
  exchanges: readonly Exchange[];
  pages?: readonly Page[];
  /** Whether it keeps clients as sets too. */
  theta?: boolean;
}

const SERVER = "192.0.2.53";
const WEB_SERVER = "192.0.2.80";
/** Number of the kind of tops. */
const TOP = 6;
const UNKNOWN_KIND = 99;
/** Number of the kind of distinct sketches. */
const DISTINCT = 5;
/** Number of the kind of counters. */
const COUNTER = 1;

/** The bundle of one minute, sealed by the core of `module`. */
export function sealMinuteBy(
  module: WebAssembly.Module,
  { minute, boot, exchanges, pages = [], theta }: EdgeMinute,
): Uint8Array<ArrayBuffer> {
  const packets = [
    ...exchanges.flatMap((exchange, index) => packetsOf(exchange, index, minute)),
    ...pages.flatMap((page, index) => packetsOfPage(page, index, minute)),
  ].sort(byTime);
  return sealCapture(module, pcap(packets), { bootId: boot, theta });
}

/** The one bundle of a capture that lies in one minute, sealed by the core of `module` for an edge of 10.0.0.0/8. */
export function sealCapture(module: WebAssembly.Module, capture: Uint8Array, options: CoreOptions = {}): Uint8Array<ArrayBuffer> {
  const bundles: Uint8Array<ArrayBuffer>[] = [];
  const core = new Core(module, { hostNetworks: ["10.0.0.0/8"], ...options });
  core.drainTo({ bundle: (bytes) => bundles.push(bytes.slice() as Uint8Array<ArrayBuffer>) });
  const input = core.open("file");
  input.write(capture);
  input.end();
  core.flush();
  if (bundles.length !== 1) throw new Error(`${bundles.length} bundles of one minute`);
  return bundles[0]!;
}

function byTime(a: Captured, b: Captured): number {
  return Number(a.timeNs - b.timeNs);
}

function packetsOf({ client, name, rcode = 0, durationMs = 10 }: Exchange, index: number, minute: number): Captured[] {
  const id = index & 0xffff;
  const sourcePort = 20_000 + (index % 40_000);
  const query = udp(dnsQuery(name, { id }), { sourcePort, destinationPort: 53 });
  const answer = udp(dnsResponse(name, { id, rcode }), { sourcePort: 53, destinationPort: sourcePort });
  const timeNs = BigInt(minute) * 1_000_000_000n + BigInt(index % 50_000) * 1_000_000n;
  return [
    { timeNs, bytes: ethernet(ipv4(query, { source: client, destination: SERVER, id })) },
    {
      timeNs: timeNs + BigInt(durationMs) * 1_000_000n,
      bytes: ethernet(ipv4(answer, { source: SERVER, destination: client, id })),
    },
  ];
}

function packetsOfPage({ client, path, status }: Page, index: number, minute: number): Captured[] {
  const request = new TextEncoder().encode(`GET ${path} HTTP/1.1\r\nHost: web.example.com\r\n\r\n`);
  const response = new TextEncoder().encode(`HTTP/1.1 ${status} Told\r\nContent-Length: 0\r\n\r\n`);
  const ports = { sourcePort: 10_000 + (index % 10_000), destinationPort: 80 };
  const back = { sourcePort: 80, destinationPort: ports.sourcePort };
  const segments = [
    { layer: tcp([], { ...ports, sequence: 100, flags: "S" }), isBack: false },
    { layer: tcp([], { ...back, sequence: 500, acknowledgment: 101, flags: "S." }), isBack: true },
    { layer: tcp(request, { ...ports, sequence: 101, acknowledgment: 501, flags: "P." }), isBack: false },
    { layer: tcp(response, { ...back, sequence: 501, acknowledgment: 101 + request.length, flags: "P." }), isBack: true },
  ];
  const timeNs = BigInt(minute) * 1_000_000_000n + BigInt(index % 50_000) * 1_000_000n;
  return segments.map(({ layer, isBack }, step) => {
    const [source, destination] = isBack ? [WEB_SERVER, client] : [client, WEB_SERVER];
    return {
      timeNs: timeNs + BigInt(step) * 2_000_000n,
      bytes: ethernet(ipv4(layer, { source, destination, id: index * 4 + step })),
    };
  });
}

/** The same bundle under another sequence number below 128, as a supplement of its minute would have. */
export function withSequence(bundle: Uint8Array, sequence: number): Uint8Array<ArrayBuffer> {
  const bytes = bundle.slice() as Uint8Array<ArrayBuffer>;
  let at = varint(bytes, 9)[1] + 4;
  for (let field = 0; field < 2; field++) at = varint(bytes, at)[1];
  bytes[at] = sequence;
  return signed(bytes);
}

/** The same bundle of another minute, seconds since the epoch, whose number takes as many bytes. */
export function withMinute(bundle: Uint8Array, minute: number): Uint8Array<ArrayBuffer> {
  const bytes = bundle.slice() as Uint8Array<ArrayBuffer>;
  const at = varint(bytes, 9)[1] + 4;
  const number = leb128(BigInt(minute / 60));
  if (varint(bytes, at)[1] - at !== number.length) throw new RangeError("the minute's number is of another length");
  bytes.set(number, at);
  return signed(bytes);
}

/** The same minute with nothing in it but one top of `total`, which no key is known of: valid, and forged. */
export function withTop(bundle: Uint8Array, total: bigint): Uint8Array<ArrayBuffer> {
  const { directoryAt, sections } = readSections(bundle);
  const top = sections.find(({ kind }) => kind === TOP)!;
  const payload = [...leb128(total), ...leb128(total), 0];
  const [first, second, third] = top.labels;
  const key = first | (second << 8) | (third << 16);
  const directory = [1, ...leb128(top.metric), TOP, top.parameter, 1, ...leb128(key), payload.length];
  return signed(Uint8Array.from([...bundle.subarray(0, directoryAt), ...directory, ...payload]));
}

/** The same minute with nothing in it but a section of a kind that no build knows yet, of so many bytes that deflate to few. */
export function withUnknownKind(bundle: Uint8Array, bytes: number): Uint8Array<ArrayBuffer> {
  const { directoryAt } = readSections(bundle);
  const directory = [1, ...leb128(60_000n), UNKNOWN_KIND, 0, 1, 0, ...leb128(BigInt(bytes))];
  return signed(Uint8Array.from([...bundle.subarray(0, directoryAt), ...directory, ...new Uint8Array(bytes)]));
}

/** The same bundle with a section more, of a kind that no build knows yet: a small minute that takes so many bytes. */
export function padded(bundle: Uint8Array, bytes: number): Uint8Array<ArrayBuffer> {
  const { directoryAt, payloadsAt, sections } = readSections(bundle);
  const [groups, firstAt] = varint(bundle, directoryAt);
  const step = 60_000 - sections.at(-1)!.metric;
  const directory = [...leb128(step), UNKNOWN_KIND, 0, 1, 0, ...leb128(BigInt(bytes))];
  const head = [
    ...bundle.subarray(0, directoryAt),
    ...leb128(groups + 1n),
    ...bundle.subarray(firstAt, payloadsAt),
    ...directory,
  ];
  // Payloads of distinct come behind all others.
  const others = sections.reduce((sum, { kind, payload }) => sum + (kind === DISTINCT ? 0 : payload.length), 0);
  const whole = new Uint8Array(head.length + bundle.length - payloadsAt + bytes);
  whole.set(head);
  whole.set(bundle.subarray(payloadsAt, payloadsAt + others), head.length);
  whole.set(bundle.subarray(payloadsAt + others), head.length + others + bytes);
  return signed(whole);
}

/** The same minute with nothing in it but a counter of a metric that no build knows yet. */
export function withLaterMetric(bundle: Uint8Array): Uint8Array<ArrayBuffer> {
  const { directoryAt } = readSections(bundle);
  const payload = [7];
  const directory = [1, ...leb128(60_000n), COUNTER, 0, 1, 0, payload.length];
  return signed(Uint8Array.from([...bundle.subarray(0, directoryAt), ...directory, ...payload]));
}

/** The same bundle of another policy. */
export function withPolicy(bundle: Uint8Array, name: string): Uint8Array<ArrayBuffer> {
  let at = varint(bundle, 9)[1] + 4;
  for (let field = 0; field < 3; field++) at = varint(bundle, at)[1];
  at += 8;
  for (let field = 0; field < 9; field++) at = varint(bundle, at)[1];
  const text = new TextEncoder().encode(name);
  return signed(Uint8Array.from([...bundle.subarray(0, at), text.length, ...text, ...bundle.subarray(at + 1 + bundle[at]!)]));
}

function signed(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const [hash] = murmur3(bytes.subarray(8), 9001n);
  new DataView(bytes.buffer).setUint32(4, Number(hash & 0xffff_ffffn), true);
  return bytes;
}
