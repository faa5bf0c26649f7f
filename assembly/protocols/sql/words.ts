/** How statements begin. */
import { u8At } from "../../bytes/reader";

/** Letters of a first word at the most. */
const WORD_BYTES_MAX: u32 = 10;
/** First words of statements, in lower case. */
const WORDS: string =
  " select insert update delete replace set show use begin commit rollback start call create drop alter truncate with explain describe desc lock unlock load prepare execute deallocate savepoint release grant revoke do kill flush analyze optimize check copy values declare fetch move close discard listen notify unlisten vacuum table merge end abort reset ";

/** Whether the bytes from `start` to `end`, which lie together, begin like a statement or with a comment. */
export function isStatementStart(start: usize, end: usize): bool {
  let at = start;
  while (at < end && (u8At(at) <= 32 || u8At(at) == 40)) {
    const byte = u8At(at);
    if (byte < 32 && byte - 9 > 4) return false;
    at += 1;
  }
  if (end - at >= 2 && u8At(at) == 47 && u8At(at + 1) == 42) return true;
  let length: u32 = 0;
  while (at + length < end && length <= WORD_BYTES_MAX && (u8At(at + length) | 32) - 97 < 26) length += 1;
  return length >= 2 && length <= WORD_BYTES_MAX && isWord(at, length);
}

function isWord(start: usize, length: u32): bool {
  const words = changetype<usize>(WORDS);
  const count = <u32>WORDS.length;
  let matched: u32 = 0;
  let isMatch = false;
  for (let i: u32 = 0; i < count; i++) {
    const letter = <u32>load<u16>(words + (i << 1));
    if (letter == 32) {
      if (isMatch && matched == length) return true;
      isMatch = true;
      matched = 0;
    } else if (isMatch) {
      isMatch = matched < length && (u8At(start + matched) | 32) == letter;
      matched += 1;
    }
  }
  return false;
}
