/** What the agent takes of memory: see bench/memory/main.ts. */
import { capture } from "./lib/capture.mjs";
import { median } from "./lib/median.mjs";
import { row } from "./lib/row.mjs";
import { runBundled } from "./lib/run-bundled.mjs";

const PACKETS = 4_000_000;
/** How often the capture is read, so that the run is long enough to be flat. */
const TIMES = 5;
const BUDGET_MIB = 24;
const BEYOND_BUDGET_MOST = 75;
const GROWTH_PERCENT_MOST = 5;

/** The regions that were never full, and so perhaps not touched. */
function untouched({ evictedFlows, refusedStreams, refusedSketches, packets }, record) {
  const found = [];
  if (packets !== record.packets * TIMES) found.push(`${packets} packets of ${record.packets * TIMES}`);
  if (evictedFlows === 0) found.push("the flow table was not full");
  if (refusedStreams === 0) found.push("the stream pool was not full");
  if (refusedSketches === 0) found.push("the sketch pool was not full");
  return found;
}

export async function memory() {
  const { path, record } = capture("overload", PACKETS);
  const found = await runBundled("memory", [path, BUDGET_MIB, TIMES]);
  const broken = untouched(found, record);
  const number = (value) => value.toLocaleString("en");
  const notes = [
    `peak ${found.peakMiB.toFixed(1)} MB with a budget of ${BUDGET_MIB}, of which ${found.coreResidentMiB.toFixed(1)} resident`,
    `${number(found.packets)} packets in ${found.seconds.toFixed(0)} s, ${found.bundles} bundles posted`,
    `${number(found.evictedFlows)} flows evicted, ${number(found.refusedStreams)} refusals of the stream pool, ${number(found.refusedSketches)} of the sketch pool`,
  ];
  const third = Math.ceil(found.residentMiB.length / 3);
  const first = median(found.residentMiB.slice(0, third));
  const last = median(found.residentMiB.slice(-third));
  const growth = (last / first - 1) * 100;
  const ends = [`median ${first.toFixed(1)} MB in the first third, ${last.toFixed(1)} MB in the last`];
  return [
    row("agent: resident memory beyond its budget", found.peakMiB - BUDGET_MIB, {
      most: BEYOND_BUDGET_MOST,
      unit: "MB",
      notes,
      broken,
    }),
    row("agent: growth from the first third to the last", growth, { most: GROWTH_PERCENT_MOST, unit: "%", notes: ends, broken }),
  ];
}
