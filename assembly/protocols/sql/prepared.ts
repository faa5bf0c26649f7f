/**
 * Prepared statements of one conversation: the text and the fingerprint of each, found by a number, the last used first.
 *
 * ```
 * block:  0 next u32 | 4 statement length u16 | 6 fingerprint length u16 | 8 key u64 | 16 truncated u8
 *         18 parameters u16 | 20 sent u32 | 24 types u32 | 28 statement, fingerprint
 * ```
 */
import { copyBytes } from "../../bytes/run";
import { Regions } from "../../regions";

/** Statements of one conversation at the most; the one that was not used for longest makes room. */
export const PREPARED_MAX: u32 = 256;

/** The head of a list: 8 bytes of a protocol's state. */
@unmanaged
export class PreparedList {
  head: u32;
  count: u32;
}

/** A prepared statement. */
@unmanaged
export class Prepared {
  next: u32;
  statementLength: u16;
  fingerprintLength: u16;
  key: u64;
  truncated: u8;
  private spare: u8;
  /** How many parameters it has, where that was said. */
  parameters: u16;
  /** Parameters whose values were sent by themselves, a bit each (MySQL). */
  sent: u32;
  /** A block with the types of its parameters, 0 for none (mysql/payload-types.ts). */
  types: u32;

  /** Where its text lies; its fingerprint follows. */
  @inline get statementStart(): usize {
    return changetype<usize>(this) + HEADER_BYTES;
  }

  @inline get fingerprintStart(): usize {
    return changetype<usize>(this) + HEADER_BYTES + this.statementLength;
  }
}

const HEADER_BYTES: u32 = 28;

function release(at: usize): void {
  const types = changetype<Prepared>(at).types;
  if (types != 0) Regions.streamPool.release(types);
  Regions.streamPool.release(at);
}

/** Finds the statement of `key` and puts it first; 0 for none. */
export function preparedFind(list: PreparedList, key: u64): usize {
  let before: usize = 0;
  let at = <usize>list.head;
  while (at != 0) {
    const one = changetype<Prepared>(at);
    if (one.key == key) {
      if (before != 0) {
        changetype<Prepared>(before).next = one.next;
        one.next = list.head;
        list.head = <u32>at;
      }
      return at;
    }
    before = at;
    at = one.next;
  }
  return 0;
}

/** Forgets the statement of `key`. */
export function preparedDrop(list: PreparedList, key: u64): void {
  const at = preparedFind(list, key);
  if (at == 0) return;
  list.head = changetype<Prepared>(at).next;
  list.count -= 1;
  release(at);
}

/** Forgets the one that was not used for longest. */
function dropLast(list: PreparedList): void {
  let before: usize = 0;
  let at = <usize>list.head;
  while (changetype<Prepared>(at).next != 0) {
    before = at;
    at = changetype<Prepared>(at).next;
  }
  if (before != 0) changetype<Prepared>(before).next = 0;
  else list.head = 0;
  list.count -= 1;
  release(at);
}

/** Keeps a text and its fingerprint, both not empty in all, under `key`; false where the pool has no room. */
export function preparedPut(
  list: PreparedList,
  key: u64,
  statement: usize,
  statementLength: u32,
  fingerprint: usize,
  fingerprintLength: u32,
  isTruncated: bool,
): bool {
  preparedDrop(list, key);
  if (list.count >= PREPARED_MAX) dropLast(list);
  const block = Regions.streamPool.allocate(HEADER_BYTES + statementLength + fingerprintLength);
  if (block == 0) return false;
  const one = changetype<Prepared>(block);
  one.key = key;
  one.statementLength = <u16>statementLength;
  one.fingerprintLength = <u16>fingerprintLength;
  one.truncated = isTruncated ? 1 : 0;
  one.parameters = 0;
  one.sent = 0;
  one.types = 0;
  copyBytes(one.statementStart, statement, statementLength);
  copyBytes(one.fingerprintStart, fingerprint, fingerprintLength);
  one.next = list.head;
  list.head = <u32>block;
  list.count += 1;
  return true;
}

/** Forgets all. */
export function preparedClear(list: PreparedList): void {
  let at = <usize>list.head;
  while (at != 0) {
    const next = <usize>changetype<Prepared>(at).next;
    release(at);
    at = next;
  }
  list.head = 0;
  list.count = 0;
}
