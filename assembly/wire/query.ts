/**
 * A question to the accumulator.
 *
 * ```
 * | metric u16, 0 for all | keep mask u8 | flags u8 | top u16 | quantiles u8 | filters u8 | quantile f64 ... | filter ... |
 * filter:  | label position u8 | one bit a value, 32 bytes |
 * ```
 * Bit i of the keep mask keeps label i apart; the others are merged. A filter lets only series through whose value of that
 * label has its bit set. Flag 1 asks for the buckets of histograms; the three bits above it are the form (`form.ts`) of the payloads, and
 * rows of kinds that it does not fit are left out.
 */
import { METRIC_LABELS_MAX } from "../aggregate/metric";
import { Cursor } from "../bytes/cursor";
import { FORM_MAX } from "./form";

/** Quantiles of one question at the most. */
export const QUANTILES_MAX: u32 = 16;

const FILTER_BYTES: u32 = 32;
const FLAG_BUCKETS: u32 = 1;
const FORM_SHIFT: u32 = 1;
const QUANTILES: usize = memory.data(16 * 8, 8);
const FILTERS: usize = memory.data(3 * 32);

export class Query {
  static metric: u32 = 0;
  /** Bits of series keys that tell rows apart. */
  static keyMask: u32 = 0;
  /** Items of tops and breakdowns at the most. */
  static items: u32 = 0;
  static buckets: bool = false;
  /** What payloads are: a `Form`. */
  static form: u32 = 0;
  static quantiles: u32 = 0;
  private static filtered: u32 = 0;

  /** Reads a question of `length` bytes at `start`; false when it is malformed. */
  static read(start: usize, length: u32): bool {
    Cursor.open(start, length);
    Query.metric = Cursor.u16();
    const keep = Cursor.u8();
    const flags = Cursor.u8();
    Query.items = Cursor.u16();
    Query.quantiles = Cursor.u8();
    const filters = Cursor.u8();
    Query.buckets = (flags & FLAG_BUCKETS) != 0;
    Query.form = flags >> FORM_SHIFT;
    Query.filtered = 0;
    if (keep >= 1 << METRIC_LABELS_MAX || Query.form > FORM_MAX || Query.quantiles > QUANTILES_MAX) return false;
    Query.keyMask = 0;
    for (let label: u32 = 0; label < METRIC_LABELS_MAX; label++) {
      if ((keep >> label) & 1) Query.keyMask |= <u32>0xff000000 >> (label << 3);
    }
    const quantiles = Cursor.take(Query.quantiles << 3);
    if (Cursor.fault) return false;
    memory.copy(QUANTILES, quantiles, Query.quantiles << 3);
    for (let i: u32 = 0; i < Query.quantiles; i++) {
      if (!(Query.quantile(i) >= 0 && Query.quantile(i) <= 1)) return false;
    }
    for (let i: u32 = 0; i < filters; i++) {
      const label = Cursor.u8();
      const bits = Cursor.take(FILTER_BYTES);
      if (Cursor.fault || label >= METRIC_LABELS_MAX || (Query.filtered >> label) & 1) return false;
      memory.copy(FILTERS + label * FILTER_BYTES, bits, FILTER_BYTES);
      Query.filtered |= 1 << label;
    }
    return !Cursor.fault && Cursor.left == 0;
  }

  /** Quantile `index`, 0 to 1. */
  static quantile(index: u32): f64 {
    return load<f64>(QUANTILES + (index << 3));
  }

  /** Whether a series with this key passes all filters. */
  static passes(key: u32): bool {
    for (let label: u32 = 0; label < METRIC_LABELS_MAX; label++) {
      if (!((Query.filtered >> label) & 1)) continue;
      const value = (key >> (24 - (label << 3))) & 0xff;
      if (!((<u32>load<u8>(FILTERS + label * FILTER_BYTES + (value >> 3)) >> (value & 7)) & 1)) return false;
    }
    return true;
  }
}
