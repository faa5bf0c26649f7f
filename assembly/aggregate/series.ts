/**
 * Series and tables of them.
 *
 * ```
 * series, 16 bytes: | metric u16 | kind u8 | parameter u8 | key u32 | value u64 |
 * ```
 * The value of a counter is its count, of any other kind the address of its state, 0 before the first. A host's minute is a
 * table with one entry for each declared series in their order, so that an index is an address; a hub's accumulator is a
 * table whose entries are found by what they are.
 */
import { Settings } from "../settings";
import { RATE_APART } from "../sketches/rate";
import { stateRelease } from "./kind";
import { Kind, Registry, seriesKeyOf } from "./metric";

@unmanaged
export class Series {
  metric: u16;
  kind: u8;
  parameter: u8;
  key: u32;
  value: u64;

  /** What the series is, as one number that orders series on the wire: metric, kind, parameter, key. */
  get identity(): u64 {
    return ((<u64>this.metric) << 48) | ((<u64>this.kind) << 40) | ((<u64>this.parameter) << 32) | <u64>this.key;
  }
}

/** Bytes of one series. */
export const SERIES_BYTES: u32 = 16;

/** Writes one empty entry for each declared series at `start`. */
export function layOutSeries(start: usize): void {
  let at = start;
  for (let m: u32 = 0; m < Registry.metrics; m++) {
    const metric = Registry.at(m);
    for (let i: u32 = 0; i < metric.seriesCount; i++) {
      const series = changetype<Series>(at);
      series.metric = metric.id;
      series.kind = metric.kind;
      series.parameter = Settings.thread != 0 && metric.kind == Kind.RATE ? <u8>RATE_APART : metric.parameter;
      series.key = seriesKeyOf(metric, i);
      series.value = 0;
      at += SERIES_BYTES;
    }
  }
}

/** Empties `count` series at `start` and gives their states back. */
export function clearSeries(start: usize, count: u32): void {
  const end = start + count * SERIES_BYTES;
  for (let at = start; at < end; at += SERIES_BYTES) {
    const series = changetype<Series>(at);
    if (series.value == 0) continue;
    if (series.kind != Kind.COUNTER) stateRelease(series.kind, <usize>series.value);
    series.value = 0;
  }
}

/** Empties the rates among `count` series at `start`. */
export function clearRates(start: usize, count: u32): void {
  const end = start + count * SERIES_BYTES;
  for (let at = start; at < end; at += SERIES_BYTES) if (changetype<Series>(at).kind == Kind.RATE) clearSeries(at, 1);
}

/**
 * A table whose entries are found by identity: open addressing over slots of entry numbers plus 1.
 *
 * Slots are twice the entries at least, so a probe ends.
 */
@unmanaged
export class SeriesTable {
  entries: u32;
  count: u32;
  capacity: u32;
  private slots: u32;
  private mask: u32;

  /** Bytes of a table for `capacity` series, a power of two. */
  static bytes(capacity: u32): u32 {
    return 32 + capacity * (SERIES_BYTES + 8);
  }

  /** Lays an empty table out at `start`. */
  static create(start: usize, capacity: u32): SeriesTable {
    assert(popcnt<u32>(capacity) == 1);
    const table = changetype<SeriesTable>(start);
    table.entries = <u32>start + 32;
    table.count = 0;
    table.capacity = capacity;
    table.slots = table.entries + capacity * SERIES_BYTES;
    table.mask = capacity * 2 - 1;
    memory.fill(table.slots, 0, capacity * 8);
    return table;
  }

  /** Entry number `index`. */
  at(index: u32): Series {
    return changetype<Series>(<usize>this.entries + index * SERIES_BYTES);
  }

  /** Finds or adds the series with this identity; null when the table is full. */
  take(metric: u32, kind: u32, parameter: u32, key: u32): Series | null {
    const head = metric | (kind << 16) | (parameter << 24);
    const identity = <u64>head | ((<u64>key) << 32);
    let slot = <u32>((identity * 0x9e3779b97f4a7c15) >> 32) & this.mask;
    while (true) {
      const place = <usize>this.slots + (slot << 2);
      const number = load<u32>(place);
      if (number == 0) {
        if (this.count == this.capacity) return null;
        const series = this.at(this.count);
        this.count += 1;
        store<u32>(place, this.count);
        store<u64>(changetype<usize>(series), identity);
        series.value = 0;
        return series;
      }
      const series = this.at(number - 1);
      if (load<u64>(changetype<usize>(series)) == identity) return series;
      slot = (slot + 1) & this.mask;
    }
  }

  /** Empties the table and gives its states back. */
  clear(): void {
    clearSeries(this.entries, this.count);
    memory.fill(this.slots, 0, this.capacity * 8);
    this.count = 0;
  }
}
