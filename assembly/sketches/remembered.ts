/**
 * Where keys that come again and again lie in their tables: one guess for each few bytes of a key, in front of hash and search.
 *
 * ```
 * guess, 16 bytes: | table u32 | turn u32 | place u32 | 0 |
 * ```
 * A guess is right when the key at its place is the one that is looked for, which whoever asks compares. It is of use while its
 * table stands: when any table is given back the turn ends, and with it all guesses.
 */

const GUESSES_BITS: u64 = 8;
const GUESSES: usize = memory.data(16 * 256, 16);
const MIX: u64 = 0x9e3779b97f4a7c15;

export class Remembered {
  private static turn: u32 = 1;
  private static guess: usize = 0;

  /** The place that is remembered for the key of `length` bytes at `start` in the table at `table`; 0 for none. */
  static placeOf(table: usize, start: usize, length: u32): u32 {
    let mixed = load<u64>(start);
    if (length >= 8) mixed ^= rotl<u64>(load<u64>(start + length - 8), 21) + length;
    else mixed <<= <u64>(64 - (length << 3));
    mixed = (mixed ^ ((<u64>table) << 7)) * MIX;
    const guess = GUESSES + ((<usize>(mixed >> (64 - GUESSES_BITS))) << 4);
    Remembered.guess = guess;
    return load<u32>(guess) == <u32>table && load<u32>(guess, 4) == Remembered.turn ? load<u32>(guess, 8) : 0;
  }

  /** Remembers the place, not 0, of the key that `placeOf` was asked for last. */
  static put(table: usize, place: u32): void {
    const guess = Remembered.guess;
    store<u32>(guess, <u32>table);
    store<u32>(guess, Remembered.turn, 4);
    store<u32>(guess, place, 8);
  }

  /** Forgets all: a table is given back. */
  @inline static forget(): void {
    Remembered.turn += 1;
  }
}
