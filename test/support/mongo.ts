/** MongoDB over hand-made streams: BSON and messages, encoded by the public specifications. */
import type { CoreOptions } from "../../engine/core";
import type { RoundTrip } from "../../engine/round-trip";
import { type Captured, Conversation, pcap } from "./pcap-builder";
import { readRoundTrips } from "./round-trips";

/** Values that are no plain ones of JavaScript. */
export class Bson {
  constructor(
    readonly type: number,
    readonly bytes: number[],
  ) {}
}

/** Whole numbers of `bytes` bytes, lowest first. */
function le(value: number | bigint, bytes: number): number[] {
  return Array.from({ length: bytes }, (_, index) => Number((BigInt(value) >> BigInt(8 * index)) & 255n));
}

const utf8 = (text: string) => [...new TextEncoder().encode(text)];
const cstring = (text: string) => [...utf8(text), 0];
const string = (text: string) => [...le(utf8(text).length + 1, 4), ...cstring(text)];

/** int32, int64 and one of each other type that documents may have. */
export const int32 = (value: number) => new Bson(16, le(value, 4));
export const int64 = (value: bigint) => new Bson(18, le(value, 8));
export const EVERY_TYPE: Record<string, unknown> = {
  double: 1.5,
  text: "häß\u0000lich",
  document: { nested: { ok: 0, code: 7, $db: "wrong" } },
  array: [1, "two", { three: 3 }],
  binary: new Bson(5, [...le(3, 4), 0, 1, 2, 3]),
  undefined: new Bson(6, []),
  id: new Bson(
    7,
    Array.from({ length: 12 }, () => 7),
  ),
  yes: true,
  date: new Bson(9, le(1, 8)),
  none: null,
  pattern: new Bson(11, [...cstring("^a.*"), ...cstring("im")]),
  pointer: new Bson(12, [...string("db.c"), ...Array.from({ length: 12 }, () => 1)]),
  code: new Bson(13, string("return 1")),
  symbol: new Bson(14, string("sym")),
  scoped: new Bson(15, [...le(4 + 4 + 2 + 5, 4), ...string("f"), ...le(5, 4), 0]),
  int: int32(5),
  stamp: new Bson(17, le(1, 8)),
  long: int64(1n),
  decimal: new Bson(
    19,
    Array.from({ length: 16 }, () => 9),
  ),
  least: new Bson(255, []),
  most: new Bson(127, []),
};

function element(name: string, value: unknown): number[] {
  const [type, bytes] = typed(value);
  return [type, ...cstring(name), ...bytes];
}

function typed(value: unknown): [number, number[]] {
  if (value instanceof Bson) return [value.type, value.bytes];
  if (value === null) return [10, []];
  if (typeof value === "string") return [2, string(value)];
  if (typeof value === "boolean") return [8, [Number(value)]];
  if (typeof value === "number") return [1, [...new Uint8Array(new Float64Array([value]).buffer)]];
  if (Array.isArray(value)) return [4, bson(Object.fromEntries(value.map((item, index) => [String(index), item])))];
  return [3, bson(value as Record<string, unknown>)];
}

/** A document. */
export function bson(document: Record<string, unknown>): number[] {
  const elements = Object.entries(document).flatMap(([name, value]) => element(name, value));
  return [...le(elements.length + 5, 4), ...elements, 0];
}

/** A message of an opcode. */
export function message(opcode: number, requestId: number, responseTo: number, body: number[]): Uint8Array {
  return Uint8Array.from([...le(16 + body.length, 4), ...le(requestId, 4), ...le(responseTo, 4), ...le(opcode, 4), ...body]);
}

interface MsgForm {
  flags?: number;
  responseTo?: number;
  /** Documents of a second section, by its name. */
  sequences?: Record<string, Record<string, unknown>[]>;
  /** Whether the sequences stand before the body. */
  bodyLast?: boolean;
}

/** The body of OP_MSG. */
export function msgBody(
  document: Record<string, unknown>,
  { flags = 0, sequences = {}, bodyLast = false }: MsgForm = {},
): number[] {
  const body = [0, ...bson(document)];
  const others = Object.entries(sequences).flatMap(([name, documents]) => {
    const inside = [...cstring(name), ...documents.flatMap(bson)];
    return [1, ...le(inside.length + 4, 4), ...inside];
  });
  const checksum = flags & 1 ? [1, 2, 3, 4] : [];
  return [...le(flags, 4), ...(bodyLast ? [...others, ...body] : [...body, ...others]), ...checksum];
}

