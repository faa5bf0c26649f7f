/**
 * A filter put to an event: whether a round trip is wanted.
 *
 * Every text is read only as far as its message reaches, and skips go forward alone, so the work is bounded by the filter's length
 * times the event's, whatever either holds.
 */
import { putName } from "../bytes/names";
import { FieldKind, Fields } from "../protocols/field";
import { CommonKind } from "./common";
import { NameList } from "./names";
import { compareAddresses } from "./network";
import { ownerSide } from "./owner-side";
import { Instruction, ITEM_BYTES, Matcher, NETWORK_ITEM_BYTES, Op, Place, Program } from "./program";
import { fitsText, holdsText } from "./text";
import {
  baseOf,
  CLIENT_ADDRESS,
  FAMILY,
  isPresent,
  isTextColumn,
  numberAt,
  PROTOCOL,
  putAddress,
  Rows,
  Run,
  SERVER_ADDRESS,
  Side,
  WORDS,
} from "./value";

/** References to texts of owners, from the first to behind the last. */
const OWNER_TEXTS: u32 = 32;
const OWNER_TEXTS_END: u32 = 64;

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
  if (test.place == <u8>Place.EITHER_OWNER) return isSoOfEither(test, event);
  const base = baseOf(test, event);
  if (base == 0) return false;
  if (test.matcher == Matcher.KNOWN) return true;
  return fitsAny(test, event, base) != (test.negated != 0);
}

/** Whether a test holds of either owner; `!=` where it holds of every one that is known. */
function isSoOfEither(test: Instruction, event: usize): bool {
  let isKnown = false;
  for (let side: u32 = 0; side < 2; side++) {
    const one = ownerSide(test, side);
    one.matcher = test.matcher;
    one.form = test.form;
    one.itemCount = test.itemCount;
    one.items = test.items;
    const base = baseOf(one, event);
    if (base == 0) continue;
    isKnown = true;
    if (test.matcher == Matcher.KNOWN || fitsAny(one, event, base)) return test.negated == 0;
  }
  return isKnown && test.negated != 0;
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
  if (isInOwners(test, event)) return true;
  const protocol = load<u8>(event, PROTOCOL);
  for (let i: u32 = 0; i < Fields.count; i++) {
    const field = Fields.at(i);
    if (field.protocol != protocol || !Side.to(event, field.side + Place.REQUEST)) continue;
    if (!isPresent(field.index, field.offset, field.kind)) continue;
    if (holdsField(test, field.kind, field.offset, changetype<string>(<usize>field.names))) return true;
  }
  return false;
}

/** Whether a text of the owners holds the item. */
function isInOwners(test: Instruction, event: usize): bool {
  if (!Side.to(event, Place.OWNERS)) return false;
  for (let offset = OWNER_TEXTS; offset < OWNER_TEXTS_END; offset += 4) {
    Run.to(offset);
    if (holdsItem(test, Run.start, Run.length)) return true;
  }
  return false;
}

function holdsField(test: Instruction, kind: u32, offset: u32, names: string): bool {
  if (kind == FieldKind.TEXT || kind == FieldKind.BYTES) {
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
