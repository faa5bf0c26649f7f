/** Where the sketches of this instance live: one pool for all states, and a scratch run for merging and encoding. */
import { Pool } from "../bytes/pool";

/** Bytes of scratch: 66 octaves of u64 counts, which is the most that one call needs. */
const SCRATCH_BYTES: u32 = 66 * 32 * 8;
/** States that are encoded together at most: those of one breakdown and its rest. */
const STATES_MAX: u32 = 1024;

export class SketchPool {
  static pool: Pool = changetype<Pool>(0);
  /** Scratch that no state outlives a call in, SCRATCH_BYTES long; its content is undefined. */
  static scratch: usize = 0;
  /** Addresses, each u32, of the states that a function takes more than one of. */
  static states: usize = 0;

  /** Takes `pool` for all states and reserves the scratch from it, before its first allocation; false when it is too small. */
  static open(pool: Pool): bool {
    SketchPool.pool = pool;
    SketchPool.scratch = pool.reserve(SCRATCH_BYTES + (STATES_MAX << 2));
    SketchPool.states = SketchPool.scratch + SCRATCH_BYTES;
    return SketchPool.scratch != 0;
  }

  /** Gives a zeroed block of at least `bytes`; 0 when the pool is used up. */
  static zeroed(bytes: u32): usize {
    const block = SketchPool.pool.allocate(bytes);
    if (block != 0) memory.fill(block, 0, bytes);
    return block;
  }
}
