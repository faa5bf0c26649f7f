/** Command words in captured bytes: letters in upper case, without the blanks and controls that no name has. */
import { u8At } from "../../bytes/reader";
import { COMMAND_BYTES_MAX } from "./fields";

const TEXT: usize = memory.data(64);

export class Word {
  /** The word that was read last, in upper case. */
  static readonly start: usize = TEXT;
  static length: u32 = 0;
}

/** A letter in upper case. */
export function upper(byte: u32): u32 {
  return byte - 97 < 26 ? byte - 32 : byte;
}

function isNameByte(byte: u32): bool {
  const letter = (byte | 32) - 97;
  if (letter < 26 || byte - 48 < 10) return true;
  return byte == 45 || byte == 46 || byte == 95 || byte == 124 || byte == 58;
}

/** Takes the word of `length` captured bytes at `start`; false where it is not one that names a command. */
export function readWord(start: usize, length: u32): bool {
  Word.length = 0;
  if (length == 0 || length > COMMAND_BYTES_MAX) return false;
  for (let i: u32 = 0; i < length; i++) {
    const byte = u8At(start + i);
    if (!isNameByte(byte)) return false;
    store<u8>(TEXT + i, upper(byte));
  }
  Word.length = length;
  return u8At(start) - 48 > 9;
}

/** Whether the word that was read last is `text`, in upper case. */
export function isWord(text: string): bool {
  if (<u32>text.length != Word.length) return false;
  for (let i: u32 = 0; i < Word.length; i++) {
    if (<u32>load<u8>(TEXT + i) != <u32>text.charCodeAt(i)) return false;
  }
  return true;
}
