/**
 * A top whose keys are numbers below 65,536, such as ports: a count each, so that nothing is ever dropped.
 *
 * ```
 * state:  | total u64 | lost u64 | address of page u32 x 64 |
 * page:   | count u32 x 1024 |                                  made when the first of its numbers comes
 * ```
 * Exact, but for what found no page for want of memory: any number may have lost that.
 */
import { SketchPool } from "./sketch-pool";

/** Numbers of a page. */
const PAGE_NUMBERS_SHIFT: u32 = 10;
const PAGE_NUMBERS: u32 = 1024;
const PAGES: u32 = 64;
const PAGE_BYTES: u32 = 4096;
const COUNTS_BYTES: u32 = 1024;

@unmanaged
export class NumberTop {
  total: u64;
  /** What found no page. */
  lost: u64;
  /** The first of 64 addresses, 0 where no number of a page came. */
  pages: u32;

  /** Address of the page of numbers `index` x 1024 on. */
  @inline page(index: u32): usize {
    return <usize>load<u32>(changetype<usize>(this) + (index << 2), offsetof<NumberTop>("pages"));
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
  return SketchPool.zeroed(<u32>offsetof<NumberTop>("pages") + PAGES * 4);
}

/** Gives everything that `state` holds back to the pool. */
export function numberRelease(state: usize): void {
  const top = changetype<NumberTop>(state);
  for (let index: u32 = 0; index < PAGES; index++) if (top.page(index) != 0) SketchPool.pool.releasePage(top.page(index));
  SketchPool.pool.release(state);
}

/** Counts `number`, which is below 65,536; false when the pool has no page for it. */
export function numberAdd(state: usize, number: u32): bool {
  assert(number < PAGES << PAGE_NUMBERS_SHIFT);
  const top = changetype<NumberTop>(state);
  top.total += 1;
  let page = top.page(number >> PAGE_NUMBERS_SHIFT);
  if (page == 0) {
    page = openPage(top, number >> PAGE_NUMBERS_SHIFT);
    if (page == 0) {
      top.lost += 1;
      return false;
    }
  }
  const at = page + ((<usize>(number & (PAGE_NUMBERS - 1))) << 2);
  store<u32>(at, load<u32>(at) + 1);
  return true;
}

function openPage(top: NumberTop, index: u32): usize {
  const page = SketchPool.page();
  if (page == 0) return 0;
  memory.fill(page, 0, PAGE_BYTES);
  store<u32>(changetype<usize>(top) + (index << 2), <u32>page, offsetof<NumberTop>("pages"));
  return page;
}

/** The next number from `from` on that was counted, 65,536 where there is none. */
export function numberNext(state: usize, from: u32): u32 {
  const top = changetype<NumberTop>(state);
  let number = from;
  while (number < PAGES << PAGE_NUMBERS_SHIFT) {
    if (top.page(number >> PAGE_NUMBERS_SHIFT) == 0) number = (number | (PAGE_NUMBERS - 1)) + 1;
    else if (numberCount(state, number) == 0) number += 1;
    else break;
  }
  return number;
}

/** How often `number` was counted. */
export function numberCount(state: usize, number: u32): u64 {
  const page = changetype<NumberTop>(state).page(number >> PAGE_NUMBERS_SHIFT);
  return page == 0 ? 0 : load<u32>(page + ((<usize>(number & (PAGE_NUMBERS - 1))) << 2));
}

/** The count of rank `rank` from above, 0 where fewer numbers came; found by its digits to base 256. Fills `NumberCensus`. */
export function numberLimit(state: usize, rank: u32): u64 {
  const top = changetype<NumberTop>(state);
  const counts = SketchPool.scratch;
  let low: u32 = 0;
  let left = rank;
  for (let shift = digitShift(greatest(top)); ; shift -= 8) {
    countDigits(top, low, shift);
    let digit: usize = 255;
    while (digit > 0 && load<u32>(counts + (digit << 2)) < left) {
      left -= load<u32>(counts + (digit << 2));
      digit--;
    }
    low += (<u32>digit) << shift;
    if (shift == 0) break;
  }
  census(top, low);
  return low;
}

/** Where the highest digit to base 256 of `count` lies. */
function digitShift(count: u32): u32 {
  return count == 0 ? 0 : (31 - clz<u32>(count)) & ~7;
}

function greatest(top: NumberTop): u32 {
  let found: u32 = 0;
  for (let index: u32 = 0; index < PAGES; index++) {
    const page = top.page(index);
    if (page == 0) continue;
    for (let at = page; at < page + PAGE_BYTES; at += 4) found = max(found, load<u32>(at));
  }
  return found;
}

/** Counts the counts that begin with the digits of `low` above `shift` + 8 by their digit there. */
function countDigits(top: NumberTop, low: u32, shift: u32): void {
  memory.fill(SketchPool.scratch, 0, COUNTS_BYTES);
  for (let index: u32 = 0; index < PAGES; index++) {
    const page = top.page(index);
    if (page == 0) continue;
    for (let at = page; at < page + PAGE_BYTES; at += 4) {
      const count = load<u32>(at);
      if (count == 0 || <u64>(count ^ low) >> (<u64>shift + 8) != 0) continue;
      const digit = SketchPool.scratch + ((<usize>((count >> shift) & 255)) << 2);
      store<u32>(digit, load<u32>(digit) + 1);
    }
  }
}

function census(top: NumberTop, limit: u32): void {
  NumberCensus.above = 0;
  NumberCensus.tied = 0;
  NumberCensus.below = 0;
  for (let index: u32 = 0; index < PAGES; index++) {
    const page = top.page(index);
    if (page == 0) continue;
    for (let at = page; at < page + PAGE_BYTES; at += 4) {
      const count = load<u32>(at);
      if (count > limit) NumberCensus.above++;
      else if (count == limit && count != 0) NumberCensus.tied++;
      else NumberCensus.below = max<u64>(NumberCensus.below, count);
    }
  }
}
