/** A port scan as records of a capture: SYNs of one client to ports and addresses, cheap enough for millions. */

const RECORD_BYTES = 16;
const FRAME_BYTES = 54;
const BYTES = RECORD_BYTES + FRAME_BYTES;
const SYN = 0x02;
const RST_ACK = 0x14;

/** Where the flags of a segment lie in its record. */
const IP = RECORD_BYTES + 14;
const TCP = IP + 20;

/** One frame without checksums, as a sender leaves them to its network card. */
function template(): Buffer {
  const record = Buffer.alloc(BYTES);
  record.writeUInt32LE(FRAME_BYTES, 8);
  record.writeUInt32LE(FRAME_BYTES, 12);
  record.writeUInt16BE(0x0800, RECORD_BYTES + 12);
  record.writeUInt16BE(0x4500, IP);
  record.writeUInt16BE(40, IP + 2);
  record.writeUInt16BE(0x4006, IP + 8);
  record.writeUInt8(0x50, TCP + 12);
  record.writeUInt16BE(1024, TCP + 14);
  return record;
}

/** Records of `count` SYNs from number `first` on, evenly over `spanNs`; every other one is refused by a RST where `refuses`. */
export function scanRecords(first: number, count: number, fromNs: bigint, spanNs: bigint, refuses: boolean): Buffer {
  const frame = template();
  const records: Buffer[] = [];
  const step = Number(spanNs) / count;
  for (let i = 0; i < count; i++) {
    const number = first + i;
    const micros = fromNs / 1000n + BigInt(Math.floor((i * step) / 1000));
    records.push(segment(frame, number, micros, SYN));
    if (refuses && number % 2 === 1) records.push(segment(frame, number, micros, RST_ACK));
  }
  return Buffer.concat(records);
}

/** The SYN of scan target `number`, or the answer to it. */
function segment(frame: Buffer, number: number, micros: bigint, flags: number): Buffer {
  const record = Buffer.from(frame);
  const [source, destination] = flags === SYN ? [IP + 12, IP + 16] : [IP + 16, IP + 12];
  const [sourcePort, destinationPort] = flags === SYN ? [TCP, TCP + 2] : [TCP + 2, TCP];
  record.writeUInt32LE(Number(micros / 1_000_000n), 0);
  record.writeUInt32LE(Number(micros % 1_000_000n), 4);
  record.writeUInt32BE(0xc633_6401, source);
  record.writeUInt32BE(0x0a00_0000 + (number >>> 8), destination);
  record.writeUInt16BE(50_000 + (number % 1000), sourcePort);
  record.writeUInt16BE(1 + (number % 65_535), destinationPort);
  record.writeUInt32BE(number, TCP + 4);
  record.writeUInt8(flags, TCP + 13);
  return record;
}
