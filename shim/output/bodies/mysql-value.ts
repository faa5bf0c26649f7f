/** Values of MySQL, as texts and in binary (MySQL Internals, "Binary Protocol Value"). */
import { Cut, textOf, type Value } from "./value";

/** How a column or parameter is read. */
export interface Typed {
  type: number;
  isUnsigned: boolean;
}

const TYPE = {
  decimal: 0,
  tiny: 1,
  short: 2,
  long: 3,
  float: 4,
  double: 5,
  null: 6,
  timestamp: 7,
  longLong: 8,
  int24: 9,
  date: 10,
  time: 11,
  dateTime: 12,
  year: 13,
  unknown: 255,
};
const INTEGER_BYTES: ReadonlyMap<number, number> = new Map([
  [TYPE.tiny, 1],
  [TYPE.short, 2],
  [TYPE.year, 2],
  [TYPE.long, 4],
  [TYPE.int24, 4],
  [TYPE.longLong, 8],
]);
const FLOATS: ReadonlySet<number> = new Set([TYPE.float, TYPE.double]);
const DATES: ReadonlySet<number> = new Set([TYPE.date, TYPE.timestamp, TYPE.dateTime]);
/** Bytes of a number behind the byte that says so. */
const LENGTH_BYTES: ReadonlyMap<number, number> = new Map([
  [252, 2],
  [253, 3],
  [254, 8],
]);

/** Whether texts of a type are numbers: decimals are none, whose digits a number may not have. */
export function isNumeric(type: number): boolean {
  return INTEGER_BYTES.has(type) || FLOATS.has(type);
}

/** The number that a text is; the text itself where it is none. */
export function numberOf(text: Uint8Array): Value {
  const word = textOf(text) ?? "";
  if (/^[+-]?\d{1,40}$/.test(word)) return BigInt(word.replace("+", ""));
  return /^[+-]?[\d.]{1,400}(e[+-]?\d{1,4})?$/i.test(word) && Number.isFinite(Number(word)) ? Number(word) : text;
}

/** Reads bytes, least significant first, that may end anywhere: what is not there is zero, or no bytes. */
export class MysqlReader {
  private at = 0;

  constructor(
    private readonly bytes: Uint8Array,
    /** Whether there were more. */
    readonly isCut = false,
  ) {}

  get isAtEnd(): boolean {
    return this.at >= this.bytes.length;
  }

  get next(): number {
    return this.bytes[this.at] ?? 0;
  }

  take(length: number): Uint8Array {
    const taken = this.bytes.subarray(this.at, this.at + length);
    this.at += taken.length;
    return taken;
  }

  rest(): Uint8Array {
    return this.take(this.bytes.length);
  }

  number(bytes: number): number {
    return this.take(bytes).reduce((value, byte, index) => value + byte * 2 ** (8 * index), 0);
  }

  /** A text behind its length; undefined where it is not there to its end, and what there is of it is the rest. */
  text(): Uint8Array | undefined {
    const first = this.number(1);
    const bytes = LENGTH_BYTES.get(first) ?? 0;
    if (this.at + bytes > this.bytes.length) this.at = this.bytes.length;
    const length = bytes === 0 ? first : this.number(bytes);
    return this.at + length > this.bytes.length || (bytes !== 0 && this.isAtEnd) ? undefined : this.take(length);
  }
}

/** The next value, of which not all may be there. */
export function binaryValue(reader: MysqlReader, { type, isUnsigned }: Typed): Value {
  const bytes = INTEGER_BYTES.get(type) ?? (type === TYPE.float ? 4 : type === TYPE.double ? 8 : 0);
  if (bytes !== 0) {
    const taken = reader.take(bytes);
    return taken.length < bytes ? new Cut() : fixedValue(taken, type, isUnsigned);
  }
  if (type === TYPE.null) return null;
  if (type === TYPE.unknown) return new Cut(reader.rest());
  const text = reader.text();
  if (text === undefined) return new Cut(DATES.has(type) || type === TYPE.time ? "" : reader.rest());
  if (DATES.has(type)) return dateOf(new MysqlReader(text), text.length, type);
  return type === TYPE.time ? timeOf(new MysqlReader(text), text.length) : text;
}

function fixedValue(taken: Uint8Array, type: number, isUnsigned: boolean): Value {
  const view = new DataView(taken.buffer, taken.byteOffset, taken.byteLength);
  if (type === TYPE.float) return finite(shortest(view.getFloat32(0, true)));
  if (type === TYPE.double) return finite(view.getFloat64(0, true));
  const value = taken.reduce((sum, byte, index) => sum + (BigInt(byte) << BigInt(8 * index)), 0n);
  return isUnsigned || type === TYPE.year ? value : BigInt.asIntN(8 * taken.length, value);
}

function finite(value: number): Value {
  return Number.isFinite(value) ? value : new Cut();
}

/** A number of four bytes as it is written: with no more digits than tell it from its neighbours. */
function shortest(value: number): number {
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return value;
}

const padded = (value: number, digits = 2) => String(value).padStart(digits, "0");

/** Year u16, month, day | hour, minute, second | microseconds u32. */
function dateOf(reader: MysqlReader, length: number, type: number): Value {
  const date = `${padded(reader.number(2), 4)}-${padded(reader.number(1))}-${padded(reader.number(1))}`;
  return type === TYPE.date && length <= 4 ? date : `${date} ${clockOf(reader, length > 7, 0)}`;
}

/** Is negative, days u32, hour, minute, second | microseconds u32. */
function timeOf(reader: MysqlReader, length: number): Value {
  const sign = reader.number(1) === 1 ? "-" : "";
  return `${sign}${clockOf(reader, length > 8, 24 * reader.number(4))}`;
}

function clockOf(reader: MysqlReader, hasFraction: boolean, hours: number): string {
  const clock = `${padded(hours + reader.number(1))}:${padded(reader.number(1))}:${padded(reader.number(1))}`;
  return hasFraction ? `${clock}.${padded(reader.number(4), 6)}` : clock;
}
