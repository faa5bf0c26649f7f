/** The sketches as tests use them: keys and encodings as bytes, every number of 64 bits unsigned. */
import sketchesModule from "../../build/test/sketches.wasm";
import { instantiate } from "./instantiate.ts";

/** What test/support/sketches.entry.ts exports. */
interface SketchExports {
  memory: WebAssembly.Memory;
  open(poolBytes: number, filler: number): number;
  output(): number;
  poolUsed(): number;
  refused(): bigint;
  secret(value: bigint): void;
  exportKeys(top: number, breakdown: number): void;
  exportEntries(theta: number): void;
  read(length: number): void;
  left(): number;
  write(length: number): void;
  written(): number;
  hash128(start: number, length: number): bigint;
  hashHigh(): bigint;
  elementHash(start: number, length: number): bigint;
  bucketOf(value: bigint, unit: number): number;
  bucketBoundary(index: number): number;
  bucketMiddle(index: number): number;
  histogramAdd(state: number, value: bigint, count: bigint): number;
  histogramBucket(state: number, index: number): bigint;
  histogramCount(state: number): bigint;
  histogramMax(state: number): number;
  histogramMin(state: number): number;
  histogramQuantile(state: number, q: number): number;
  histogramSum(state: number): number;
  rateAdd(state: number, n: bigint, second: number): number;
  rateSeal(state: number, windowSeconds: number): number;
  rateTotal(state: number): bigint;
  distinctAdd(state: number, element: bigint): number;
  distinctFill(state: number, seed: bigint, count: number): void;
  distinctEncodeHll(state: number, type: number): void;
  distinctEstimate(state: number): number;
  distinctLower(state: number): number;
  distinctUpper(state: number): number;
  thetaAdd(state: number, hash: bigint): number;
  thetaEncodeCompact(state: number): void;
  thetaEstimate(state: number): number;
  thetaLower(state: number): number;
  thetaUpper(state: number): number;
  topAdd(state: number, hash: bigint, start: number, length: number, weight: bigint): number;
  topBound(state: number): bigint;
  topEncodeFrequentItems(state: number, most: number, isAddress: boolean): void;
  topSelect(state: number, most: number): number;
  topTotal(state: number): bigint;
  topUpper(state: number, index: number): bigint;
  sharedCreate(columns: number, bits: number): number;
  sharedRelease(state: number): void;
  sharedCell(state: number, hash: bigint, start: number, length: number): number;
  sharedAdd(state: number, cell: number, column: number, weight: bigint): void;
  sharedColumn(state: number, column: number, bits: number): number;
  numberCreate(): number;
  numberRelease(state: number): void;
  numberAdd(state: number, value: number): number;
  numberCount(state: number, value: number): bigint;
  numberNext(state: number, from: number, least: number): number;
  numberLimit(state: number, rank: number): bigint;
  selectedKey(index: number): number;
  selectedKeyLength(index: number): number;
  selectedLower(index: number): bigint;
  selectedPart(index: number): number;
  breakdownAdd(
    state: number,
    hash: bigint,
    start: number,
    length: number,
    requests: bigint,
    errors: bigint,
    bytes: bigint,
    durationNs: bigint,
  ): number;
  breakdownBound(state: number): bigint;
  breakdownOther(state: number): bigint;
  breakdownSelect(state: number, most: number): number;
  breakdownUpper(state: number, index: number, other: bigint): bigint;
}

/** The kinds of sketch, and what each kind can do by the name of its functions. */
export const KINDS = ["histogram", "rate", "distinct", "top", "breakdown", "theta"] as const;
export type Kind = (typeof KINDS)[number];
type KindFunction = (...values: number[]) => number;

/** One instance with its own memory. */
export class Sketches {
  readonly core = instantiate<SketchExports>(sketchesModule);
  /** Start of the input. */
  readonly input: number;

  /** Opens an instance whose pool has `poolBytes`, all its memory filled with `filler` at first. */
  constructor(poolBytes = 8 << 20, filler = 0xaa) {
    this.input = this.core.open(poolBytes, filler);
  }

  private call(kind: Kind, verb: string, ...values: number[]): number {
    return (this.core as unknown as Record<string, KindFunction>)[kind + verb]!(...values);
  }

  create(kind: Kind, parameter: number): number {
    return this.call(kind, "Create", parameter);
  }

  release(kind: Kind, state: number): void {
    this.call(kind, "Release", state);
  }

  merge(kind: Kind, into: number, from: number): boolean {
    return this.call(kind, "Merge", into, from) !== 0;
  }

  encode(kind: Kind, state: number): Uint8Array {
    this.core.write(1 << 20);
    this.call(kind, "Encode", state);
    const length = this.core.written();
    if (length < 0) throw new Error("the encoding does not fit");
    return this.bytes(this.core.output(), length).slice();
  }

