/** What a hub takes in, how history and shards weigh on it, and what questions cost: see bench/{load,history,root}/main.ts. */
import { hubVariant } from "./lib/hub-variant.mjs";
import { row } from "./lib/row.mjs";
import { runBundled } from "./lib/run-bundled.mjs";

const LOAD_SECONDS = 60;
const ROW_SECONDS = 20;
const SHARDS = 10;
/** Bundles a second of 100,000 edges that post one a minute. */
const FLEET_PER_SECOND = 100_000 / 60;
const MERGE_SHARE_LEAST = 0.35;
const ROW_TIMES_LEAST = 3;
const GROWTH_MOST = 1.1;
const QUESTION_HOURS_MOST = 20;
const ROOT_SHARDS = [100, 1_000, 10_000];

export async function hub() {
  return [...(await load()), ...(await history()), ...(await root())];
}

async function load() {
  const tree = await runBundled("load", ["build/hub", LOAD_SECONDS, SHARDS]);
  const single = await hubVariant("row-a-bundle", { BATCH_BUNDLES_MAX: 1 });
  const rows = await runBundled("load", [single, ROW_SECONDS, SHARDS]);
  const alone = 1000 / tree.mergeOnlyMs;
  const notes = [
    `${Math.round(tree.perSecond).toLocaleString("en")} bundles a second into ${SHARDS} shards and their root, for ${LOAD_SECONDS} s`,
    `all of it at the root ${(tree.settledMs / 1000).toFixed(0)} s after the last was taken`,
    `p50 ${tree.p50Ms.toFixed(0)} ms, p99 ${tree.p99Ms.toFixed(0)} ms`,
    `workerd's CPU ${tree.cpuMs.toFixed(2)} ms a bundle, peak ${Math.round(tree.peakMegabytes)} MB`,
  ];
  const processes = FLEET_PER_SECOND / tree.perSecond;
  return [
    atLeast("hub: throughput of a tree, of validating and merging alone", tree.perSecond / alone, MERGE_SHARE_LEAST, [
      ...notes,
      `alone ${Math.round(alone).toLocaleString("en")} a second`,
    ]),
    atLeast("hub: throughput of a tree, in that of a row a bundle", tree.perSecond / rows.perSecond, ROW_TIMES_LEAST, [
      `${Math.round(rows.perSecond).toLocaleString("en")} a second with a row a bundle, p99 ${rows.p99Ms.toFixed(0)} ms, workerd's CPU ${rows.cpuMs.toFixed(2)} ms a bundle`,
    ]),
    row("hub: processes like this one for 100,000 edges", processes, { notes: ["one bundle a minute each, 1,667 a second"] }),
  ];
}

async function history() {
  const found = await runBundled("history", [await hubVariant("history", { LATE_SECONDS_MAX: 40 * 86_400 })]);
  const [first] = found.growth;
  const rows = found.growth.slice(1).map(({ days, cpuMs, ratio }) =>
    row(`hub: a minute with ${days} days of history, in one with 1 day`, ratio, {
      digits: 2,
      most: GROWTH_MOST,
      notes: [`workerd's CPU ${cpuMs.toFixed(2)} ms a bundle, ${first.cpuMs.toFixed(2)} with 1 day`],
    }),
  );
  for (const [name, { ms, rows: count, resolution }] of Object.entries(found.questions)) {
    const notes = [
      `${ms.toFixed(1)} ms, ${count} rows, longest tile ${resolution} s`,
      `an hour's merge ${found.hourMs.toFixed(1)} ms`,
    ];
    rows.push(
      row(`hub: question ${name}, in merges of an hour`, ms / found.hourMs, { digits: 2, most: QUESTION_HOURS_MOST, notes }),
    );
  }
  const { minutes, hours, days } = found.largestTiles;
  const notes = [`bytes of the largest: ${minutes} a minute, ${hours} an hour, ${days} a day`];
  rows.push(row("hub: the largest tile of a day, in the largest of a minute", days / minutes, { digits: 2, notes }));
  return rows;
}

async function root() {
  const rows = [];
  for (const shards of ROOT_SHARDS) {
    const { minuteMs, hourMs, messageBytes, tileBytes } = await runBundled("root", [shards]);
    const notes = [
      `${(minuteMs / 600).toFixed(2)} % of a core; messages of ${messageBytes.toLocaleString("en")} B, a tile of ${tileBytes.toLocaleString("en")} B`,
      `an hour out of its minutes ${hourMs.toFixed(0)} ms`,
    ];
    rows.push(
      row(`hub: a root's minute of ${shards.toLocaleString("en")} shards, by simulation`, minuteMs, {
        digits: 0,
        unit: "ms",
        notes,
      }),
    );
  }
  return rows;
}

/** A row whose figure is to be at least so much. */
function atLeast(name, value, least, notes) {
  const broken = value >= least ? [] : [`less than ${least}`];
  return row(name, value, { digits: 2, notes: [`at least ${least}`, ...notes], broken });
}
