/** A place in bytes that may end anywhere: what lies behind their end reads as 0, and is said once and for all by `isCut`. */
import { Cut } from "./value";

const VARINT_BYTES_MAX = 10;

export class ByteCursor {
  /** Whether more was asked for than there is. */
  isCut = false;
  private at = 0;
  private readonly view: DataView;

  constructor(private readonly source: Uint8Array) {
    this.view = new DataView(source.buffer, source.byteOffset, source.byteLength);
  }

  get left(): number {
    return this.source.length - this.at;
  }

  i8(): number {
    const at = this.take(1);
    return at < 0 ? 0 : this.view.getInt8(at);
  }

  i16(): number {
    const at = this.take(2);
    return at < 0 ? 0 : this.view.getInt16(at);
  }

  i32(): number {
    const at = this.take(4);
    return at < 0 ? 0 : this.view.getInt32(at);
  }

  i64(): bigint {
    const at = this.take(8);
    return at < 0 ? 0n : this.view.getBigInt64(at);
  }

  skip(count: number): void {
    this.take(count);
  }

  /** A signed number, seven bits a byte (protobuf's sint); beyond 53 bits it is not exact. */
  varint(): number {
    let value = 0;
    for (let i = 0; i < VARINT_BYTES_MAX; i++) {
      const byte = this.i8() & 255;
      if (this.isCut) return 0;
      value += (byte & 127) * 2 ** (7 * i);
      if (byte < 128) return value % 2 === 1 ? -(value + 1) / 2 : value / 2;
    }
    this.isCut = true;
    return 0;
  }

  /** So many bytes, null for fewer than none, a `Cut` where there are not as many. */
  bytes(length: number): Uint8Array | Cut | null {
    if (this.isCut) return new Cut();
    if (length < 0) return null;
    const start = this.at;
    const at = this.take(length);
    if (at >= 0) return this.source.subarray(at, at + length);
    return new Cut(this.source.subarray(start));
  }

  /** Where `count` bytes begin, which are passed; -1 where there are not as many, and nothing more is. */
  private take(count: number): number {
    const at = this.at;
    if (this.isCut || count > this.left) {
      this.isCut = true;
      this.at = this.source.length;
      return -1;
    }
    this.at += count;
    return at;
  }
}
