/** Aggregation and bundles for tests: a small registry and the functions by number. */

import { declareLabel } from "../../assembly/aggregate/label";
import { declareMetric, Kind, Registry } from "../../assembly/aggregate/metric";
import { Minute, minuteAdvance } from "../../assembly/aggregate/minute";
import { countAdd, gaugeSet } from "../../assembly/aggregate/observe";
import { Pool } from "../../assembly/bytes/pool";
import { openMinutes, openRegistry } from "../../assembly/wire/open";
import { BundleQueue, bundlesHaveRoom } from "../../assembly/wire/queue";

const MEMORY_BYTES: u32 = 16 << 20;

export function open(): bool {
  const start = (__heap_base + 0xffff) & ~(<usize>0xffff);
  memory.grow(300);
  const pool = Pool.create(start + (2 << 20), MEMORY_BYTES);
  if (!openRegistry(pool)) return false;
  declareLabel(1, "direction", "in,out,unknown");
  declareLabel(2, "class", "a,b");
  declareMetric(1, Kind.COUNTER, "packets", "net_packets_total", "Packets.", 0, 1, 2, 0);
  declareMetric(2, Kind.GAUGE, "", "net_flows", "Flows.", 0, 0, 0, 0);
  Minute.onSeal = sealed.index;
  return openMinutes(start, 1 << 20, 77);
}

function sealed(minute: u32): void {
  countAdd(0, 1000000 + <u64>minute);
}

export function packet(seconds: u32, nanoseconds: u32): void {
  Minute.packet(<u64>seconds * 1000000000 + <u64>nanoseconds);
}
export function tick(seconds: u32, nanoseconds: u32): void {
  minuteAdvance(<u64>seconds * 1000000000 + <u64>nanoseconds);
}
export function use(seconds: u32, nanoseconds: u32): void {
  Minute.use(<u64>seconds * 1000000000 + <u64>nanoseconds);
}
export function flush(): void {
  Minute.flush();
}
export function count(series: u32, n: u32): void {
  countAdd(series, n);
}
export function gauge(series: u32, n: u32): void {
  gaugeSet(series, n);
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
export function seriesCount(): u32 {
  return Registry.series;
}
