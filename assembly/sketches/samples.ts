/**
 * Samples of what was added up: copies of those with the greatest values, the greatest first.
 *
 * ```
 * samples:  {value u64, copy u32, bytes u32} for each, in one block of the pool
 * ```
 */
import { BLOCK_BYTES_MAX } from "../bytes/pool";
import { SketchPool } from "./sketch-pool";

/** Samples of one part at the most. */
export const SAMPLES_MAX: u32 = 10;

const SAMPLE_BYTES: u32 = 16;

@unmanaged
export class Sample {
  value: u64;
  /** Address of the copy. */
  copy: u32;
  /** Its bytes. */
  length: u32;
}

/** Sample `index` of those at `samples`. */
export function sampleAt(samples: usize, index: u32): Sample {
  return changetype<Sample>(samples + index * SAMPLE_BYTES);
}

/** Makes room for `most` samples; 0 when the pool is used up. */
export function createSamples(most: u32): usize {
  return SketchPool.zeroed(most * SAMPLE_BYTES);
}

/** Gives `count` samples, and their room, back to the pool. */
export function releaseSamples(samples: usize, count: u32): void {
  for (let i: u32 = 0; i < count; i++) SketchPool.pool.release(sampleAt(samples, i).copy);
  SketchPool.pool.release(samples);
}

/**
 * Keeps a copy of the `length` bytes at `start` where there are fewer than `most` or its value is greater than the least of them, which
 * it replaces. Answers how many there are. What is longer than a block of the pool, or finds no room, is not kept.
 */
export function offerSample(samples: usize, count: u32, most: u32, value: u64, start: usize, length: u32): u32 {
  const isFull = count == most;
  if (length > BLOCK_BYTES_MAX || (isFull && sampleAt(samples, count - 1).value >= value)) return count;
  const copy = SketchPool.block(length);
  if (copy == 0) return count;
  memory.copy(copy, start, length);
  let place = count;
  if (isFull) {
    place -= 1;
    SketchPool.pool.release(sampleAt(samples, place).copy);
  }
  for (; place > 0 && sampleAt(samples, place - 1).value < value; place--) {
    memory.copy(changetype<usize>(sampleAt(samples, place)), changetype<usize>(sampleAt(samples, place - 1)), SAMPLE_BYTES);
  }
  const sample = sampleAt(samples, place);
  sample.value = value;
  sample.copy = <u32>copy;
  sample.length = length;
  return isFull ? count : count + 1;
}
