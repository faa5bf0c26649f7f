/**
 * How much of something there is a second: an exact total, and a histogram of the totals of whole seconds.
 *
 * While its minute is open a rate keeps one exact total a second, so that the order of packets changes nothing; sealing moves
 * those totals into a histogram (`histogram.ts`), whose sum is the total. Encoded, decoded and merged it is that histogram.
 * ```
 * seconds, 488 bytes: | total u64 x 60 | first second u32 | captured from u8 | captured to u8 | 0 u16 |
 * ```
 * Of several threads each sees a part of every second, and histograms of parts do not add up to one of the whole. So threads hand
 * over their seconds apart, with those of the minute in which they captured, and the histogram is made of the sums.
 */
import { Cursor } from "../bytes/cursor";
import { saturatingAdd } from "../bytes/saturating";
import { Writer } from "../bytes/writer";
import { Histogram, histogramAdd, histogramCreate, histogramMerge, histogramRelease } from "./histogram";
import { histogramDecode, histogramEncode, histogramSkip } from "./histogram-codec";
import { SketchPool } from "./sketch-pool";

/** Seconds of a minute, the window of every rate. */
export const RATE_SECONDS: u32 = 60;

/** Parameter on the wire of a rate whose seconds are apart. */
export const RATE_APART: u32 = 1;

const SECONDS_BYTES: u32 = 488;
const FIRST_SECOND: usize = 480;
const CAPTURED_FROM: usize = 484;
/** The second behind the last captured one; 0 where none was. */
const CAPTURED_TO: usize = 485;
/** Totals of seconds are counts or bytes: unit 0 of `bucket.ts`. */
const UNIT: u32 = 0;

/** Creates an empty rate; 0 when the pool is used up. */
export function rateCreate(_parameter: u32): usize {
  return histogramCreate(UNIT);
}

/** Gives everything that `state` holds back to the pool. */
export function rateRelease(state: usize): void {
  histogramRelease(state);
}

/** Adds `n` in `second` since the epoch; false, and nothing changed, outside the minute of the first call or without memory. */
export function rateAdd(state: usize, n: u64, second: u32): bool {
  const at = rateSecond(state, second);
  if (at == 0) return false;
  store<u64>(at, load<u64>(at) + n);
  return true;
}

/** Address of the total of `second`, a u64, until the rate is sealed; 0 where `rateAdd` is false. */
export function rateSecond(state: usize, second: u32): usize {
  const histogram = changetype<Histogram>(state);
  if (histogram.seconds == 0 && !openSeconds(histogram, second - (second % RATE_SECONDS))) return 0;
  const index = second - load<u32>(histogram.seconds, FIRST_SECOND);
  return index < RATE_SECONDS ? <usize>histogram.seconds + (index << 3) : 0;
}

function openSeconds(histogram: Histogram, first: u32): bool {
  const seconds = SketchPool.zeroed(SECONDS_BYTES);
  if (seconds == 0) return false;
  store<u32>(seconds, first, FIRST_SECOND);
  histogram.seconds = <u32>seconds;
  return true;
}

/**
 * Moves the seconds of the open minute into the histogram, those without anything as 0 up to `windowSeconds` in all (60 for a
 * minute, 0 for a supplement to one). False when the pool is used up; what found no room is then missing.
 */
export function rateSeal(state: usize, windowSeconds: u32): bool {
  const histogram = changetype<Histogram>(state);
  const seconds = <usize>histogram.seconds;
  let filled: u32 = 0;
  let complete = true;
  if (seconds != 0) {
    for (let index: u32 = 0; index < RATE_SECONDS; index++) {
      const total = load<u64>(seconds + (index << 3));
      if (total == 0) continue;
      filled++;
      if (!histogramAdd(state, total, 1)) complete = false;
    }
    SketchPool.pool.release(seconds);
    histogram.seconds = 0;
  }
  if (filled < windowSeconds && !histogramAdd(state, 0, windowSeconds - filled)) complete = false;
  return complete;
}

