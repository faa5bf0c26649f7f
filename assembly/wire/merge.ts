/**
 * The accumulator: bundles in, their sum out.
 *
 * Everything that stands in the result is a sum, a least or a greatest, so bundles may come in any order. Bundles of two
 * policies or sampling rates do not merge. Sections of unknown kinds are carried as they came; where there is no room for
 * them they are counted as lost in the header.
 *
 * What the threads of one edge have of a minute adds up to one bundle of that edge, such as one thread would have written: rates are
 * made of the sums of seconds, gauges add up, and the sequence is the next of the minute.
 */
import { gaugeDecodeThread } from "../aggregate/gauge";
import { stateCreate, stateDecode } from "../aggregate/kind";
import { KIND_MAX, Kind } from "../aggregate/metric";
import { nextSequence } from "../aggregate/sequence";
import { SERIES_BYTES, Series, SeriesTable } from "../aggregate/series";
import { Cursor } from "../bytes/cursor";
import { Pool } from "../bytes/pool";
import { saturatingAdd } from "../bytes/saturating";
import { RATE_APART, rateSealSum } from "../sketches/rate";
import { SELECTED_MAX } from "../sketches/sketch-pool";
import { TopExport } from "../sketches/top-codec";
import { encodeCut, SECTIONS_MAX, Sections } from "./bundle";
import { Directory } from "./directory";
import { Fault } from "./fault";
import { Header } from "./header";
import { BUNDLE_BYTES_MAX } from "./queue";
import { validate, validatedHeader, validateFrame } from "./validate";

/** Sections of unknown kinds in one accumulator at the most, and their bytes. */
const CARRIED_MAX: u32 = 1024;
const CARRIED_BYTES_MAX: u32 = 64 << 10;

const HEADER: usize = memory.data(offsetof<Header>(), 8);
/** The policy's name. */
const NAME: usize = memory.data(256);

export class Accumulator {
  static table: SeriesTable = changetype<SeriesTable>(0);
  /** Bundles that were added. */
  static bundles: u32 = 0;
  /** The one metric whose sections are added; 0 for all. */
  static only: u32 = 0;
  /** Whether what is added was validated before. */
  static known: bool = false;
  /** Whether the sum is encoded with all keys that a bundle may have. */
  static allKeys: bool = false;
  /** Whether what is added are the minutes of one edge's threads. */
  static ofThreads: bool = false;
  /** Whether memory ended in the middle of a bundle, so that the sum is of no use. */
  static broken: bool = false;
  private static carried: usize = 0;
  private static carriedCount: u32 = 0;
  private static carriedBytes: u32 = 0;

  /** Header of the sum; meaningful once a bundle was added. */
  @inline static get header(): Header {
    return changetype<Header>(HEADER);
  }

  /** Lays the accumulator out in `pool`, before its first block is given; false when it is too small. */
  static open(pool: Pool, seriesMax: u32): bool {
    assert(seriesMax + CARRIED_MAX <= SECTIONS_MAX);
    const table = pool.reserve(SeriesTable.bytes(seriesMax));
    Accumulator.carried = pool.reserve(CARRIED_MAX * SERIES_BYTES + CARRIED_BYTES_MAX);
    if (table == 0 || Accumulator.carried == 0) return false;
    Accumulator.table = SeriesTable.create(table, seriesMax);
    Accumulator.bundles = 0;
    Accumulator.empty();
    return true;
  }

  /** Forgets what was added. */
  static reset(): void {
    Accumulator.table.clear();
    Accumulator.bundles = 0;
    Accumulator.empty();
  }

  private static empty(): void {
    Accumulator.broken = false;
    Accumulator.carriedCount = 0;
    Accumulator.carriedBytes = 0;
  }

  /** Keeps the section as it is; false when there is no room. */
  static carry(): bool {
    const length = Directory.payloadBytes;
    if (Accumulator.carriedCount == CARRIED_MAX || length > CARRIED_BYTES_MAX - Accumulator.carriedBytes) return false;
    const bytes = Accumulator.carried + CARRIED_MAX * SERIES_BYTES + Accumulator.carriedBytes;
    memory.copy(bytes, Directory.payload, length);
    const series = Accumulator.carriedAt(Accumulator.carriedCount);
    series.metric = <u16>Directory.metric;
    series.kind = <u8>Directory.kind;
    series.parameter = <u8>Directory.parameter;
    series.key = Directory.key;
    series.value = <u64>bytes | ((<u64>length) << 32);
    Accumulator.carriedCount += 1;
    Accumulator.carriedBytes += length;
    return true;
  }

  private static carriedAt(index: u32): Series {
    return changetype<Series>(Accumulator.carried + index * SERIES_BYTES);
  }

  /** Lists all sections, in no order. */
  static list(): void {
    Sections.count = 0;
    for (let i: u32 = 0; i < Accumulator.table.count; i++) Sections.add(changetype<usize>(Accumulator.table.at(i)));
    for (let i: u32 = 0; i < Accumulator.carriedCount; i++) Sections.add(changetype<usize>(Accumulator.carriedAt(i)));
  }
}

/**
 * Forgets what was added. From now on only sections of the metric `only` are added, or all where it is 0; of `known` bundles,
 * which were validated before, no more is checked than the frame. With `allKeys` tops are encoded with all keys that a bundle may have.
 * With `ofThreads` what is added are one minute's bundles of the threads of one edge.
 */
