/** What is wrong with a filter, and where: the place of a byte in its text, and a sentence for whoever wrote it. */
import { copyBytes } from "../bytes/run";

/** Bytes of a sentence at the most; what does not fit is left out. */
const SENTENCE_BYTES_MAX: u32 = 480;
/** Bytes that are repeated of a filter at the most. */
const QUOTED_BYTES_MAX: u32 = 64;

const SENTENCE: usize = memory.data(480);

export class FilterFault {
  /** Where the sentence lies. */
  static readonly start: usize = SENTENCE;
  /** Its bytes; 0 where nothing is wrong. */
  static length: u32 = 0;
  /** The place of the fault in the text, from 1. */
  static column: u32 = 0;
  /** First byte of the filter's text. */
  static text: usize = 0;
}

/** Nothing is wrong with the text at `start`, so far. */
export function faultOpen(start: usize): void {
  FilterFault.text = start;
  FilterFault.length = 0;
  FilterFault.column = 0;
}

/** Begins the sentence on what is wrong at `at`; always false. */
export function faultAt(at: usize, words: string): bool {
  FilterFault.length = 0;
  FilterFault.column = <u32>(at - FilterFault.text) + 1;
  return say(words);
}

/** Adds static words to the sentence; always false. */
export function say(words: string): bool {
  return sayPart(words, 0, words.length);
}

/** Adds the letters of `words`, which are ASCII, from `first` up to `end`; always false. */
export function sayPart(words: string, first: i32, end: i32): bool {
  for (let i = first; i < end && FilterFault.length < SENTENCE_BYTES_MAX; i++) {
    store<u8>(SENTENCE + FilterFault.length++, words.charCodeAt(i));
  }
  return false;
}

/** Adds bytes of the filter to the sentence, whole characters, as many as are bearable; always false. */
export function sayBytes(start: usize, length: u32): bool {
  let take = min(length, QUOTED_BYTES_MAX);
  if (take < length) while (take > 0 && (load<u8>(start + take) & 0xc0) == 0x80) take -= 1;
  if (FilterFault.length + take > SENTENCE_BYTES_MAX) return false;
  copyBytes(SENTENCE + FilterFault.length, start, take);
  FilterFault.length += take;
  return take < length ? say("...") : false;
}

/** Adds a number to the sentence; always false. */
export function sayNumber(value: u32): bool {
  if (value >= 10) sayNumber(value / 10);
  if (FilterFault.length < SENTENCE_BYTES_MAX) store<u8>(SENTENCE + FilterFault.length++, 48 + (value % 10));
  return false;
}
