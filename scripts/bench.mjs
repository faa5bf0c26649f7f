/**
 * Runs the benchmarks and writes bench/RESULTS.md: `npm run bench`, or `npm run bench -- SHORT LONG` for captures of other
 * lengths. With names of parts (sizes, wire, ...) it runs those alone and only shows what they found.
 */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import { faults } from "../bench/faults.mjs";
import { hub } from "../bench/hub.mjs";
import { idle } from "../bench/idle.mjs";
import { inflate } from "../bench/inflate.mjs";
import { ingest } from "../bench/ingest.mjs";
import { missingRow } from "../bench/lib/row.mjs";
import { live } from "../bench/live.mjs";
import { memory } from "../bench/memory.mjs";
import { pipeline } from "../bench/pipeline.mjs";
import { roundTrips } from "../bench/roundtrips.mjs";
import { sizes } from "../bench/sizes.mjs";
import { sketches } from "../bench/sketches.mjs";
import { statements } from "../bench/statements.mjs";
import { wire } from "../bench/wire.mjs";
import { build } from "./build.mjs";
import { ROOT, say } from "./lib/run.mjs";

const words = process.argv.slice(2);
const [short = 1_000_000, long = 4_000_000] = words.map(Number).filter((number) => number > 0);
const kinds = ["mix", "udp", "bulk"];
const PARTS = {
  sizes,
  sketches,
  inflate,
  statements,
  wire,
  memory,
  faults,
  ingest,
  hub,
  idle,
  live,
  roundtrips: () => roundTrips(),
  pipeline: () => kinds.map((kind) => pipeline(kind, short, long)),
};
const chosen = Object.keys(PARTS).filter((name) => words.includes(name));

function text(command, ...args) {
  const { status, stdout } = spawnSync(command, args, { cwd: ROOT, encoding: "utf8" });
  return status === 0 ? stdout.trim() : undefined;
}

/** The rows of one part; where it breaks, one that says why. */
async function rowsOf(name) {
  say(`measuring ${name}`);
  try {
    return await PARTS[name]();
  } catch (error) {
    return [missingRow(name, error.message)];
  }
}

await build();
const rows = [];
for (const name of chosen.length > 0 ? chosen : Object.keys(PARTS)) rows.push(...(await rowsOf(name)));

const lines = rows.map(({ name, figure, most, holds, notes }) => {
  return `| ${name} | ${figure} | ${most} | ${holds ? "yes" : "no"} | ${notes.join("; ")} |`;
});
const processors = cpus();
const page = [
  "# Figures",
  "",
  `${processors.length} x ${processors[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}, commit ${text("git", "rev-parse", "--short", "HEAD") ?? "unknown"}, ${new Date().toISOString().slice(0, 10)}.`,
  `Captures of ${short.toLocaleString("en")} and ${long.toLocaleString("en")} packets; medians. Written by \`npm run bench\`.`,
  "",
  "| what | figure | at most | holds | notes |",
  "|---|---|---|---|---|",
  ...lines,
  "",
].join("\n");
if (chosen.length === 0) writeFileSync(join(ROOT, "bench/RESULTS.md"), page);
say(page);
