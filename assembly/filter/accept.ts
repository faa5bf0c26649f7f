/**
 * A filter put to an event: whether a round trip is wanted.
 *
 * Every text is read only as far as its message reaches, and skips go forward alone, so the work is bounded by the filter's length
 * times the event's, whatever either holds.
 */
import { putIpv4, putIpv6 } from "../bytes/address";
import { putName } from "../bytes/names";
import { FieldKind, Fields } from "../protocols/field";
import { CommonKind } from "./common";
import { NameList } from "./names";
import { compareAddresses } from "./network";
import { Instruction, ITEM_BYTES, Known, Matcher, NETWORK_ITEM_BYTES, Op, Place, Program, SIGN } from "./program";
import { fitsText, holdsText } from "./text";

/** Offsets in an event (`roundtrip/report.ts` draws it) and in a message (`roundtrip/message.ts`). */
const PROTOCOL: usize = 4;
const FAMILY: usize = 7;
const CLIENT_ADDRESS: usize = 16;
const SERVER_ADDRESS: usize = 32;
const TRANSPORT: usize = 116;
const REQUEST_LENGTH: usize = 120;
const RESPONSE_LENGTH: usize = 124;
const EVENT_HEADER_BYTES: u32 = 128;
const PRESENT: usize = 24;
/** Bytes of a message before its protocol's own fields; no message is shorter. */
const MESSAGE_BYTES_MIN: u32 = 80;
const TCP: u32 = 6;

/** Room for a name or an address as text. */
const WORDS: usize = memory.data(160);

/** The side of the event that is looked at. */
class Side {
  static start: usize = 0;
  static length: u32 = 0;

  /** Goes to a message; whether it is there. */
  static to(event: usize, place: u32): bool {
    const requestLength = load<u32>(event, REQUEST_LENGTH);
    Side.start = event + EVENT_HEADER_BYTES;
    if (place == Place.RESPONSE) Side.start += requestLength;
    Side.length = place == Place.RESPONSE ? load<u32>(event, RESPONSE_LENGTH) : requestLength;
    return Side.length != 0;
  }
}

/** A run of bytes that a field refers to. */
class Run {
  static start: usize = 0;
  static length: u32 = 0;

  /** Reads the reference at `offset` of the side; nothing where it goes beyond the message. */
  static to(offset: u32): void {
    const from = <u32>load<u16>(Side.start + offset);
    const length = <u32>load<u16>(Side.start + offset, 2);
    Run.start = Side.start + from;
    Run.length = from + length <= Side.length ? length : 0;
  }
}

/** Whether the `length` bytes at `event` are one event whose parts lie inside it. */
export function isEvent(event: usize, length: u32): bool {
  if (length < EVENT_HEADER_BYTES || load<u32>(event) != length) return false;
  const request = load<u32>(event, REQUEST_LENGTH);
  const response = load<u32>(event, RESPONSE_LENGTH);
  if ((request != 0 && request < MESSAGE_BYTES_MIN) || (response != 0 && response < MESSAGE_BYTES_MIN)) return false;
  return <u64>request + <u64>response <= <u64>(length - EVENT_HEADER_BYTES);
}

/** Whether the filter takes the event; one without instructions takes all. */
export function accepts(event: usize): bool {
  let flag: bool = true;
  let at: u32 = 0;
  while (at < Program.length) {
    const instruction = Program.at(at++);
    const op = <u32>instruction.op;
    if (op == Op.TEST) flag = isSo(instruction, event);
    else if (op == Op.NOT) flag = !flag;
    else if (op == Op.SKIP_IF_TRUE ? flag : !flag) at = instruction.target;
  }
  return flag;
}

/** Whether a test holds. What is not known fits nothing, and `!=` neither. */
function isSo(test: Instruction, event: usize): bool {
  if (test.protocol != 0 && load<u8>(event, PROTOCOL) != test.protocol) return false;
  if (test.place == Place.EITHER) {
    return isSoIn(test, event, isKnownIn(test, event, Place.REQUEST) ? Place.REQUEST : Place.RESPONSE);
  }
  return isSoIn(test, event, test.place);
}

