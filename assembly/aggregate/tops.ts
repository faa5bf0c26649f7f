/**
 * Tops of an open minute: groups of them that share their keys, each group one table for each set of label values.
 *
 * The table lies in the series of the group's first metric until the minute is sealed, when each metric gets a top of its own.
 */
import { elementHash } from "../bytes/hash";
import { KEY_BYTES_MAX } from "../sketches/key-table";
import { Remembered } from "../sketches/remembered";
import { sharedAdd, sharedCell, sharedRemembered } from "../sketches/shared-add";
import { sharedLimits } from "../sketches/shared-drop";
import { sharedHolds, sharedTop } from "../sketches/shared-seal";
import { COLUMNS_MAX, SharedCell, SharedTops, sharedCreate, sharedRelease, sharedReleaseSlots } from "../sketches/shared-tops";
import { TopExport } from "../sketches/top-codec";
import { declareKeys, declareMetric, Kind, Registry } from "./metric";
import { Minute } from "./minute";
import { SERIES_BYTES, Series } from "./series";

/** Groups of one build at the most. */
const GROUPS_MAX: u32 = 128;

/** What the tops of a group have in common. */
@unmanaged
export class TopGroup {
  columns: u32;
  /** log2 of what a table keeps, as of a single top. */
  bits: u32;
  /** Sets of label values. */
  tables: u32;
  /** First series of the first metric; eleven others follow. */
  series: u32;

  /** First series of the metric of column `index`. */
  @inline seriesOf(index: u32): u32 {
    return load<u32>(changetype<usize>(this) + (index << 2), offsetof<TopGroup>("series"));
  }
}

const GROUP_BYTES: u32 = 64;
const GROUPS: usize = memory.data(64 * 128, 8);

/** The tables of tops, and the key in hand. */
export class Tops {
  private static groups: u32 = 0;
  private static state: usize = 0;
  private static cell: usize = 0;

  static reset(): void {
    Tops.groups = 0;
  }

  /** Begins a group whose tables keep as many keys as a top of 2^`bits` slots. */
  static group(bits: u32): TopGroup {
    assert(Tops.groups < GROUPS_MAX && offsetof<TopGroup>("series") + COLUMNS_MAX * 4 <= GROUP_BYTES);
    const group = changetype<TopGroup>(GROUPS + Tops.groups * GROUP_BYTES);
    Tops.groups++;
    group.columns = 0;
    group.bits = bits;
    return group;
  }

  /** Group `index`, in the order of declaration. */
  static at(index: u32): TopGroup {
    assert(index < Tops.groups);
    return changetype<TopGroup>(GROUPS + index * GROUP_BYTES);
  }

  /** Puts the key of `length` bytes at `start`, cut to 255, in hand in table `table` of a group; `hash` is its elementHash. */
  static key(group: TopGroup, table: u32, hash: u64, start: usize, length: u32): void {
    assert(hash == elementHash(start, length) && table < group.tables);
    const entry = Minute.entries + ((<usize>(group.series + table)) << 4);
    let state = <usize>load<u32>(entry, 8);
    if (state == 0) {
      state = sharedCreate(group.columns, group.bits);
      store<u64>(entry, <u64>state, 8);
    }
    Tops.state = state;
    Tops.cell = 0;
    if (length > KEY_BYTES_MAX) {
      hash = elementHash(start, KEY_BYTES_MAX);
      length = KEY_BYTES_MAX;
    }
    if (state != 0) Tops.cell = sharedCell(state, hash, start, length);
    if (Tops.cell == 0) Minute.refused += 1;
  }

  /** As `key`, of a text that comes again and again; gives its elementHash. */
  static text(group: TopGroup, table: u32, start: usize, length: u32): u64 {
    const state = <usize>load<u32>(Minute.entries + ((<usize>(group.series + table)) << 4), 8);
    if (state != 0 && length <= KEY_BYTES_MAX) {
      const known = sharedRemembered(state, start, length);
      if (known != 0) {
        Tops.state = state;
        Tops.cell = known;
        return changetype<SharedCell>(known).hash;
      }
      const hash = elementHash(start, length);
      Tops.key(group, table, hash, start, length);
      if (Tops.cell != 0) Remembered.put(state, <u32>Tops.cell);
      return hash;
    }
    const hash = elementHash(start, length);
    Tops.key(group, table, hash, start, length);
    return hash;
  }

  /** Adds `weight` to the key in hand in column `column` of its group. */
  @inline static add(column: u32, weight: u64): void {
    if (Tops.state != 0) sharedAdd(Tops.state, Tops.cell, column, weight);
  }

  /** Before a minute is encoded: makes a top of each column of its tables. */
  static seal(entries: usize): void {
    for (let i: u32 = 0; i < Tops.groups; i++) {
      const group = Tops.at(i);
      for (let table: u32 = 0; table < group.tables; table++) sealTable(group, table, entries);
    }
  }
}

function sealTable(group: TopGroup, table: u32, entries: usize): void {
  const first = changetype<Series>(entries + (group.series + table) * SERIES_BYTES);
  const state = <usize>first.value;
  if (state == 0) return;
  first.value = 0;
  // The slots make room for the tops.
  sharedReleaseSlots(changetype<SharedTops>(state));
  sharedLimits(changetype<SharedTops>(state), TopExport.keysMax);
  for (let column: u32 = 0; column < group.columns; column++) {
    if (!sharedHolds(state, column)) continue;
    const series = changetype<Series>(entries + (group.seriesOf(column) + table) * SERIES_BYTES);
    series.value = <u64>sharedTop(state, column, series.parameter);
    if (series.value == 0) Minute.refused += 1;
  }
  sharedRelease(state);
}

/**
 * Declares metric `id` as the next column of `group` and gives the column. Keys have the one column `key`, an address where
 * `address`; the labels are the same for all of a group.
 */
export function declareTop(
  group: TopGroup,
  id: u32,
  unit: string,
  name: string,
  help: string,
  key: string,
  address: bool,
  label0: u32,
  label1: u32,
  bits: u32,
): u32 {
  const column = group.columns;
  assert(column < COLUMNS_MAX && bits <= group.bits);
  const series = declareMetric(id, Kind.TOP, unit, name, help, bits, label0, label1, 0);
  declareKeys(id, key, address ? 1 : 0);
  const tables = Registry.at(Registry.find(id) - 1).seriesCount;
  assert(column == 0 || tables == group.tables);
  group.tables = tables;
  store<u32>(changetype<usize>(group) + (column << 2), series, offsetof<TopGroup>("series"));
  group.columns = column + 1;
  return column;
}
