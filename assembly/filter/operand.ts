/** What a name in a filter stands for: where its value lies in an event, and how it is stored. */
import { Field, FieldKind, Fields, Side } from "../protocols/field";
import { Protocol, Protocols } from "../protocols/protocol";
import { Settings } from "../settings";
import { CommonFields, CommonKind } from "./common";
import { faultAt, say, sayBytes, sayPart } from "./fault";
import { isName, isWhole, NameList } from "./names";
import { Nearest } from "./nearest";
import { Known, Place, Reference } from "./program";

const DOT: u32 = 0x2e;
/** Fields of DNS that a response repeats: without a side they are the request's, and the response's where that is not there. */
const REPEATED_BY_DNS: string = "id,name,type,class,opcode,questions";
/** Where `Message.wireBytes` lies. */
const WIRE_BYTES_OFFSET: u32 = 16;

/** What the numbers of a field count; decides which units may stand behind a number. */
export class Unit {
  static readonly COUNT: u32 = 0;
  static readonly BYTES: u32 = 1;
  static readonly NANOSECONDS: u32 = 2;
  static readonly MILLISECONDS: u32 = 3;
}

/** The name that was looked up last. */
export class Operand {
  /** The name as it was written. */
  static start: usize = 0;
  static length: u32 = 0;
  static protocol: u32 = 0;
  static place: u32 = 0;
  static kind: u32 = 0;
  static known: u32 = 0;
  static offset: u32 = 0;
  static column: u32 = 0;
  static names: string = "";
  static unit: u32 = 0;
  /** Whether it is the name of a host, in which capitals do not count. */
  static folds: bool = false;
  /** The response's field, where both sides have one and none was named; the operand is the request's. */
  static other: usize = 0;
}

/** Lets `reference` refer to what was looked up last. */
export function referTo(reference: Reference): void {
  reference.protocol = <u8>Operand.protocol;
  reference.place = <u8>Operand.place;
  reference.kind = <u8>Operand.kind;
  reference.known = <u8>Operand.known;
  reference.column = <u8>Operand.column;
  reference.folds = Operand.folds ? 1 : 0;
  reference.offset = <u16>Operand.offset;
  reference.names = <u32>changetype<usize>(Operand.names);
}

/** One part of a name between dots. */
class Part {
  static start: usize = 0;
  static length: u32 = 0;

  /** Goes to the part that begins at `start`, before `end`. */
  static to(start: usize, end: usize): void {
    let at = start;
    while (at < end && load<u8>(at) != DOT) at += 1;
    Part.start = start;
    Part.length = <u32>(at - start);
  }

  static is(name: string): bool {
    return isWhole(Part.start, Part.length, name);
  }
}

/** Looks up the name of `length` bytes at `start`; false, with the fault said, where there is none or more than one. */
export function findOperand(start: usize, length: u32): bool {
  Operand.start = start;
  Operand.length = length;
  Operand.protocol = 0;
  Operand.column = 0;
  Operand.folds = false;
  Operand.names = "";
  Operand.other = 0;
  if (findCommon(start, length)) return true;
  Part.to(start, start + length);
  const number = protocolOf(Part.start, Part.length);
  if (number == 0) return unknownName();
  return findInProtocol(number, start + length);
}

/** Number of the protocol that is named so, 0 for none. */
export function protocolOf(start: usize, length: u32): u32 {
  for (let number: u32 = 1; number <= Protocols.count; number++) {
    const name = Protocols.at(number).name;
    if (name != 0 && isWhole(start, length, changetype<string>(<usize>name))) return number;
  }
  return 0;
}

function findCommon(start: usize, length: u32): bool {
  for (let i: u32 = 0; i < CommonFields.count; i++) {
    const common = CommonFields.at(i);
    const name = changetype<string>(<usize>common.name);
    if (!isWhole(start, length, name)) continue;
    Operand.place = common.place;
    Operand.kind = common.kind;
    Operand.known = common.known;
    Operand.offset = common.offset;
    Operand.names = changetype<string>(<usize>common.names);
    Operand.unit = unitOf(name, name.length);
    return true;
  }
  return false;
}

/** A protocol alone, one of its sides, or a field of it; the part in hand is its name. */
function findInProtocol(number: u32, end: usize): bool {
  Operand.protocol = number;
  Operand.kind = CommonKind.SIDE;
  Operand.known = Known.ALWAYS;
  Operand.place = Place.EVENT;
  if (isLast(end)) return true;
  Part.to(Part.start + Part.length + 1, end);
  if (Part.is("request") || Part.is("response")) {
    Operand.place = Part.is("request") ? Place.REQUEST : Place.RESPONSE;
    if (isLast(end)) return true;
    Part.to(Part.start + Part.length + 1, end);
  }
  if (Part.is("bytes") && isLast(end)) {
    if (Operand.place == Place.EVENT) return bothSides("bytes");
    Operand.kind = FieldKind.U64;
    Operand.offset = WIRE_BYTES_OFFSET;
    Operand.unit = Unit.BYTES;
    return true;
  }
  return findField(number, end);
}

