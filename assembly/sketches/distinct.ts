/**
 * The number of distinct elements: UltraLogLog (Ertl, "UltraLogLog: A Practical and More Space-Efficient Alternative to
 * HyperLogLog for Approximate Distinct Counting", 2023), exact while there are few.
 *
 * ```
 * state, 32 bytes -> list: up to 32 element hashes in ascending order
 *                 or -> pages: 4096 registers each, 2^p in all
 * element hash:   | address, 26 bits | run, 38 bits |     register = low p bits of the address
 * register:       | k + 2, 6 bits | k-1 seen | k-2 seen |      0 while empty
 * ```
 * k = 1 + the leading zeros of the run, the largest seen by the register, 1 to 39. The offset of 2 lets the merge of two
 * registers be a maximum and one table look-up by the difference, with the empty register as no special case. States depend
 * only on the set of elements, so any order of adding and merging gives the same bytes.
 */
import { PAGE_BYTES } from "../bytes/pool";
import { SketchPool } from "./sketch-pool";

/** Elements that are kept as they are. */
export const DISTINCT_LIST_MAX: u32 = 32;
/** The precisions there are: 2^p registers. */
export const DISTINCT_PRECISION_MIN: u32 = 12;
export const DISTINCT_PRECISION_MAX: u32 = 14;

const STATE_BYTES: u32 = 32;
/** Registers of a page: as many as it has bytes. */
const PAGE_SHIFT: u32 = 12;
const PAGE_MASK: u32 = PAGE_BYTES - 1;
const LIST_BYTES_MIN: u32 = 64;
const RUN_BITS: u64 = 38;
const RUN_MASK: u64 = (1 << 38) - 1;

@unmanaged
export class Distinct {
  precision: u8;
  /** Elements in the list. */
  listed: u8;
  /** Elements that the list's block holds. */
  room: u8;
  /** Whether there are registers in place of the list. */
  full: bool;
  list: u32;
  page0: u32;
  page1: u32;
  page2: u32;
  page3: u32;
  /** The element that came to the list last: it often comes again. */
  last: u64;

  /** Adds an element to its register: the merge of two registers as in `mergeRegisters`, with neither a branch nor a select. */
  @inline addToRegister(element: u64): void {
    const index = <u32>(element >> RUN_BITS) & ((1 << (<u32>this.precision)) - 1);
    const page = load<u32>(changetype<usize>(this) + ((index >> PAGE_SHIFT) << 2), offsetof<Distinct>("page0"));
    const at = <usize>page + (index & PAGE_MASK);
    const register = <i32>load<u8>(at);
    // clz counts the 26 bits above the run too: k + 2 = clz - 26 + 1 + 2.
    const level = (<i32>clz<u64>(element & RUN_MASK) - 23) << 2;
    const above = level - register;
    const sign = above >> 31;
    const high = register + (above & ~sign);
    const low = register + (above & sign);
    const below = (high >> 2) - (low >> 2);
    store<u8>(at, high | (<i32>(<u64>(4 | (low & 3)) >> <u64>below) & 3));
  }
}

/** Creates an empty state of 2^`precision` registers; 0 when the pool is used up. */
export function distinctCreate(precision: u32): usize {
  assert(precision >= DISTINCT_PRECISION_MIN && precision <= DISTINCT_PRECISION_MAX);
  const state = SketchPool.zeroed(STATE_BYTES);
  if (state != 0) changetype<Distinct>(state).precision = <u8>precision;
  return state;
}

/** Gives everything that `state` holds back to the pool. */
export function distinctRelease(state: usize): void {
  const distinct = changetype<Distinct>(state);
  if (distinct.list != 0) SketchPool.pool.release(distinct.list);
  if (distinct.full) {
    const pages = pagesOf(distinct);
    for (let page: u32 = 0; page < pages; page++) SketchPool.pool.releasePage(registerPage(distinct, page));
  }
  SketchPool.pool.release(state);
}

/** Adds an element by its hash (`elementHash`); false, and nothing changed, when the pool is used up. */
export function distinctAdd(state: usize, element: u64): bool {
  const distinct = changetype<Distinct>(state);
  if (!distinct.full) return addToList(distinct, element);
  distinct.addToRegister(element);
  return true;
}

/** Pages of registers. */
export function pagesOf(distinct: Distinct): u32 {
  return 1 << (<u32>distinct.precision - DISTINCT_PRECISION_MIN);
}

/** Address of 4096 registers. */
export function registerPage(distinct: Distinct, page: u32): usize {
  return <usize>load<u32>(changetype<usize>(distinct) + offsetof<Distinct>("page0") + (page << 2));
}

