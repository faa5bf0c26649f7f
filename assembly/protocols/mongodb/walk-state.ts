/** What a walk through a message has to know between two calls. */

/** What a step came to. */
export class Walked {
  static readonly GO: u32 = 0;
  /** More bytes must come, or some pass. */
  static readonly MORE: u32 = 1;
  static readonly DONE: u32 = 2;
  /** The bytes are not what they should be. */
  static readonly FAULT: u32 = 3;
}

/** What a run of bytes inside a message is. */
export class Part {
  /** The document of a command or of its result. */
  static readonly BODY: u8 = 0;
  static readonly CURSOR: u8 = 1;
  /** An array whose elements are counted. */
  static readonly COUNTED: u8 = 2;
  static readonly ERRORS: u8 = 3;
  /** A document that says what went wrong. */
  static readonly ERROR: u8 = 4;
  /** Documents behind one another. */
  static readonly SEQUENCE: u8 = 5;
}

/** Bits of `Walk.flags`. */
export class WalkFlag {
  static readonly RESPONSE: u32 = 1;
  /** The next element of a body is its first: the command. */
  static readonly FIRST: u32 = 2;
  /** Part of the message was not read. */
  static readonly BROKEN: u32 = 4;
  /** The message says whether it went well. */
  static readonly DECIDED: u32 = 8;
  static readonly MORE_TO_COME: u32 = 16;
  /** Documents were not counted to their end. */
  static readonly UNCOUNTED: u32 = 32;
}

@unmanaged
export class Walk {
  message: u32;
  /** The request that a response answers, 0 for none. */
  request: u32;
  opcode: u32;
  /** Bytes of the message behind those walked. */
  left: u32;
  /** Bytes of these to step over first. */
  skip: u32;
  /** Bytes at the end that are no part of a section. */
  trailer: u32;
  flags: u8;
  /** The step of an operation's own form. */
  step: u8;
  depth: u8;
  part0: u8;
  part1: u8;
  part2: u8;
  part3: u8;
  spare: u8;
  /** What `left` is at the end of each part. */
  end0: u32;
  end1: u32;
  end2: u32;
  end3: u32;

  @inline is(flag: u32): bool {
    return (<u32>this.flags & flag) != 0;
  }

  @inline set(flag: u32): void {
    this.flags |= <u8>flag;
  }

  @inline clear(flag: u32): void {
    this.flags &= <u8>~flag;
  }

  /** The innermost part. */
  @inline get part(): u8 {
    return load<u8>(changetype<usize>(this) + this.depth - 1, offsetof<Walk>("part0"));
  }

  /** What `left` is at the end of part `depth`, counted from 1. */
  @inline endOf(depth: u32): u32 {
    return load<u32>(changetype<usize>(this) + ((depth - 1) << 2), offsetof<Walk>("end0"));
  }

  /** Enters a part of `bytes` from here. */
  enter(part: u8, bytes: u32): void {
    assert(this.depth < 4 && bytes <= this.left);
    store<u8>(changetype<usize>(this) + this.depth, part, offsetof<Walk>("part0"));
    store<u32>(changetype<usize>(this) + ((<u32>this.depth) << 2), this.left - bytes, offsetof<Walk>("end0"));
    this.depth += 1;
  }
}

/** Bytes of a walk. */
export const WALK_BYTES: u32 = 64;
