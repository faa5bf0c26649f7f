/**
 * Values of an event by what refers to them: where each lies, and whether it is known.
 *
 * Everything is read only as far as its message reaches, whatever the message holds.
 */
import { putIpv4, putIpv6 } from "../bytes/address";
import { FieldKind } from "../protocols/field";
import { NameList } from "./names";
import { ownerSide } from "./owner-side";
import { Known, Place, Reference, SIGN } from "./program";

/** Offsets in an event (`roundtrip/report.ts` draws it) and in a message (`roundtrip/message.ts`). */
export const PROTOCOL: usize = 4;
const STATUS: usize = 5;
export const FAMILY: usize = 7;
export const CLIENT_ADDRESS: usize = 16;
export const SERVER_ADDRESS: usize = 32;
const TRANSPORT: usize = 116;
const OWNERS_LENGTH: usize = 117;
const REQUEST_LENGTH: usize = 120;
const RESPONSE_LENGTH: usize = 124;
const EVENT_HEADER_BYTES: u32 = 128;
const WIRE_BYTES: usize = 16;
const PRESENT: usize = 24;
/** Bytes of a message before its protocol's own fields; no message is shorter. */
const MESSAGE_BYTES_MIN: u32 = 80;
/** Bytes of what an event says of owners, before their texts. */
const OWNERS_BYTES_MIN: u32 = 64;
const TCP: u8 = 6;

/** Room for a name or an address as text. */
export const WORDS: usize = memory.data(160);
export const WORDS_BYTES: u32 = 160;

/** The side of the event that is looked at. */
export class Side {
  static start: usize = 0;
  static length: u32 = 0;

  /** Goes to a message, or to what is said of owners; whether it is there. */
  static to(event: usize, place: u32): bool {
    const requestLength = load<u32>(event, REQUEST_LENGTH);
    if (place >= Place.OWNERS) {
      const before = EVENT_HEADER_BYTES + requestLength + load<u32>(event, RESPONSE_LENGTH);
      Side.start = event + ((before + 7) & ~7);
      Side.length = (<u32>load<u8>(event, OWNERS_LENGTH)) << 3;
      return Side.length != 0;
    }
    Side.start = event + EVENT_HEADER_BYTES;
    if (place == Place.RESPONSE) Side.start += requestLength;
    Side.length = place == Place.RESPONSE ? load<u32>(event, RESPONSE_LENGTH) : requestLength;
    return Side.length != 0;
  }
}

/** A run of bytes that a field refers to. */
export class Run {
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
  const owners = (<u32>load<u8>(event, OWNERS_LENGTH)) << 3;
  if (owners != 0 && owners < OWNERS_BYTES_MIN) return false;
  const messages = <u64>request + <u64>response;
  const padding = owners == 0 ? 0 : -messages & 7;
  return messages + padding + <u64>owners <= <u64>(length - EVENT_HEADER_BYTES);
}

/** The outcome of the round trip. */
export function statusOf(event: usize): u32 {
  return load<u8>(event, STATUS);
}

/** What both sides had on the wire, bytes. */
export function wireBytesOf(event: usize): u64 {
  const request = Side.to(event, Place.REQUEST) ? load<u64>(Side.start, WIRE_BYTES) : 0;
  return request + (Side.to(event, Place.RESPONSE) ? load<u64>(Side.start, WIRE_BYTES) : 0);
}

/** Where the value of a reference is counted from, the event or its message; 0 where it is not known. */
export function baseOf(reference: Reference, event: usize): usize {
  if (reference.protocol != 0 && load<u8>(event, PROTOCOL) != reference.protocol) return 0;
  if (reference.place != Place.EITHER) return baseIn(reference, event, reference.place);
  const base = baseIn(reference, event, Place.REQUEST);
  return base != 0 ? base : baseIn(reference, event, Place.RESPONSE);
}

function baseIn(reference: Reference, event: usize, place: u32): usize {
  let base = event;
  if (place != Place.EVENT) {
    if (!Side.to(event, place)) return 0;
    base = Side.start;
  }
  return isKnown(reference, event, base) ? base : 0;
}

function isKnown(reference: Reference, event: usize, base: usize): bool {
  const known = <u32>reference.known;
  if (known < 32) return isPresent(known, reference.offset, reference.column != 0 ? FieldKind.ROWS : <u32>reference.kind);
  if (known == Known.ALWAYS) return true;
  if (known == Known.OVER_TCP) return load<u8>(event, TRANSPORT) == TCP;
  return load<u64>(base + reference.offset) != u64.MAX_VALUE;
}

/** Whether the side in hand knows its field, and reaches as far. */
export function isPresent(index: u32, offset: u32, kind: u32): bool {
  return (load<u32>(Side.start, PRESENT) & (1 << index)) != 0 && offset + bytesOf(kind) <= Side.length;
}

/** Bytes of a field at its offset. */
function bytesOf(kind: u32): u32 {
  if (kind == FieldKind.U64) return 8;
  if (kind == FieldKind.U8 || kind == FieldKind.BOOL) return 1;
  return kind == FieldKind.U16 || kind == FieldKind.NAME || kind == FieldKind.FLAGS ? 2 : 4;
}

/** The number that is stored at `at`; a signed one in the order of unsigned ones. */
export function numberAt(kind: u32, at: usize): u64 {
  if (kind == FieldKind.U16 || kind == FieldKind.NAME) return load<u16>(at);
  if (kind == FieldKind.U32) return load<u32>(at);
  if (kind == FieldKind.U64) return load<u64>(at);
  if (kind == FieldKind.I32) return <u64>(<i64>load<i32>(at)) ^ SIGN;
  return load<u8>(at);
}

/** The same reference, to the side that is meant where it refers to either owner: the server's where that is known, else the client's. */
export function oneOwner(reference: Reference, event: usize): Reference {
  if (reference.place != Place.EITHER_OWNER) return reference;
  const server = ownerSide(reference, 1);
  return baseOf(server, event) != 0 ? server : ownerSide(reference, 0);
}

/** Goes through rows: `{length u16, text}` and numbers of four bytes, in the order of their columns. */
export class Rows {
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
export function isTextColumn(): bool {
  return NameList.type == 0x74;
}

/** Writes an address of the event as text; answers its length. */
export function putAddress(event: usize, offset: usize): u32 {
  const end = load<u8>(event, FAMILY) == 4 ? putIpv4(WORDS, event + offset + 12) : putIpv6(WORDS, event + offset);
  return <u32>(end - WORDS);
}
