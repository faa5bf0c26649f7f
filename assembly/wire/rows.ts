/**
 * Answers out of the accumulator: one row a metric and combination of kept labels.
 *
 * ```
 * row: | metric u16 | kind u8 | parameter u8 | key u32 | payload bytes u32 | payload |
 * ```
 * Rows stand in the order of metric, kind, parameter, key; label bytes of a key that were not kept are 0. `row.ts` draws the
 * payloads. Series whose labels are not kept are merged into a passing state of the sketch pool.
 */
import { stateCreate, stateMerge, stateRelease } from "../aggregate/kind";
import { KIND_MAX, Kind, Registry } from "../aggregate/metric";
import { Series } from "../aggregate/series";
import { saturatingAdd } from "../bytes/saturating";
import { Writer } from "../bytes/writer";
import { Sections } from "./bundle";
import { Fault } from "./fault";
import { Form, formFits, writeForm } from "./form";
import { Accumulator } from "./merge";
import { Query } from "./query";
import { writeCounter, writeState } from "./row";

export class Rows {
  /** Bytes of the last answer. */
  static length: u32 = 0;
}

/** Answers the question of `queryLength` bytes at `query` into `capacity` bytes at `start`. Gives a Fault. */
export function rowsEncode(query: usize, queryLength: u32, start: usize, capacity: u32): u32 {
  Rows.length = 0;
  if (Accumulator.broken) return Fault.FULL;
  if (!Query.read(query, queryLength)) return Fault.QUERY;
  listMatches();
  Sections.sort(Query.keyMask);
  Writer.open(start, capacity);
  let from: u32 = 0;
  while (from < Sections.count) {
    let to = from + 1;
    while (to < Sections.count && rowOf(Sections.at(to)) == rowOf(Sections.at(from))) to += 1;
    if (!writeRow(from, to)) return Fault.FULL;
    from = to;
  }
  if (Writer.overflow) return Fault.OUTPUT;
  Rows.length = Writer.length;
  return Fault.NONE;
}

/** Lists the series that the question is about, in no order. */
function listMatches(): void {
  Sections.count = 0;
  for (let i: u32 = 0; i < Accumulator.table.count; i++) {
    const series = Accumulator.table.at(i);
    if (Query.metric != 0 && <u32>series.metric != Query.metric) continue;
    if (formFits(Query.form, series.kind) && Query.passes(series.key)) Sections.add(changetype<usize>(series));
  }
}

/** What tells rows apart. */
function rowOf(series: Series): u64 {
  return series.identity & (((<u64>u32.MAX_VALUE) << 32) | <u64>Query.keyMask);
}

/** Writes the row of sections `from` to `to`, not included; false when their merged state finds no room. */
function writeRow(from: u32, to: u32): bool {
  const first = Sections.at(from);
  const kind = <u32>first.kind;
  assert(kind <= KIND_MAX);
  const rowAt = Writer.at;
  Writer.u32(load<u32>(changetype<usize>(first)));
  Writer.u32(first.key & Query.keyMask);
  const lengthAt = Writer.at;
  Writer.u32(0);
  const payloadAt = Writer.at;
  if (kind == Kind.COUNTER) {
    let sum: u64 = 0;
    for (let i = from; i < to; i++) sum = saturatingAdd(sum, Sections.at(i).value);
    writeCounter(sum);
  } else if (to - from == 1) {
    writePayload(first, <usize>first.value);
  } else if (!writeMerged(from, to)) {
    return false;
  }
  if (Writer.overflow) return true;
  store<u32>(lengthAt, <u32>(Writer.at - payloadAt));
  // A rate that stood idle has its seconds of 0, but is no row: what is zero is absent.
  if (kind == Kind.RATE && load<u64>(payloadAt) == 0) Writer.at = rowAt;
  return true;
}

/** Writes a state of the kind of `series`, of which it need not be, as is asked for. */
function writePayload(series: Series, state: usize): void {
  if (Query.form == Form.FIGURES) writeState(series.kind, state);
  else writeForm(Query.form, state, Query.items, hasAddressKeys(series.metric));
}

/** Whether the keys of a metric are addresses in raw bytes. */
function hasAddressKeys(id: u32): bool {
  const index = Registry.find(id);
  return index != 0 && Registry.at(index - 1).addressColumns == 1;
}

function writeMerged(from: u32, to: u32): bool {
  const first = Sections.at(from);
  const state = stateCreate(first.kind, first.parameter);
  if (state == 0) return false;
  let complete = true;
  for (let i = from; i < to && complete; i++) {
    if (!stateMerge(first.kind, state, <usize>Sections.at(i).value)) complete = false;
  }
  if (complete) writePayload(first, state);
  stateRelease(first.kind, state);
  return complete;
}
