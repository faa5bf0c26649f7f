/** What the hub costs by bundle: see bench/ingest/main.ts. */
import { row } from "./lib/row.mjs";
import { runBundled } from "./lib/run-bundled.mjs";

const CPU_MS_MOST = 1;

/** What the bundles are, and how many of them. */
const KINDS = [
  { kind: "dns", count: 4000, what: "60,000 DNS requests in one direction", most: CPU_MS_MOST },
  { kind: "modelled", count: 2000, what: "60,000 requests, DNS and HTTP in both directions", most: CPU_MS_MOST },
];

export async function ingest() {
  const rows = [];
  for (const { kind, count, what, most } of KINDS) rows.push(...(await ingestOf(kind, count, what, most)));
  return rows;
}

async function ingestOf(kind, count, what, most) {
  const found = await runBundled("ingest", [count, kind]);
  const above = found.cpuMs - found.mergeOnlyMs;
  const share = Math.round((above / found.cpuMs) * 100);
  const notes = [
    `${found.bundles.toLocaleString("en")} bundles of ${found.bundleBytes.toLocaleString("en")} B over loopback, sealing included`,
    `each a minute of ${what}`,
    `${found.perSecond.toLocaleString("en")} a second`,
    `hub's peak ${found.peakMegabytes} MB`,
  ];
  const alone = [`${found.mergeOnlyMs.toFixed(3)} ms for validating and merging alone`, `${share} % of the whole`];
  return [
    row(`ingest, ${kind}: workerd's CPU a bundle`, found.cpuMs, { digits: 3, most, unit: "ms", notes }),
    row(`ingest, ${kind}: of that above validating and merging`, above, { digits: 3, unit: "ms", notes: alone }),
  ];
}
