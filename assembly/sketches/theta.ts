/**
 * A set of elements as its smallest hashes: a theta sketch (Dasgupta, Lang, Rhodes, Thaler, "A Framework for Estimating Stream Expression
 * Cardinalities", 2016) of 4,096 nominal entries, by which sets can be intersected and subtracted too. Exact while there are no more.
 *
 * ```
 * state, 128 bytes -> pages of hashes in ascending order, page by page
 * hash:  the upper 63 bits of the first half of MurmurHash3_x64_128, as DataSketches takes them; never 0
 * ```
 * The state holds every hash of the set below theta: all of them while theta is THETA_MAX, else 4,096, and theta is the next one. So it
 * depends only on the set, and any order of adding and merging gives the same bytes. A set that was cut to less on its way
 * brings its smaller theta along, which holds for the sum.
 *
 * A full page is split in halves, and hashes leave from the end alone, so that every page but the last is at least half full.
 */
import { PAGE_BYTES } from "../bytes/pool";
import { SketchPool } from "./sketch-pool";

/** log2 of the nominal entries: the parameter of the metrics. */
export const THETA_LOG2: u32 = 12;
/** The most hashes that a state holds. */
export const THETA_ENTRIES_MAX: u32 = 1 << 12;
/** Theta of a state that holds all hashes of its set. */
export const THETA_MAX: u64 = (1 << 63) - 1;

const STATE_BYTES: u32 = 128;
const PAGE_ENTRIES: u32 = PAGE_BYTES >> 3;
/** One hash more than the nominal entries in halves of pages, and the last page. */
const PAGES_MAX: u32 = 18;

@unmanaged
export class Theta {
  theta: u64;
  /** Hashes in all pages. */
  count: u32;
  pages: u32;

  /** Address of the pages' addresses, u32 each. */
  @inline get list(): usize {
    return changetype<usize>(this) + offsetof<Theta>();
  }

  /** Address of the numbers of hashes in the pages, u16 each. */
  @inline get counts(): usize {
    return this.list + PAGES_MAX * 4;
  }

  /** Address of page `index`. */
  @inline page(index: u32): usize {
    return <usize>load<u32>(this.list + (index << 2));
  }

  /** Hashes in page `index`. */
  @inline countIn(index: u32): u32 {
    return load<u16>(this.counts + (index << 1));
  }

  @inline setCount(index: u32, count: u32): void {
    store<u16>(this.counts + (index << 1), count);
  }
}

/** Creates an empty state; 0 when the pool is used up. */
export function thetaCreate(_log2: u32): usize {
  assert(offsetof<Theta>() + PAGES_MAX * 6 <= STATE_BYTES);
  const state = SketchPool.zeroed(STATE_BYTES);
  if (state != 0) changetype<Theta>(state).theta = THETA_MAX;
  return state;
}

/** Gives everything that `state` holds back to the pool. */
export function thetaRelease(state: usize): void {
  const theta = changetype<Theta>(state);
  for (let page: u32 = 0; page < theta.pages; page++) SketchPool.pool.releasePage(theta.page(page));
  SketchPool.pool.release(state);
}

/** Adds a hash of 63 bits; false, and nothing changed, when the pool is used up. */
export function thetaAdd(state: usize, hash: u64): bool {
  const theta = changetype<Theta>(state);
  if (hash == 0 || hash >= theta.theta) return true;
  if (theta.pages == 0 && !openPage(theta, 0)) return false;
  let page = pageOf(theta, hash);
  let place = placeIn(theta, page, hash);
  if (place < theta.countIn(page) && load<u64>(theta.page(page) + (place << 3)) == hash) return true;
  if (theta.countIn(page) == PAGE_ENTRIES) {
    if (!split(theta, page)) return false;
    const half = theta.countIn(page);
    if (place > half) {
      place -= half;
      page++;
    }
  }
  const at = theta.page(page) + (place << 3);
  memory.copy(at + 8, at, (theta.countIn(page) - place) << 3);
  store<u64>(at, hash);
  theta.setCount(page, theta.countIn(page) + 1);
  theta.count++;
  if (theta.count > THETA_ENTRIES_MAX) dropLast(theta);
  return true;
}

/** The first page that ends with `hash` or a greater one; the last where none does. */
function pageOf(theta: Theta, hash: u64): u32 {
  let page: u32 = 0;
  while (page + 1 < theta.pages && load<u64>(theta.page(page) + ((theta.countIn(page) - 1) << 3)) < hash) page++;
  return page;
}

