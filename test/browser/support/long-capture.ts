/** A capture of any length out of a short one. */

const FILE_HEADER_BYTES = 24;
const RECORD_HEADER_BYTES = 16;

/** A little-endian pcap file `copies` times in a row, each copy two seconds after the one before. */
export function longCapture(capture: Buffer, copies: number): Uint8Array {
  const head = capture.subarray(0, FILE_HEADER_BYTES);
  const records = capture.subarray(FILE_HEADER_BYTES);
  const long = Buffer.alloc(head.length + records.length * copies);
  head.copy(long);
  for (let copy = 0; copy < copies; copy++) {
    const start = head.length + copy * records.length;
    records.copy(long, start);
    for (let at = start; at < start + records.length; ) {
      long.writeUInt32LE(long.readUInt32LE(at) + copy * 2, at);
      at += RECORD_HEADER_BYTES + long.readUInt32LE(at + 8);
    }
  }
  return long;
}
