/**
 * Tops of an open minute whose keys are numbers: ports, types, codes. A number becomes text when the minute is sealed.
 *
 * The counts lie in the metric's own series until then.
 */
import { elementHash } from "../bytes/hash";
import {
  NumberCensus,
  NumberTop,
  numberAdd,
  numberCount,
  numberCreate,
  numberLimit,
  numberNext,
  numberRelease,
} from "../sketches/number-top";
import { Top, topCreate, topMergeKey, topMergeTotals } from "../sketches/top";
import { TopExport } from "../sketches/top-codec";
import { declareKeys, declareMetric, Kind, Registry } from "./metric";
import { Minute } from "./minute";
import { SERIES_BYTES, Series } from "./series";

/** Such metrics at the most. */
const METRICS_MAX: u32 = 64;
/** {first series u32, series u32, function u32} each. */
const TABLE: usize = memory.data(16 * 64, 4);
const NUMBERS: u32 = 65536;
const KEY: usize = memory.data(256);

class Declared {
  static count: u32 = 0;
}

/** Forgets what was declared. */
export function resetNumberTops(): void {
  Declared.count = 0;
}

/**
 * Declares metric `id`, a top of numbers below 65,536 with one label, and gives its first series. `keyOf` is the index of a function
 * (number, to) => length that writes the text of a number, at most 255 bytes.
 */
export function declareNumberTop(id: u32, name: string, help: string, key: string, keyOf: u32, label: u32, bits: u32): u32 {
  assert(Declared.count < METRICS_MAX);
  const series = declareMetric(id, Kind.TOP, "", name, help, bits, label, 0, 0);
  declareKeys(id, key);
  const at = TABLE + (Declared.count << 4);
  store<u32>(at, series);
  store<u32>(at, Registry.at(Registry.find(id) - 1).seriesCount, 4);
  store<u32>(at, keyOf, 8);
  Declared.count++;
  return series;
}

/** Counts `number` once in a series of such a metric. */
export function numberTopObserve(series: u32, number: u32): void {
  const entry = Minute.entries + ((<usize>series) << 4);
  let state = <usize>load<u32>(entry, 8);
  if (state == 0) {
    state = numberCreate();
    store<u64>(entry, <u64>state, 8);
  }
  if (state == 0 || !numberAdd(state, number)) Minute.refused += 1;
}

/** Before a minute is encoded: makes a top of each of its states. */
export function sealNumberTops(entries: usize): void {
  for (let i: u32 = 0; i < Declared.count; i++) {
    const at = TABLE + (i << 4);
    const first = load<u32>(at);
    for (let series = first; series < first + load<u32>(at, 4); series++) {
      sealSeries(changetype<Series>(entries + series * SERIES_BYTES), load<u32>(at, 8));
    }
  }
}

function sealSeries(series: Series, keyOf: u32): void {
  const state = <usize>series.value;
  if (state == 0) return;
  const made = topCreate(series.parameter);
  if (made != 0) fill(changetype<Top>(made), state, keyOf);
  else Minute.refused += 1;
  series.value = <u64>made;
  numberRelease(state);
}

/** Puts the `TopExport.keysMax` largest counts into `top`; of those that tie with one left out few, the lowest numbers. */
function fill(top: Top, state: usize, keyOf: u32): void {
  const counts = changetype<NumberTop>(state);
  const limit = numberLimit(state, TopExport.keysMax);
  const whole = NumberCensus.above + NumberCensus.tied <= TopExport.keysMax;
  const bound = counts.lost + (whole ? NumberCensus.below : limit);
  let ties = NumberCensus.tied;
  if (!whole) ties = TopExport.tiedMax > NumberCensus.above ? TopExport.tiedMax - NumberCensus.above : 0;
  topMergeTotals(top, counts.total, bound);
  const least = max(<u32>limit, 1);
  for (let number = numberNext(state, 0, least); number < NUMBERS; number = numberNext(state, number + 1, least)) {
    const count = numberCount(state, number);
    if (count == limit && ties == 0) continue;
    if (count == limit) ties--;
    const length = call_indirect<u32>(keyOf, number, KEY);
    topMergeKey(top, elementHash(KEY, length), KEY, length, count + counts.lost, counts.lost, bound);
  }
}
