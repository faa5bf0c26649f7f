/**
 * A top whose keys are numbers below 65,536, such as ports: a count each, so that nothing is ever dropped.
 *
 * ```
 * state:  | total u64 | lost u64 | address of low counts u32 x 64 | address of high counts u32 x 64 |
 * low:    | count & 255, u8 x 1024 |                 made when the first of its numbers comes
 * high:   | count >> 8, u32 x 1024 |                 made when the first of them has been counted 256 times
 * ```
 * Most numbers are counted a few times, in no order: in so few bytes their counts stay in the processor's cache.
 * Exact, but for what found no room for want of memory: any number may have lost that.
 */
import { SketchPool } from "./sketch-pool";

/** Numbers of a part. */
const PART_SHIFT: u32 = 10;
const PART_NUMBERS: u32 = 1024;
const PART_MASK: u32 = PART_NUMBERS - 1;
const PARTS: u32 = 64;
const HIGH_BYTES: u32 = 4 * PART_NUMBERS;
const LOW_MASK: u32 = 255;
/** Counts by digit to base 256. */
const DIGITS_BYTES: u32 = 1024;

@unmanaged
export class NumberTop {
  total: u64;
  /** What found no room. */
  lost: u64;
  /** The first of 64 addresses of low counts, 0 where no number of a part came. */
  lows: u32;

  /** Address of the low counts of the numbers from `part` x 1024 on. */
  @inline low(part: u32): usize {
    return <usize>load<u32>(changetype<usize>(this) + (part << 2), offsetof<NumberTop>("lows"));
  }

  /** Address of their high counts; 0 where all are 0. */
  @inline high(part: u32): usize {
    return <usize>load<u32>(changetype<usize>(this) + ((PARTS + part) << 2), offsetof<NumberTop>("lows"));
  }
}

/** How the counts lie to a limit. */
export class NumberCensus {
  static above: u32 = 0;
  static tied: u32 = 0;
  /** The largest count below the limit. */
  static below: u64 = 0;
}

/** Creates an empty state; 0 when the pool is used up. */
export function numberCreate(): usize {
  return SketchPool.zeroed(<u32>offsetof<NumberTop>("lows") + 2 * PARTS * 4);
}

/** Gives everything that `state` holds back to the pool. */
export function numberRelease(state: usize): void {
  const top = changetype<NumberTop>(state);
  for (let part: u32 = 0; part < PARTS; part++) {
    if (top.low(part) != 0) SketchPool.pool.release(top.low(part));
    if (top.high(part) != 0) SketchPool.pool.releasePage(top.high(part));
  }
  SketchPool.pool.release(state);
}

/** Counts `number`, which is below 65,536; false when the pool has no room for its count. */
export function numberAdd(state: usize, number: u32): bool {
  assert(number < PARTS << PART_SHIFT);
  const top = changetype<NumberTop>(state);
  top.total += 1;
  let low = top.low(number >> PART_SHIFT);
  if (low == 0) {
    low = openLow(top, number >> PART_SHIFT);
    if (low == 0) return lose(top);
  }
  const at = low + (number & PART_MASK);
  const count = <u32>load<u8>(at) + 1;
  if (count > LOW_MASK && !carry(top, number)) return lose(top);
  store<u8>(at, count);
  return true;
}

function lose(top: NumberTop): bool {
  top.lost += 1;
  return false;
}

function openLow(top: NumberTop, part: u32): usize {
  const low = SketchPool.zeroed(PART_NUMBERS);
  store<u32>(changetype<usize>(top) + (part << 2), <u32>low, offsetof<NumberTop>("lows"));
  return low;
}

/** Adds 256 to the high count of a number; false when there is no room for it. */
function carry(top: NumberTop, number: u32): bool {
  const part = number >> PART_SHIFT;
  let high = top.high(part);
  if (high == 0) {
    high = SketchPool.page();
    if (high == 0) return false;
    memory.fill(high, 0, HIGH_BYTES);
    store<u32>(changetype<usize>(top) + ((PARTS + part) << 2), <u32>high, offsetof<NumberTop>("lows"));
  }
  const at = high + ((<usize>(number & PART_MASK)) << 2);
  store<u32>(at, load<u32>(at) + 1);
  return true;
}