  /** Merges an encoding; true when it was valid, and then all of it was read. */
  decode(kind: Kind, into: number, parameter: number, encoding: Uint8Array): boolean {
    if (this.skip(kind, parameter, encoding) < 0) return false;
    this.core.read(encoding.length);
    const valid = this.call(kind, "Decode", into, parameter) !== 0;
    if (valid && this.core.left() !== 0) throw new Error(`${this.core.left()} bytes were not read`);
    return valid;
  }

  /** Validates an encoding: -1 when it is not valid, else the bytes after it. */
  skip(kind: Kind, parameter: number, encoding: Uint8Array): number {
    this.put(encoding);
    this.core.read(encoding.length);
    return this.call(kind, "Skip", parameter) !== 0 ? this.core.left() : -1;
  }

  bytes(start: number, length: number): Uint8Array {
    return new Uint8Array(this.core.memory.buffer, start, length);
  }

  /** Puts bytes at the start of the input. */
  put(bytes: Uint8Array): void {
    this.bytes(this.input, bytes.length).set(bytes);
  }

  /** Puts a key into the input and gives its element hash. */
  element(key: Uint8Array): bigint {
    this.put(key);
    return this.core.elementHash(this.input, key.length);
  }

  addTop(state: number, key: Uint8Array, weight: bigint): boolean {
    const hash = this.element(key);
    return this.core.topAdd(state, hash, this.input, key.length, weight) !== 0;
  }

  /** Adds a key's weights to a shared table, one a column; false when it found no cell. */
  addShared(state: number, key: Uint8Array, weights: readonly bigint[]): boolean {
    const hash = this.element(key);
    const cell = this.core.sharedCell(state, hash, this.input, key.length);
    for (const [column, weight] of weights.entries()) if (weight > 0n) this.core.sharedAdd(state, cell, column, weight);
    return cell !== 0;
  }

  addBreakdown(state: number, key: Uint8Array, requests: bigint, errors: bigint, bytes: bigint, durationNs: bigint): boolean {
    const hash = this.element(key);
    return this.core.breakdownAdd(state, hash, this.input, key.length, requests, errors, bytes, durationNs) !== 0;
  }

  /** The `most` heaviest keys of a top, and the bound of all others. */
  topRows(state: number, most: number): { rows: TopRow[]; bound: bigint } {
    const rows: TopRow[] = [];
    const count = this.core.topSelect(state, most);
    for (let index = 0; index < count; index++) {
      const lower = unsigned(this.core.selectedLower(index));
      rows.push({ key: this.selectedKey(index), lower, upper: unsigned(this.core.topUpper(state, index)) });
    }
    return { rows, bound: unsigned(this.core.topBound(state)) };
  }

  /** The `most` busiest label sets of a breakdown, the requests of all others, and the bound of each of those. */
  breakdownRows(state: number, most: number): { rows: BreakdownRow[]; other: bigint; bound: bigint } {
    const rows: BreakdownRow[] = [];
    const count = this.core.breakdownSelect(state, most);
    const other = unsigned(this.core.breakdownOther(state));
    for (let index = 0; index < count; index++) {
      const part = new DataView(this.core.memory.buffer, this.core.selectedPart(index), 24);
      rows.push({
        key: this.selectedKey(index),
        lower: unsigned(this.core.selectedLower(index)),
        upper: unsigned(this.core.breakdownUpper(state, index, other)),
        errors: part.getBigUint64(0, true),
        bytes: part.getBigUint64(8, true),
        histogram: part.getUint32(16, true),
      });
    }
    return { rows, other, bound: unsigned(this.core.breakdownBound(state)) };
  }

  private selectedKey(index: number): string {
    return new TextDecoder().decode(this.bytes(this.core.selectedKey(index), this.core.selectedKeyLength(index)).slice());
  }
}

export interface TopRow {
  key: string;
  lower: bigint;
  upper: bigint;
}

export interface BreakdownRow extends TopRow {
  errors: bigint;
  bytes: bigint;
  /** Address of the histogram of durations; 0 when there is none. */
  histogram: number;
}

/** How many of the rows, 65 of them where there are so many, an encoding holds: those that tie with one left out only up to 10. */
export function exportedOf(rows: readonly TopRow[]): number {
  const cut = rows[64];
  if (cut === undefined) return rows.length;
  const tied = rows.findIndex(({ upper }) => upper === cut.upper);
  return Math.min(64, Math.max(tied, 10));
}

/** A 64-bit number of the core, which arrives signed. */
export function unsigned(value: bigint): bigint {
  return BigInt.asUintN(64, value);
}

/** Bytes of a text. */
export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** A reproducible source of numbers in [0, 1): mulberry32. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
