/** Shares a capture's packets among cores as the kernel does among the threads of an agent, and makes one minute of each of theirs. */
import module from "../../build/core.wasm";
import { Core, type CoreInput, type CoreOptions } from "../../engine/core";
import { ThreadMinutes } from "../../shim/agent/thread-minutes";
import { fanoutProgram } from "../../shim/capture/fanout-program";
import { bare, type KernelPacket, received, runProgram, sent } from "./kernel-bpf";
import { type PacketRecord, packetRecords } from "./oracle/capture-file";

const ETHERNET = 1;
const LINUX_COOKED = 113;
const LINUX_COOKED_2 = 276;
const IP_LINKS = new Set([12, 14, 101, 228, 229]);
const HEADER_BYTES = 24;
const SECOND_NS = 1_000_000_000n;

const PROGRAM = fanoutProgram();

/** A record as the kernel would have handed it to a program: frames as they go out, packets of other links behind their header. */
function kernelPacket({ linkType, bytes: view }: PacketRecord): KernelPacket {
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  if (linkType === ETHERNET) return sent(bytes);
  if (linkType === LINUX_COOKED && bytes.length >= 16) return { ...bare(bytes.subarray(16)), etherType: view.getUint16(14) };
  if (linkType === LINUX_COOKED_2 && bytes.length >= 20) return { ...bare(bytes.subarray(20)), etherType: view.getUint16(0) };
  return IP_LINKS.has(linkType) ? bare(bytes) : { ...bare(bytes), etherType: 0 };
}

/** The number that the kernel shares a packet out by. */
export function fanoutNumber(packet: KernelPacket): number {
  return runProgram(PROGRAM, packet);
}

/** The same of a frame, whichever way it goes. Throws where the ways differ. */
export function numberOfFrame(frame: Uint8Array): number {
  const [out, into] = [fanoutNumber(sent(frame)), fanoutNumber(received(frame))];
  if (out !== into) throw new Error(`${out} where it goes out, ${into} where it comes in`);
  return out;
}

/** A record of live input (assembly/capture/live.ts). */
function liveRecord({ timeNs, linkType, bytes, wireBytes }: PacketRecord): Uint8Array {
  const record = new Uint8Array(HEADER_BYTES + bytes.byteLength);
  const view = new DataView(record.buffer);
  view.setUint32(0, Number(timeNs / SECOND_NS), true);
  view.setUint32(4, Number(timeNs % SECOND_NS), true);
  view.setUint32(8, bytes.byteLength, true);
  view.setUint32(12, wireBytes, true);
  view.setUint16(20, linkType, true);
  record.set(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength), HEADER_BYTES);
  return record;
}

/** One core with its live input. */
class Thread {
  private readonly core: Core;
  private readonly input: CoreInput;

  constructor(options: CoreOptions, take: (bundle: Uint8Array) => void) {
    this.core = new Core(module, { bootId: 7n, ...options });
    this.core.drainTo({ bundle: (bytes) => take(bytes.slice()) });
    this.input = this.core.open("live");
  }

  write(record: Uint8Array): void {
    this.input.write(record);
  }

  tick(timeNs: bigint): void {
    this.core.tick(Number(timeNs / SECOND_NS), Number(timeNs % SECOND_NS));
  }

  end(): void {
    this.input.end();
    this.core.flush();
  }
}

/** What one core makes of a capture. */
export function alone(capture: Uint8Array, options: CoreOptions = {}): Uint8Array[] {
  const bundles: Uint8Array[] = [];
  const thread = new Thread(options, (bundle) => bundles.push(bundle));
  for (const record of packetRecords(capture)) thread.write(liveRecord(record));
  thread.end();
  return bundles;
}

/** What several threads make of it together, and how many packets each of them took. All know the time of each packet, as by a clock. */
export function shared(
  capture: Uint8Array,
  count: number,
  options: CoreOptions = {},
): { bundles: Uint8Array[]; packets: number[] } {
  const bundles: Uint8Array[] = [];
  const packets = new Array<number>(count).fill(0);
  const minutes = new ThreadMinutes(new Core(module, { role: "hub" }), count, (bundle) => bundles.push(bundle));
  const threads = packets.map(
    (_, index) => new Thread({ ...options, thread: index + 1 }, (bundle) => minutes.add(index, bundle, 0)),
  );
  for (const record of packetRecords(capture)) {
    const mine = fanoutNumber(kernelPacket(record)) % count;
    packets[mine]! += 1;
    for (const [index, thread] of threads.entries()) if (index !== mine) thread.tick(record.timeNs);
    threads[mine]!.write(liveRecord(record));
  }
  for (const thread of threads) thread.end();
  minutes.end();
  return { bundles, packets };
}
