/** Texts of events compared with those of a filter. A filter's text is in small letters where capitals do not count. */
import { lower } from "../bytes/ascii";

/** How a text is compared. */
export class TextForm {
  static readonly EQUAL: u32 = 0;
  static readonly GLOB: u32 = 1;
  static readonly HOLDS: u32 = 2;
  static readonly BEGINS: u32 = 3;
}

const STAR: u32 = 0x2a;
const QUESTION: u32 = 0x3f;
const BACKSLASH: u32 = 0x5c;

function letterAt(at: usize, folds: bool): u32 {
  const byte = <u32>load<u8>(at);
  return folds ? lower(byte) : byte;
}

function isRun(text: usize, wanted: usize, length: u32, folds: bool): bool {
  for (let i: u32 = 0; i < length; i++) if (letterAt(text + i, folds) != <u32>load<u8>(wanted + i)) return false;
  return true;
}

/** Whether `wantedLength` bytes at `wanted` stand somewhere in the `length` bytes at `text`. */
export function holdsText(text: usize, length: u32, wanted: usize, wantedLength: u32, folds: bool): bool {
  if (wantedLength > length) return false;
  for (let at: u32 = 0; at <= length - wantedLength; at++) if (isRun(text + at, wanted, wantedLength, folds)) return true;
  return false;
}

/** Whether the text is as `wanted` in the manner of `form`. */
export function fitsText(form: u32, text: usize, length: u32, wanted: usize, wantedLength: u32, folds: bool): bool {
  if (form == TextForm.GLOB) return fitsGlob(text, length, wanted, wantedLength, folds);
  if (form == TextForm.HOLDS) return holdsText(text, length, wanted, wantedLength, folds);
  if (form == TextForm.EQUAL && length != wantedLength) return false;
  return wantedLength <= length && isRun(text, wanted, wantedLength, folds);
}

/**
 * Whether the whole text fits a pattern: `*` stands for any run, `?` for one character, and a backslash takes both for themselves.
 * Only the last star is gone back to, so the work is at most the product of both lengths.
 */
function fitsGlob(text: usize, length: u32, pattern: usize, patternLength: u32, folds: bool): bool {
  let at: u32 = 0;
  let place: u32 = 0;
  let star: u32 = patternLength;
  let starAt: u32 = 0;
  while (at < length) {
    if (place < patternLength) {
      let letter = <u32>load<u8>(pattern + place);
      if (letter == STAR) {
        star = place++;
        starAt = at;
        continue;
      }
      if (letter == QUESTION) {
        at += characterBytes(text + at, length - at);
        place += 1;
        continue;
      }
      let step: u32 = 1;
      if (letter == BACKSLASH && place + 1 < patternLength) {
        letter = load<u8>(pattern + place + 1);
        step = 2;
      }
      if (letterAt(text + at, folds) == letter) {
        at += 1;
        place += step;
        continue;
      }
    }
    if (star == patternLength) return false;
    place = star + 1;
    at = ++starAt;
  }
  while (place < patternLength && load<u8>(pattern + place) == STAR) place += 1;
  return place == patternLength;
}

/** Bytes of the UTF-8 character at `at`. */
function characterBytes(at: usize, left: u32): u32 {
  let bytes: u32 = 1;
  while (bytes < left && (load<u8>(at + bytes) & 0xc0) == 0x80) bytes += 1;
  return bytes;
}
