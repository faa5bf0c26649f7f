import type { Core, CoreInput } from "../../engine/core";
import { Failure, reasonOf } from "../failure";
import type { LiveCapture, LiveOptions } from "./live";

/** Numbers of the link types that the package `cap` names (the registry of tcpdump.org). */
const LINK_TYPES: Record<string, number> = { NULL: 0, ETHERNET: 1, RAW: 101, LINKTYPE_LINUX_SLL: 113 };
const PACKET_BYTES_MAX = 65_535;
const RECORD_HEADER_BYTES = 24;
const ETHERNET_HEADER_BYTES = 14;
const IPV6_HEADER_BYTES = 40;
const BATCH_BYTES = 1 << 18;
/** Longest stay of a packet in a batch. */
const BATCH_MS = 10;

/** The class that the package `cap` gives. */
export type Cap = typeof import("cap").default.Cap;

/** Loads the package `cap`; undefined where it could not be built. */
export async function loadCap(): Promise<Cap | undefined> {
  try {
    return (await import("cap")).default.Cap;
  } catch {
    return undefined;
  }
}

/** Captures on an interface through the package `cap`. Throws Failure. */
export function captureByCap(Cap: Cap, core: Core, { interface: name, filter, ringBytes, snapBytes }: LiveOptions): LiveCapture {
  if (snapBytes !== undefined) throw new Failure("the npm package cap takes packets whole: leave -s out, or install libpcap", 2);
  if (!Cap.deviceList().some((device) => device.name === name)) {
    throw new Failure(`there is no interface ${name} that packets can be captured on; tallywire interfaces lists them`);
  }
  const packet = Buffer.allocUnsafe(PACKET_BYTES_MAX);
  const cap = new Cap();
  let linkName: string;
  try {
    linkName = cap.open(name, filter ?? "", ringBytes, packet);
  } catch (cause) {
    throw new Failure(`cannot capture on ${name}: ${reasonOf(cause)}`, 1, { cause });
  }
  const linkType = LINK_TYPES[linkName];
  if (linkType === undefined) {
    cap.close();
    throw new Failure(`cannot capture on ${name}: packets of its kind (${linkName}) are not understood; take another interface`);
  }
  const batch = new RecordBatch(core.open("live"), linkType);
  cap.on("packet", (length) => batch.add(packet.subarray(0, length)));
  return {
    words: "the npm package cap: times are this program's, and what the kernel drops is not known",
    knowsDrops: false,
    reopens: false,
    refresh: () => batch.push(),
    async close() {
      cap.close();
      batch.end();
    },
  };
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
  private readonly bytes = new Uint8Array(BATCH_BYTES);
  private readonly view = new DataView(this.bytes.buffer);
  private length = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly input: CoreInput,
    private readonly linkType: number,
  ) {}

  add(packet: Uint8Array): void {
    if (this.length + RECORD_HEADER_BYTES + packet.length > BATCH_BYTES) this.push();
    const ms = performance.timeOrigin + performance.now();
    const seconds = Math.floor(ms / 1000);
    this.view.setUint32(this.length, seconds, true);
    this.view.setUint32(this.length + 4, Math.floor((ms - seconds * 1000) * 1e6), true);
    this.view.setUint32(this.length + 8, packet.length, true);
    this.view.setUint32(this.length + 12, wireBytes(packet), true);
    this.view.setUint32(this.length + 16, 0, true);
    this.view.setUint32(this.length + 20, this.linkType, true);
    this.bytes.set(packet, this.length + RECORD_HEADER_BYTES);
    this.length += RECORD_HEADER_BYTES + packet.length;
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
