/**
 * Lays aggregation out in the sketch pool, before its first block is given.
 */

import { REGISTRY_BYTES, Registry } from "../aggregate/metric";
import { Minute } from "../aggregate/minute";
import { Pool } from "../bytes/pool";
import { SketchPool } from "../sketches/sketch-pool";
import { SECTIONS_BYTES, SECTIONS_MAX, Sections } from "./bundle";
import { BundleQueue } from "./queue";
import { sealIntoQueue } from "./seal";

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

/** Lays the open minutes and the queue of sealed bundles out, once all metrics are declared; `bootId` names this run. */
export function openMinutes(bundlesStart: usize, bundlesBytes: u32, bootId: u64): bool {
  assert(Registry.series <= SECTIONS_MAX);
  Registry.close();
  const minutes = SketchPool.pool.reserve(Minute.bytes());
  if (minutes == 0) return false;
  Minute.open(minutes);
  Minute.bootId = bootId;
  BundleQueue.open(bundlesStart, bundlesBytes, Registry.series);
  sealIntoQueue();
  return true;
}
