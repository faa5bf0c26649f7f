/** What the hub costs by bundle: see bench/ingest/main.ts. */
import { row } from "./lib/row.mjs";
import { runBundled } from "./lib/run-bundled.mjs";

const CPU_MS_MOST = 1;

export async function ingest() {
  const found = await runBundled("ingest");
  const above = found.cpuMs - found.mergeOnlyMs;
  const share = Math.round((above / found.cpuMs) * 100);
  const notes = [
    `${found.bundles.toLocaleString("en")} bundles of ${found.bundleBytes.toLocaleString("en")} B over loopback, sealing included`,
    "each a minute of 60,000 DNS requests in one direction",
    `${found.perSecond.toLocaleString("en")} a second`,
    `hub's peak ${found.peakMegabytes} MB`,
  ];
  const alone = [`${found.mergeOnlyMs.toFixed(3)} ms for validating and merging alone`, `${share} % of the whole`];
  return [
    row("ingest: workerd's CPU a bundle", found.cpuMs, { digits: 3, most: CPU_MS_MOST, unit: "ms", notes }),
    row("ingest: of that above validating and merging", above, { digits: 3, unit: "ms", notes: alone }),
  ];
}
