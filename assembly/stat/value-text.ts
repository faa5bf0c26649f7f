/** A value of an event as text, as JSON shows it. */
import { decimal, putText } from "../bytes/ascii";
import { putName, putWord } from "../bytes/names";
import { CommonKind } from "../filter/common";
import { NameList } from "../filter/names";
import { Reference } from "../filter/program";
import { baseOf, isTextColumn, numberAt, oneOwner, putAddress, Rows, Run, WORDS, WORDS_BYTES } from "../filter/value";
import { FieldKind } from "../protocols/field";
import { Protocols } from "../protocols/protocol";

/** The value that was read last as text. */
export class ValueText {
  static start: usize = 0;
  static length: u32 = 0;

  /** Takes what was written to WORDS, up to `end`. */
  private static written(end: usize): void {
    ValueText.start = WORDS;
    ValueText.length = <u32>(end - WORDS);
  }

  /**
   * Reads a value as JSON shows it: names for numbers that have them, what is set of bits with `+` between, the first of rows and lists.
   * Nothing where it is not known.
   */
  static read(field: Reference, event: usize): void {
    const reference = oneOwner(field, event);
    ValueText.length = 0;
    const base = baseOf(reference, event);
    if (base == 0) {
      if (reference.kind == CommonKind.SIDE) ValueText.written(putText(WORDS, "false"));
      return;
    }
    if (reference.column != 0) {
      if (firstOf(reference)) ValueText.take(reference, Rows.valueStart);
      return;
    }
    if (reference.kind == CommonKind.ADDRESS) ValueText.written(WORDS + putAddress(event, reference.offset));
    else ValueText.take(reference, base + reference.offset);
  }

  /** Reads the value that is stored at `at`, or in the row in hand. */
  private static take(reference: Reference, at: usize): void {
    const names = changetype<string>(<usize>reference.names);
    switch (<u32>reference.kind) {
      case FieldKind.TEXT:
        if (reference.column == 0) Run.to(reference.offset);
        ValueText.start = reference.column == 0 ? Run.start : Rows.valueStart;
        ValueText.length = reference.column == 0 ? Run.length : Rows.valueLength;
        break;
      case FieldKind.NAME:
        ValueText.written(putName(WORDS, names, load<u16>(at), ""));
        break;
      case CommonKind.WORD:
        ValueText.written(putWord(WORDS, names, load<u8>(at)));
        break;
      case CommonKind.PROTOCOL:
        ValueText.written(putText(WORDS, changetype<string>(<usize>Protocols.at(load<u8>(at)).name)));
        break;
      case CommonKind.MARKS:
        ValueText.written(putBits(names, load<u32>(at)));
        break;
      case FieldKind.FLAGS:
        ValueText.written(putBits(names, load<u16>(at)));
        break;
      case FieldKind.BOOL:
        ValueText.written(putText(WORDS, load<u8>(at) != 0 ? "true" : "false"));
        break;
      case CommonKind.SIDE:
        ValueText.written(putText(WORDS, "true"));
        break;
      case FieldKind.NUMBERS:
        Run.to(reference.offset);
        if (Run.length >= 4) ValueText.written(decimal(WORDS, load<u32>(Run.start)));
        break;
      case FieldKind.I32:
        ValueText.written(putSigned(load<i32>(at)));
        break;
      default:
        ValueText.written(putDecimal(numberAt(reference.kind, at)));
    }
  }
}

/** Goes to the column of the first row; false where there is none. */
function firstOf(reference: Reference): bool {
  Rows.open(reference.offset);
  NameList.open(changetype<string>(<usize>reference.names));
  for (let column: u32 = 1; NameList.advance(); column++) {
    if (!Rows.value(isTextColumn())) return false;
    if (column == <u32>reference.column) return true;
  }
  return false;
}

/** Writes the names of the bits that are set, as many as there is room for; answers one past the last byte. */
function putBits(names: string, bits: u32): usize {
  let at = WORDS;
  NameList.open(names);
  while (NameList.advance()) {
    const length = NameList.end - NameList.first;
    if (((bits >> NameList.value) & 1) == 0 || at + length + 1 > WORDS + WORDS_BYTES) continue;
    if (at != WORDS) store<u8>(at++, 0x2b);
    for (let i = NameList.first; i < NameList.end; i++) store<u8>(at++, NameList.list.charCodeAt(i));
  }
  return at;
}

function putSigned(value: i32): usize {
  if (value >= 0) return decimal(WORDS, value);
  store<u8>(WORDS, 0x2d);
  return decimal(WORDS + 1, <u32>(0 - value));
}

/** Writes a number of any size; answers one past the last byte. */
function putDecimal(value: u64): usize {
  const BILLION: u64 = 1_000_000_000;
  if (value < BILLION) return decimal(WORDS, <u32>value);
  let digits: usize = 10;
  for (let rest = value / (BILLION * 10); rest != 0; rest /= 10) digits += 1;
  let rest = value;
  for (let at = WORDS + digits; at > WORDS; rest /= 10) store<u8>(--at, 48 + <u8>(rest % 10));
  return WORDS + digits;
}
