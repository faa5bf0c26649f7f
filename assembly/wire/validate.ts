/**
 * Whether bytes are a bundle: complete, so that what is accepted here merges.
 *
 * Sections of metrics that this build knows must have the declared kind and parameter and no labels beyond the declared;
 * those of unknown metrics are checked by their kind; those of unknown kinds only by length and order.
 */
import { parameterFits, stateReadTotal, stateSkip } from "../aggregate/kind";
import { KIND_MAX, Kind, Registry, seriesKeyFits } from "../aggregate/metric";
import { Cursor } from "../bytes/cursor";
import { RATE_APART } from "../sketches/rate";
import { Directory, openBundle } from "./directory";
import { Fault } from "./fault";
import { Header } from "./header";

const HEADER: usize = memory.data(offsetof<Header>(), 8);

/**
 * Bits of the most that one edge may count in one minute: 2^44 bytes are 2.3 Tbit/s. Totals end at 2^62, so that as many
 * bundles as `MERGED_MAX` merge for certain, whoever made them.
 */
const EDGE_TOTAL_BITS: u64 = 44;
const MERGED_MAX: u32 = 1 << 18;

/** The greatest total of the bundle that was validated last. */
let totalMost: u64 = 0;

/** Sections of the bundle that was validated last whose metric or kind this build does not know. */
let unknown: u32 = 0;

/** Header of the bundle that was validated last. */
export function validatedHeader(): Header {
  return changetype<Header>(HEADER);
}

/** Sections of the bundle that was validated last that a later build wrote: they are carried, and nothing here can ask for them. */
export function validatedUnknown(): u32 {
  return unknown;
}

/**
 * Checks the bundle of `length` bytes at `start` and changes nothing: completely, or of its sections only those of the metric
 * `only` where that is not 0. Only `ofThread` may its rates have their seconds apart. Gives a Fault.
 */
export function validate(start: usize, length: u32, only: u32 = 0, ofThread: bool = false): u32 {
  totalMost = 0;
  unknown = 0;
  const fault = validateFrame(start, length);
  if (fault != Fault.NONE) return fault;
  let before: u64 = 0;
  let payload: usize = 0;
  let payloadBytes: u32 = 0;
  while (Directory.next()) {
    if (only != 0 && Directory.metric != only) continue;
    if (Directory.kind > KIND_MAX) {
      unknown += 1;
      const inOrder = Directory.identity != before || compareBytes(payload, payloadBytes) <= 0;
      if (!inOrder) return Fault.DIRECTORY;
      before = Directory.identity;
      payload = Directory.payload;
      payloadBytes = Directory.payloadBytes;
      continue;
    }
    if (!metricFits(ofThread)) return Fault.METRIC;
    Cursor.open(Directory.payload, Directory.payloadBytes);
    if (!stateSkip(Directory.kind, Directory.parameter) || Cursor.fault || Cursor.left != 0) return Fault.PAYLOAD;
    totalMost = max(totalMost, stateReadTotal(Directory.kind));
  }
  return Fault.NONE;
}

/** Checks the bundle as `validate` does, and that its totals are such as edges can have counted. Gives a Fault. */
export function validateTotals(start: usize, length: u32): u32 {
  const fault = validate(start, length);
  if (fault != Fault.NONE) return fault;
  const most = (<u64>min(validatedHeader().bundles, MERGED_MAX)) << EDGE_TOTAL_BITS;
  return totalMost > most ? Fault.TOTAL : Fault.NONE;
}

/** Checks no more of a bundle than its checksum, header and directory: enough for one that was validated before. Gives a Fault. */
export function validateFrame(start: usize, length: u32): u32 {
  return openBundle(start, length, changetype<Header>(HEADER));
}

/** Whether the section agrees with what this build knows of its metric and kind; counts it where it knows no such metric. */
function metricFits(ofThread: bool): bool {
  const index = Registry.find(Directory.metric);
  if (index == 0) {
    unknown += 1;
    return parameterFits(Directory.kind, Directory.parameter);
  }
  const metric = Registry.at(index - 1);
  const isApart = ofThread && metric.kind == Kind.RATE && Directory.parameter == RATE_APART;
  if (metric.kind != Directory.kind || !(isApart || metric.parameter == Directory.parameter)) return false;
  return seriesKeyFits(metric, Directory.key);
}

/** Orders the payload before, `length` bytes at `start`, and the present one: by length, then by bytes. */
function compareBytes(start: usize, length: u32): i32 {
  if (length != Directory.payloadBytes) return length < Directory.payloadBytes ? -1 : 1;
  return memory.compare(start, Directory.payload, length);
}
