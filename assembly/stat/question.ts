/**
 * What statistics are asked for: a value, and the fields whose values make the rows.
 *
 * ```
 * question  = value [ "by" field { "," field } ]
 * value     = a field with numbers | "count" | "errors" | "size"
 * ```
 * `size` is what request and response had on the wire. Of `count` and `errors` the values are durations; samples of `errors` are failed
 * round trips before all others.
 */
import { FilterFault, faultAt, faultOpen, say, sayBytes } from "../filter/fault";
import { bothSides, findOperand, Operand, referTo } from "../filter/operand";
import { FILTER_BYTES_MAX, Known, Place, Reference } from "../filter/program";
import { Scanner } from "../filter/scanner";
import { Field, FieldKind } from "../protocols/field";

/** Fields of one question at the most. */
export const FIELDS_MAX: u32 = 4;

const TEXT: usize = memory.data(4096);
const REFERENCES: usize = memory.data(12 * 5, 4);
const DURATION_OFFSET: u32 = 56;

export class Question {
  /** Fields that make the rows. */
  static fields: u32 = 0;
  static isSize: bool = false;
  static prefersErrors: bool = false;

  /** Field `index` of those that make the rows. */
  @inline static field(index: u32): Reference {
    return changetype<Reference>(REFERENCES + (index + 1) * offsetof<Reference>());
  }

  /** The value that is added up, where it is a field. */
  @inline static get value(): Reference {
    return changetype<Reference>(REFERENCES);
  }
}

/** Whether a field is a number, so that JSON shows it as one. */
export function isNumber(reference: Reference): bool {
  const kind = <u32>reference.kind;
  return kind <= FieldKind.U64 || kind == FieldKind.I32 || kind == FieldKind.NUMBERS;
}

/**
 * Reads the question of `length` bytes at `start`. Answers 0, or the place from 1 of what is wrong, of which FilterFault has the
 * sentence.
 */
export function readQuestion(start: usize, length: u32): u32 {
  Question.fields = 0;
  Question.isSize = false;
  Question.prefersErrors = false;
  faultOpen(TEXT);
  if (length > FILTER_BYTES_MAX) {
    faultAt(TEXT + FILTER_BYTES_MAX, "a question has at most 4096 bytes");
    return FilterFault.column;
  }
  memory.copy(TEXT, start, length);
  Scanner.open(TEXT, length);
  return readValue() && readFields() ? 0 : FilterFault.column;
}

function readValue(): bool {
  Question.prefersErrors = Scanner.takeWord("errors");
  if (Question.prefersErrors || Scanner.takeWord("count")) return useDuration();
  Question.isSize = Scanner.takeWord("size");
  if (Question.isSize) return true;
  if (!readField(Question.value)) return false;
  const kind = <u32>Question.value.kind;
  if (Operand.column == 0 && kind <= FieldKind.U64) return true;
  faultAt(Operand.start, "");
  sayBytes(Operand.start, Operand.length);
  return say(" is no number that can be added up");
}

function useDuration(): bool {
  const value = Question.value;
  value.protocol = 0;
  value.place = <u8>Place.EVENT;
  value.kind = <u8>FieldKind.U64;
  value.known = <u8>Known.TIMED;
  value.column = 0;
  value.offset = <u16>DURATION_OFFSET;
  return true;
}

function readFields(): bool {
  if (!Scanner.more()) return true;
  if (!Scanner.takeWord("by")) return faultAt(Scanner.at, "write by and the fields that make the rows, or nothing here");
  while (true) {
    Scanner.more();
    if (Question.fields == FIELDS_MAX) return faultAt(Scanner.at, "rows are made of four fields at the most");
    if (!readField(Question.field(Question.fields))) return false;
    if (Operand.kind == FieldKind.ROWS) return noColumn();
    Question.fields += 1;
    if (!Scanner.more()) return true;
    if (!Scanner.sign(",")) return faultAt(Scanner.at, "write a comma between fields");
  }
}

function readField(reference: Reference): bool {
  const start = Scanner.more() ? Scanner.at : Scanner.end;
  const length = Scanner.word();
  if (length == 0) return faultAt(start, "a field is missing here");
  Scanner.at += length;
  if (!findOperand(start, length)) return false;
  if (Operand.other != 0) return bothSides(changetype<string>(<usize>changetype<Field>(Operand.other).name));
  referTo(reference);
  return true;
}

function noColumn(): bool {
  faultAt(Operand.start, "");
  sayBytes(Operand.start, Operand.length);
  return say(" has rows: name a column");
}