function isLast(end: usize): bool {
  return Part.start + Part.length == end;
}

function findField(number: u32, end: usize): bool {
  let found: usize = 0;
  for (let i: u32 = 0; i < Fields.count; i++) {
    const field = Fields.at(i);
    const name = changetype<string>(<usize>field.name);
    if (field.protocol != number || !isWhole(Part.start, Part.length, name)) continue;
    if (Operand.place != Place.EVENT && Operand.place != placeOf(field)) continue;
    if (found == 0) found = changetype<usize>(field);
    else Operand.other = changetype<usize>(field);
  }
  if (found == 0) return unknownName();
  useField(found);
  const field = changetype<Field>(found);
  if (!isKept(field)) return false;
  if (Operand.other != 0 && isRepeated(field)) {
    Operand.place = Place.EITHER;
    Operand.other = 0;
  }
  if (isLast(end)) return true;
  if (Operand.other != 0) return bothSides(changetype<string>(<usize>field.name));
  if (field.kind != FieldKind.ROWS) return unknownName();
  Part.to(Part.start + Part.length + 1, end);
  return findColumn(number, end);
}

/** Whether the response has the field to repeat what was asked, in the same place. */
function isRepeated(field: Field): bool {
  const other = changetype<Field>(Operand.other);
  return other.offset == field.offset && other.index == field.index && isRepeatedByDns(field);
}

function isRepeatedByDns(field: Field): bool {
  if (!isProtocol(field.protocol, "dns")) return false;
  const name = changetype<string>(<usize>field.name);
  NameList.open(REPEATED_BY_DNS);
  while (NameList.advance()) if (isLetters(name, REPEATED_BY_DNS, NameList.first, NameList.end)) return true;
  return false;
}

/** Whether messages have a field; says that one of contents is not kept where nobody asked for it. */
function isKept(field: Field): bool {
  const name = changetype<string>(<usize>field.name);
  if (field.kind == <u8>FieldKind.BYTES) return Settings.bodyBytes != 0 || notKept(" --body");
  if (isLetters("headers", name, 0, name.length) || isLetters("trailers", name, 0, name.length))
    return Settings.headers || notKept(" --headers");
  return true;
}

/** Always false. */
function notKept(option: string): bool {
  faultAt(Operand.start, "");
  sayBytes(Operand.start, Operand.length);
  say(" is not kept here; read, watch and log keep it with");
  return say(option);
}

/** Makes the declared field at `at` the operand. */
export function useField(at: usize): void {
  const field = changetype<Field>(at);
  const name = changetype<string>(<usize>field.name);
  Operand.place = placeOf(field);
  Operand.kind = field.kind == <u8>FieldKind.BYTES ? FieldKind.TEXT : <u32>field.kind;
  Operand.known = field.index;
  Operand.offset = field.offset;
  Operand.names = changetype<string>(<usize>field.names);
  Operand.unit = unitOf(name, name.length);
  Operand.folds = isHost(field.protocol, name, 0, name.length);
}

function placeOf(field: Field): u32 {
  return field.side == Side.REQUEST ? Place.REQUEST : Place.RESPONSE;
}

/** The column of rows that the part in hand names; its kind is that of its values from here on. */
function findColumn(number: u32, end: usize): bool {
  NameList.open(Operand.names);
  for (let column: u32 = 1; NameList.advance(); column++) {
    if (!isName(Part.start, Part.length, NameList.list, NameList.first, NameList.end, false) || !isLast(end)) continue;
    Operand.column = column;
    const type = NameList.type;
    // The types are text, number and integer.
    Operand.kind = type == 0x74 ? FieldKind.TEXT : type == 0x69 ? FieldKind.I32 : FieldKind.U32;
    Operand.folds = isHost(number, NameList.list, NameList.first, NameList.end);
    Operand.unit = Unit.COUNT;
    return true;
  }
  return unknownName();
}

/** Names of hosts are the same in capitals and small letters, and so are those that DNS is asked for. */
function isHost(number: u32, name: string, first: i32, end: i32): bool {
  if (isLetters("host", name, first, end) || isLetters("authority", name, first, end)) return true;
  if (isLetters("serverName", name, first, end)) return true;
  return isLetters("name", name, first, end) && isProtocol(number, "dns");
}

function isProtocol(number: u32, name: string): bool {
  const own = changetype<string>(<usize>Protocols.at(number).name);
  return isLetters(name, own, 0, own.length);
}

function isLetters(wanted: string, name: string, first: i32, end: i32): bool {
  if (end - first != wanted.length || end > name.length) return false;
  for (let i = first; i < end; i++) if (name.charCodeAt(i) != wanted.charCodeAt(i - first)) return false;
  return true;
}

function unitOf(name: string, length: i32): u32 {
  if (endsWith(name, length, "Ns")) return Unit.NANOSECONDS;
  if (endsWith(name, length, "Ms")) return Unit.MILLISECONDS;
  if (endsWith(name, length, "Bytes") || endsWith(name, length, "bytes") || endsWith(name, length, "contentLength"))
    return Unit.BYTES;
  return Unit.COUNT;
}

