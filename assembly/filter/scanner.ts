/** The text of a filter, gone through from its start to its end: words, signs, and values. */
import { lower } from "../bytes/ascii";
import { faultAt } from "./fault";
import { isWhole } from "./names";

const DOT: u32 = 0x2e;
const QUOTE: u32 = 0x22;
const APOSTROPHE: u32 = 0x27;
const BACKSLASH: u32 = 0x5c;

export class Scanner {
  /** The next byte, and one past the last. */
  static at: usize = 0;
  static end: usize = 0;
  /** The word that `isWord` looked at. */
  static wordLength: u32 = 0;
  /** The value that `value` read: where it stands in the text, and its bytes, from which quotes and escapes were taken in place. */
  static valueAt: usize = 0;
  static valueStart: usize = 0;
  static valueLength: u32 = 0;
  static isQuoted: bool = false;

  static open(start: usize, length: u32): void {
    Scanner.at = start;
    Scanner.end = start + length;
  }

  /** The byte `ahead` of the next one, 0 behind the end. */
  static peek(ahead: u32): u32 {
    return Scanner.at + ahead < Scanner.end ? load<u8>(Scanner.at + ahead) : 0;
  }

  /** Goes over white space; whether there is more behind it. */
  static more(): bool {
    while (Scanner.at < Scanner.end && load<u8>(Scanner.at) <= 0x20) Scanner.at += 1;
    return Scanner.at < Scanner.end;
  }

  /** Takes a sign of one or two letters, if it is next. */
  static sign(sign: string): bool {
    Scanner.more();
    const length = <u32>sign.length;
    for (let i: u32 = 0; i < length; i++) if (Scanner.peek(i) != <u32>sign.charCodeAt(i)) return false;
    Scanner.at += length;
    return true;
  }

  /** Measures the word that is next: letters, digits, `_` and dots, beginning with a letter; 0 where none is. */
  static word(): u32 {
    Scanner.more();
    let length: u32 = 0;
    if (isLetter(Scanner.peek(0))) while (isWordByte(Scanner.peek(length))) length += 1;
    Scanner.wordLength = length;
    return length;
  }

  /** Whether `word` is next. */
  static isWord(word: string): bool {
    return isWhole(Scanner.at, Scanner.word(), word);
  }

  /** Takes `word`, if it is next. */
  static takeWord(word: string): bool {
    Scanner.more();
    if (!Scanner.isWord(word)) return false;
    Scanner.at += Scanner.wordLength;
    return true;
  }

  /** Reads a value, quoted or bare; a bare one ends before `..` where it may be a bound of a range. False, with the fault said, where none is. */
  static value(mayBeBound: bool): bool {
    if (!Scanner.more()) return faultAt(Scanner.at, "a value is missing here");
    Scanner.valueAt = Scanner.at;
    const first = Scanner.peek(0);
    Scanner.isQuoted = first == QUOTE || first == APOSTROPHE;
    if (Scanner.isQuoted) return Scanner.quoted(first);
    Scanner.valueStart = Scanner.at;
    while (isBareByte(Scanner.peek(0))) {
      if (mayBeBound && Scanner.peek(0) == DOT && Scanner.peek(1) == DOT) break;
      Scanner.at += 1;
    }
    Scanner.valueLength = <u32>(Scanner.at - Scanner.valueStart);
    return Scanner.valueLength > 0
      ? true
      : faultAt(Scanner.at, "a value is missing here; one with other signs than . : / - _ * ? + % @ # is quoted");
  }

  /** Reads what stands between quotes; in double ones a backslash takes a quote or a backslash for itself. */
  private static quoted(quote: u32): bool {
    Scanner.at += 1;
    Scanner.valueStart = Scanner.at;
    let out = Scanner.at;
    while (Scanner.at < Scanner.end) {
      let byte = Scanner.peek(0);
      if (byte == quote) {
        Scanner.at += 1;
        Scanner.valueLength = <u32>(out - Scanner.valueStart);
        return true;
      }
      if (byte == BACKSLASH && quote == QUOTE) {
        Scanner.at += 1;
        byte = Scanner.peek(0);
        if (byte != QUOTE && byte != BACKSLASH)
          return faultAt(Scanner.at - 1, "a backslash takes only another or a quote; in '...' it stands for itself");
      }
      store<u8>(out++, byte);
      Scanner.at += 1;
    }
    return faultAt(Scanner.valueAt, "this quote is not closed");
  }
}

function isLetter(byte: u32): bool {
  return lower(byte) - 0x61 < 26;
}

function isWordByte(byte: u32): bool {
  return isLetter(byte) || byte - 0x30 < 10 || byte == 0x5f || byte == DOT;
}

/** Whether a value without quotes may have this byte: letters, digits, what is not ASCII, and `# % * + - . / : ? @ _`. */
function isBareByte(byte: u32): bool {
  if (byte >= 0x80 || isWordByte(byte)) return true;
  return (
    byte == 0x23 ||
    byte == 0x25 ||
    byte == 0x2a ||
    byte == 0x2b ||
    byte == 0x2d ||
    byte == 0x2f ||
    byte == 0x3a ||
    byte == 0x3f ||
    byte == 0x40
  );
}