/** Sum of everything added, open seconds included. */
export function rateTotal(state: usize): u64 {
  const histogram = changetype<Histogram>(state);
  let total = histogram.sumLow;
  if (histogram.seconds != 0) {
    for (let index: u32 = 0; index < RATE_SECONDS; index++) total += load<u64>(<usize>histogram.seconds + (index << 3));
  }
  return total;
}

/** Closes an open minute without moving its seconds: `seconds` from `first` on were captured. False when the pool is used up. */
export function rateSealApart(state: usize, first: u32, seconds: u32): bool {
  const histogram = changetype<Histogram>(state);
  if (histogram.seconds == 0 && !openSeconds(histogram, 0)) return false;
  store<u8>(histogram.seconds, seconds == 0 ? 0 : first, CAPTURED_FROM);
  store<u8>(histogram.seconds, seconds == 0 ? 0 : first + seconds, CAPTURED_TO);
  return true;
}

/** Seals the sum of rates whose seconds were apart; false when the pool is used up. */
export function rateSealSum(state: usize): bool {
  const seconds = <usize>changetype<Histogram>(state).seconds;
  return seconds == 0 || rateSeal(state, <u32>load<u8>(seconds, CAPTURED_TO) - load<u8>(seconds, CAPTURED_FROM));
}

/** Adds the sealed rate `from` to the sealed rate `into`; false, and nothing changed, when the pool is used up. */
export function rateMerge(into: usize, from: usize): bool {
  return histogramMerge(into, from);
}

/**
 * Writes a rate with its seconds apart:
 * ```
 * | first captured second u8 | the one behind the last u8 | total varint x 60 |
 * ```
 * Both are 0 in a supplement. One for whose seconds there was no room has none.
 */
export function rateEncodeApart(state: usize): void {
  const seconds = <usize>changetype<Histogram>(state).seconds;
  Writer.u8(seconds == 0 ? 0 : load<u8>(seconds, CAPTURED_FROM));
  Writer.u8(seconds == 0 ? 0 : load<u8>(seconds, CAPTURED_TO));
  for (let index: u32 = 0; index < RATE_SECONDS; index++) Writer.varint(seconds == 0 ? 0 : load<u64>(seconds + (index << 3)));
}

/** Adds one such encoding that `rateSkip` found valid to `into`; false when there is no room. */
function rateDecodeApart(into: usize): bool {
  const histogram = changetype<Histogram>(into);
  if (histogram.seconds == 0 && !openSeconds(histogram, 0)) return false;
  const seconds = <usize>histogram.seconds;
  const from = Cursor.u8();
  const to = Cursor.u8();
  if (to != 0) {
    const isFirst = load<u8>(seconds, CAPTURED_TO) == 0;
    if (isFirst || from < load<u8>(seconds, CAPTURED_FROM)) store<u8>(seconds, from, CAPTURED_FROM);
    if (to > load<u8>(seconds, CAPTURED_TO)) store<u8>(seconds, to, CAPTURED_TO);
  }
  for (let index: u32 = 0; index < RATE_SECONDS; index++) {
    const at = seconds + (index << 3);
    store<u64>(at, saturatingAdd(load<u64>(at), Cursor.varint()));
  }
  return true;
}

/** Checks one such encoding and steps over it. */
function rateSkipApart(): bool {
  const from = Cursor.u8();
  const to = Cursor.u8();
  if (to == 0 ? from != 0 : from >= to || to > RATE_SECONDS) return false;
  for (let index: u32 = 0; index < RATE_SECONDS; index++) Cursor.varint();
  return !Cursor.fault;
}

/** Writes the canonical form of a sealed rate: that of its histogram. */
export function rateEncode(state: usize): void {
  assert(changetype<Histogram>(state).seconds == 0);
  histogramEncode(state);
}

/** Merges one encoded rate that `rateSkip` found valid into `into`; false, and `into` unchanged, when there is no room. */
export function rateDecode(into: usize, parameter: u32): bool {
  return parameter == RATE_APART ? rateDecodeApart(into) : histogramDecode(into, UNIT);
}

/** Validates one encoded rate and steps over it; false when it is not valid. */
export function rateSkip(parameter: u32): bool {
  return parameter == RATE_APART ? rateSkipApart() : histogramSkip(UNIT);
}
