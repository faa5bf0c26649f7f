/**
 * The form of a bundle: header, directory, payloads.
 *
 * ```
 * | header | groups varint | group ... | payload ... |
 * group:   | metric, less the group's before, varint | kind u8 | parameter u8 | series varint | series ... |
 * series:  | key, bytes swapped, varint | payload bytes varint |
 * ```
 * Sections stand in the order of metric, kind, parameter, key, each once; payloads in the same order, nothing between or
 * after them, but those of distincts behind all others: they hold nothing that deflate could find again, and would only push
 * the others apart. A counter's payload is its varint, never 0; a section of an unknown kind is carried as it came, several of one
 * identity in the order of their bytes. So equal content has equal bytes.
 */
import { stateEncode } from "../aggregate/kind";
import { KIND_MAX, Kind } from "../aggregate/metric";
import { Series } from "../aggregate/series";
import { Writer } from "../bytes/writer";
import { BreakdownExport } from "../sketches/breakdown-codec";
import { ThetaExport } from "../sketches/theta-codec";
import { TopExport } from "../sketches/top-codec";
import { checksumWrite, HEADER_BYTES_MAX, Header, headerWrite } from "./header";

/** Sections of one bundle at the most. */
export const SECTIONS_MAX: u32 = 8192;
/** Directory bytes of a section at the most: its own group and its series. */
const SECTION_BYTES_MAX: u32 = 22;
/** Entries that sets are not cut below: three dozen of them take 72 KiB then. */
const SET_ENTRIES_MIN: u32 = 256;
/** Bytes that `Sections.open` needs. */
export const SECTIONS_BYTES: u32 = SECTIONS_MAX * 8;

/** The sections that are to be encoded next, in order: addresses of their series, and then the lengths of their payloads. */
export class Sections {
  static count: u32 = 0;
  private static list: usize = 0;

  /** Lays the list out at `start`, SECTIONS_BYTES long. */
  static open(start: usize): void {
    Sections.list = start;
    Sections.count = 0;
  }

  /** Adds a section; false when there are too many. */
  static add(series: usize): bool {
    if (Sections.count == SECTIONS_MAX) return false;
    store<u32>(Sections.list + (Sections.count << 3), <u32>series);
    Sections.count += 1;
    return true;
  }

  static at(index: u32): Series {
    return changetype<Series>(<usize>load<u32>(Sections.list + (index << 3)));
  }

  static put(index: u32, series: Series): void {
    store<u32>(Sections.list + (index << 3), <u32>changetype<usize>(series));
  }

  /** Sorts by identity with only the bits of `keyMask` of the keys; unknown kinds of one identity by length and bytes. */
  static sort(keyMask: u32): void {
    const count = <i32>Sections.count;
    const mask = ((<u64>u32.MAX_VALUE) << 32) | <u64>keyMask;
    let sorted = true;
    for (let i = 1; i < count && sorted; i++) sorted = !before(Sections.at(i), Sections.at(i - 1), mask);
    if (sorted) return;
    for (let root = count / 2 - 1; root >= 0; root--) Sections.sift(root, count, mask);
    for (let end = count - 1; end > 0; end--) {
      const last = Sections.at(end);
      Sections.put(end, Sections.at(0));
      Sections.put(0, last);
      Sections.sift(0, end, mask);
    }
  }

  private static sift(root: i32, end: i32, mask: u64): void {
    const series = Sections.at(root);
    let at = root;
    while (true) {
      let child = at * 2 + 1;
      if (child >= end) break;
      if (child + 1 < end && before(Sections.at(child), Sections.at(child + 1), mask)) child += 1;
      if (!before(series, Sections.at(child), mask)) break;
      Sections.put(at, Sections.at(child));
      at = child;
    }
    Sections.put(at, series);
  }

  static setLength(index: u32, length: u32): void {
    store<u32>(Sections.list + (index << 3), length, 4);
  }

  static lengthOf(index: u32): u32 {
    return load<u32>(Sections.list + (index << 3), 4);
  }
}

/** Whether `a` stands before `b` in the order of the wire. */
function before(a: Series, b: Series, mask: u64): bool {
  const identity = a.identity & mask;
  const other = b.identity & mask;
  if (identity != other) return identity < other;
  if (a.kind <= KIND_MAX) return false;
  const length = <u32>(a.value >> 32);
  const otherLength = <u32>(b.value >> 32);
  if (length != otherLength) return length < otherLength;
  return memory.compare(<usize>(<u32>a.value), <usize>(<u32>b.value), length) < 0;
}

