/**
 * Schemas made into programs: an operation of eight bytes for each field, which the walk (walk.ts) follows through a body.
 *
 * ```
 *   op:  type u8 | action u8 | first version u8 | last version u8 | to the end of the array, in ops, u16 | spare u16
 * ```
 */
import { API_KEYS } from "./numbers";

/** What lies on the wire; the letters of the schemas. */
export class Type {
  static readonly END: u8 = 0;
  static readonly I8: u8 = 1;
  static readonly I16: u8 = 2;
  static readonly I32: u8 = 3;
  static readonly I64: u8 = 4;
  static readonly UUID: u8 = 5;
  static readonly STRING: u8 = 6;
  static readonly BYTES: u8 = 7;
  static readonly RECORDS: u8 = 8;
  /** An array of structures, and its end. */
  static readonly ARRAY: u8 = 9;
  static readonly CLOSE: u8 = 10;
  /** An array of values, and its end. */
  static readonly VALUES: u8 = 11;
  static readonly VALUES_CLOSE: u8 = 12;
  static readonly ROW: u8 = 13;
  static readonly FAIL: u8 = 14;
  static readonly REST: u8 = 15;
}

/** What is kept of a field. */
export class Action {
  static readonly NONE: u8 = 0;
  static readonly TOPIC: u8 = 1;
  static readonly TOPIC_ID: u8 = 2;
  static readonly PARTITION: u8 = 3;
  static readonly ERROR: u8 = 4;
  static readonly THROTTLE: u8 = 5;
  static readonly ACKS: u8 = 6;
  static readonly RECORDS: u8 = 7;
  static readonly GROUP: u8 = 8;
  static readonly TRANSACTIONAL_ID: u8 = 9;
  /** What a coordinator is looked for: a group or a transaction, as `keyType` says. */
  static readonly KEY: u8 = 10;
  static readonly KEY_TYPE: u8 = 11;
}

@unmanaged
export class Op {
  type: u8;
  action: u8;
  first: u8;
  last: u8;
  close: u16;
  spare: u16;
}

/** Bytes of an operation. */
export const OP_BYTES: u32 = 8;
const OPS_MAX: u32 = 1024;
const OPS: usize = memory.data(8 * 1024, 8);
/** Addresses of the request's and the response's program of each API key, 0 where there is none. */
const PROGRAMS: usize = memory.data(8 * 93, 4);
const NESTED_MAX: u32 = 8;
const OPEN: usize = memory.data(4 * 8, 4);

class Source {
  static text: usize = 0;
  static at: i32 = 0;
  static length: i32 = 0;
  static ops: u32 = 0;
  static depth: u32 = 0;
}

/** Forgets all programs. */
export function resetPrograms(): void {
  Source.ops = 0;
  memory.fill(PROGRAMS, 0, 8 * API_KEYS);
}

/** The program of a request (side 0) or response (1) of API `key`; 0 where there is none. */
export function programOf(key: u32, side: u32): usize {
  return key < API_KEYS ? <usize>load<u32>(PROGRAMS + (key << 3) + (side << 2)) : 0;
}

/** Makes programs of both schemas of API `key`; an empty one is none. */
export function addSchema(key: u32, request: string, response: string): void {
  store<u32>(PROGRAMS + (key << 3), <u32>compile(request));
  store<u32>(PROGRAMS + (key << 3), <u32>compile(response), 4);
}

function compile(text: string): usize {
  if (text.length == 0) return 0;
  const program = OPS + Source.ops * OP_BYTES;
  Source.text = changetype<usize>(text);
  Source.at = 0;
  Source.length = text.length;
  Source.depth = 0;
  while (Source.at < Source.length) token();
  assert(Source.depth == 0);
  add(Type.END, 0, 0, 255);
  return program;
}

function letter(at: i32): u32 {
  return at < Source.length ? <u32>load<u16>(Source.text + ((<usize>at) << 1)) : 32;
}

