/** What a walk has to know between two calls. */

/** What a step came to. */
export class Walked {
  static readonly GO: u32 = 0;
  /** More bytes must come, or some pass. */
  static readonly MORE: u32 = 1;
  static readonly DONE: u32 = 2;
  /** The bytes are not what the program says. */
  static readonly FAULT: u32 = 3;
  /** There is no program for the body. */
  static readonly UNREAD: u32 = 4;
  /** Tagged fields come first. */
  static readonly TAGS: u32 = 5;
}

/** Bits of `Walk.flags`. */
export class WalkFlag {
  static readonly FLEXIBLE: u32 = 1;
  /** The tagged fields of the structure at hand have passed. */
  static readonly TAGGED: u32 = 2;
  static readonly RESPONSE: u32 = 4;
  /** The length read last stood for null. */
  static readonly NULL: u32 = 8;
  /** How many records there are is not known: bytes were missing, or a set is compressed as a whole. */
  static readonly RECORDS_UNKNOWN: u32 = 16;
  /** Part of the message was not read as it should be. */
  static readonly BROKEN: u32 = 32;
  static readonly NO_PROGRAM: u32 = 64;
  /** Bytes that are stepped over are records, of which the first are kept. */
  static readonly KEEPS: u32 = 128;
}

/** An array that is being walked. */
@unmanaged
export class Frame {
  /** Its first operation. */
  op: u32;
  /** Elements to come, the one in hand included. */
  count: u32;
}

@unmanaged
export class Walk {
  /** The message that is filled in. */
  message: u32;
  /** The request that a response answers. */
  request: u32;
  /** The next operation; 0 where there is no program. */
  op: u32;
  /** Bytes of the message behind those walked. */
  left: u32;
  /** Bytes of these to step over first. */
  skip: u32;
  /** Tagged fields to come and one more; 0 outside. */
  tags: u32;
  /** Bytes of records to come. */
  blob: u32;
  key: u16;
  version: u8;
  flags: u8;
  header: u8;
  depth: u8;
  keyType: u8;
  /** Whether first bytes of records are wanted. */
  keeps: u8;
  /** The partition and error code in hand. */
  partition: i32;
  error: i32;
  /** Where the topic in hand lies in the message as a text of a row. */
  topicAt: u16;
  topicEnd: u16;
  /** One past the last row in the message, 0 before the first. */
  rowsEnd: u16;
  /** Rows in the message. */
  rows: u16;
  /** What is kept of records, 0 for nothing. */
  payload: u32;
  frame0: Frame;

  /** Bits of `header`: what of it is to come. */
  static readonly HEADER_CLIENT: u8 = 1;
  static readonly HEADER_TAGS: u8 = 2;
  static readonly HEADER_BODY: u8 = 4;
  /** The action of a client id, which no schema has. */
  static readonly CLIENT_ACTION: u8 = 20;

  @inline get isFlexible(): bool {
    return (<u32>this.flags & WalkFlag.FLEXIBLE) != 0;
  }

  @inline get isResponse(): bool {
    return (<u32>this.flags & WalkFlag.RESPONSE) != 0;
  }

  @inline is(flag: u32): bool {
    return (<u32>this.flags & flag) != 0;
  }

  @inline set(flag: u32): void {
    this.flags |= <u8>flag;
  }

  @inline clear(flag: u32): void {
    this.flags &= <u8>~flag;
  }

  @inline frame(index: u32): Frame {
    return changetype<Frame>(changetype<usize>(this) + offsetof<Walk>("frame0") + (index << 3));
  }

  /** Bytes of records begin. */
  openRecords(bytes: u32): void {
    this.blob = bytes;
  }
}

/** Bytes of a walk with its six frames. */
export const WALK_BYTES: u32 = 112;
