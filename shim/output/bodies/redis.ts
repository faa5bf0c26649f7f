/**
 * What Redis carries, as RESP has it: a request as its words, replies as values.
 *
 * ```
 *   $3\r\nSET\r\n$6\r\nuser:1\r\n$2\r\nEX\r\n      SET "user:1" "EX"
 *   *2\r\n$1\r\na\r\n:5\r\n                        ["a",5]
 * ```
 */
import type { BodyOwner, MessageFields } from "../../../engine/round-trip";
import { Cut, Members, Shown, textOf, type Value, Words } from "./value";

const CR = 13;
const BULK_STRING = "$".charCodeAt(0);
const LINE_WORD = /"(\\.|[^"\\])*"?|'[^']*'?|[^\s"']+/g;
const QUOTES = /^["']|["']$/g;
const DEPTH_MAX = 16;

/** Words of a request, of which its command and first key are shown; or a reply, and those that follow it. */
export function redisValues(bytes: Uint8Array, fields: MessageFields, { side }: BodyOwner): Value[] {
  if (side === "response") return new RespReader(bytes).all();
  const isLine = bytes[0] !== BULK_STRING;
  return [new Words(requestWords(isLine ? lineWords(bytes) : new RespReader(bytes).all(), fields))];
}

/** The words of a request that is a line of text. */
function lineWords(bytes: Uint8Array): Value[] {
  const words = Buffer.from(bytes).toString("latin1").match(LINE_WORD) ?? [];
  return words.map((word) => new Uint8Array(Buffer.from(word.replaceAll(QUOTES, ""), "latin1")));
}

function requestWords(values: Value[], { command, key }: MessageFields): Value[] {
  const named = String(command ?? "").split(" ");
  let hasKey = false;
  return values.map((value, index) => {
    const text = value instanceof Uint8Array ? textOf(value) : undefined;
    if (text === undefined) return value;
    if (text.toUpperCase() === named[index]) return new Shown(text.toUpperCase());
    if (hasKey || text !== key) return value;
    hasKey = true;
    return new Shown(JSON.stringify(text));
  });
}

/** Reads values one after the other. */
class RespReader {
  private at = 0;

  constructor(private readonly bytes: Uint8Array) {}

  all(): Value[] {
    const values: Value[] = [];
    while (this.at < this.bytes.length) values.push(this.one(0));
    return values;
  }

  /** The next value; what is cut, or none, is the last. */
  private one(depth: number): Value {
    const type = String.fromCharCode(this.bytes[this.at]!);
    const end = this.bytes.indexOf(CR, this.at);
    if (end < 0 || end + 2 > this.bytes.length) return this.rest();
    const line = this.bytes.subarray(this.at + 1, end);
    const word = Buffer.from(line).toString("latin1");
    this.at = end + 2;
    switch (type) {
      case "$":
      case "=":
      case "!":
        return word === "-1" ? null : this.body(Number(word), type);
      case "*":
      case "~":
      case ">":
        return word === "-1" ? null : this.elements(Number(word), depth);
      case "%":
        return this.pairs(Number(word), depth);
      case "|":
        // What it says is about the value behind it.
        this.pairs(Number(word), depth);
        return this.at < this.bytes.length ? this.one(depth) : new Cut();
      case "+":
        return word === "OK" || word === "QUEUED" || word === "PONG" ? new Shown(`"${word}"`) : line;
      case "-":
        return errorValue(word);
      case ":":
        return numberOf(word);
      case ",":
        return Number.isFinite(Number(word)) ? Number(word) : line;
      case "(":
        return numberOf(word);
      case "_":
        return null;
      case "#":
        return word === "t";
      default:
        this.at = this.bytes.length;
        return new Cut();
    }
  }

  private rest(): Value {
    const start = this.bytes.subarray(this.at + 1);
    this.at = this.bytes.length;
    return new Cut(start);
  }

  private body(length: number, type: string): Value {
    const left = this.bytes.length - this.at;
    const kept = this.bytes.subarray(this.at, this.at + Math.min(length, left));
    this.at += Math.min(length + 2, left);
    if (kept.length < length) return new Cut(kept);
    if (type === "!") return errorValue(Buffer.from(kept).toString("latin1"));
    // "txt:" or "mkd:" says what it is.
    return type === "=" ? kept.subarray(4) : kept;
  }

  private elements(count: number, depth: number): Value {
    const values: Value[] = [];
    if (depth === DEPTH_MAX) return this.tooDeep();
    while (values.length < count) {
      if (this.at >= this.bytes.length) return values.at(-1) instanceof Cut ? values : [...values, new Cut()];
      values.push(this.one(depth + 1));
    }
    return values;
  }

  private pairs(count: number, depth: number): Value {
    const pairs: [Value, Value][] = [];
    if (depth === DEPTH_MAX) return this.tooDeep();
    while (pairs.length < count) {
      if (this.at >= this.bytes.length) return new Members([...pairs, [new Cut(), new Cut()]]);
      const name = this.one(depth + 1);
      pairs.push([name, this.at < this.bytes.length ? this.one(depth + 1) : new Cut()]);
    }
    return new Members(pairs);
  }

  private tooDeep(): Value {
    this.at = this.bytes.length;
    return new Cut();
  }
}

/** An error's code; its words are a field of the response. */
function errorValue(line: string): Value {
  return new Members([["error", new Shown(JSON.stringify(line.split(" ")[0]))]]);
}

function numberOf(word: string): Value {
  return /^[+-]?\d{1,400}$/.test(word) ? BigInt(word.replace("+", "")) : new Cut(word);
}