function add(type: u8, action: u8, first: u8, last: u8): Op {
  assert(Source.ops < OPS_MAX);
  const op = changetype<Op>(OPS + Source.ops * OP_BYTES);
  Source.ops += 1;
  op.type = type;
  op.action = action;
  op.first = first;
  op.last = last;
  op.close = 0;
  return op;
}

/** Reads one token and the blank behind it. */
function token(): void {
  const start = Source.at;
  let end = start;
  let colon = start;
  for (; letter(end) != 32; end++) if (letter(end) == 58) colon = end + 1;
  Source.at = end + 1;
  if (isWord(start, end, "row")) {
    add(Type.ROW, 0, 0, 255);
    return;
  }
  if (isWord(start, end, "fail")) {
    add(Type.FAIL, 0, 0, 255);
    return;
  }
  const action = colon == start ? Action.NONE : actionOf(start, colon - 1);
  let at = colon + 1;
  let first: u32 = 0;
  let last: u32 = 255;
  if (at < end) {
    for (; letter(at) - 48 < 10; at++) first = first * 10 + letter(at) - 48;
    if (letter(at) == 45) {
      last = 0;
      for (at++; letter(at) - 48 < 10; at++) last = last * 10 + letter(at) - 48;
    } else assert(letter(at) == 43);
  }
  nest(add(typeOf(letter(colon)), action, <u8>first, <u8>last));
}

/** Notes where arrays open and close. */
function nest(op: Op): void {
  const index = <u32>(changetype<usize>(op) - OPS) / OP_BYTES;
  if (op.type == Type.ARRAY || op.type == Type.VALUES) {
    assert(Source.depth < NESTED_MAX);
    store<u32>(OPEN + (Source.depth << 2), index);
    Source.depth += 1;
  } else if (op.type == Type.CLOSE || op.type == Type.VALUES_CLOSE) {
    Source.depth -= 1;
    const open = load<u32>(OPEN + (Source.depth << 2));
    changetype<Op>(OPS + open * OP_BYTES).close = <u16>(index - open);
  }
}

function isWord(start: i32, end: i32, word: string): bool {
  if (end - start != word.length) return false;
  for (let i = 0; i < word.length; i++) if (letter(start + i) != <u32>word.charCodeAt(i)) return false;
  return true;
}

function actionOf(start: i32, end: i32): u8 {
  if (isWord(start, end, "topic")) return Action.TOPIC;
  if (isWord(start, end, "topicId")) return Action.TOPIC_ID;
  if (isWord(start, end, "partition")) return Action.PARTITION;
  if (isWord(start, end, "error")) return Action.ERROR;
  if (isWord(start, end, "throttle")) return Action.THROTTLE;
  if (isWord(start, end, "acks")) return Action.ACKS;
  if (isWord(start, end, "records")) return Action.RECORDS;
  if (isWord(start, end, "group")) return Action.GROUP;
  if (isWord(start, end, "transactionalId")) return Action.TRANSACTIONAL_ID;
  if (isWord(start, end, "key")) return Action.KEY;
  assert(isWord(start, end, "keyType"));
  return Action.KEY_TYPE;
}

function typeOf(type: u32): u8 {
  switch (type) {
    case 0x62:
      return Type.I8;
    case 0x68:
      return Type.I16;
    case 0x69:
      return Type.I32;
    case 0x6c:
      return Type.I64;
    case 0x75:
      return Type.UUID;
    case 0x73:
      return Type.STRING;
    case 0x42:
      return Type.BYTES;
    case 0x52:
      return Type.RECORDS;
    case 0x28:
      return Type.ARRAY;
    case 0x29:
      return Type.CLOSE;
    case 0x5b:
      return Type.VALUES;
    case 0x5d:
      return Type.VALUES_CLOSE;
    default:
      assert(type == 0x2a);
      return Type.REST;
  }
}
