/**
 * Inflates gzip files of any number of members (RFC 1951, RFC 1952), in bounded memory, from any chunks.
 *
 * Browsers inflate the first member only, and where something is wrong they drop what they had of the last chunk. This is slower
 * and gives out everything up to the very fault. Behind the last member zeros are padding, and all else is left out and noted, as
 * by gzip itself.
 */
import { beginsGzip, GZIP_TRAILER_BYTES, GzipError, gzipHeaderBytes } from "../../engine/gzip";
import { Huffman, readCodes } from "./huffman";

const WINDOW_BYTES = 1 << 15;
const OUTPUT_BYTES = 1 << 18;
/** The longest match, and so the room that one symbol needs. */
const MATCH_BYTES_MAX = 258;
/** Input bytes that hold one symbol for certain, or the codes of one block. */
const SYMBOL_BYTES = 8;
const CODES_BYTES = 640;
const STORED_BYTES = 8;

const STORED = 0;
const FIXED = 1;
const DYNAMIC = 2;
const END_OF_BLOCK = 256;
const LENGTH_BITS = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const DISTANCE_BITS = [0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13];
/** The last length has a symbol of its own. */
const LENGTHS = [...bases(3, LENGTH_BITS.slice(0, -1)), MATCH_BYTES_MAX];
const DISTANCES = bases(1, DISTANCE_BITS);
const FIXED_LITERALS = new Huffman(
  Uint8Array.from({ length: 288 }, (_, symbol) => (symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8)),
);
const FIXED_DISTANCES = new Huffman(new Uint8Array(32).fill(5));

const CRC = Int32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/** The least number of each symbol, where `bits` more bits tell its numbers apart. */
function bases(first: number, bits: readonly number[]): number[] {
  let next = first;
  return bits.map((count) => {
    const base = next;
    next += 1 << count;
    return base;
  });
}

function crcOf(crc: number, bytes: Uint8Array): number {
  let value = crc;
  for (let at = 0; at < bytes.length; at++) value = CRC[(value ^ bytes[at]!) & 255]! ^ (value >>> 8);
  return value;
}

/** Reads a gzip file that is given to it chunk after chunk. */
export class Gunzip {
  /** Whether something follows the last member that is neither another nor padding. */
  isFollowed = false;
  /** Reads what comes next; false where that takes more input. */
  private next: () => boolean = this.header;
  private input: Uint8Array = new Uint8Array(0);
  private at = 0;
  private bits = 0;
  private bitCount = 0;
  /** No more input will come: what is missing reads as zeros, which is found out before they count. */
  private ended = false;
  private isLastBlock = false;
  private storedBytes = 0;
  private literals = FIXED_LITERALS;
  private distances = FIXED_DISTANCES;
  /** What was given out last, into which matches reach back, and from `from` to `to` what was not given out yet. */
  private readonly output = new Uint8Array(WINDOW_BYTES + OUTPUT_BYTES);
  private from = 0;
  private to = 0;
  /** Of the member that was given out. */
  private bytes = 0;
  private crc = -1;

  /** `take` gets what comes out; it holds until the call returns. */
  constructor(private readonly take: (chunk: Uint8Array) => void) {}

  /** Takes the next bytes of the file. Throws GzipError; what came before the fault was given out. */
  write(chunk: Uint8Array): void {
    this.giveBack();
    const kept = this.input.subarray(this.at);
    this.input = new Uint8Array(kept.length + chunk.length);
    this.input.set(kept);
    this.input.set(chunk, kept.length);
    this.at = 0;
    this.advance();
  }

  /** The file is at its end. Throws GzipError where it should go on. */
  end(): void {
    this.ended = true;
    this.advance();
    if (this.next !== this.between && this.next !== this.behind) throw new GzipError("it ends early");
  }

  private advance(): void {
    try {
      while (this.next());
    } finally {
      this.give();
    }
  }

  /** Whether so many bytes are there, or all that there will ever be. */
  private has(bytes: number): boolean {
    return this.ended || this.input.length - this.at >= bytes;
  }

  private between(): boolean {
    const here = this.input.subarray(this.at);
    if (here.length === 0) return false;
    if (beginsGzip(here)) {
      if (here.length < 2 && !this.ended) return false;
      this.next = this.header;
    } else {
      this.isFollowed = here[0] !== 0;
      this.next = this.behind;
    }
    return true;
  }

  /** Steps over what lies behind the last member. */
  private behind(): boolean {
    this.at = this.input.length;
    return false;
  }

  private header(): boolean {
    const length = gzipHeaderBytes(this.input.subarray(this.at), (bytes) => ~crcOf(-1, bytes));
    if (length === undefined) return false;
    this.at += length;
    this.bytes = 0;
    this.crc = -1;
    this.next = this.block;
    return true;
  }

