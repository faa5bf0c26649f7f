/** Where the sketches of this instance live: one pool for all states, and a scratch run for merging and encoding. */
import { Pool } from "../bytes/pool";
import { Remembered } from "./remembered";

/** Bytes of scratch: 66 octaves of u64 counts, which is the most that one call needs. */
export const SCRATCH_BYTES: u32 = 66 * 32 * 8;
/** Bytes of scratch that the median of a table counts in. */
const MEDIAN_BYTES: u32 = 1024;
/** The most cells that are selected from a table at a time, and with one more the histograms that are encoded as one. */
export const SELECTED_MAX: u32 = 1024;

export class SketchPool {
  static pool: Pool = changetype<Pool>(0);
  /** Scratch that no state outlives a call in, SCRATCH_BYTES long; its content is undefined. */
  static scratch: usize = 0;
  /** Hashes, SELECTED_MAX of u64, of the keys of an encoding that is being read; in the scratch, above what a median needs. */
  static hashes: usize = 0;
  /** Addresses, each u32, of the histograms that are encoded as one sum. */
  static states: usize = 0;
  /** Addresses, each u32, of the cells that a table of keys selected last. */
  static selected: usize = 0;
  /** What found no room so far: each allocation that the pool refused a sketch. */
  static refused: u64 = 0;
  /** Odd factor that places keys in tables; it changes no output. An instance that faces strangers sets it at random. */
  static secret: u64 = 0x9e3779b97f4a7c15;

  /** Takes `pool` for all states and reserves the scratch from it, before its first allocation; false when it is too small. */
  static open(pool: Pool): bool {
    SketchPool.pool = pool;
    Remembered.forget();
    SketchPool.scratch = pool.reserve(SCRATCH_BYTES + (2 * SELECTED_MAX + 1) * 4);
    SketchPool.hashes = SketchPool.scratch + MEDIAN_BYTES;
    SketchPool.selected = SketchPool.scratch + SCRATCH_BYTES;
    SketchPool.states = SketchPool.selected + SELECTED_MAX * 4;
    return SketchPool.scratch != 0;
  }

  /** Gives a block of at least `bytes`, its content undefined; 0 and counted as refused when the pool is used up. */
  static block(bytes: u32): usize {
    const block = SketchPool.pool.allocate(bytes);
    if (block == 0) SketchPool.refused++;
    return block;
  }

  /** Gives a page, its content undefined; 0 and counted as refused when the pool is used up. */
  static page(): usize {
    const page = SketchPool.pool.allocatePage();
    if (page == 0) SketchPool.refused++;
    return page;
  }

  /** Gives a zeroed block of at least `bytes`; 0 and counted as refused when the pool is used up. */
  static zeroed(bytes: u32): usize {
    const block = SketchPool.block(bytes);
    if (block == 0) return 0;
    // Every block is a multiple of 16 bytes; for so few, stores are several times faster than a call to fill.
    const zero = i64x2.splat(0);
    for (let at: usize = 0; at < bytes; at += 16) v128.store(block + at, zero);
    return block;
  }
}