/** The count of number `index` of a part whose counts lie at `low` and `high`. */
function countAt(low: usize, high: usize, index: u32): u32 {
  const count = <u32>load<u8>(low + index);
  return high == 0 ? count : count | (load<u32>(high + ((<usize>index) << 2)) << 8);
}

/** The next number from `from` on that was counted `least` times (1 at the least) or more, 65,536 where there is none. */
export function numberNext(state: usize, from: u32, least: u32): u32 {
  const top = changetype<NumberTop>(state);
  let number = from;
  while (number < PARTS << PART_SHIFT) {
    const low = top.low(number >> PART_SHIFT);
    const high = top.high(number >> PART_SHIFT);
    if (low == 0 || (high == 0 && least > LOW_MASK)) number = (number | PART_MASK) + 1;
    else if (countAt(low, high, number & PART_MASK) < least) number += 1;
    else break;
  }
  return number;
}

/** How often `number` was counted. */
export function numberCount(state: usize, number: u32): u64 {
  const top = changetype<NumberTop>(state);
  const low = top.low(number >> PART_SHIFT);
  return low == 0 ? 0 : countAt(low, top.high(number >> PART_SHIFT), number & PART_MASK);
}

/** The count of rank `rank` from above, 0 where fewer numbers came; found by its digits to base 256. Fills `NumberCensus`. */
export function numberLimit(state: usize, rank: u32): u64 {
  const top = changetype<NumberTop>(state);
  const counts = SketchPool.scratch;
  let limit: u32 = 0;
  let left = rank;
  for (let shift = highestShift(top); ; shift -= 8) {
    countDigits(top, limit, shift);
    let digit: usize = 255;
    while (digit > 0 && load<u32>(counts + (digit << 2)) < left) {
      left -= load<u32>(counts + (digit << 2));
      digit--;
    }
    limit += (<u32>digit) << shift;
    if (shift == 0) break;
  }
  census(top, limit);
  return limit;
}

/** Where the highest digit to base 256 of the greatest count lies. */
function highestShift(top: NumberTop): u32 {
  let found: u32 = 0;
  for (let part: u32 = 0; part < PARTS; part++) {
    const high = top.high(part);
    if (high == 0) continue;
    for (let at = high; at < high + HIGH_BYTES; at += 4) found = max(found, load<u32>(at));
  }
  return found == 0 ? 0 : ((31 - clz<u32>(found)) & ~7) + 8;
}

/** Counts the counts that begin with the digits of `limit` above `shift` + 8 by their digit there. */
function countDigits(top: NumberTop, limit: u32, shift: u32): void {
  memory.fill(SketchPool.scratch, 0, DIGITS_BYTES);
  for (let part: u32 = 0; part < PARTS; part++) {
    const low = top.low(part);
    if (low == 0) continue;
    const high = top.high(part);
    for (let index: u32 = 0; index < PART_NUMBERS; index++) {
      const count = countAt(low, high, index);
      if (count == 0 || <u64>(count ^ limit) >> (<u64>shift + 8) != 0) continue;
      const digit = SketchPool.scratch + ((<usize>((count >> shift) & LOW_MASK)) << 2);
      store<u32>(digit, load<u32>(digit) + 1);
    }
  }
}

function census(top: NumberTop, limit: u32): void {
  NumberCensus.above = 0;
  NumberCensus.tied = 0;
  NumberCensus.below = 0;
  for (let part: u32 = 0; part < PARTS; part++) {
    const low = top.low(part);
    if (low == 0) continue;
    const high = top.high(part);
    for (let index: u32 = 0; index < PART_NUMBERS; index++) {
      const count = countAt(low, high, index);
      if (count > limit) NumberCensus.above++;
      else if (count == limit && count != 0) NumberCensus.tied++;
      else NumberCensus.below = max<u64>(NumberCensus.below, count);
    }
  }
}
