/**
 * The encoded form of a theta state, and the compact form of Apache DataSketches (serial version 3).
 *
 * ```
 * ours:     | entries * 2 + cut, varint | theta u64, where cut is 1 | gap varint ... |     gap: from the hash before, 0 before the first
 *
 * theirs    0         1       2       3  4    5      6          8              16         8 x preamble
 *           preamble  serial  family  0  0    flags  seed hash  entries u32    theta u64  hash u64 x entries
 *           longs     version                        u16        0 u32
 * ```
 * Cut is 1 where theta is less than THETA_MAX. What leaves the host may hold fewer entries than there are: the next one is theta then.
 *
 * Preamble longs: 1 of nothing and of one hash, which follows at once; 2 where all hashes are there; 3 with a theta. Flags: 2 read only,
 * 4 empty, 8 compact, 16 ordered.
 */
import { Cursor } from "../bytes/cursor";
import { Writer } from "../bytes/writer";
import { THETA_ENTRIES_MAX, THETA_MAX, Theta, thetaAdd, thetaAt, thetaLimit } from "./theta";

const SERIAL_VERSION: u32 = 3;
const FAMILY: u32 = 3;
const FLAG_EMPTY: u32 = 4;
const FLAGS: u32 = 2 | 8 | 16;
/** The low 16 bits of the hash of the seed 9001 with the seed 0. */
const SEED_HASH: u32 = 0x93cc;

/** Settings of what leaves the host. */
export class ThetaExport {
  /** Entries that an encoding holds at most. */
  static entriesMax: u32 = 4096;
}

/** Writes the `ThetaExport.entriesMax` smallest hashes of `state`. */
export function thetaEncode(state: usize): void {
  const theta = changetype<Theta>(state);
  const count = min(theta.count, ThetaExport.entriesMax);
  const limit = count < theta.count ? thetaAt(theta, count) : theta.theta;
  const cut = limit != THETA_MAX;
  Writer.varint(((<u64>count) << 1) | u64(cut));
  if (cut) Writer.u64(limit);
  let before: u64 = 0;
  let left = count;
  for (let page: u32 = 0; left != 0; page++) {
    const here = min(left, theta.countIn(page));
    left -= here;
    for (let index: u32 = 0; index < here; index++) {
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
    const head = Cursor.count((THETA_ENTRIES_MAX << 1) | 1);
    Head.count = head >> 1;
    Head.theta = (head & 1) != 0 ? Cursor.u64() : THETA_MAX;
    if ((head & 1) != 0 && (Head.theta == 0 || Head.theta >= THETA_MAX)) Cursor.fault = true;
  }
}

/** Validates one encoded state and steps over it; false when it is not valid. */
export function thetaSkip(_log2: u32): bool {
  Head.read();
  if (Cursor.fault) return false;
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