  private block(): boolean {
    if (!this.has(CODES_BYTES)) return false;
    this.isLastBlock = this.read(1) === 1;
    const type = this.read(2);
    if (type === STORED) {
      this.next = this.storedLength;
    } else if (type === FIXED) {
      this.literals = FIXED_LITERALS;
      this.distances = FIXED_DISTANCES;
      this.next = this.symbols;
    } else if (type === DYNAMIC) {
      const codes = readCodes((count) => this.read(count));
      if (typeof codes === "string") throw new GzipError(codes);
      [this.literals, this.distances] = codes;
      this.next = this.symbols;
    } else {
      throw new GzipError("a block is of no type");
    }
    return true;
  }

  private storedLength(): boolean {
    if (!this.has(STORED_BYTES)) return false;
    this.align();
    const length = this.read(16);
    if ((length ^ this.read(16)) !== 0xffff) throw new GzipError("a stored block is damaged");
    this.storedBytes = length;
    this.align();
    this.next = this.stored;
    return true;
  }

  private stored(): boolean {
    if (this.storedBytes === 0) return this.endBlock();
    const length = Math.min(this.storedBytes, this.input.length - this.at, this.room(1));
    this.output.set(this.input.subarray(this.at, this.at + length), this.to);
    this.at += length;
    this.to += length;
    this.storedBytes -= length;
    return length !== 0;
  }

  private symbols(): boolean {
    const { output } = this;
    while (this.has(SYMBOL_BYTES)) {
      if (output.length - this.to < MATCH_BYTES_MAX) this.room(MATCH_BYTES_MAX);
      const symbol = this.symbolOf(this.literals);
      if (symbol < END_OF_BLOCK) output[this.to++] = symbol;
      else if (symbol === END_OF_BLOCK) return this.endBlock();
      else this.match(symbol - END_OF_BLOCK - 1);
    }
    return false;
  }

  private match(symbol: number): void {
    if (symbol >= LENGTHS.length) throw new GzipError("a length is of no symbol");
    const length = LENGTHS[symbol]! + this.read(LENGTH_BITS[symbol]!);
    const far = this.symbolOf(this.distances);
    if (far >= DISTANCES.length) throw new GzipError("a distance is of no symbol");
    const distance = DISTANCES[far]! + this.read(DISTANCE_BITS[far]!);
    if (distance > this.bytes + this.to - this.from) throw new GzipError("a distance reaches back too far");
    const { output, to } = this;
    if (distance >= length) output.copyWithin(to, to - distance, to - distance + length);
    else for (let at = to; at < to + length; at++) output[at] = output[at - distance]!;
    this.to = to + length;
  }

  private endBlock(): boolean {
    this.next = this.isLastBlock ? this.trailer : this.block;
    return true;
  }

  private trailer(): boolean {
    if (!this.has(GZIP_TRAILER_BYTES)) return false;
    this.align();
    this.give();
    const crc = this.read(16) | (this.read(16) << 16);
    if (crc !== ~this.crc) throw new GzipError("its content is not what its checksum says");
    const length = this.read(16) | (this.read(16) << 16);
    if (length !== (this.bytes | 0)) throw new GzipError("its content is not as long as it says");
    this.next = this.between;
    return true;
  }

  /** Makes sure that `count` bits, at most 16, are in `bits`. */
  private fill(count: number): void {
    while (this.bitCount < count) {
      this.bits |= this.input[this.at++]! << this.bitCount;
      this.bitCount += 8;
    }
  }

  /** Takes bits out, of which `fill` made sure; here it shows where the input ended before them. */
  private drop(count: number): void {
    this.bits >>>= count;
    this.bitCount -= count;
    if (this.at > this.input.length && this.at * 8 - this.bitCount > this.input.length * 8) throw new GzipError("it ends early");
  }

  /** Reads a number of at most 16 bits. */
  private read(count: number): number {
    this.fill(count);
    const value = this.bits & ((1 << count) - 1);
    this.drop(count);
    return value;
  }

  private symbolOf({ table, mask }: Huffman): number {
    this.fill(15);
    const found = table[this.bits & mask]!;
    this.drop(found & 15 || 1);
    if (found === 0) throw new GzipError("a code is of no symbol");
    return found >> 4;
  }

  /** Gives back the whole bytes that were read ahead. */
  private giveBack(): void {
    this.at -= this.bitCount >> 3;
    this.bitCount &= 7;
    this.bits &= (1 << this.bitCount) - 1;
  }

  /** Goes to the next whole byte. */
  private align(): void {
    this.giveBack();
    this.bits = 0;
    this.bitCount = 0;
  }

  /** Makes room for `bytes` bytes of output and gives how many there is room for. */
  private room(bytes: number): number {
    if (this.output.length - this.to < bytes) {
      this.give();
      this.output.copyWithin(0, this.to - WINDOW_BYTES, this.to);
      this.from = WINDOW_BYTES;
      this.to = WINDOW_BYTES;
    }
    return this.output.length - this.to;
  }

  /** Gives out what there is. */
  private give(): void {
    const chunk = this.output.subarray(this.from, this.to);
    this.from = this.to;
    if (chunk.length === 0) return;
    this.bytes += chunk.length;
    this.crc = crcOf(this.crc, chunk);
    this.take(chunk);
  }
}
