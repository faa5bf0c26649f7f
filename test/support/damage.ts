/** Captures with something wrong: each way spares so much of the form that the layer it is about is reached. */
import { recordLengths } from "./record-lengths";

/** Gives numbers below a limit. */
type Next = (limit: number) => number;

/** Where a packet's record lies and where its bytes begin. */
interface Place {
  start: number;
  packet: number;
  end: number;
}

const GLOBAL_HEADER_BYTES = 24;
const KUZNETZOV = 0xa1b2cd34;
const ENHANCED_PACKET = 6;
/** Bytes in which the headers of most packets lie. */
const HEADERS_BYTES = 120;

const isPcapng = (bytes: Uint8Array) => bytes[0] === 0x0a;

/** The packets of a capture, as far as its records follow one another. */
function places(bytes: Uint8Array): Place[] {
  if (bytes.length < GLOBAL_HEADER_BYTES) return [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const pcapng = isPcapng(bytes);
  const kuznetzov = [view.getUint32(0, true), view.getUint32(0)].includes(KUZNETZOV);
  const found: Place[] = [];
  let at = 0;
  for (const length of recordLengths(bytes)) {
    const end = Math.min(bytes.length, at + length);
    const isPacket = pcapng ? [view.getUint32(at, true), view.getUint32(at)].includes(ENHANCED_PACKET) : at !== 0;
    const packet = at + (pcapng ? 28 : kuznetzov ? 24 : 16);
    if (isPacket && packet <= end) found.push({ start: at, packet, end: pcapng ? Math.max(packet, end - 4) : end });
    at = end;
    if (at + 8 > bytes.length) break;
  }
  return found;
}

function flipAnywhere(bytes: Uint8Array, next: Next): Uint8Array {
  const flips = 1 + next(Math.min(1000, 2 + (bytes.length >> 8)));
  // The first bytes are spared, else most files would only be of no known format.
  for (let flip = 0; flip < flips; flip++)
    bytes[Math.min(bytes.length - 1, GLOBAL_HEADER_BYTES + next(bytes.length))]! ^= 1 << next(8);
  return bytes;
}

function flipFileHeader(bytes: Uint8Array, next: Next): Uint8Array {
  for (let flip = next(3); flip >= 0; flip--) bytes[next(Math.min(bytes.length, 64))]! ^= 1 << next(8);
  return bytes;
}

/** Changes some of the packets between two distances from their first byte. */
function changePackets(bytes: Uint8Array, next: Next, from: number, to: number): Uint8Array {
  const oneOf = 1 + next(4);
  for (const { packet, end } of places(bytes)) {
    const room = Math.min(end - packet, to) - from;
    if (room <= 0 || next(oneOf) !== 0) continue;
    for (let change = next(3); change >= 0; change--) {
      const at = packet + from + next(room);
      bytes[at] = next(2) === 0 ? bytes[at]! ^ (1 << next(8)) : [0, 0xff, 0x7f, 0x80, 1, 10, 13, 32, next(256)][next(9)]!;
    }
  }
  return bytes;
}

/** Changes times and lengths: what a record says of itself. */
function changeRecords(bytes: Uint8Array, next: Next): Uint8Array {
  const oneOf = 1 + next(40);
  for (const { start, packet } of places(bytes)) if (next(oneOf) === 0) bytes[start + next(packet - start)]! ^= 1 << next(8);
  return bytes;
}

/** Puts records into another order near by, leaves some out and has some twice. */
function reorder(bytes: Uint8Array, next: Next): Uint8Array {
  const records = places(bytes);
  const [first] = records;
  if (isPcapng(bytes) || first === undefined) return bytes;
  const parts = records.map(({ start, end }) => bytes.subarray(start, end));
  const reach = 1 + next(8);
  for (let index = 0; index < parts.length; index++) {
    const other = Math.min(parts.length - 1, index + next(reach));
    [parts[index], parts[other]] = [parts[other]!, parts[index]!];
  }
  const oneOf = 2 + next(30);
  const kept = parts.flatMap((part) => (next(oneOf) !== 0 ? [part] : next(2) === 0 ? [] : [part, part]));
  return Uint8Array.from(Buffer.concat([bytes.subarray(0, first.start), ...kept]));
}

/** Shortens what was captured of packets, as a snap length would, each at a place of its own. */
function snap(bytes: Uint8Array, next: Next): Uint8Array {
  const records = places(bytes);
  const [first] = records;
  if (isPcapng(bytes) || first === undefined) return bytes;
  const little = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true) >>> 16 === 0xa1b2;
  const parts = records.map(({ start, packet, end }) => {
    const length = next(3) === 0 ? next(end - packet + 1) : end - packet;
    const part = bytes.slice(start, packet + length);
    new DataView(part.buffer).setUint32(8, length, little);
    return part;
  });
  return Uint8Array.from(Buffer.concat([bytes.subarray(0, first.start), ...parts]));
}

/** Everything at once. */
function mix(bytes: Uint8Array, next: Next): Uint8Array {
  return changeRecords(changePackets(snap(reorder(bytes, next), next), next, 0, 1500), next);
}

/** What can be wrong with a capture, each in a copy of `bytes` that is the same whenever `next` gives the same numbers. */
export const DAMAGES: Record<string, (bytes: Uint8Array, next: Next) => Uint8Array> = {
  "bits flipped anywhere": flipAnywhere,
  "bits flipped in the file's header": flipFileHeader,
  "headers of packets changed": (bytes, next) => changePackets(bytes, next, 0, HEADERS_BYTES),
  "payloads changed": (bytes, next) => changePackets(bytes, next, 34, 1 << 20),
  "times and lengths of records changed": changeRecords,
  "records out of order, lost and doubled": reorder,
  "packets cut short": snap,
  "all of it": mix,
};