function isKnownIn(test: Instruction, event: usize, place: u32): bool {
  return Side.to(event, place) && isKnown(test, event, Side.start);
}

function isSoIn(test: Instruction, event: usize, place: u32): bool {
  let base = event;
  if (place != Place.EVENT) {
    if (!Side.to(event, place)) return false;
    base = Side.start;
  }
  if (!isKnown(test, event, base)) return false;
  if (test.matcher == Matcher.KNOWN) return true;
  return fitsAny(test, event, base) != (test.negated != 0);
}

function isKnown(test: Instruction, event: usize, base: usize): bool {
  const known = <u32>test.known;
  if (known < 32) return isPresent(known, test.offset, test.column != 0 ? FieldKind.ROWS : <u32>test.kind);
  if (known == Known.ALWAYS) return true;
  if (known == Known.OVER_TCP) return load<u32>(event, TRANSPORT) == TCP;
  return load<u64>(base + test.offset) != u64.MAX_VALUE;
}

/** Whether the side in hand knows its field, and reaches as far. */
function isPresent(index: u32, offset: u32, kind: u32): bool {
  return (load<u32>(Side.start, PRESENT) & (1 << index)) != 0 && offset + bytesOf(kind) <= Side.length;
}

/** Bytes of a field at its offset. */
function bytesOf(kind: u32): u32 {
  if (kind == FieldKind.U64) return 8;
  if (kind == FieldKind.U8 || kind == FieldKind.BOOL) return 1;
  return kind == FieldKind.U16 || kind == FieldKind.NAME || kind == FieldKind.FLAGS ? 2 : 4;
}

function fitsAny(test: Instruction, event: usize, base: usize): bool {
  if (test.column != 0) return fitsRows(test);
  switch (<u32>test.matcher) {
    case Matcher.TEXT:
      Run.to(test.offset);
      return fitsItems(test, Run.start, Run.length);
    case Matcher.NETWORK:
      return fitsNetwork(test, base + test.offset, load<u8>(event, FAMILY));
    case Matcher.ANYWHERE:
      return isAnywhere(test, event);
    case Matcher.BITS:
      return hasBit(test, test.kind == CommonKind.MARKS ? load<u32>(base + test.offset) : <u32>load<u16>(base + test.offset));
    default:
      return test.kind == FieldKind.NUMBERS ? fitsNumbers(test) : inRange(test, numberAt(test.kind, base + test.offset));
  }
}

function numberAt(kind: u32, at: usize): u64 {
  if (kind == FieldKind.U16 || kind == FieldKind.NAME) return load<u16>(at);
  if (kind == FieldKind.U32) return load<u32>(at);
  if (kind == FieldKind.U64) return load<u64>(at);
  if (kind == FieldKind.I32) return <u64>(<i64>load<i32>(at)) ^ SIGN;
  return load<u8>(at);
}

function inRange(test: Instruction, value: u64): bool {
  for (let i: u32 = 0; i < <u32>test.itemCount; i++) {
    const item = test.items + i * ITEM_BYTES;
    if (value >= load<u64>(item) && value <= load<u64>(item, 8)) return true;
  }
  return false;
}

function hasBit(test: Instruction, bits: u32): bool {
  for (let i: u32 = 0; i < <u32>test.itemCount; i++) {
    if ((load<u64>(test.items + i * ITEM_BYTES) & bits) != 0) return true;
  }
  return false;
}

function fitsItems(test: Instruction, text: usize, length: u32): bool {
  for (let i: u32 = 0; i < <u32>test.itemCount; i++) {
    const item = test.items + i * ITEM_BYTES;
    if (fitsText(test.form, text, length, load<u32>(item), load<u32>(item, 4), test.folds != 0)) return true;
  }
  return false;
}

function fitsNetwork(test: Instruction, address: usize, family: u32): bool {
  for (let i: u32 = 0; i < <u32>test.itemCount; i++) {
    const item = test.items + i * NETWORK_ITEM_BYTES;
    if (load<u32>(item, 32) != family || compareAddresses(address, item) < 0) continue;
    if (compareAddresses(address, item + 16) <= 0) return true;
  }
  return false;
}