/** OP_MSG. */
export function msg(requestId: number, document: Record<string, unknown>, form: MsgForm = {}): Uint8Array {
  return message(2013, requestId, form.responseTo ?? 0, msgBody(document, form));
}

/** OP_QUERY. */
export function query(requestId: number, namespace: string, document: Record<string, unknown>): Uint8Array {
  return message(2004, requestId, 0, [...le(0, 4), ...cstring(namespace), ...le(0, 4), ...le(-1, 4), ...bson(document)]);
}

/** OP_REPLY. */
export function reply(
  requestId: number,
  responseTo: number,
  documents: Record<string, unknown>[],
  flags = 0,
  cursor = 0n,
): Uint8Array {
  const head = [...le(flags, 4), ...le(cursor, 8), ...le(0, 4), ...le(documents.length, 4)];
  return message(1, requestId, responseTo, [...head, ...documents.flatMap(bson)]);
}

/** An older operation: flags, a collection, and what follows. */
export function older(opcode: number, requestId: number, namespace: string, rest: number[]): Uint8Array {
  return message(opcode, requestId, 0, [...le(0, 4), ...(namespace ? cstring(namespace) : []), ...rest]);
}

/** OP_COMPRESSED around the body of another operation. */
export function compressed(
  requestId: number,
  responseTo: number,
  compressor: number,
  body: number[],
  packed: number[],
): Uint8Array {
  return message(2012, requestId, responseTo, [...le(2013, 4), ...le(body.length, 4), compressor, ...packed]);
}

/** Packs bytes as snappy does, with literals and copies of what was there 4 to 60 bytes before. */
export function snap(bytes: number[]): number[] {
  const out: number[] = [];
  let length = bytes.length;
  for (; length > 127; length >>>= 7) out.push((length & 127) | 128);
  out.push(length);
  let from = 0;
  const flush = (to: number) => {
    for (let at = from; at < to; at += 1000) {
      const part = bytes.slice(at, Math.min(to, at + 1000));
      if (part.length <= 60) out.push((part.length - 1) << 2);
      else out.push(61 << 2, (part.length - 1) & 255, (part.length - 1) >> 8);
      out.push(...part);
    }
  };
  for (let at = 0; at < bytes.length; ) {
    let best = 0;
    let back = 0;
    for (let offset = 1; offset <= Math.min(at, 300); offset++) {
      let same = 0;
      while (same < 60 && at + same < bytes.length && bytes[at + same] === bytes[at + same - offset]) same++;
      if (same > best) [best, back] = [same, offset];
    }
    if (best < 4) {
      at += 1;
      continue;
    }
    flush(at);
    if (best <= 11 && back < 2048) out.push(((back >> 8) << 5) | ((best - 4) << 2) | 1, back & 255);
    else if (best % 2) out.push(((best - 1) << 2) | 2, back & 255, back >> 8);
    else out.push(((best - 1) << 2) | 3, ...le(back, 4));
    at += best;
    from = at;
  }
  flush(bytes.length);
  return out;
}

/** A connection to a server that is open, on a port that says nothing. */
export function mongo(form: ConstructorParameters<typeof Conversation>[0] = {}): Conversation {
  return new Conversation({ serverPort: 37017, ...form }).open();
}

/** The MongoDB round trips of some packets. */
export function tripsOf(packets: Captured[], options: CoreOptions = {}): RoundTrip[] {
  return readRoundTrips(pcap(packets), { budgetBytes: 8 << 20, ...options }).filter(({ protocol }) => protocol === "mongodb");
}

/** A round trip in one line: "find lab.users #3 ok", an error's code before its outcome, marks behind. */
export function line({ request, response, status, marks }: RoundTrip): string {
  const names = [request?.database, request?.collection].filter((name) => name !== undefined).join(".");
  const asked = request ? [request.command ?? "?", names, `#${request.requestId}`] : ["-"];
  const code = response?.codeName ?? response?.code;
  const parts = [...asked, response ? code : "-", status, ...marks.filter((mark) => mark !== "mid-stream")];
  return parts.filter((part) => part !== undefined && part !== "").join(" ");
}

/** The lines of some packets' round trips. */
export function lines(packets: Captured[]): string[] {
  return tripsOf(packets).map(line);
}

/** Several messages behind one another. */
export function together(...messages: Uint8Array[]): Uint8Array {
  return Uint8Array.from(messages.flatMap((one) => [...one]));
}
