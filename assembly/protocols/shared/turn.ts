/** The bytes in hand while a parser runs. */
import { Parse } from "../protocol";

export class Turn {
  static side: u32 = 0;
  static start: usize = 0;
  /** The next byte to be read. */
  static at: usize = 0;
  static end: usize = 0;

  static open(side: u32, start: usize, length: u32): void {
    Turn.side = side;
    Turn.start = start;
    Turn.at = start;
    Turn.end = start + length;
  }

  /** Bytes not yet read. */
  @inline static get left(): u32 {
    return <u32>(Turn.end - Turn.at);
  }

  /** Sequence number of the byte at `at`. */
  @inline static sequenceOf(at: usize): u32 {
    return Parse.sequence + <u32>(at - Turn.start);
  }
}
