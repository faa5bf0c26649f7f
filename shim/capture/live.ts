import { readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import type { Core, CoreInput } from "../../engine/core";
import { Failure, reasonOf } from "../failure";

/** Numbers of the link types that the package `cap` names (the registry of tcpdump.org). */
const LINK_TYPES: Record<string, number> = { NULL: 0, ETHERNET: 1, RAW: 101, LINKTYPE_LINUX_SLL: 113 };
const PACKET_BYTES_MAX = 65_535;
const KERNEL_BUFFER_BYTES = 8 << 20;
const RECORD_HEADER_BYTES = 16;
const ETHERNET_HEADER_BYTES = 14;
const IPV6_HEADER_BYTES = 40;
const BATCH_BYTES = 1 << 18;
/** Longest stay of a packet in a batch. */
const BATCH_MS = 10;

/** What is lost compared with a capture of the kernel's own records. */
export const CAP_LOSSES =
  "captured through the npm package cap: times are this program's, and what the kernel drops is not known";

/** Packets of an interface on their way to a core. */
export interface LiveCapture {
  packets: number;
  /** Hands over what was captured so far. */
  push(): void;
  close(): void;
}

/** Sources of packets that are no network interfaces, whose link types are not understood. */
const OTHER_SOURCES = /^(bluetooth|dbus|nflog|nfqueue|usbmon)/;
/** Bit of CAP_NET_RAW in the capabilities of a Linux process. */
const CAP_NET_RAW = 13n;

/** What live capture takes where the package `cap` is missing. */
const CAP_MISSING =
  "live capture needs the optional npm package cap; install a C++ compiler, make, python3 and libpcap's headers " +
  "(Debian: apt-get install g++ make python3 libpcap-dev), then run: npm install";
/** What live capture takes where this user may not. */
const PERMISSION_MISSING = "capturing takes CAP_NET_RAW; run as root, or: sudo setcap cap_net_raw+ep $(command -v node)";

/** Loads the package `cap`; undefined where it could not be built. */
async function loadCap(): Promise<typeof import("cap").default.Cap | undefined> {
  try {
    return (await import("cap")).default.Cap;
  } catch {
    return undefined;
  }
}

/** A source of packets, as the package `cap` lists it. */
export interface CaptureDevice {
  name: string;
  addresses?: { addr: string }[];
}

/** The network interfaces that packets can be captured on, and whether this user may. */
export async function captureDevices(): Promise<{ devices: CaptureDevice[]; problem?: string }> {
  const Cap = await loadCap();
  if (Cap === undefined) return { devices: [], problem: CAP_MISSING };
  if (!mayCapture()) return { devices: [], problem: PERMISSION_MISSING };
  return { devices: Cap.deviceList().filter(({ name }) => !OTHER_SOURCES.test(name)) };
}

/** Whether Linux lets this process capture; elsewhere opening an interface shows it. */
function mayCapture(): boolean {
  if (process.platform !== "linux") return true;
  try {
    const [, hex = "0"] = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
    return ((BigInt(`0x${hex}`) >> CAP_NET_RAW) & 1n) === 1n;
  } catch {
    return true;
  }
}

/** Captures on an interface. Throws Failure. */
export async function captureLive(core: Core, name: string): Promise<LiveCapture> {
  const Cap = await loadCap();
  if (Cap === undefined) {
    throw new Failure(CAP_MISSING);
  }
  if (!Cap.deviceList().some((device) => device.name === name)) {
    throw new Failure(`there is no interface ${name} that packets can be captured on; tallywire interfaces lists them`);
  }
  const packet = Buffer.allocUnsafe(PACKET_BYTES_MAX);
  const cap = new Cap();
  let linkName: string;
  try {
    linkName = cap.open(name, "", KERNEL_BUFFER_BYTES, packet);
  } catch (cause) {
    throw new Failure(`cannot capture on ${name}: ${mendOf(reasonOf(cause))}`, 1, { cause });
  }
  const linkType = LINK_TYPES[linkName];
  if (linkType === undefined) {
    cap.close();
    throw new Failure(`cannot capture on ${name}: packets of its kind (${linkName}) are not understood; take another interface`);
  }
  const batch = new RecordBatch(core.open("live", linkType));
  cap.on("packet", (length) => batch.add(packet.subarray(0, length)));
  return {
    get packets() {
      return batch.packets;
    },
    push: () => batch.push(),
    close() {
      cap.close();
      batch.end();
    },
  };
}

function mendOf(reason: string): string {
  if (/permission|not permitted/i.test(reason)) {
    return PERMISSION_MISSING;
  }
  return reason;
}

/**
 * Length on the wire. `cap` does not tell it; a packet that fills the buffer was cut, as the largest ones on loopback are, and
 * its IP header says how long it is.
 */
function wireBytes(packet: Uint8Array): number {
  if (packet.length < PACKET_BYTES_MAX) return packet.length;
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  const ip = ETHERNET_HEADER_BYTES;
  const isIpv6 = view.getUint8(ip) >> 4 === 6;
  const length = isIpv6 ? IPV6_HEADER_BYTES + view.getUint16(ip + 4) : view.getUint16(ip + 2);
  return Math.max(packet.length, ip + length);
}

/** Live records gathered and fed together, as crossing into the core costs more than a packet. */
class RecordBatch {
  packets = 0;
  private readonly bytes = new Uint8Array(BATCH_BYTES);
  private readonly view = new DataView(this.bytes.buffer);
  private length = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly input: CoreInput) {}

  add(packet: Uint8Array): void {
    if (this.length + RECORD_HEADER_BYTES + packet.length > BATCH_BYTES) this.push();
    const ms = performance.timeOrigin + performance.now();
    const seconds = Math.floor(ms / 1000);
    this.view.setUint32(this.length, seconds, true);
    this.view.setUint32(this.length + 4, Math.floor((ms - seconds * 1000) * 1e6), true);
    this.view.setUint32(this.length + 8, packet.length, true);
    this.view.setUint32(this.length + 12, wireBytes(packet), true);
    this.bytes.set(packet, this.length + RECORD_HEADER_BYTES);
    this.length += RECORD_HEADER_BYTES + packet.length;
    this.packets += 1;
    this.timer ??= setTimeout(() => this.push(), BATCH_MS);
  }

  push(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.length > 0) this.input.write(this.bytes.subarray(0, this.length));
    this.length = 0;
  }

  end(): void {
    this.push();
    this.input.end();
  }
}

/** This host's own addresses as networks, which tell in from out. */
export function ownNetworks(): string[] {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const networks = addresses.map(({ address, family }) => `${address.replace(/%.*$/, "")}/${family === "IPv6" ? 128 : 32}`);
  return [...new Set(networks)].slice(0, 64);
}
