/**
 * Lays aggregation out in the sketch pool, before its first block is given.
 */

import { REGISTRY_BYTES, Registry } from "../aggregate/metric";
import { Minute } from "../aggregate/minute";
import { Pool } from "../bytes/pool";
import { SketchPool } from "../sketches/sketch-pool";
import { SECTIONS_BYTES, SECTIONS_MAX, Sections } from "./bundle";
import { Accumulator } from "./merge";
import { BundleQueue } from "./queue";
import { sealIntoQueue } from "./seal";

/** Series of a merged bundle at the most. */
const ACCUMULATOR_SERIES: u32 = 4096;

/** Makes `pool` the sketch pool and lays an empty registry out in it; metrics are declared next. */
export function openRegistry(pool: Pool): bool {
  if (!SketchPool.open(pool)) return false;
  const registry = pool.reserve(REGISTRY_BYTES);
  const sections = pool.reserve(SECTIONS_BYTES);
  if (registry == 0 || sections == 0) return false;
  Registry.open(registry);
  Sections.open(sections);
  return true;
}

/** Ends the declarations and lays the accumulator out: a hub's, and a host's for what it merges itself. */
export function openAccumulator(): bool {
  Registry.close();
  return Accumulator.open(SketchPool.pool, ACCUMULATOR_SERIES);
}

/** Lays the open minutes and the queue of sealed bundles out, after the accumulator; `bootId` names this run. */
export function openMinutes(bundlesStart: usize, bundlesBytes: u32, bootId: u64): bool {
  assert(Registry.series <= SECTIONS_MAX);
  const minutes = SketchPool.pool.reserve(Minute.bytes());
  if (minutes == 0) return false;
  Minute.open(minutes);
  Minute.bootId = bootId;
  BundleQueue.open(bundlesStart, bundlesBytes, Registry.series);
  sealIntoQueue();
  return true;
}
