/**
 * What the parser knows of a conversation: two halves of 64 bytes, what each side sends.
 *
 * A half stands before a frame, inside one's payload, or does not know where it is. Header blocks run over frames and segments:
 * the one in progress has its message, and its decoder in a pool block while it waits for more.
 */
import { Conversation } from "../../roundtrip/conversation";

/** Where a half stands. */
export class Phase {
  /** Before a frame. */
  static readonly FRAME: u8 = 0;
  /** In a frame's payload, of which `left` bytes are to come. */
  static readonly DATA: u8 = 1;
  /** The same of a header block's fragment. */
  static readonly BLOCK: u8 = 2;
  /** The same of what is of no interest. */
  static readonly PASS: u8 = 3;
  /** The place is lost: frames are looked for. */
  static readonly SEEK: u8 = 4;
}

/** What a header block will be. */
export class BlockKind {
  static readonly NONE: u8 = 0;
  static readonly REQUEST: u8 = 1;
  static readonly RESPONSE: u8 = 2;
  /** Of a response whose headers came; of a request they say nothing that is read. */
  static readonly TRAILERS: u8 = 3;
  static readonly IGNORED: u8 = 4;
}

/** Bits of `Half.flags`. */
export class HalfFlag {
  /** A first call has been. */
  static readonly BEGUN: u32 = 1;
  /** The header block ends its stream. */
  static readonly BLOCK_ENDS_STREAM: u32 = 2;
  /** What is left of the header block cannot be read: bytes were missing, or it breaks its form. */
  static readonly BLOCK_BROKEN: u32 = 4;
  /** The header block is a promise's. */
  static readonly BLOCK_PUSHED: u32 = 8;
  /** Bytes before what was found last were no frames. */
  static readonly RESYNCHRONIZED: u32 = 16;
  /** The frame in progress ends its header block, or its stream. */
  static readonly LAST_FRAME: u32 = 32;
  /** Bytes were missing inside the header block. */
  static readonly BLOCK_GAP: u32 = 64;
  /** The connection was seen to open, and nothing of this half was read yet. */
  static readonly AT_START: u32 = 128;
}

/** What the fields of a header block are, as far as they say it. */
export class BlockForm {
  static readonly HEADERS: u8 = 0;
  static readonly TRAILERS: u8 = 1;
  /** Headers that end the stream, so that trailers' fields may be among them. */
  static readonly LAST: u8 = 2;
  static readonly UNKNOWN: u8 = 3;
}

/** Bits of `Half.lost`. */
export class LostFlag {
  /** The table has a mark (lost-entries.ts). */
  static readonly MARKED: u8 = 1;
  /** The header block in progress has fields from behind it. */
  static readonly WAITING: u8 = 2;
  /** The field that `guess` speaks of was added to the table. */
  static readonly GUESS_ADDED: u8 = 4;
  /** All that the table has is known, or stands for what is not: nothing is older than its oldest entry. */
  static readonly COMPLETE: u8 = 8;
  /** A block had no content type, or no client's name, but a field that is not known: there may be another value of it. */
  static readonly MANY_VALUES: u8 = 16;
}

@unmanaged
export class Half {
  phase: u8;
  flags: u8;
  /** BlockKind of the header block in progress. */
  block: u8;
  /** Padding at the end of the payload. */
  padding: u8;
  /** Bytes of the payload that are to come, padding included. */
  left: u32;
  /** Stream of the frame in progress, and of the header block. */
  stream: u32;
  blockStream: u32;
  /** The message that the header block in progress fills, 0 for none; it is in no list. */
  message: u32;
  /** The decoder of a header block that waits for more, by address. */
  decoder: u32;
  /** Dynamic table of what this half sends, and the limit that it keeps. */
  table: u32;
  tableMax: u32;
  /** Bytes of the header block's frames. */
  blockBytes: u32;
  /** Requests of these streams, all from the first to the last, were seen; both 0 while none was. */
  seenFrom: u32;
  seenTo: u32;
  /** Key of the field that the header block brought last. */
  before: u16;
  /** BlockForm of the header block. */
  form: u8;
  /** LostFlag bits. */
  lost: u8;
  /** When the header block began. */
  firstNs: u64;
  /** A value in the header block that may be a status and whose name is not known, and one more (guess.ts). */
  guess: u8;
  /** Entries that the block added after it. */
  guessAge: u8;
  spare: u16;
  spare2: u32;

  @inline is(flag: u32): bool {
    return (<u32>this.flags & flag) != 0;
  }

  @inline set(flag: u32): void {
    this.flags |= <u8>flag;
  }

  @inline clear(flag: u32): void {
    this.flags &= <u8>~flag;
  }
}

/** Bytes of the state. */
export const STATE_BYTES: u32 = 128;
/** The limit of a table while its sender names no other (RFC 9113 section 6.5.2). */
export const TABLE_BYTES: u32 = 4096;
/** The limit of one whose sender may have named it in bytes that are missing. */
export const TABLE_BYTES_UNKNOWN: u32 = 1 << 30;

/** What `side` sends. */
export function halfOf(conversation: Conversation, side: u32): Half {
  return changetype<Half>(<usize>conversation.state + side * offsetof<Half>());
}
