/** Writes Protocol Buffers' encoding front to back; whoever calls knows the messages. */
export class ProtobufWriter {
  private bytes = Buffer.alloc(BYTES_AT_FIRST);
  private length = 0;

  /** All that was written; what is written later may lie in it. */
  get written(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }

  /** uint32, uint64 or an enum, up to 2^53. */
  whole(field: number, value: number): void {
    this.tag(field, VARINT);
    this.varint(value);
  }

  /** sint32. */
  signed(field: number, value: number): void {
    this.whole(field, zigzag(value));
  }

  /** repeated sint64, packed. */
  signedRun(field: number, values: readonly number[]): void {
    this.nested(field, () => {
      for (const value of values) this.varint(zigzag(value));
    });
  }

  double(field: number, value: number): void {
    this.tag(field, FIXED64);
    this.room(8);
    this.length = this.bytes.writeDoubleLE(value, this.length);
  }

  text(field: number, value: string): void {
    const bytes = Buffer.byteLength(value);
    this.tag(field, RUN);
    this.varint(bytes);
    this.room(bytes);
    this.length += this.bytes.write(value, this.length);
  }

  /** A message within this one: all that `write` writes. */
  nested(field: number, write: () => void): void {
    this.tag(field, RUN);
    this.delimited(write);
  }

  /** All that `write` writes, behind its length. */
  delimited(write: () => void): void {
    const start = this.length;
    write();
    const bytes = this.length - start;
    const prefix = varintBytes(bytes);
    this.room(prefix);
    this.bytes.copyWithin(start + prefix, start, this.length);
    this.length = start;
    this.varint(bytes);
    this.length += bytes;
  }

  private tag(field: number, type: number): void {
    this.varint(field * 8 + type);
  }

  /** Without shifts, which know 32 bits alone. */
  private varint(value: number): void {
    this.room(VARINT_BYTES_MAX);
    let left = value;
    for (; left >= 0x80; left = Math.floor(left / 0x80)) this.bytes[this.length++] = (left % 0x80) + 0x80;
    this.bytes[this.length++] = left;
  }

  private room(bytes: number): void {
    if (this.length + bytes <= this.bytes.length) return;
    const larger = Buffer.alloc(2 * (this.length + bytes));
    this.bytes.copy(larger, 0, 0, this.length);
    this.bytes = larger;
  }
}

const BYTES_AT_FIRST = 64 << 10;
const VARINT_BYTES_MAX = 10;
/** Wire types. */
const VARINT = 0;
const FIXED64 = 1;
const RUN = 2;

const zigzag = (value: number) => (value < 0 ? -2 * value - 1 : 2 * value);

function varintBytes(value: number): number {
  let bytes = 1;
  for (let left = value; left >= 0x80; left = Math.floor(left / 0x80)) bytes += 1;
  return bytes;
}