/** Address at which `element` is, or belongs, in the list. */
function placeInList(distinct: Distinct, element: u64): usize {
  let at = <usize>distinct.list;
  const end = at + ((<usize>distinct.listed) << 3);
  while (at < end && load<u64>(at) < element) at += 8;
  return at;
}

function addToList(distinct: Distinct, element: u64): bool {
  if (distinct.last == element && element != 0) return true;
  const at = placeInList(distinct, element);
  const end = <usize>distinct.list + ((<usize>distinct.listed) << 3);
  if (at < end && load<u64>(at) == element) {
    distinct.last = element;
    return true;
  }
  if (<u32>distinct.listed == DISTINCT_LIST_MAX) {
    if (!distinctOpenRegisters(distinct)) return false;
    distinct.addToRegister(element);
    return true;
  }
  if (distinct.listed == distinct.room) return growList(distinct) && addToList(distinct, element);
  memory.copy(at + 8, at, end - at);
  store<u64>(at, element);
  distinct.listed++;
  distinct.last = element;
  return true;
}

/** Makes the list's block twice as large; false when the pool is used up. */
function growList(distinct: Distinct): bool {
  const bytes = distinct.room == 0 ? LIST_BYTES_MIN : (<u32>distinct.room) << 4;
  const list = SketchPool.block(bytes);
  if (list == 0) return false;
  if (distinct.list != 0) {
    memory.copy(list, distinct.list, (<usize>distinct.listed) << 3);
    SketchPool.pool.release(distinct.list);
  }
  distinct.list = <u32>list;
  distinct.room = <u8>(bytes >> 3);
  return true;
}

/** Turns the list into registers; false, and nothing changed, when the pool is used up. */
export function distinctOpenRegisters(distinct: Distinct): bool {
  if (distinct.full) return true;
  const pages = pagesOf(distinct);
  for (let page: u32 = 0; page < pages; page++) {
    const block = SketchPool.page();
    if (block == 0) {
      while (page-- > 0) SketchPool.pool.releasePage(registerPage(distinct, page));
      return false;
    }
    memory.fill(block, 0, PAGE_BYTES);
    store<u32>(changetype<usize>(distinct) + offsetof<Distinct>("page0") + (page << 2), <u32>block);
  }
  distinct.full = true;
  const list = <usize>distinct.list;
  for (let i: u32 = 0; i < <u32>distinct.listed; i++) distinct.addToRegister(load<u64>(list + (i << 3)));
  if (list != 0) SketchPool.pool.release(list);
  distinct.list = 0;
  distinct.listed = 0;
  distinct.room = 0;
  return true;
}

/** Adds all elements of `from` to `into`, both of one precision; false when the pool is used up. */
export function distinctMerge(into: usize, from: usize): bool {
  const target = changetype<Distinct>(into);
  const source = changetype<Distinct>(from);
  assert(target.precision == source.precision);
  if (!source.full) return distinctMergeList(target, source.list, source.listed);
  if (!distinctOpenRegisters(target)) return false;
  const pages = pagesOf(target);
  for (let page: u32 = 0; page < pages; page++) {
    mergeRegisters(registerPage(target, page), registerPage(source, page), PAGE_BYTES);
  }
  return true;
}

/** Adds `length` element hashes at `list`. */
export function distinctMergeList(target: Distinct, list: usize, length: u32): bool {
  for (let i: u32 = 0; i < length; i++) {
    if (!distinctAdd(changetype<usize>(target), load<u64>(list + (i << 3)))) return false;
  }
  return true;
}

/**
 * Merges `length` registers, a multiple of 16, at `source` into those at `target`.
 *
 * The larger one stays; what it gains is looked up by how many levels the smaller one is below and which two it has seen:
 * none below, its own two bits; one below, its level and the upper of its bits; two below, its level.
 */
export function mergeRegisters(target: usize, source: usize, length: u32): void {
  const gains = i8x16(0, 1, 2, 3, 2, 2, 3, 3, 1, 1, 1, 1, 0, 0, 0, 0);
  const levels = i8x16.splat(<i8>0xfc);
  for (const end = target + length; target < end; target += 16) {
    const a = v128.load(target);
    const b = v128.load(source);
    const high = v128.max<u8>(a, b);
    const low = v128.min<u8>(a, b);
    const below = v128.sub<u8>(v128.and(high, levels), v128.and(low, levels));
    const gained = v128.swizzle(gains, v128.or(below, v128.andnot(low, levels)));
    v128.store(target, v128.or(high, gained));
    source += 16;
  }
}
