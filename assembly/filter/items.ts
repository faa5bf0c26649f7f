/** The values that a test compares with, read by the kind of its field and added to the program as items. */
import { lower } from "../bytes/ascii";
import { FieldKind } from "../protocols/field";
import { Protocols } from "../protocols/protocol";
import { CommonKind } from "./common";
import { faultAt, say, sayBytes } from "./fault";
import { sayNamed } from "./named";
import { isName, NameList } from "./names";
import { Address, compareAddresses, putBound, readNetwork } from "./network";
import { Numeral, readNumber } from "./number";
import { Operand, protocolOf, sayNearestValue } from "./operand";
import { Instruction, ITEM_BYTES, NETWORK_ITEM_BYTES, Program, SIGN } from "./program";
import { Scanner } from "./scanner";
import { fitsText, TextForm } from "./text";

/** How a value stands to the field. */
export class Relation {
  static readonly EQUAL: u32 = 0;
  static readonly BELOW: u32 = 1;
  static readonly UP_TO: u32 = 2;
  static readonly ABOVE: u32 = 3;
  static readonly FROM: u32 = 4;
}

/** The names of a list's numbers are at most so long. */
const NAME_BYTES_MAX: u32 = 128;
const NAME: usize = memory.data(128);

function tooMany(): bool {
  return faultAt(Scanner.valueAt, "the values of this filter are too many");
}

function addRange(test: Instruction, low: u64, high: u64): bool {
  const item = Program.item(ITEM_BYTES);
  if (item == 0) return tooMany();
  store<u64>(item, low);
  store<u64>(item, high, 8);
  test.itemCount += 1;
  return true;
}

/** Reads one value of the operand's kind, or a range of two, and adds what it stands for to `test`. */
export function addValue(test: Instruction, relation: u32): bool {
  switch (<u32>test.kind) {
    case FieldKind.TEXT:
      return addText(test);
    case FieldKind.NAME:
    case CommonKind.WORD:
      return addNames(test, relation);
    case FieldKind.FLAGS:
    case CommonKind.MARKS:
      return addBit(test);
    case FieldKind.BOOL:
      return addTruth(test);
    case CommonKind.PROTOCOL:
      return addProtocols(test);
    case CommonKind.ADDRESS:
      return addNetwork(test);
    default:
      return addNumbers(test, relation);
  }
}

/** Adds the value in hand as text; in small letters where capitals do not count. */
export function addTextItem(test: Instruction): bool {
  const item = Program.item(ITEM_BYTES);
  if (item == 0) return tooMany();
  store<u32>(item, <u32>Scanner.valueStart);
  store<u32>(item, Scanner.valueLength, 4);
  if (test.folds != 0) foldValue();
  test.itemCount += 1;
  return true;
}

function addText(test: Instruction): bool {
  return Scanner.value(false) && addTextItem(test);
}

/** Reads the number in hand, in the order of `test`. */
function numeral(test: Instruction): bool {
  if (!readNumber(Scanner.valueStart, Scanner.valueLength, Scanner.valueAt, Operand.unit)) {
    const isWord = Scanner.valueLength > 0 && lower(load<u8>(Scanner.valueStart)) - 0x61 < 26;
    return isWord && sayNamed();
  }
  const isSigned = test.kind == FieldKind.I32;
  if (Numeral.isNegative && Numeral.value != 0 && !isSigned) return faultAt(Scanner.valueAt, "this field is never negative");
  if (!isSigned) return true;
  if (Numeral.value >= SIGN) return faultAt(Scanner.valueAt, "this number is too large");
  Numeral.value = (Numeral.isNegative ? 0 - Numeral.value : Numeral.value) ^ SIGN;
  return true;
}

function addNumbers(test: Instruction, relation: u32): bool {
  if (!Scanner.value(true) || !numeral(test)) return false;
  const low = Numeral.value;
  if (relation != Relation.EQUAL || !Scanner.sign("..")) return addRelated(test, relation, low);
  if (!Scanner.value(true) || !numeral(test)) return false;
  if (Numeral.value < low) return faultAt(Scanner.valueAt, "this range ends before it begins");
  return addRange(test, low, Numeral.value);
}

/** Adds the range of what stands in `relation` to a number; none where nothing does. */
function addRelated(test: Instruction, relation: u32, value: u64): bool {
  if (relation == Relation.EQUAL) return addRange(test, value, value);
  if (relation == Relation.UP_TO) return addRange(test, 0, value);
  if (relation == Relation.FROM) return addRange(test, value, u64.MAX_VALUE);
  if (relation == Relation.BELOW) return value == 0 || addRange(test, 0, value - 1);
  return value == u64.MAX_VALUE || addRange(test, value + 1, u64.MAX_VALUE);
}

