/** Aggregation and bundles for tests: a small registry, the calls of the hot path, and bundles in and out. */
import { declareLabel } from "../../assembly/aggregate/label";
import { declareKeys, declareMetric, Kind, Registry } from "../../assembly/aggregate/metric";
import { Minute, minuteAdvance } from "../../assembly/aggregate/minute";
import {
  breakdownObserve,
  countAdd,
  distinctObserve,
  gaugeSet,
  histogramObserve,
  rateObserve,
} from "../../assembly/aggregate/observe";
import { schemaEncode } from "../../assembly/aggregate/schema";
import { declareTop, TopGroup, Tops } from "../../assembly/aggregate/tops";
import { elementHash } from "../../assembly/bytes/hash";
import { Pool } from "../../assembly/bytes/pool";
import { Writer } from "../../assembly/bytes/writer";
import { SketchPool } from "../../assembly/sketches/sketch-pool";
import { checksumWrite } from "../../assembly/wire/header";
import { accumulatorAdd, accumulatorEncode, accumulatorReset } from "../../assembly/wire/merge";
import { openAccumulator, openMinutes, openRegistry } from "../../assembly/wire/open";
import { BundleQueue, bundlesHaveRoom } from "../../assembly/wire/queue";
import { Rows, rowsEncode } from "../../assembly/wire/rows";
import { validate, validatedUnknown } from "../../assembly/wire/validate";

const STAGING_BYTES: u32 = 8 << 20;
const BUNDLES_BYTES: u32 = 1 << 20;
const POOL_BYTES: u32 = 16 << 20;
const SECOND_NS: u64 = 1_000_000_000;

const FORTY: string =
  "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,32,33,34,35,36,37,38,39";

class Entry {
  static staging: usize = 0;
  /** What the hook before a seal adds to the first counter. */
  static folded: u64 = 0;
}

/** Lays everything out; a `later` build knows more metrics and label values; `tops`, 0 or 40, of metric 100. */
export function open(bootId: u32, later: bool, tops: u32): bool {
  const start = (__heap_base + 0xffff) & ~(<usize>0xffff);
  memory.grow((STAGING_BYTES + BUNDLES_BYTES + POOL_BYTES) >> 16);
  Entry.staging = start;
  const bundles = start + STAGING_BYTES;
  const pool = Pool.create(bundles + BUNDLES_BYTES, POOL_BYTES);
  if (!openRegistry(pool)) return false;
  declareLabel(1, "direction", "in,out,unknown");
  declareLabel(2, "transport", later ? "udp,tcp,other" : "udp,tcp");
  declareMetric(1, Kind.COUNTER, "packets", "net_packets_total", 'Packets, "all" of them.', 0, 1, 2, 0);
  declareMetric(2, Kind.GAUGE, "", "net_flows", "Flows that are known.", 0, 0, 0, 0);
  declareMetric(3, Kind.RATE, "packets", "net_packet_rate", "Packets a second.", 0, 1, 0, 0);
  declareMetric(4, Kind.HISTOGRAM, "seconds", "dns_duration_seconds", "Time to the response.", 1, 1, 0, 0);
  declareMetric(5, Kind.DISTINCT, "", "dns_names", "Names asked for.", 12, 1, 0, 0);
  Tops.reset();
  const names = Tops.group(11);
  declareTop(names, 6, "requests", "dns_top_names", "Names most asked for.", "name", false, 1, 0, 11);
  declareMetric(7, Kind.BREAKDOWN, "requests", "http_requests", "Requests by what they are.", 8, 1, 0, 0);
  declareKeys(7, "server,method", 1);
  const addresses = Tops.group(11);
  declareTop(addresses, 9, "packets", "net_top_addresses", "Busiest addresses.", "address", true, 0, 0, 11);
  if (later) declareMetric(8, Kind.COUNTER, "packets", "net_later_total", "A metric of a later build.", 0, 1, 0, 0);
  if (later) declareMetric(20, Kind.DISTINCT, "", "net_later", "A distinct of a later build.", 12, 1, 0, 0);
  if (tops != 0) {
    declareLabel(3, "wide", FORTY);
    declareTop(Tops.group(11), 100, "", "test_wide", "Many tops of long keys.", "", false, 3, 0, 11);
  }
  Minute.onSeal = fold.index;
  return openAccumulator() && openMinutes(bundles, BUNDLES_BYTES, bootId);
}

