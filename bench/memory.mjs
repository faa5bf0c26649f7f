/**
 * What the agent takes of memory: of captures, see bench/memory/main.ts; and live with its ring, which is mapped into it, from a wire on which the
 * same traffic comes as fast as it goes.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "../scripts/lib/run.mjs";
import { capture } from "./lib/capture.mjs";
import { median } from "./lib/median.mjs";
import { missingRow, row } from "./lib/row.mjs";
import { runBundled } from "./lib/run-bundled.mjs";
import { stop, Wire, wireMissing } from "./lib/wire.mjs";

const PACKETS = 4_000_000;
/** How often the capture is read, so that the run is long enough to be flat. */
const TIMES = 5;
/** What the agent is told, and what it comes to by that, MiB; what is measured is in MB. */
const MB = 1.048576;
const USUAL = { name: "agent", words: ["--budget", "24", "--ring", "8"], budget: 24, ring: 8 };
const SMALL = { name: "agent, profile small", words: ["--profile", "small"], budget: 12, ring: 4 };
const LIVE_PACKETS = 1_000_000;
const BEYOND_BUDGET_MOST = 75;
/** Of the small profile with everything in it. */
const SMALL_MOST = 75;
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

/** Highest resident memory of a process so far, MiB. */
const peakOf = (pid) => Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]) / 1024;

/** The peak of a live agent, as a row that `toRow` makes of it. */
async function liveMemory({ name: agentName, words: given, budget, ring }, what, toRow) {
  const name = `live ${agentName} with its ring: ${what}`;
  const missing = wireMissing();
  if (missing !== undefined) return missingRow(name, missing);
  const { path } = capture("overload", LIVE_PACKETS);
  const spool = mkdtempSync(join(tmpdir(), "tallywire-bench-"));
  const wire = new Wire();
  try {
    const own = ["--spool", spool, "--edge", "full"];
    const networks = ["--host-network", "10.0.0.0/8", "--host-network", "2001:db8:a00::/40"];
    const words = [join(ROOT, "shim/bin/tallywire.mjs"), "agent", "-i", "tw0", ...given, ...own, ...networks];
    const agent = await wire.start(/reading interface/, process.execPath, ...words);
    const reached = await wire.replay(path, 0);
    const peak = peakOf(agent.child.pid);
    await stop(agent);
    const [said] = /[\d,]+ packets seen, dropped before the capture: .*?(?=, malformed)/.exec(agent.said);
    const notes = [
      `peak ${(peak * MB).toFixed(1)} MB with a budget of ${budget} MiB and a ring of ${ring}`,
      `${Math.round(reached)} packets a second`,
      said,
    ];
    return toRow(name, peak, notes);
  } finally {
    wire.remove();
    rmSync(spool, { recursive: true });
  }
}

const number = (value) => value.toLocaleString("en");

/** What an agent of files took, and in words; what was not full is `broken`. */
async function fileMemory({ words, budget }) {
  const { path, record } = capture("overload", PACKETS);
  const found = await runBundled("memory", [path, budget, TIMES, ...words]);
  const notes = [
    `peak ${(found.peakMiB * MB).toFixed(1)} MB with a budget of ${budget} MiB, of which ${found.coreResidentMiB.toFixed(1)} resident`,
    `${number(found.packets)} packets in ${found.seconds.toFixed(0)} s, ${found.bundles} bundles posted`,
    `${number(found.evictedFlows)} flows evicted, ${number(found.refusedStreams)} refusals of the stream pool, ${number(found.refusedSketches)} of the sketch pool`,
  ];
  return { found, notes, broken: untouched(found, record) };
}

const beyondBudget =
  ({ budget }) =>
  (name, peak, notes, broken) =>
    row(name, (peak - budget) * MB, { most: BEYOND_BUDGET_MOST, unit: "MB", notes, broken });
const whole = (name, peak, notes, broken) => row(name, peak * MB, { most: SMALL_MOST, unit: "MB", notes, broken });

export async function memory() {
  const usual = await fileMemory(USUAL);
  const { found, broken } = usual;
  const third = Math.ceil(found.residentMiB.length / 3);
  const first = median(found.residentMiB.slice(0, third));
  const last = median(found.residentMiB.slice(-third));
  const growth = (last / first - 1) * 100;
  const ends = [`median ${(first * MB).toFixed(1)} MB in the first third, ${(last * MB).toFixed(1)} MB in the last`];
  const small = await fileMemory(SMALL);
  return [
    beyondBudget(USUAL)("agent: resident memory beyond its budget", found.peakMiB, usual.notes, broken),
    row("agent: growth from the first third to the last", growth, { most: GROWTH_PERCENT_MOST, unit: "%", notes: ends, broken }),
    await liveMemory(USUAL, "resident memory beyond its budget", beyondBudget(USUAL)),
    whole("agent, profile small: resident memory", small.found.peakMiB, small.notes, small.broken),
    await liveMemory(SMALL, "resident memory", whole),
  ];
}