export function endsWith(name: string, length: i32, end: string): bool {
  return length >= end.length && isLetters(end, name, length - end.length, length);
}

/** Says that a name needs its side; always false. */
export function bothSides(name: string): bool {
  const protocol = changetype<string>(<usize>Protocols.at(Operand.protocol).name);
  faultAt(Operand.start, "both sides have it: write ");
  say(protocol);
  say(".request.");
  say(name);
  say(" or ");
  say(protocol);
  say(".response.");
  return say(name);
}

/** Says that there is no such name, and which one may be meant. */
function unknownName(): bool {
  if (isName(Operand.start, Operand.length, "not", 0, 3, true)) return faultAt(Operand.start, "not is written in small letters");
  faultAt(Operand.start, "there is no field ");
  sayBytes(Operand.start, Operand.length);
  if (sayOwners()) return false;
  Nearest.open(Operand.start, Operand.length);
  for (let i: u32 = 0; i < CommonFields.count; i++) {
    considerWhole(changetype<string>(<usize>CommonFields.at(i).name));
  }
  for (let number: u32 = 1; number <= Protocols.count; number++) considerProtocol(Protocols.at(number));
  if (Nearest.length == 0) return say("; tallywire protocols lists them");
  say("; did you mean ");
  sayBytes(Nearest.start, Nearest.length);
  return say("?");
}

/** Says whose field a name without a protocol is, of the first few that have it; whether any has. */
function sayOwners(): bool {
  let said: u32 = 0;
  let last: u32 = 0;
  for (let i: u32 = 0; i < Fields.count && said < 3; i++) {
    const field = Fields.at(i);
    if (field.protocol == last || !isWhole(Operand.start, Operand.length, changetype<string>(<usize>field.name))) continue;
    last = field.protocol;
    say(said == 0 ? " of its own; write " : " or ");
    if (isTwofold(i)) {
      sayOwner(last, ".request.");
      say(" or ");
      sayOwner(last, ".response.");
    } else sayOwner(last, ".");
    said += 1;
  }
  return said != 0;
}

function sayOwner(protocol: u32, between: string): void {
  say(changetype<string>(<usize>Protocols.at(protocol).name));
  say(between);
  sayBytes(Operand.start, Operand.length);
}

/** Whether both sides have the field, of which this is the first. */
function isTwofold(index: u32): bool {
  const field = Fields.at(index);
  for (let i = index + 1; i < Fields.count; i++) {
    const other = Fields.at(i);
    if (other.protocol != field.protocol || other.side == field.side) continue;
    if (isWhole(Operand.start, Operand.length, changetype<string>(<usize>other.name))) return !isRepeatedByDns(field);
  }
  return false;
}

function considerWhole(name: string): void {
  Nearest.letters(name, 0, name.length);
  Nearest.consider();
}

function considerProtocol(protocol: Protocol): void {
  if (protocol.name == 0) return;
  const name = changetype<string>(<usize>protocol.name);
  considerWhole(name);
  for (let i: u32 = 0; i < Fields.count; i++) {
    const field = Fields.at(i);
    if (field.protocol != protocol.number) continue;
    considerField(name, "", field);
    considerField(name, field.side == Side.REQUEST ? ".request" : ".response", field);
    if (field.kind == FieldKind.ROWS) considerColumns(name, field);
  }
}

function considerField(protocol: string, side: string, field: Field): void {
  const name = changetype<string>(<usize>field.name);
  Nearest.letters(protocol, 0, protocol.length);
  Nearest.letters(side, 0, side.length);
  Nearest.letters(".", 0, 1);
  Nearest.letters(name, 0, name.length);
  Nearest.consider();
}

function considerColumns(protocol: string, field: Field): void {
  const name = changetype<string>(<usize>field.name);
  NameList.open(changetype<string>(<usize>field.names));
  while (NameList.advance()) {
    Nearest.letters(protocol, 0, protocol.length);
    Nearest.letters(".", 0, 1);
    Nearest.letters(name, 0, name.length);
    Nearest.letters(".", 0, 1);
    Nearest.letters(NameList.list, NameList.first, NameList.end);
    Nearest.consider();
  }
}

/** Says which value of a list of names may be meant by the bytes at `start`; always false. */
export function sayNearestValue(start: usize, length: u32, names: string): bool {
  Nearest.open(start, length);
  NameList.open(names);
  while (NameList.advance()) {
    Nearest.letters(NameList.list, NameList.first, NameList.end);
    Nearest.consider();
  }
  if (Nearest.length != 0) {
    say("; did you mean ");
    sayBytes(Nearest.start, Nearest.length);
    return say("?");
  }
  if (names.length > 120) return false;
  say("; its values are ");
  NameList.open(names);
  for (let isFirst = true; NameList.advance(); isFirst = false) {
    if (!isFirst) say(", ");
    sayPart(NameList.list, NameList.first, NameList.end);
  }
  return false;
}
