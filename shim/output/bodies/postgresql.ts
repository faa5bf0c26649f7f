/**
 * What PostgreSQL carries: the values that a statement is executed with, the rows that it brings, and the lines of a COPY
 * (assembly/protocols/postgresql/payload.ts says in which form they are kept).
 */
import type { BodyOwner, MessageFields } from "../../../engine/round-trip";
import { Cut, Members, textOf, type Value } from "./value";

const BIND = "B";
const COLUMNS = "T";
const ROW = "D";
const COPY_DATA = "d";
/** Bytes of type and length. */
const HEADER_BYTES = 5;
const NULL_LENGTH = -1;

/** Numbers of types (pg_type.dat of PostgreSQL's sources). */
const TYPE = { bool: 16, int8: 20, int2: 21, int4: 23, oid: 26, json: 114, float4: 700, float8: 701, uuid: 2950 };
const INTEGERS: ReadonlySet<number> = new Set([TYPE.int8, TYPE.int2, TYPE.int4, TYPE.oid]);
const FLOATS: ReadonlySet<number> = new Set([TYPE.float4, TYPE.float8]);

interface Column {
  name: string;
  type: number;
  isBinary: boolean;
}

/** Values, rows and lines, one of them each. */
export function postgresqlValues(bytes: Uint8Array, _: MessageFields, __: BodyOwner): Value[] {
  return new Reader(bytes).all();
}

/** Reads messages one after the other; the last may be cut anywhere. */
class Reader {
  private readonly view: DataView;
  private at = 0;
  private columns: Column[] = [];

  constructor(private readonly bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  all(): Value[] {
    const values: Value[] = [];
    while (this.at < this.bytes.length) {
      const value = this.one();
      if (value !== undefined) values.push(value);
    }
    return values;
  }

  /** The next message's value; what is none of these ends all. */
  private one(): Value | undefined {
    const type = String.fromCharCode(this.bytes[this.at]!);
    if (type === COLUMNS) return this.describe();
    if (type === BIND) return this.bound();
    if (type !== ROW && type !== COPY_DATA) return this.end();
    if (this.at + HEADER_BYTES > this.bytes.length) return this.end();
    const next = this.at + 1 + this.view.getUint32(this.at + 1);
    this.at += HEADER_BYTES;
    const value = type === ROW ? this.row() : this.line(next);
    this.at = Math.max(this.at, next);
    return value;
  }

  private end(): Value {
    this.at = this.bytes.length;
    return new Cut();
  }

  private line(next: number): Value {
    const line = this.bytes.subarray(this.at, next);
    return next > this.bytes.length ? new Cut(line) : withoutLineEnd(line);
  }

  /** Names, types and formats; of those that are not all there rows have none. */
  private describe(): undefined {
    const { at } = this;
    this.columns = [];
    if (at + 3 > this.bytes.length) return void this.end();
    const count = this.view.getUint16(at + 1);
    this.at += 3;
    while (this.columns.length < count) {
      const nameEnd = this.bytes.indexOf(0, this.at);
      const isCut = nameEnd < 0 || (nameEnd !== this.at && nameEnd + 7 > this.bytes.length);
      if (isCut) return void this.end();
      const name = Buffer.from(this.bytes.subarray(this.at, nameEnd)).toString();
      this.at = nameEnd + 1;
      if (name === "") return;
      this.columns.push({ name, type: this.view.getUint32(this.at), isBinary: this.view.getUint16(this.at + 4) === 1 });
      this.at += 6;
    }
  }

  /** Formats, values, and formats of what comes back. */
  private bound(): Value | undefined {
    this.at += 1;
    const formats = this.numbers();
    if (this.at + 2 > this.bytes.length) return this.end();
    const count = this.view.getUint16(this.at);
    const isBinary = (index: number) => (formats.length === 1 ? formats[0] : formats[index]) === 1;
    const values = this.values((index) => ({ name: "", type: 0, isBinary: isBinary(index) }));
    if (values.length === count && !(values.at(-1) instanceof Cut)) this.numbers();
    return values.length === 0 ? undefined : values;
  }

  private numbers(): number[] {
    const numbers: number[] = [];
    if (this.at + 2 > this.bytes.length) return [];
    const count = this.view.getUint16(this.at);
    this.at += 2;
    while (numbers.length < count && this.at + 2 <= this.bytes.length) {
      numbers.push(this.view.getUint16(this.at));
      this.at += 2;
    }
    return numbers;
  }

  private row(): Value {
    if (this.at + 2 > this.bytes.length) return this.end();
    const count = this.view.getUint16(this.at);
    const columns = this.columns.length === count ? this.columns : [];
    const values = this.values((index) => columns[index]);
    if (columns.length === 0) return values;
    return new Members(values.map((value, index) => [columns[index]!.name, value] as const));
  }

  /** As many values as a number says, each behind its length. */
  private values(columnOf: (index: number) => Column | undefined): Value[] {
    const values: Value[] = [];
    const count = this.view.getUint16(this.at);
    this.at += 2;
    while (values.length < count) {
      if (this.at + 4 > this.bytes.length) return [...values, this.end()];
      const length = this.view.getInt32(this.at);
      this.at += 4;
      if (length <= NULL_LENGTH) {
        values.push(null);
        continue;
      }
      const content = this.bytes.subarray(this.at, this.at + length);
      this.at += content.length;
      if (content.length < length) return [...values, new Cut(content)];
      values.push(typedValue(content, columnOf(values.length)));
    }
    return values;
  }
}

function withoutLineEnd(line: Uint8Array): Uint8Array {
  return line.at(-1) === 10 ? line.subarray(0, -1) : line;
}

/** A value by its column's type and format; bytes where they are not known. */
function typedValue(content: Uint8Array, column: Column | undefined): Value {
  if (column === undefined) return content;
  if (column.isBinary) return binaryValue(content, column.type);
  const text = textOf(content);
  if (text === undefined) return content;
  if (column.type === TYPE.bool && /^[tf]$/.test(text)) return text === "t";
  if (INTEGERS.has(column.type) && /^-?\d{1,20}$/.test(text)) return BigInt(text);
  if (FLOATS.has(column.type) && Number.isFinite(Number(text)) && text.trim() !== "") return Number(text);
  return text;
}

function binaryValue(content: Uint8Array, type: number): Value {
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  const is = (wanted: number, bytes: number) => type === wanted && content.length === bytes;
  if (is(TYPE.bool, 1)) return content[0] === 1;
  if (is(TYPE.int2, 2)) return view.getInt16(0);
  if (is(TYPE.int4, 4)) return view.getInt32(0);
  if (is(TYPE.oid, 4)) return view.getUint32(0);
  if (is(TYPE.int8, 8)) return view.getBigInt64(0);
  if (is(TYPE.float4, 4)) return view.getFloat32(0);
  if (is(TYPE.float8, 8)) return view.getFloat64(0);
  if (is(TYPE.uuid, 16)) {
    return Buffer.from(content)
      .toString("hex")
      .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  }
  return content;
}
