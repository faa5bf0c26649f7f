/**
 * Documents of BSON (bsonspec.org) as relaxed Extended JSON has them, as far as their bytes go.
 *
 * ```
 *   document:  length i32 | elements | 0          element:  type u8 | name, ended by 0 | value
 * ```
 */
import { decimalText } from "./decimal128";
import { Cut, Members, Shown, type Value } from "./value";

/** Documents are nested no deeper by servers. */
const DEPTH_MAX = 100;
const OBJECT_ID_BYTES = 12;
const DECIMAL_BYTES = 16;
/** Milliseconds at the end of the year 9999, up to which a date is written as one. */
const DATE_MAX = 253402300799999n;

type Pair = readonly [name: Value, value: Value];
/** What stands for a value whose name is a text; undefined for the value itself. */
export type Shows = (name: string, value: Value, index: number) => Value | undefined;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export class BsonReader {
  /** Whether there was less than was said, or something else. */
  isCut = false;
  at = 0;
  private readonly view: DataView;

  constructor(private readonly bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get left(): number {
    return this.bytes.length - this.at;
  }

  u8(): number {
    const at = this.take(1);
    return at < 0 ? 0 : this.bytes[at]!;
  }

  i32(): number {
    const at = this.take(4);
    return at < 0 ? 0 : this.view.getInt32(at, true);
  }

  skip(count: number): void {
    this.take(count);
  }

  /** Steps over a text that ends with 0. */
  skipName(): void {
    this.name();
  }

  /** The document that begins here, `shows` for its own values. */
  document(shows?: Shows): Value {
    return this.nested(0, false, shows);
  }

  private nested(depth: number, isArray: boolean, shows?: Shows): Value {
    const start = this.at;
    const length = this.i32();
    if (this.isCut || length < 5) return this.cut();
    if (depth === DEPTH_MAX) {
      this.skip(length - 4);
      return new Cut();
    }
    const pairs: Pair[] = [];
    while (true) {
      const type = this.u8();
      if (type === 0 && !this.isCut) break;
      const name = this.name();
      if (this.isCut) {
        pairs.push([new Cut(), new Cut()]);
        break;
      }
      const value = this.value(type, depth);
      pairs.push([name, shows?.(name, value, pairs.length) ?? value]);
      if (this.isCut) break;
    }
    if (!this.isCut && this.at !== start + length) this.isCut = true;
    return isArray ? pairs.map(([, value]) => value) : new Members(pairs);
  }

  private value(type: number, depth: number): Value {
    switch (type) {
      case 1:
        return this.double();
      case 2:
        return this.text();
      case 3:
        return this.nested(depth + 1, false);
      case 4:
        return this.nested(depth + 1, true);
      case 5:
        return this.binary();
      case 8: {
        const isTrue = this.u8() !== 0;
        return this.isCut ? new Cut() : isTrue;
      }
      case 9:
        return this.date();
      case 10:
        return null;
      case 15:
        return this.scopedCode(depth);
      case 16: {
        const number = this.i32();
        return this.isCut ? new Cut() : number;
      }
      case 18:
        return this.i64() ?? new Cut();
      default:
        return this.named(type);
    }
  }

  /** Types that Extended JSON writes as an object with a name of its own. */
  private named(type: number): Value {
    switch (type) {
      case 6:
        return one("$undefined", true);
      case 7:
        return one("$oid", this.hex(OBJECT_ID_BYTES));
      case 11:
        return one("$regularExpression", new Members([pair("pattern", this.cText()), pair("options", this.cText())]));
      case 12:
        return one("$dbPointer", new Members([pair("$ref", this.text()), pair("$id", one("$oid", this.hex(OBJECT_ID_BYTES)))]));
      case 13:
        return one("$code", this.text());
      case 14:
        return one("$symbol", this.text());
      case 17: {
        const stamp = this.i64();
        if (stamp === undefined) return new Cut();
        const parts = BigInt.asUintN(64, stamp);
        return one("$timestamp", new Members([pair("t", parts >> 32n), pair("i", parts & 0xffffffffn)]));
      }
      case 19: {
        const at = this.take(DECIMAL_BYTES);
        if (at < 0) return new Cut();
        return one("$numberDecimal", decimalText(this.view.getBigUint64(at, true), this.view.getBigUint64(at + 8, true)));
      }
      case 127:
        return one("$maxKey", new Shown("1"));
      case 255:
        return one("$minKey", new Shown("1"));
      default:
        return this.cut();
    }
  }

  private double(): Value {
    const at = this.take(8);
    if (at < 0) return new Cut();
    const number = this.view.getFloat64(at, true);
    if (Object.is(number, -0)) return one("$numberDouble", "-0.0");
    return Number.isFinite(number) ? number : one("$numberDouble", String(number));
  }

  private i64(): bigint | undefined {
    const at = this.take(8);
    return at < 0 ? undefined : this.view.getBigInt64(at, true);
  }

  private date(): Value {
    const milliseconds = this.i64();
    if (milliseconds === undefined) return new Cut();
    if (milliseconds < 0n || milliseconds > DATE_MAX) return one("$date", one("$numberLong", String(milliseconds)));
    return one("$date", new Date(Number(milliseconds)).toISOString().replace(".000Z", "Z"));
  }

  private binary(): Value {
    const length = this.i32();
    const type = this.u8();
    if (this.isCut || length < 0) return this.cut();
    const kept = this.some(length);
    const base64 = Buffer.from(kept).toString("base64");
    const content = this.isCut ? new Cut(base64) : base64;
    const subType = new Shown(`"${type.toString(16).padStart(2, "0")}"`);
    return one("$binary", new Members([pair("base64", content), pair("subType", subType)]));
  }

  private scopedCode(depth: number): Value {
    this.skip(4);
    const code = this.text();
    return new Members([pair("$code", code), pair("$scope", this.isCut ? new Cut() : this.nested(depth + 1, false))]);
  }

  private text(): Value {
    const length = this.i32();
    if (this.isCut || length < 1) return this.cut();
    const kept = this.some(length);
    return this.isCut ? new Cut(kept.subarray(0, length - 1)) : textValue(kept.subarray(0, length - 1));
  }

  private hex(count: number): Value {
    const kept = Buffer.from(this.some(count)).toString("hex");
    return this.isCut ? new Cut(kept) : kept;
  }

  /** The text that ends with the next 0. */
  private cText(): Value {
    if (this.isCut) return new Cut();
    const end = this.bytes.indexOf(0, this.at);
    const kept = this.some((end < 0 ? this.bytes.length : end) - this.at);
    if (end < 0) {
      this.isCut = true;
      return new Cut(kept);
    }
    this.at += 1;
    return textValue(kept);
  }

  private name(): string {
    const value = this.cText();
    return typeof value === "string" ? value : value instanceof Uint8Array ? Buffer.from(value).toString("latin1") : "";
  }

  /** The next `count` bytes, or as many as there are. */
  private some(count: number): Uint8Array {
    const start = this.at;
    const at = this.take(count);
    return at >= 0 ? this.bytes.subarray(at, at + count) : this.bytes.subarray(start);
  }

  private cut(): Cut {
    this.isCut = true;
    return new Cut();
  }

  /** Where `count` bytes begin, which are passed; -1 where there are not as many, and nothing more is. */
  private take(count: number): number {
    const at = this.at;
    if (this.isCut || count > this.left) {
      this.isCut = true;
      this.at = this.bytes.length;
      return -1;
    }
    this.at += count;
    return at;
  }
}

function pair(name: string, value: Value): Pair {
  return [name, value];
}

function one(name: string, value: Value): Value {
  return new Members([pair(name, value)]);
}

/** A text; bytes where it is none. */
function textValue(bytes: Uint8Array): Value {
  try {
    return utf8.decode(bytes);
  } catch {
    return bytes;
  }
}
