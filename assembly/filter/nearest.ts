/** Which name somebody may have meant: the one with the fewest letters to change, leave out, put in or swap. */
import { lower } from "../bytes/ascii";

/** Bytes of a name at the most; longer ones are like none. */
export const NAME_BYTES_MAX: u32 = 64;
/** What a name is from one that it begins with. */
const BEGINNING: u32 = 2;
const NONE: u32 = 0xff;

const GIVEN: usize = memory.data(64);
const CANDIDATE: usize = memory.data(64);
const BEST: usize = memory.data(64);
/** Three rows of the table of distances. */
const ROW_BYTES: u32 = 65;
const ROWS: usize = memory.data(3 * 65);

/** The names of this search. */
export class Nearest {
  /** The best one so far. */
  static readonly start: usize = BEST;
  static length: u32 = 0;
  private static distance: u32 = NONE;
  private static givenLength: u32 = 0;
  private static candidateLength: u32 = 0;

  /** Begins to look for what is like the bytes at `start`. */
  static open(start: usize, length: u32): void {
    Nearest.length = 0;
    Nearest.givenLength = length > NAME_BYTES_MAX ? 0 : length;
    for (let i: u32 = 0; i < Nearest.givenLength; i++) store<u8>(GIVEN + i, lower(load<u8>(start + i)));
    // One letter in three may be wrong, and two of a short name; but not all.
    Nearest.distance = min<u32>(max<u32>(2, length / 3) + 1, max<u32>(1, length));
    Nearest.candidateLength = 0;
  }

  /** Adds letters of `name` to the candidate. */
  static letters(name: string, first: i32, end: i32): void {
    for (let i = first; i < end && Nearest.candidateLength < NAME_BYTES_MAX; i++) {
      store<u8>(CANDIDATE + Nearest.candidateLength++, name.charCodeAt(i));
    }
  }

  /** Looks at the candidate, and begins the next one. */
  static consider(): void {
    const length = Nearest.candidateLength;
    Nearest.candidateLength = 0;
    if (Nearest.givenLength == 0 || length == 0) return;
    const distance = distanceTo(length, Nearest.givenLength);
    if (distance >= Nearest.distance) return;
    Nearest.distance = distance;
    Nearest.length = length;
    memory.copy(BEST, CANDIDATE, length);
  }
}

function distanceTo(candidateLength: u32, givenLength: u32): u32 {
  let before = ROWS;
  let last = ROWS + ROW_BYTES;
  let row = ROWS + 2 * ROW_BYTES;
  for (let j: u32 = 0; j <= givenLength; j++) store<u8>(last + j, j);
  let isBeginning = candidateLength > givenLength && givenLength > 1;
  for (let i: u32 = 1; i <= candidateLength; i++) {
    const letter = lower(load<u8>(CANDIDATE + i - 1));
    if (i <= givenLength && letter != load<u8>(GIVEN + i - 1)) isBeginning = false;
    store<u8>(row, i);
    for (let j: u32 = 1; j <= givenLength; j++) {
      const given = <u32>load<u8>(GIVEN + j - 1);
      let best = <u32>load<u8>(last + j - 1) + (letter == given ? 0 : 1);
      best = min(best, <u32>min(load<u8>(last + j), load<u8>(row + j - 1)) + 1);
      const isSwapped = i > 1 && j > 1 && letter == <u32>load<u8>(GIVEN + j - 2) && lower(load<u8>(CANDIDATE + i - 2)) == given;
      if (isSwapped) best = min(best, <u32>load<u8>(before + j - 2) + 1);
      store<u8>(row + j, best);
    }
    const free = before;
    before = last;
    last = row;
    row = free;
  }
  const distance = <u32>load<u8>(last + givenLength);
  return isBeginning ? min(distance, BEGINNING) : distance;
}
