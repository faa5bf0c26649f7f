/**
 * Loops over a stream of keys, in the core's own memory: the bare hash, and each sketch's update on top of it; merges of many
 * states into one, and copies of as many bytes.
 *
 * ```
 * keys:   | length u8 | bytes | ...      one after another, as the stream has them
 * ```
 * A key with its length before it is what a breakdown takes for one label set; all sketches get it so, and the same bytes.
 */
import { elementHash } from "../../assembly/bytes/hash";
import { Pool } from "../../assembly/bytes/pool";
import { breakdownAdd, breakdownCreate, breakdownMerge, breakdownRelease } from "../../assembly/sketches/breakdown";
import { distinctAdd, distinctCreate, distinctMerge, distinctRelease } from "../../assembly/sketches/distinct";
import { histogramAdd, histogramCreate, histogramMerge, histogramRelease } from "../../assembly/sketches/histogram";
import { rateAdd, rateCreate, rateMerge, rateRelease, rateSeal } from "../../assembly/sketches/rate";
import { SketchPool } from "../../assembly/sketches/sketch-pool";
import { topAdd, topCreate, topMerge, topRelease } from "../../assembly/sketches/top";

const PAGE: usize = 4096;
const COPY_BYTES: u32 = 1 << 20;
const SECOND: u32 = 1_700_000_040;

/** Sketches that take a key. */
export const DISTINCT: u32 = 1;
export const TOP: u32 = 2;
export const BREAKDOWN: u32 = 3;
/** Sketches that take a value and no hash. */
export const HISTOGRAM: u32 = 4;
export const RATE: u32 = 5;

class Stream {
  static keys: usize = 0;
  static values: usize = 0;
  /** Addresses of the states that are merged, u32 each. */
  static states: usize = 0;
  /** Where copies go. */
  static copy: usize = 0;
}

/** Lays out `keyBytes` of keys, `count` values of u64, a page of states, a target for copies, and a pool of `poolBytes`. */
export function open(keyBytes: u32, count: u32, poolBytes: u32): void {
  Stream.keys = (heap.alloc(1) + PAGE) & ~(PAGE - 1);
  Stream.values = (Stream.keys + keyBytes + 16 + PAGE) & ~(PAGE - 1);
  Stream.states = (Stream.values + ((<usize>count) << 3) + PAGE) & ~(PAGE - 1);
  Stream.copy = Stream.states + PAGE;
  const pool = Stream.copy + COPY_BYTES;
  const missing = <i32>((pool + poolBytes + 0xffff) >> 16) - memory.size();
  if (missing > 0) memory.grow(missing);
  SketchPool.open(Pool.create(pool, poolBytes));
}

/** Where the keys begin. */
export function keys(): usize {
  return Stream.keys;
}

/** Where the values begin. */
export function values(): usize {
  return Stream.values;
}

/** Where the addresses of states to merge begin. */
export function states(): usize {
  return Stream.states;
}

/** Bytes of the pool in use. */
export function poolUsed(): u32 {
  return SketchPool.pool.bytesUsed;
}

/** What the pool refused so far. */
export function refused(): u64 {
  return SketchPool.refused;
}

/** An empty state with the parameter that the metrics have which cost the most. */
export function create(kind: u32): usize {
  if (kind == DISTINCT) return distinctCreate(14);
  if (kind == TOP) return topCreate(11);
  if (kind == BREAKDOWN) return breakdownCreate(8);
  return kind == HISTOGRAM ? histogramCreate(1) : rateCreate(0);
}

/** Gives a state back. */
export function release(kind: u32, state: usize): void {
  if (kind == DISTINCT) distinctRelease(state);
  else if (kind == TOP) topRelease(state);
  else if (kind == BREAKDOWN) breakdownRelease(state);
  else if (kind == HISTOGRAM) histogramRelease(state);
  else rateRelease(state);
}

/** Hashes `count` keys from `start` on and does nothing with them; gives a digest so that nothing is left out. */
export function hashMany(start: usize, count: u32): u64 {
  let digest: u64 = 0;
  let at = start;
  for (let i: u32 = 0; i < count; i++) {
    const length = <u32>load<u8>(at) + 1;
    digest ^= elementHash(at, length);
    at += length;
  }
  return digest;
}

/** Hashes `count` keys from `start` on and adds each to a state of `kind`; gives where the next key begins. */
export function addKeys(kind: u32, state: usize, start: usize, count: u32): usize {
  if (kind == DISTINCT) return addDistinct(state, start, count);
  return kind == TOP ? addTop(state, start, count) : addBreakdown(state, start, count);
}

function addDistinct(state: usize, start: usize, count: u32): usize {
  let at = start;
  for (let i: u32 = 0; i < count; i++) {
    const length = <u32>load<u8>(at) + 1;
    distinctAdd(state, elementHash(at, length));
    at += length;
  }
  return at;
}

function addTop(state: usize, start: usize, count: u32): usize {
  let at = start;
  for (let i: u32 = 0; i < count; i++) {
    const length = <u32>load<u8>(at) + 1;
    topAdd(state, elementHash(at, length), at, length, 1);
    at += length;
  }
  return at;
}

function addBreakdown(state: usize, start: usize, count: u32): usize {
  let at = start;
  for (let i: u32 = 0; i < count; i++) {
    const length = <u32>load<u8>(at) + 1;
    const durationNs = load<u64>(Stream.values + ((<usize>i) << 3));
    breakdownAdd(state, elementHash(at, length), at, length, 1, u64((i & 15) == 0), 1000, durationNs);
    at += length;
  }
  return at;
}

/** Adds `count` values, from number `first` on, to a histogram, or to a rate over the seconds of one minute. */
export function addValues(kind: u32, state: usize, first: u32, count: u32): void {
  const from = Stream.values + ((<usize>first) << 3);
  if (kind == HISTOGRAM) {
    for (let i: u32 = 0; i < count; i++) histogramAdd(state, load<u64>(from + ((<usize>i) << 3)), 1);
    return;
  }
  const eachSecond = count / 60 + 1;
  for (let i: u32 = 0; i < count; i++) rateAdd(state, load<u64>(from + ((<usize>i) << 3)) & 0xffff, SECOND + i / eachSecond);
}

/** Ends the minute of a rate, which is then a state that merges. */
export function seal(state: usize): void {
  rateSeal(state, 60);
}

/** Merges the first `count` states that are listed at `states` into a new one, and gives that back to the pool. */
export function mergeMany(kind: u32, count: u32): void {
  const into = create(kind);
  for (let i: u32 = 0; i < count; i++) {
    const from = <usize>load<u32>(Stream.states + ((<usize>i) << 2));
    if (kind == DISTINCT) distinctMerge(into, from);
    else if (kind == TOP) topMerge(into, from);
    else if (kind == BREAKDOWN) breakdownMerge(into, from);
    else if (kind == HISTOGRAM) histogramMerge(into, from);
    else rateMerge(into, from);
  }
  release(kind, into);
}

/** Copies `count` runs of `bytes`, one after another from the keys' place on, to one target. */
export function copyMany(bytes: u32, count: u32): void {
  for (let i: u32 = 0; i < count; i++) memory.copy(Stream.copy, Stream.keys + i * bytes, bytes);
}