/** Adds all numbers whose name is the value, or fits it as a pattern; a number may be written in place of its name. */
function addNames(test: Instruction, relation: u32): bool {
  const names = Operand.names;
  if (!Scanner.value(false)) return false;
  if (test.form == TextForm.GLOB) foldValue();
  let found: u32 = 0;
  let number: u32 = 0;
  NameList.open(names);
  while (NameList.advance()) {
    if (!isNamed(test.form)) continue;
    number = NameList.value;
    found += 1;
    if (relation == Relation.EQUAL && !addRange(test, number, number)) return false;
  }
  if (test.form == TextForm.GLOB) return true;
  if (found == 0) {
    const first = Scanner.valueLength > 0 ? <u32>load<u8>(Scanner.valueStart) : 0;
    if (test.kind == FieldKind.NAME && first - 0x30 < 10) {
      return (
        readNumber(Scanner.valueStart, Scanner.valueLength, Scanner.valueAt, Operand.unit) &&
        addRelated(test, relation, Numeral.value)
      );
    }
    return noValue() || sayNearestValue(Scanner.valueStart, Scanner.valueLength, names);
  }
  if (relation == Relation.EQUAL) return true;
  return found == 1
    ? addRelated(test, relation, number)
    : faultAt(Scanner.valueAt, "this name stands for several numbers, which have no order");
}

/** Whether the name in hand is the value, in any case; or fits it. */
function isNamed(form: u32): bool {
  const list = NameList.list;
  const first = NameList.first;
  const end = NameList.end;
  if (form != TextForm.GLOB) return isName(Scanner.valueStart, Scanner.valueLength, list, first, end, true);
  const length = min<u32>(end - first, NAME_BYTES_MAX);
  for (let i: u32 = 0; i < length; i++) store<u8>(NAME + i, lower(list.charCodeAt(first + i)));
  return fitsText(TextForm.GLOB, NAME, length, Scanner.valueStart, Scanner.valueLength, false);
}

function noValue(): bool {
  faultAt(Scanner.valueAt, "");
  sayBytes(Operand.start, Operand.length);
  say(" has no value ");
  return sayBytes(Scanner.valueStart, Scanner.valueLength);
}

function addBit(test: Instruction): bool {
  if (!Scanner.value(false)) return false;
  NameList.open(Operand.names);
  while (NameList.advance()) {
    if (isNamed(TextForm.EQUAL)) return addRange(test, (<u64>1) << NameList.value, 0);
  }
  return noValue() || sayNearestValue(Scanner.valueStart, Scanner.valueLength, Operand.names);
}

function addTruth(test: Instruction): bool {
  if (!Scanner.value(false)) return false;
  const start = Scanner.valueStart;
  const length = Scanner.valueLength;
  if (isName(start, length, "true", 0, 4, true) || isName(start, length, "1", 0, 1, true))
    return addRange(test, 1, u64.MAX_VALUE);
  if (isName(start, length, "false", 0, 5, true) || isName(start, length, "0", 0, 1, true)) return addRange(test, 0, 0);
  return noValue() || say("; its values are true and false");
}

function addProtocols(test: Instruction): bool {
  if (!Scanner.value(false)) return false;
  foldValue();
  if (test.form != TextForm.GLOB) {
    const number = protocolOf(Scanner.valueStart, Scanner.valueLength);
    if (number != 0) return addRange(test, number, number);
    return noValue() || say("; tallywire protocols lists them");
  }
  for (let number: u32 = 1; number <= Protocols.count; number++) {
    const name = Protocols.at(number).name;
    if (name == 0) continue;
    NameList.open(changetype<string>(<usize>name));
    if (NameList.advance() && isNamed(TextForm.GLOB) && !addRange(test, number, number)) return false;
  }
  return true;
}

/** Puts the value in hand into small letters. */
export function foldValue(): void {
  for (let i: u32 = 0; i < Scanner.valueLength; i++) {
    store<u8>(Scanner.valueStart + i, lower(load<u8>(Scanner.valueStart + i)));
  }
}

function addNetwork(test: Instruction): bool {
  if (!Scanner.value(true)) return false;
  if (!readNetwork(Scanner.valueStart, Scanner.valueLength)) return noAddress();
  const item = Program.item(NETWORK_ITEM_BYTES);
  if (item == 0) return tooMany();
  putBound(item, false);
  putBound(item + 16, true);
  store<u64>(item, Address.family, 32);
  test.itemCount += 1;
  if (!Scanner.sign("..")) return true;
  if (Address.bits != 128) return faultAt(Scanner.valueAt, "a range goes from one address to another, not from a network");
  if (!Scanner.value(true)) return false;
  if (!readNetwork(Scanner.valueStart, Scanner.valueLength)) return noAddress();
  if (Address.bits != 128 || <u64>Address.family != load<u64>(item, 32)) {
    return faultAt(Scanner.valueAt, "a range goes from one address to another of the same kind");
  }
  putBound(item + 16, true);
  if (compareAddresses(item, item + 16) > 0) return faultAt(Scanner.valueAt, "this range ends before it begins");
  return true;
}

function noAddress(): bool {
  faultAt(Scanner.valueAt, "");
  sayBytes(Scanner.valueStart, Scanner.valueLength);
  return say(" is no address and no network: write 192.0.2.1, 10.0.0.0/8 or 2001:db8::/32");
}
