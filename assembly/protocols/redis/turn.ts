/** The bytes in hand while a parser runs. */
import { Parse } from "../protocol";

export class Turn {
  static start: usize = 0;
  /** The next byte to be read. */
  static at: usize = 0;
  static end: usize = 0;

  static open(start: usize, length: u32): void {
    Turn.start = start;
    Turn.at = start;
    Turn.end = start + length;
  }

  /** Sequence number of the byte at `at`. */
  static sequenceOf(at: usize): u32 {
    return Parse.sequence + <u32>(at - Turn.start);
  }
}
