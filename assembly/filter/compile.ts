/**
 * From the text of a filter to its program.
 *
 * ```
 * filter       = [ disjunction ]                                          nothing takes everything
 * disjunction  = conjunction { ("or" | "||") conjunction }
 * conjunction  = negation { ("and" | "&&") negation }
 * negation     = { "not" | "!" } term
 * term         = "(" disjunction ")" | quoted text | field [ comparison ]
 * comparison   = ("==" | "!=" | "<" | "<=" | ">" | ">=" | "~" | "!~" | "contains" | "startswith" | "has" | ["not"] "in") values
 * values       = value | "{" value { "," value } "}"
 * value        = [ number | address ] ".." ... | number with unit | network | name | text
 * ```
 */
import { Field, FieldKind } from "../protocols/field";
import { CommonKind } from "./common";
import { FilterFault, faultAt, faultOpen, say, sayBytes, sayPart } from "./fault";
import { addTextItem, addValue, foldValue, Relation } from "./items";
import { isName, NameList } from "./names";
import { bothSides, findOperand, Operand, referTo, useField } from "./operand";
import { FILTER_BYTES_MAX, FILTER_TEXT, Instruction, Known, Matcher, NO_SKIP, Op, Program } from "./program";
import { Scanner } from "./scanner";
import { TextForm } from "./text";

/** Parentheses in each other at the most. */
const DEPTH_MAX: u32 = 64;

/** The comparison that was read last. */
class Comparison {
  static relation: u32 = 0;
  static form: u32 = 0;
  static isNegated: bool = false;
  /** Whether it asks what is in a list. */
  static isHas: bool = false;
  static at: usize = 0;
}

/**
 * Compiles the `length` bytes at `start`. Answers 0, or the place from 1 of what is wrong, of which FilterFault has the sentence;
 * the program then takes everything.
 */
export function compileFilter(start: usize, length: u32): u32 {
  Program.reset();
  faultOpen(FILTER_TEXT);
  if (length > FILTER_BYTES_MAX) {
    faultAt(FILTER_TEXT + FILTER_BYTES_MAX, "a filter has at most 4096 bytes");
    return FilterFault.column;
  }
  memory.copy(FILTER_TEXT, start, length);
  Scanner.open(FILTER_TEXT, length);
  if (!Scanner.more() || (disjunction(0) && isAtEnd())) return 0;
  Program.reset();
  return FilterFault.column;
}

function isAtEnd(): bool {
  if (!Scanner.more()) return true;
  if (Scanner.peek(0) == 0x29) return faultAt(Scanner.at, "this parenthesis was not opened");
  if (Scanner.peek(0) == 0x3d) return faultAt(Scanner.at, "to compare, write ==");
  if (isWordInCapitals()) return faultAt(Scanner.at, "words are in small letters: and, or, not, in, has, contains, startswith");
  return faultAt(Scanner.at, "write a comparison, and, or, or nothing here");
}

/** Whether one of the words is next, in whatever letters. */
function isWordInCapitals(): bool {
  const length = Scanner.word();
  NameList.open("and,or,not,in,has,contains,startswith");
  while (NameList.advance()) if (isName(Scanner.at, length, NameList.list, NameList.first, NameList.end, true)) return true;
  return false;
}

function tooLong(): bool {
  return faultAt(Scanner.at, "the filter has too many terms");
}

/** Adds a skip to the chain that ends with `last`; answers its index, NO_SKIP where there is no room. */
function addSkip(op: u32, last: u32): u32 {
  const index = Program.length;
  const skip = Program.add(op);
  if (skip == 0) return NO_SKIP;
  changetype<Instruction>(skip).target = last;
  return index;
}

function disjunction(depth: u32): bool {
  let chain = NO_SKIP;
  while (true) {
    if (!conjunction(depth)) return false;
    if (!Scanner.takeWord("or") && !Scanner.sign("||")) break;
    chain = addSkip(Op.SKIP_IF_TRUE, chain);
    if (chain == NO_SKIP) return tooLong();
  }
  Program.land(chain);
  return true;
}

function conjunction(depth: u32): bool {
  let chain = NO_SKIP;
  while (true) {
    if (!negation(depth)) return false;
    if (!Scanner.takeWord("and") && !Scanner.sign("&&")) break;
    chain = addSkip(Op.SKIP_IF_FALSE, chain);
    if (chain == NO_SKIP) return tooLong();
  }
  Program.land(chain);
  return true;
}