export function accumulatorReset(only: u32 = 0, known: bool = false, allKeys: bool = false, ofThreads: bool = false): void {
  Accumulator.reset();
  Accumulator.only = only;
  Accumulator.known = known;
  Accumulator.allKeys = allKeys;
  Accumulator.ofThreads = ofThreads;
}

/**
 * Validates the bundle of `length` bytes at `start` and adds it. Gives a Fault; at FULL the accumulator is broken until it
 * is reset, at any other nothing was added.
 */
export function accumulatorAdd(start: usize, length: u32): u32 {
  if (Accumulator.broken) return Fault.FULL;
  const fault = Accumulator.known
    ? validateFrame(start, length)
    : validate(start, length, Accumulator.only, Accumulator.ofThreads);
  if (fault != Fault.NONE) return fault;
  const header = validatedHeader();
  if (Accumulator.bundles == 0) {
    memory.copy(NAME, header.nameStart, header.nameLength);
    memory.copy(HEADER, changetype<usize>(header), offsetof<Header>());
    Accumulator.header.nameStart = <u32>NAME;
  } else {
    const conflict = mergeHeader(Accumulator.header, header);
    if (conflict != Fault.NONE) return conflict;
  }
  Accumulator.bundles += 1;
  Directory.rewind();
  while (Directory.next()) {
    if (Accumulator.only != 0 && Directory.metric != Accumulator.only) continue;
    if (Directory.kind > KIND_MAX) {
      if (!Accumulator.carry()) Accumulator.header.lost = saturatingAdd(Accumulator.header.lost, 1);
    } else if (!addSection()) {
      Accumulator.broken = true;
      return Fault.FULL;
    }
  }
  return Fault.NONE;
}

function addSection(): bool {
  const kind = Directory.kind;
  const isApart = kind == Kind.RATE && Directory.parameter == RATE_APART;
  const series = Accumulator.table.take(Directory.metric, kind, isApart ? 0 : Directory.parameter, Directory.key);
  if (series == null) return false;
  Cursor.open(Directory.payload, Directory.payloadBytes);
  if (kind == Kind.COUNTER) {
    series.value = saturatingAdd(series.value, Cursor.varint());
    return true;
  }
  if (series.value == 0) {
    series.value = <u64>stateCreate(kind, Directory.parameter);
    if (series.value == 0) return false;
  }
  if (kind == Kind.GAUGE && Accumulator.ofThreads) {
    gaugeDecodeThread(<usize>series.value);
    return true;
  }
  return stateDecode(kind, <usize>series.value, Directory.parameter);
}

function mergeHeader(into: Header, from: Header): u32 {
  if (into.nameLength != from.nameLength) return Fault.POLICY;
  if (memory.compare(into.nameStart, from.nameStart, into.nameLength) != 0) return Fault.POLICY;
  if (into.sampling != from.sampling) return Fault.SAMPLING;
  const intoEnd = <u64>into.minute * 60 + into.lengthSeconds;
  const fromEnd = <u64>from.minute * 60 + from.lengthSeconds;
  into.minute = min(into.minute, from.minute);
  into.lengthSeconds = max(intoEnd, fromEnd) - <u64>into.minute * 60;
  if (from.seen != 0) {
    into.firstNs = into.seen != 0 ? min(into.firstNs, from.firstNs) : from.firstNs;
    into.lastNs = into.seen != 0 ? max(into.lastNs, from.lastNs) : from.lastNs;
  }
  into.abi = min(into.abi, from.abi);
  if (into.schema != from.schema) into.schema = 0;
  if (into.bootId != from.bootId) into.bootId = 0;
  into.sequence = max(into.sequence, from.sequence);
  into.policy = min(into.policy, from.policy);
  into.edgeClockNs = max(into.edgeClockNs, from.edgeClockNs);
  into.seen = saturatingAdd(into.seen, from.seen);
  into.dropped = saturatingAdd(into.dropped, from.dropped);
  into.malformed = saturatingAdd(into.malformed, from.malformed);
  into.lost = saturatingAdd(into.lost, from.lost);
  if (!Accumulator.ofThreads) into.bundles = <u32>min<u64>(<u64>into.bundles + from.bundles, u32.MAX_VALUE);
  return Fault.NONE;
}

/**
 * Encodes the sum at `start`; gives its length, 0 when nothing was added, the accumulator is broken, or `capacity` is small.
 */
export function accumulatorEncode(start: usize, capacity: u32): u32 {
  if (Accumulator.broken || Accumulator.bundles == 0) return 0;
  if (Accumulator.ofThreads && !closeMinute()) return 0;
  Accumulator.list();
  Sections.sort(u32.MAX_VALUE);
  const keysMax = TopExport.keysMax;
  if (Accumulator.allKeys) TopExport.keysMax = SELECTED_MAX;
  const most = Accumulator.ofThreads ? min(capacity, BUNDLE_BYTES_MAX) : capacity;
  const length = encodeCut(Accumulator.header, start, capacity, most);
  TopExport.keysMax = keysMax;
  return length;
}

/** Makes of the sum of what threads have one minute of their edge; false without memory. */
function closeMinute(): bool {
  const table = Accumulator.table;
  for (let i: u32 = 0; i < table.count; i++) {
    const series = table.at(i);
    if (series.kind == Kind.RATE && series.value != 0 && !rateSealSum(<usize>series.value)) return false;
  }
  Accumulator.header.sequence = nextSequence(Accumulator.header.minute);
  return true;
}