/** Hashes of the page that are less than `hash`. */
function placeIn(theta: Theta, page: u32, hash: u64): u32 {
  const start = theta.page(page);
  let low: u32 = 0;
  let high = theta.countIn(page);
  while (low < high) {
    const middle = (low + high) >> 1;
    if (load<u64>(start + (middle << 3)) < hash) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Puts an empty page into the list as number `index`; false when the pool is used up. */
function openPage(theta: Theta, index: u32): bool {
  assert(theta.pages < PAGES_MAX);
  const page = SketchPool.page();
  if (page == 0) return false;
  const after = theta.pages - index;
  const at = theta.list + (index << 2);
  const countAt = theta.counts + (index << 1);
  memory.copy(at + 4, at, after << 2);
  memory.copy(countAt + 2, countAt, after << 1);
  store<u32>(at, <u32>page);
  store<u16>(countAt, 0);
  theta.pages++;
  return true;
}

/** Moves the upper half of a full page into a new one behind it; false when the pool is used up. */
function split(theta: Theta, page: u32): bool {
  if (!openPage(theta, page + 1)) return false;
  const half = PAGE_ENTRIES / 2;
  memory.copy(theta.page(page + 1), theta.page(page) + (half << 3), half << 3);
  theta.setCount(page, half);
  theta.setCount(page + 1, half);
  return true;
}

/** Takes the greatest hash away: it is theta now. */
function dropLast(theta: Theta): void {
  const page = theta.pages - 1;
  const count = theta.countIn(page) - 1;
  theta.theta = load<u64>(theta.page(page) + (count << 3));
  theta.setCount(page, count);
  theta.count--;
  if (count == 0) closeLast(theta);
}

function closeLast(theta: Theta): void {
  theta.pages--;
  SketchPool.pool.releasePage(theta.page(theta.pages));
}

/** The hash that `index` others are less than; there are more. */
export function thetaAt(theta: Theta, index: u32): u64 {
  let page: u32 = 0;
  while (index >= theta.countIn(page)) {
    index -= theta.countIn(page);
    page++;
  }
  return load<u64>(theta.page(page) + (index << 3));
}

/** Forgets all hashes from `limit` on, which is theta from now on. */
export function thetaLimit(theta: Theta, limit: u64): void {
  if (limit >= theta.theta) return;
  theta.theta = limit;
  while (theta.pages != 0) {
    const page = theta.pages - 1;
    const kept = placeIn(theta, page, limit);
    theta.count -= theta.countIn(page) - kept;
    theta.setCount(page, kept);
    if (kept != 0) return;
    closeLast(theta);
  }
}

/** Adds all elements of `from` to `into`; false when the pool is used up. */
export function thetaMerge(into: usize, from: usize): bool {
  const source = changetype<Theta>(from);
  thetaLimit(changetype<Theta>(into), source.theta);
  for (let page: u32 = 0; page < source.pages; page++) {
    const start = source.page(page);
    for (let index: u32 = 0; index < source.countIn(page); index++) {
      if (!thetaAdd(into, load<u64>(start + (index << 3)))) return false;
    }
  }
  return true;
}

/** Estimates the number of elements: exact up to 4,096, then with a standard error of 1.56 %. */
export function thetaEstimate(state: usize): f64 {
  return <f64>changetype<Theta>(state).count / shareOf(changetype<Theta>(state));
}

/** Two standard errors below the estimate; the number itself while it is exact. */
export function thetaLower(state: usize): f64 {
  return boundOf(changetype<Theta>(state), -1);
}

/** Two standard errors above the estimate; the number itself while it is exact. */
export function thetaUpper(state: usize): f64 {
  return boundOf(changetype<Theta>(state), 1);
}

/** The share of all hashes that are below theta. */
function shareOf(theta: Theta): f64 {
  return theta.theta == THETA_MAX ? 1 : <f64>theta.theta / 9223372036854775808.0;
}

/** The number at which the hashes counted lie two standard errors of a binomial, and the half of one, to that side (score interval). */
function boundOf(theta: Theta, side: f64): f64 {
  const share = shareOf(theta);
  const count = <f64>theta.count;
  if (share == 1) return count;
  const middle = (count + side * 0.5) / share;
  const error = 2 * Math.sqrt((1 - share) / share);
  return max(middle + (error * error) / 2 + side * 0.5 * error * Math.sqrt(error * error + 4 * middle), count);
}