/** Bytes beyond its own that encoding `sections` sections needs while it is at work. */
export function bundleSlack(sections: u32): u32 {
  return HEADER_BYTES_MAX + 8 + sections * SECTION_BYTES_MAX;
}

/**
 * Encodes `header` and the listed sections at `start` into `most` bytes at the most, where they do not fit with fewer entries of
 * sets, and then with fewer keys of tops and breakdowns: half as many, and half of that. Gives the length, 0 when `capacity` or
 * `most` is too small for none.
 */
export function encodeCut(header: Header, start: usize, capacity: u32, most: u32): u32 {
  const topKeys = TopExport.keysMax;
  const breakdownKeys = BreakdownExport.keysMax;
  const entries = ThetaExport.entriesMax;
  let length = bundleEncode(header, start, capacity);
  while ((length == 0 || length > most) && hasSets() && ThetaExport.entriesMax > SET_ENTRIES_MIN) {
    ThetaExport.entriesMax >>= 1;
    length = bundleEncode(header, start, capacity);
  }
  while ((length == 0 || length > most) && (TopExport.keysMax | BreakdownExport.keysMax) != 0) {
    TopExport.keysMax >>= 1;
    BreakdownExport.keysMax >>= 1;
    length = bundleEncode(header, start, capacity);
  }
  TopExport.keysMax = topKeys;
  BreakdownExport.keysMax = breakdownKeys;
  ThetaExport.entriesMax = entries;
  return length <= most ? length : 0;
}

/** Whether any of the listed sections is a set. */
function hasSets(): bool {
  for (let i: u32 = 0; i < Sections.count; i++) if (<u32>Sections.at(i).kind == Kind.THETA) return true;
  return false;
}

/** Encodes `header` and the listed sections at `start`; gives the length, or 0 when `capacity` is too small. */
function bundleEncode(header: Header, start: usize, capacity: u32): u32 {
  const slack = bundleSlack(Sections.count);
  if (capacity <= slack) return 0;
  const payloads = start + slack;
  Writer.open(payloads, capacity - slack);
  writePayloads(false);
  writePayloads(true);
  if (Writer.overflow) return 0;
  const payloadBytes = Writer.length;
  Writer.open(start, slack);
  headerWrite(header);
  writeDirectory();
  assert(!Writer.overflow);
  memory.copy(Writer.at, payloads, payloadBytes);
  const length = Writer.length + payloadBytes;
  checksumWrite(start, length);
  return length;
}

/** Writes the payloads of distincts, or of all others, and notes their lengths. */
function writePayloads(distinct: bool): void {
  for (let i: u32 = 0; i < Sections.count; i++) {
    const series = Sections.at(i);
    if ((series.kind == Kind.DISTINCT) != distinct) continue;
    const before = Writer.at;
    writePayload(series);
    Sections.setLength(i, <u32>(Writer.at - before));
  }
}

function writePayload(series: Series): void {
  const kind = <u32>series.kind;
  if (kind == Kind.COUNTER) Writer.varint(series.value);
  else if (kind > KIND_MAX) Writer.bytes(<usize>(<u32>series.value), <u32>(series.value >> 32));
  else stateEncode(kind, <usize>series.value, series.parameter);
}

/** Whether section `index` begins a group. */
function beginsGroup(index: u32): bool {
  return index == 0 || Sections.at(index).identity >> 32 != Sections.at(index - 1).identity >> 32;
}

function writeDirectory(): void {
  const count = Sections.count;
  let groups: u32 = 0;
  for (let i: u32 = 0; i < count; i++) groups += <u32>beginsGroup(i);
  Writer.varint(groups);
  let metricBefore: u32 = 0;
  let i: u32 = 0;
  while (i < count) {
    const first = Sections.at(i);
    let next = i + 1;
    while (next < count && !beginsGroup(next)) next += 1;
    Writer.varint(<u32>first.metric - metricBefore);
    metricBefore = first.metric;
    Writer.u8(first.kind);
    Writer.u8(first.parameter);
    Writer.varint(next - i);
    for (; i < next; i++) {
      Writer.varint(bswap<u32>(Sections.at(i).key));
      Writer.varint(Sections.lengthOf(i));
    }
  }
}
