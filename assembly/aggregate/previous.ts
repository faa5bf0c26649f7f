/**
 * What "slow" means: above nine tenths of the same histogram in the minute before.
 *
 * Until a minute has been sealed nothing is slow.
 */
import { histogramQuantile } from "../sketches/histogram";
import { Minute } from "./minute";
import { SERIES_BYTES } from "./series";

/** Histogram series that may be watched. */
const WATCHED_MAX: u32 = 64;
const NS: f64 = 1e9;

/** {series u32, 0 u32, threshold u64} each. */
const TABLE: usize = memory.data(16 * 64, 8);

class Watched {
  static count: u32 = 0;
}

/** Watches `count` series of a histogram of seconds from `series` on; answers the place of the first for `slowAboveNs`. */
export function watchSlow(series: u32, count: u32): u32 {
  const first = Watched.count;
  assert(first + count <= WATCHED_MAX);
  for (let i: u32 = 0; i < count; i++) {
    const at = TABLE + ((first + i) << 4);
    store<u32>(at, series + i);
    store<u64>(at, u64.MAX_VALUE, 8);
  }
  Watched.count = first + count;
  return first;
}

/** The duration above which a value of watched series `place` is slow, ns. */
export function slowAboveNs(place: u32): u64 {
  return load<u64>(TABLE + (place << 4), 8);
}

/** Takes the thresholds from the minute in use, which is about to be sealed; a series without values keeps its own. */
export function takeThresholds(): void {
  for (let i: u32 = 0; i < Watched.count; i++) {
    const at = TABLE + (i << 4);
    const state = load<u32>(Minute.entries + load<u32>(at) * SERIES_BYTES, 8);
    if (state == 0) continue;
    store<u64>(at, <u64>(histogramQuantile(state, 0.9) * NS), 8);
  }
}

/** Forgets what was watched, before metrics are declared. */
export function resetSlow(): void {
  Watched.count = 0;
}
