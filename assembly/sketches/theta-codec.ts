/**
 * The encoded form of a theta state, and the compact form of Apache DataSketches (serial version 3).
 *
 * ```
 * ours:     | entries varint | theta u64, only of 4,096 entries | gap varint ... |       gap: from the hash before, 0 before the first
 *
 * theirs    0         1       2       3  4    5      6          8              16         8 x preamble
 *           preamble  serial  family  0  0    flags  seed hash  entries u32    theta u64  hash u64 x entries
 *           longs     version                        u16        0 u32
 * ```
 * Preamble longs: 1 of nothing and of one hash, which follows at once; 2 where all hashes are there; 3 with a theta. Flags: 2 read only,
 * 4 empty, 8 compact, 16 ordered.
 */
import { Cursor } from "../bytes/cursor";
import { Writer } from "../bytes/writer";
import { THETA_ENTRIES_MAX, THETA_MAX, Theta, thetaAdd, thetaLimit } from "./theta";

const SERIAL_VERSION: u32 = 3;
const FAMILY: u32 = 3;
const FLAG_EMPTY: u32 = 4;
const FLAGS: u32 = 2 | 8 | 16;
/** The low 16 bits of the hash of the seed 9001 with the seed 0. */
const SEED_HASH: u32 = 0x93cc;

/** Writes the canonical form of `state`. */
export function thetaEncode(state: usize): void {
  const theta = changetype<Theta>(state);
  Writer.varint(theta.count);
  if (theta.count == THETA_ENTRIES_MAX) Writer.u64(theta.theta);
  let before: u64 = 0;
  for (let page: u32 = 0; page < theta.pages; page++) {
    for (let index: u32 = 0; index < theta.countIn(page); index++) {
      const hash = load<u64>(theta.page(page) + (index << 3));
      Writer.varint(hash - before);
      before = hash;
    }
  }
}

/** Reads the entries and theta that an encoding begins with; a fault where they cannot be. */
class Head {
  static count: u32 = 0;
  static theta: u64 = 0;

  static read(): void {
    Head.count = Cursor.count(THETA_ENTRIES_MAX);
    Head.theta = Head.count == THETA_ENTRIES_MAX ? Cursor.u64() : THETA_MAX;
  }
}

/** Validates one encoded state and steps over it; false when it is not valid. */
export function thetaSkip(_log2: u32): bool {
  Head.read();
  if (Cursor.fault || Head.theta > THETA_MAX) return false;
  let before: u64 = 0;
  for (let index: u32 = 0; index < Head.count; index++) {
    const gap = Cursor.varint();
    if (Cursor.fault || gap == 0 || gap >= Head.theta - before) return false;
    before += gap;
  }
  return true;
}

/** Merges one encoded state that `thetaSkip` found valid into `into`; false when the pool is used up. */
export function thetaDecode(into: usize, _log2: u32): bool {
  Head.read();
  thetaLimit(changetype<Theta>(into), Head.theta);
  let hash: u64 = 0;
  for (let index: u32 = 0; index < Head.count; index++) {
    hash += Cursor.varint();
    if (!thetaAdd(into, hash)) return false;
  }
  return !Cursor.fault;
}

/** Writes `state` in DataSketches' compact form. */
export function thetaEncodeCompact(state: usize): void {
  const theta = changetype<Theta>(state);
  const isWhole = theta.theta == THETA_MAX;
  Writer.u8(isWhole ? (theta.count <= 1 ? 1 : 2) : 3);
  Writer.u8(SERIAL_VERSION);
  Writer.u8(FAMILY);
  Writer.u16(0);
  Writer.u8(isWhole && theta.count == 0 ? FLAGS | FLAG_EMPTY : FLAGS);
  Writer.u16(SEED_HASH);
  if (!isWhole || theta.count > 1) {
    Writer.u32(theta.count);
    Writer.u32(0);
  }
  if (!isWhole) Writer.u64(theta.theta);
  for (let page: u32 = 0; page < theta.pages; page++) Writer.bytes(theta.page(page), theta.countIn(page) << 3);
}