function fold(_minute: u32): void {
  if (Entry.folded != 0) countAdd(0, Entry.folded);
}

export function setFolded(n: u32): void {
  Entry.folded = n;
}

export function staging(): usize {
  return Entry.staging;
}

export function series(id: u32): u32 {
  return Registry.at(Registry.find(id) - 1).firstSeries;
}

export function packet(seconds: u32, nanoseconds: u32): void {
  Minute.packet(<u64>seconds * SECOND_NS + <u64>nanoseconds);
}

/** A packet with a time of 64 bits. */
export function packetRaw(high: u32, low: u32): void {
  Minute.packet(((<u64>high) << 32) | <u64>low);
}

export function tick(seconds: u32, nanoseconds: u32): void {
  minuteAdvance(<u64>seconds * SECOND_NS + <u64>nanoseconds);
}

export function use(seconds: u32, nanoseconds: u32): void {
  Minute.use(<u64>seconds * SECOND_NS + <u64>nanoseconds);
}

export function flush(): void {
  Minute.flush();
}

export function minute(): u32 {
  return Minute.number;
}

export function second(): u32 {
  return Minute.second;
}

export function lose(dropped: u32, malformed: u32): void {
  Minute.lost(dropped, malformed);
}

export function refused(): f64 {
  return <f64>Minute.refused;
}

export function count(index: u32, n: f64): void {
  countAdd(index, <u64>n);
}

export function gauge(index: u32, value: f64): void {
  gaugeSet(index, <u64>value);
}

export function rate(index: u32, n: f64): void {
  rateObserve(index, <u64>n);
}

export function histogram(index: u32, value: f64, n: f64): void {
  histogramObserve(index, <u64>value, <u64>n);
}

/** The key of `length` bytes lies at `staging`. */
export function distinct(index: u32, length: u32): void {
  distinctObserve(index, elementHash(Entry.staging, length));
}

/** The group of the top that series `index` belongs to. */
function groupOf(index: u32): TopGroup {
  let i: u32 = 0;
  while (index - Tops.at(i).series >= Tops.at(i).tables) i++;
  return Tops.at(i);
}

export function top(index: u32, length: u32, weight: f64): void {
  const group = groupOf(index);
  Tops.key(group, index - group.series, elementHash(Entry.staging, length), Entry.staging, length);
  Tops.add(0, <u64>weight);
}

export function breakdown(index: u32, length: u32, requests: f64, errors: f64, bytes: f64, durationNs: f64): void {
  const hash = elementHash(Entry.staging, length);
  breakdownObserve(index, hash, Entry.staging, length, <u64>requests, <u64>errors, <u64>bytes, <u64>durationNs);
}

export function bundleStart(): usize {
  return BundleQueue.first();
}

export function bundleLength(): u32 {
  return BundleQueue.firstBytes();
}

export function bundleDone(): void {
  BundleQueue.done();
}

export function hasRoom(): bool {
  return bundlesHaveRoom();
}

export function lost(): f64 {
  return <f64>BundleQueue.lost;
}

export function poolBytes(): u32 {
  return SketchPool.pool.bytesUsed;
}

/** Takes all memory of the sketch pool that is left. */
export function fillPool(): void {
  while (SketchPool.pool.allocatePage() != 0) {}
  for (let bytes: u32 = 4080; bytes >= 32; bytes >>= 1) while (SketchPool.pool.allocate(bytes) != 0) {}
}

export function sign(start: usize, length: u32): void {
  checksumWrite(start, length);
}

export function validateBundle(start: usize, length: u32): u32 {
  return validate(start, length);
}

export function unknownSections(): u32 {
  return validatedUnknown();
}

export function mergeReset(): void {
  accumulatorReset();
}

export function mergeAdd(start: usize, length: u32): u32 {
  return accumulatorAdd(start, length);
}

export function mergeEncode(start: usize, capacity: u32): u32 {
  return accumulatorEncode(start, capacity);
}

export function schema(start: usize, capacity: u32): u32 {
  Writer.open(start, capacity);
  schemaEncode(1);
  Writer.u8(0x7d);
  return Writer.overflow ? 0 : Writer.length;
}

/** Answers the question of `length` bytes at `staging` behind it; gives the bytes, or the fault as a negative number. */
export function rows(length: u32, capacity: u32): i32 {
  const fault = rowsEncode(Entry.staging, length, Entry.staging + length, capacity);
  return fault == 0 ? <i32>Rows.length : -(<i32>fault);
}
