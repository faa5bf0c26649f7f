/**
 * What one side sends where each message begins with its size: the place in it, by sequence numbers. A message of which bytes are
 * missing costs no more than itself as long as they are inside; `end` is where the next one begins.
 */
import { Parse } from "../protocol";
import { Turn } from "./turn";

/** Where a half stands. */
export class Phase {
  /** The place is not known, or not yet. */
  static readonly SEEK: u8 = 0;
  /** Before a message. */
  static readonly START: u8 = 1;
  /** In a message that is walked. */
  static readonly WALK: u8 = 2;
  /** In a message of which nothing more is read. */
  static readonly REST: u8 = 3;
}

@unmanaged
export class Half {
  /** The walk through the message in progress, 0 for none. */
  walk: u32;
  /** Sequence number of the byte that the parser wants next. */
  sequence: u32;
  /** Sequence number behind the message in progress. */
  end: u32;
  phase: u8;
  /** Whether bytes before the next message were none. */
  isAfterGarbage: u8;
  spare: u16;

  /** Whether bytes up to sequence number `end` belong to the message in progress. */
  holds(end: u32): bool {
    return (this.phase == Phase.WALK || this.phase == Phase.REST) && <i32>(this.end - end) >= 0;
  }

  /** Whether all of the message in progress has gone by. */
  get isWhole(): bool {
    return this.phase == Phase.REST && this.end == this.sequence - <u32>Parse.skip;
  }

  /** Notes how far the bytes in hand are read, or are to be stepped over. */
  noteRead(): void {
    this.sequence = Turn.sequenceOf(Turn.at) + <u32>Parse.skip;
  }

  /** Steps over what the message in progress has left; false where that is more than there is. */
  passRest(): bool {
    const rest = this.end - Turn.sequenceOf(Turn.at);
    if (rest > Turn.left) {
      Parse.skip = rest - Turn.left;
      Turn.at = Turn.end;
      return false;
    }
    Turn.at += rest;
    return true;
  }

  /** Bytes where a message should begin are none; what came with them is no place to go on. */
  seekPast(): void {
    this.phase = Phase.SEEK;
    this.isAfterGarbage = 1;
    Turn.at = Turn.end;
  }
}