function negation(depth: u32): bool {
  let turns = false;
  while (Scanner.takeWord("not") || Scanner.sign("!")) turns = !turns;
  if (!term(depth)) return false;
  return !turns || Program.add(Op.NOT) != 0 || tooLong();
}

function term(depth: u32): bool {
  if (!Scanner.more()) return faultAt(Scanner.at, "a field is missing here");
  const opened = Scanner.at;
  if (Scanner.sign("(")) {
    if (depth == DEPTH_MAX) return faultAt(opened, "too many parentheses are open");
    if (!disjunction(depth + 1)) return false;
    if (Scanner.sign(")")) return true;
    return Scanner.more() ? isAtEnd() : faultAt(opened, "this parenthesis is not closed");
  }
  const next = Scanner.peek(0);
  if (next == 0x22 || next == 0x27) return anywhere();
  const start = Scanner.at;
  const length = Scanner.word();
  if (length == 0) return faultAt(start, "a field is missing here; a text alone is quoted");
  Scanner.at += length;
  return findOperand(start, length) && comparison();
}

/** A quoted text alone: any text of the round trip holds it, in any case. */
function anywhere(): bool {
  if (!Scanner.value(false)) return false;
  if (Scanner.valueLength == 0) return faultAt(Scanner.valueAt, "a text alone has at least one letter");
  const at = Program.add(Op.TEST);
  if (at == 0) return tooLong();
  const test = changetype<Instruction>(at);
  test.matcher = <u8>Matcher.ANYWHERE;
  test.known = <u8>Known.ALWAYS;
  test.form = <u8>TextForm.HOLDS;
  test.items = <u32>Program.nextItem;
  foldValue();
  return addTextItem(test);
}

/** The test of the operand in hand, with what it is compared with. */
function comparison(): bool {
  const hasSign = readSign();
  if (FilterFault.length != 0) return false;
  if (Operand.other != 0)
    return hasSign ? bothSides(changetype<string>(<usize>changetype<Field>(Operand.other).name)) : eitherAlone();
  const added = addTest();
  if (added == 0) return tooLong();
  const test = changetype<Instruction>(added);
  if (!hasSign) return alone(test);
  if (!isFit(test.kind)) return false;
  test.form = <u8>Comparison.form;
  test.negated = Comparison.isNegated ? 1 : 0;
  test.matcher = <u8>matcherOf(test.kind);
  return values(test);
}

/** Adds a test of the operand, which so far asks whether it is there; 0 where there is no room. */
function addTest(): usize {
  const added = Program.add(Op.TEST);
  if (added == 0) return 0;
  const test = changetype<Instruction>(added);
  referTo(test);
  test.items = <u32>Program.nextItem;
  return added;
}

/** A field alone that both sides have: it is so on either. */
function eitherAlone(): bool {
  const request = addTest();
  if (request == 0 || !alone(changetype<Instruction>(request))) return tooLong();
  const skip = addSkip(Op.SKIP_IF_TRUE, NO_SKIP);
  useField(Operand.other);
  const response = addTest();
  if (skip == NO_SKIP || response == 0 || !alone(changetype<Instruction>(response))) return tooLong();
  Program.land(skip);
  return true;
}

/** A field alone: it is there, or, where it is true or false, it is true. */
function alone(test: Instruction): bool {
  if (test.kind != FieldKind.BOOL) return true;
  test.matcher = <u8>Matcher.NUMBER;
  const item = Program.item(16);
  if (item == 0) return tooLong();
  store<u64>(item, 1);
  store<u64>(item, u64.MAX_VALUE, 8);
  test.itemCount = 1;
  return true;
}

function matcherOf(kind: u32): u32 {
  if (kind == FieldKind.TEXT) return Matcher.TEXT;
  if (kind == CommonKind.ADDRESS) return Matcher.NETWORK;
  return kind == FieldKind.FLAGS || kind == CommonKind.MARKS ? Matcher.BITS : Matcher.NUMBER;
}

