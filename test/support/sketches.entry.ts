/** The sketches and the hash, opened to tests and benchmarks. */
import { Cursor } from "../../assembly/bytes/cursor";
import { Hash, hash128 } from "../../assembly/bytes/hash";
import { Pool } from "../../assembly/bytes/pool";
import { Writer } from "../../assembly/bytes/writer";
import { BreakdownExport } from "../../assembly/sketches/breakdown-codec";
import { distinctAdd } from "../../assembly/sketches/distinct";
import { sharedLimits } from "../../assembly/sketches/shared-drop";
import { sharedTop } from "../../assembly/sketches/shared-seal";
import { SharedTops } from "../../assembly/sketches/shared-tops";
import { SketchPool } from "../../assembly/sketches/sketch-pool";
import { ThetaExport } from "../../assembly/sketches/theta-codec";
import { TopExport } from "../../assembly/sketches/top-codec";

export { elementHash, hash128 } from "../../assembly/bytes/hash";
export {
  breakdownAdd,
  breakdownBound,
  breakdownCreate,
  breakdownMerge,
  breakdownOther,
  breakdownRelease,
  breakdownSelect,
  breakdownUpper,
  selectedPart,
} from "../../assembly/sketches/breakdown";
export { breakdownDecode, breakdownEncode, breakdownSkip } from "../../assembly/sketches/breakdown-codec";
export { bucketBoundary, bucketMiddle, bucketOf } from "../../assembly/sketches/bucket";
export { distinctAdd, distinctCreate, distinctMerge, distinctRelease } from "../../assembly/sketches/distinct";
export { distinctDecode, distinctEncode, distinctSkip } from "../../assembly/sketches/distinct-codec";
export { distinctEstimate, distinctLower, distinctUpper } from "../../assembly/sketches/distinct-estimate";
export { topEncodeFrequentItems } from "../../assembly/sketches/frequent-items";
export {
  histogramAdd,
  histogramBucket,
  histogramCount,
  histogramCreate,
  histogramMax,
  histogramMerge,
  histogramMin,
  histogramQuantile,
  histogramRelease,
  histogramSum,
} from "../../assembly/sketches/histogram";
export { histogramDecode, histogramEncode, histogramSkip } from "../../assembly/sketches/histogram-codec";
export { distinctEncodeHll } from "../../assembly/sketches/hll";
export { numberAdd, numberCount, numberCreate, numberLimit, numberNext, numberRelease } from "../../assembly/sketches/number-top";
export {
  rateAdd,
  rateCreate,
  rateDecode,
  rateEncode,
  rateMerge,
  rateRelease,
  rateSeal,
  rateSkip,
  rateTotal,
} from "../../assembly/sketches/rate";
export { selectedKey, selectedKeyLength, selectedLower } from "../../assembly/sketches/select";
export { sharedAdd, sharedCell } from "../../assembly/sketches/shared-add";
export { sharedCreate, sharedRelease } from "../../assembly/sketches/shared-tops";
export {
  thetaAdd,
  thetaCreate,
  thetaEstimate,
  thetaLower,
  thetaMerge,
  thetaRelease,
  thetaUpper,
} from "../../assembly/sketches/theta";
export { thetaDecode, thetaEncode, thetaEncodeCompact, thetaSkip } from "../../assembly/sketches/theta-codec";
export {
  topAdd,
  topBound,
  topCreate,
  topMerge,
  topRelease,
  topSelect,
  topTotal,
  topUpper,
} from "../../assembly/sketches/top";
export { topDecode, topEncode, topSkip } from "../../assembly/sketches/top-codec";

/** Makes a top of a column, as at the end of a minute; the table stays as it is. */
export function sharedColumn(state: usize, column: u32, bits: u32): usize {
  sharedLimits(changetype<SharedTops>(state), TopExport.keysMax);
  return sharedTop(state, column, bits);
}

const PAGE: usize = 4096;
const BYTES: u32 = 1 << 20;

class Layout {
  static input: usize = 0;
  static output: usize = 0;
}

/** Lays out 1 MiB of input, 1 MiB of output and a pool of `poolBytes`, all filled with `filler`; gives the input's start. */
export function open(poolBytes: u32, filler: u32): usize {
  const start = (__heap_base + 2 * PAGE) & ~(PAGE - 1);
  const end = start + 2 * BYTES + poolBytes;
  const missing = <i32>((end + 0xffff) >> 16) - memory.size();
  if (missing > 0) memory.grow(missing);
  memory.fill(start - 64, <u8>filler, end - start + 64);
  Layout.input = start;
  Layout.output = start + BYTES;
  SketchPool.open(Pool.create(start + 2 * BYTES, poolBytes));
  return start;
}

/** Start of the output. */
export function output(): usize {
  return Layout.output;
}

/** Bytes of the pool in use. */
export function poolUsed(): u32 {
  return SketchPool.pool.bytesUsed;
}

/** Second half of the last hash. */
export function hashHigh(): u64 {
  return Hash.h2;
}

/** Opens the cursor over the first `length` bytes of input. */
export function read(length: u32): void {
  Cursor.open(Layout.input, length);
}

/** Bytes of input not read. */
export function left(): u32 {
  return Cursor.left;
}

/** Opens the writer over `length` bytes of output. */
export function write(length: u32): void {
  Writer.open(Layout.output, length);
}

/** Bytes written, or -1 after an overflow. */
export function written(): i32 {
  return Writer.overflow ? -1 : <i32>Writer.length;
}

/** Sets how many keys a top and a breakdown export. */
export function exportKeys(top: u32, breakdown: u32): void {
  TopExport.keysMax = top;
  BreakdownExport.keysMax = breakdown;
}

/** Sets how many entries a set exports. */
export function exportEntries(theta: u32): void {
  ThetaExport.entriesMax = theta;
}

/** Sets the factor that places keys in tables. */
export function secret(value: u64): void {
  SketchPool.secret = value | 1;
}

/** What the pool refused so far. */
export function refused(): u64 {
  return SketchPool.refused;
}

/** Hashes `count` keys of `length` bytes each, one after another; gives a digest so that nothing is left out. */
export function hashMany(start: usize, length: u32, count: u32): u64 {
  let digest: u64 = 0;
  for (let i: u32 = 0; i < count; i++) digest ^= hash128(start + i * length, length);
  return digest;
}

/** Adds `count` elements to a distinct state: a sequence of splitmix64 from `seed`, its outputs taken as element hashes. */
export function distinctFill(state: usize, seed: u64, count: u32): void {
  for (let i: u32 = 0; i < count; i++) {
    seed += 0x9e3779b97f4a7c15;
    let mixed = (seed ^ (seed >> 30)) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
    distinctAdd(state, mixed ^ (mixed >> 31));
  }
}
