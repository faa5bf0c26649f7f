/**
 * A compiled filter: instructions that are gone through once, front to back, and the items that they compare values with.
 *
 * One flag holds what the part before came to. A test sets it, NOT turns it, and a skip goes forward to its target where the flag
 * decides the whole already: `a and not b` is TEST a, SKIP_IF_FALSE to the end, TEST b, NOT.
 *
 * ```
 * items   range    low u64 | high u64                                  both included; of bits, low is the mask
 *         text     start u32 | length u32 | 0 u64                      where it stood in the filter's text, of which a copy is kept
 *         network  first 16 bytes | last 16 bytes | family u64 | 0     both included
 * ```
 */

/** Bytes of a filter's text at the most; it is kept, as its items are parts of it. */
export const FILTER_BYTES_MAX: u32 = 4096;
/** Tests, negations and skips of a filter at the most. */
export const INSTRUCTIONS_MAX: u32 = 512;
/** Bytes of its items at the most. */
export const ITEMS_BYTES_MAX: u32 = 16384;
export const ITEM_BYTES: u32 = 16;
export const NETWORK_ITEM_BYTES: u32 = 48;

export class Op {
  static readonly TEST: u32 = 1;
  static readonly NOT: u32 = 2;
  static readonly SKIP_IF_FALSE: u32 = 3;
  static readonly SKIP_IF_TRUE: u32 = 4;
}

/** Where a value lies. */
export class Place {
  static readonly EVENT: u32 = 0;
  static readonly REQUEST: u32 = 1;
  static readonly RESPONSE: u32 = 2;
  /** In the request; in the response, at the same offset, where that does not know it. */
  static readonly EITHER: u32 = 3;
  /** In what the event says of owners. */
  static readonly OWNERS: u32 = 4;
  /** There, of the client or of the server; the offset is that of the client's. */
  static readonly EITHER_OWNER: u32 = 5;
}

/** When a value is known; a number below 32 is the field's bit of `Message.present`. */
export class Known {
  static readonly ALWAYS: u32 = 32;
  /** An u64 that is all ones where it is not known. */
  static readonly TIMED: u32 = 33;
  static readonly OVER_TCP: u32 = 34;
}

/** How a value is compared with the items: it holds where any item fits. */
export class Matcher {
  /** It is there. */
  static readonly KNOWN: u32 = 0;
  /** A number, or one of several in a list, lies in a range. */
  static readonly NUMBER: u32 = 1;
  /** A bit is set. */
  static readonly BITS: u32 = 2;
  static readonly TEXT: u32 = 3;
  static readonly NETWORK: u32 = 4;
  /** Some text of the round trip holds the item. */
  static readonly ANYWHERE: u32 = 5;
}

/** A value of an event that a filter, or whoever else asks, refers to by a name. */
@unmanaged
export class Reference {
  /** Number of the protocol that it is a field of, 0 for any. */
  protocol: u8;
  place: u8;
  /** How the value is stored: a FieldKind, or a CommonKind. */
  kind: u8;
  known: u8;
  /** Which column of rows, from 1; 0 for none. */
  column: u8;
  /** Whether capitals count as small letters. */
  folds: u8;
  offset: u16;
  /** Static string: names of the values or bits, columns of rows. */
  names: u32;
}

@unmanaged
export class Instruction extends Reference {
  op: u8;
  matcher: u8;
  /** How texts are compared, a TextForm. */
  form: u8;
  /** The value is there, and no item fits. */
  negated: u8;
  itemCount: u16;
  spare: u16;
  items: u32;
  /** Index of the instruction that a skip goes on with; until that is known, of the skip before that has the same target. */
  target: u32;
}

/** What makes signed numbers lie in the order of unsigned ones. */
export const SIGN: u64 = 0x8000_0000_0000_0000;

/** No instruction: the end of a chain of skips. */
export const NO_SKIP: u32 = 0xffff_ffff;

/** The filter's text. */
export const FILTER_TEXT: usize = memory.data(4096);
const INSTRUCTIONS: usize = memory.data(32 * 512, 8);
const ITEMS: usize = memory.data(16384, 16);

export class Program {
  static length: u32 = 0;
  static itemsLength: u32 = 0;

  @inline static at(index: u32): Instruction {
    return changetype<Instruction>(INSTRUCTIONS + index * offsetof<Instruction>());
  }

  /** A program without instructions, which takes everything. */
  static reset(): void {
    Program.length = 0;
    Program.itemsLength = 0;
  }

  /** Adds an instruction, zero but for `op`; 0 where there is no room. */
  static add(op: u32): usize {
    if (Program.length == INSTRUCTIONS_MAX) return 0;
    const at = changetype<usize>(Program.at(Program.length++));
    memory.fill(at, 0, offsetof<Instruction>());
    changetype<Instruction>(at).op = <u8>op;
    return at;
  }

  /** Adds an item of `bytes`, zero, behind the one before; 0 where there is no room. */
  static item(bytes: u32): usize {
    if (bytes > ITEMS_BYTES_MAX - Program.itemsLength) return 0;
    const at = ITEMS + Program.itemsLength;
    Program.itemsLength += bytes;
    memory.fill(at, 0, bytes);
    return at;
  }

  /** Where the next item will lie. */
  @inline static get nextItem(): usize {
    return ITEMS + Program.itemsLength;
  }

  /** Lets the skips of the chain that ends with `last` go on with the next instruction. */
  static land(last: u32): void {
    let index = last;
    while (index != NO_SKIP) {
      const skip = Program.at(index);
      index = skip.target;
      skip.target = Program.length;
    }
  }
}