/** Reads the sign or word of a comparison; false where none is next, or what is there is wrong. */
function readSign(): bool {
  Scanner.more();
  Comparison.at = Scanner.at;
  Comparison.relation = Relation.EQUAL;
  Comparison.form = TextForm.EQUAL;
  Comparison.isNegated = false;
  Comparison.isHas = false;
  if (Scanner.sign("==") || Scanner.takeWord("eq") || Scanner.takeWord("in")) return true;
  if (Scanner.sign("!=") || Scanner.takeWord("ne")) return negated(TextForm.EQUAL);
  if (Scanner.sign("!~")) return negated(TextForm.GLOB);
  if (Scanner.sign("<=") || Scanner.takeWord("le")) return related(Relation.UP_TO);
  if (Scanner.sign(">=") || Scanner.takeWord("ge")) return related(Relation.FROM);
  if (Scanner.sign("<") || Scanner.takeWord("lt")) return related(Relation.BELOW);
  if (Scanner.sign(">") || Scanner.takeWord("gt")) return related(Relation.ABOVE);
  if (Scanner.sign("~")) return formed(TextForm.GLOB);
  if (Scanner.takeWord("contains")) return formed(TextForm.HOLDS);
  if (Scanner.takeWord("startswith")) return formed(TextForm.BEGINS);
  if (Scanner.takeWord("has")) {
    Comparison.isHas = true;
    return true;
  }
  if (!Scanner.takeWord("not")) return false;
  return Scanner.takeWord("in") ? negated(TextForm.EQUAL) : faultAt(Scanner.at, "behind a field, not goes with in");
}

function negated(form: u32): bool {
  Comparison.isNegated = true;
  Comparison.form = form;
  return true;
}

function related(relation: u32): bool {
  Comparison.relation = relation;
  return true;
}

function formed(form: u32): bool {
  Comparison.form = form;
  return true;
}

/** Whether the comparison is one of the operand's kind; says which are where it is not. */
function isFit(kind: u32): bool {
  const isOrder = Comparison.relation != Relation.EQUAL;
  const form = Comparison.form;
  if (kind == CommonKind.SIDE || kind == FieldKind.ROWS) return isPlain(kind);
  if (kind == FieldKind.FLAGS || kind == CommonKind.MARKS || kind == FieldKind.NUMBERS) {
    return Comparison.isHas || unfit(" is a list: write has and one of it");
  }
  if (Comparison.isHas) return unfit(" is no list: write == or in {..}");
  if (kind == FieldKind.TEXT) {
    return !isOrder || unfit(" is a text: write == != ~ contains startswith or in {..}");
  }
  if (kind == CommonKind.ADDRESS) {
    return (!isOrder && form == TextForm.EQUAL) || unfit(" is an address: write == != or in {..}, with networks as 10.0.0.0/8");
  }
  if (kind == FieldKind.NAME) {
    return form == TextForm.EQUAL || form == TextForm.GLOB || unfit(" has names for numbers: write == != < <= > >= ~ or in {..}");
  }
  if (kind == CommonKind.WORD || kind == CommonKind.PROTOCOL) {
    return (!isOrder && (form == TextForm.EQUAL || form == TextForm.GLOB)) || unfit(" is a name: write == != ~ or in {..}");
  }
  if (kind == FieldKind.BOOL)
    return (!isOrder && form == TextForm.EQUAL) || unfit(" is true or false: write it alone, or == or !=");
  return form == TextForm.EQUAL || unfit(" is a number: write == != < <= > >= or in {..}");
}

/** Says that the operand has parts, or nothing, to compare; always false. */
function isPlain(kind: u32): bool {
  if (kind == CommonKind.SIDE) return unfit(" is there or not, and has no value");
  unfit(" has rows: name a column, as ");
  sayBytes(Operand.start, Operand.length);
  say(".");
  NameList.open(Operand.names);
  return NameList.advance() && sayPart(NameList.list, NameList.first, NameList.end);
}

function unfit(words: string): bool {
  faultAt(Comparison.at, "");
  sayBytes(Operand.start, Operand.length);
  return say(words);
}

/** One value, or a set of them. */
function values(test: Instruction): bool {
  const opened = Scanner.more() ? Scanner.at : Scanner.end;
  if (!Scanner.sign("{")) return addValue(test, Comparison.relation);
  if (Comparison.relation != Relation.EQUAL) return faultAt(opened, "an order needs one value, not a set");
  while (true) {
    if (!Scanner.more()) return faultAt(opened, "this set is not closed");
    if (Scanner.sign("}")) break;
    if (!addValue(test, Comparison.relation)) return false;
    Scanner.sign(",");
  }
  return test.itemCount != 0 || test.form == TextForm.GLOB || faultAt(opened, "this set is empty");
}