function fitsNumbers(test: Instruction): bool {
  Run.to(test.offset);
  for (let at: u32 = 0; at + 4 <= Run.length; at += 4) if (inRange(test, load<u32>(Run.start + at))) return true;
  return false;
}

/** Goes through rows: `{length u16, text}` and numbers of four bytes, in the order of their columns. */
class Rows {
  static at: usize = 0;
  static end: usize = 0;
  static valueStart: usize = 0;
  static valueLength: u32 = 0;

  static open(offset: u32): void {
    Run.to(offset);
    Rows.at = Run.start;
    Rows.end = Run.start + Run.length;
  }

  /** Takes the next value, a text or four bytes; false where there is no whole one. */
  static value(isText: bool): bool {
    const left = <u32>(Rows.end - Rows.at);
    const head: u32 = isText ? 2 : 0;
    if (left < head) return false;
    Rows.valueLength = isText ? <u32>load<u16>(Rows.at) : 4;
    if (left - head < Rows.valueLength) return false;
    Rows.valueStart = Rows.at + head;
    Rows.at = Rows.valueStart + Rows.valueLength;
    return true;
  }
}

/** Whether the column in hand holds texts. */
function isTextColumn(): bool {
  return NameList.type == 0x74;
}

/** Whether the test's column fits in any row. */
function fitsRows(test: Instruction): bool {
  Rows.open(test.offset);
  while (Rows.at < Rows.end) {
    NameList.open(changetype<string>(<usize>test.names));
    for (let column: u32 = 1; NameList.advance(); column++) {
      if (!Rows.value(isTextColumn())) return false;
      if (column != <u32>test.column) continue;
      if (isTextColumn()) {
        if (fitsItems(test, Rows.valueStart, Rows.valueLength)) return true;
      } else if (inRange(test, numberAt(test.kind, Rows.valueStart))) return true;
    }
  }
  return false;
}

/** Whether any text, name or address of the round trip holds the item, in any case. */
function isAnywhere(test: Instruction, event: usize): bool {
  if (holdsItem(test, WORDS, putAddress(event, CLIENT_ADDRESS)) || holdsItem(test, WORDS, putAddress(event, SERVER_ADDRESS)))
    return true;
  const protocol = load<u8>(event, PROTOCOL);
  for (let i: u32 = 0; i < Fields.count; i++) {
    const field = Fields.at(i);
    if (field.protocol != protocol || !Side.to(event, field.side + Place.REQUEST)) continue;
    if (!isPresent(field.index, field.offset, field.kind)) continue;
    if (holdsField(test, field.kind, field.offset, changetype<string>(<usize>field.names))) return true;
  }
  return false;
}

/** Writes an address of the event as text; answers its length. */
function putAddress(event: usize, offset: usize): u32 {
  const end = load<u8>(event, FAMILY) == 4 ? putIpv4(WORDS, event + offset + 12) : putIpv6(WORDS, event + offset);
  return <u32>(end - WORDS);
}

function holdsField(test: Instruction, kind: u32, offset: u32, names: string): bool {
  if (kind == FieldKind.TEXT) {
    Run.to(offset);
    return holdsItem(test, Run.start, Run.length);
  }
  if (kind == FieldKind.NAME) {
    const end = putName(WORDS, names, load<u16>(Side.start + offset), "");
    return holdsItem(test, WORDS, <u32>(end - WORDS));
  }
  return kind == FieldKind.ROWS && holdsRow(test, offset, names);
}

function holdsRow(test: Instruction, offset: u32, names: string): bool {
  Rows.open(offset);
  while (Rows.at < Rows.end) {
    NameList.open(names);
    while (NameList.advance()) {
      const isText = isTextColumn();
      if (!Rows.value(isText)) return false;
      if (isText && holdsItem(test, Rows.valueStart, Rows.valueLength)) return true;
    }
  }
  return false;
}

function holdsItem(test: Instruction, text: usize, length: u32): bool {
  return holdsText(text, length, load<u32>(test.items), load<u32>(test.items, 4), true);
}
