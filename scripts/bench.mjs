/**
 * Runs the benchmarks and writes bench/RESULTS.md: `npm run bench`, or `npm run bench -- SHORT LONG` for captures of other
 * lengths. With names of parts (sizes, wire, ...) it runs those alone and shows what they found; with --keep it writes their
 * sections too.
 */
import { spawnSync } from "node:child_process";
import { cpus, totalmem } from "node:os";
import { faults } from "../bench/faults.mjs";
import { hub } from "../bench/hub.mjs";
import { idle } from "../bench/idle.mjs";
import { inflate } from "../bench/inflate.mjs";
import { ingest } from "../bench/ingest.mjs";
import { keepSections, sectionOf } from "../bench/lib/results.mjs";
import { missingRow } from "../bench/lib/row.mjs";
import { live } from "../bench/live.mjs";
import { memory } from "../bench/memory.mjs";
import { owners } from "../bench/owners.mjs";
import { pipeline } from "../bench/pipeline.mjs";
import { roundTrips } from "../bench/roundtrips.mjs";
import { sizes } from "../bench/sizes.mjs";
import { sketches } from "../bench/sketches.mjs";
import { statements } from "../bench/statements.mjs";
import { tls } from "../bench/tls.mjs";
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
  owners,
  tls,
  roundtrips: () => roundTrips(),
  pipeline: () => kinds.map((kind) => pipeline(kind, short, long)),
};
const chosen = Object.keys(PARTS).filter((name) => words.includes(name));
const strange = words.filter((word) => word !== "--keep" && !(Number(word) > 0) && !chosen.includes(word));
if (strange.length > 0) {
  say(`npm run bench -- [SHORT LONG] [PART...] [--keep], not ${strange.join(" ")}; parts are ${Object.keys(PARTS).join(", ")}`);
  process.exit(2);
}

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

/** Where it is measured, and what. */
function measuredOn() {
  const processors = cpus();
  const machine = `${processors.length} x ${processors[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB`;
  const commit = text("git", "rev-parse", "--short", "HEAD") ?? "unknown";
  return `${machine}, Node ${process.versions.node}, commit ${commit}, ${new Date().toISOString().slice(0, 10)}; captures of ${short.toLocaleString("en")} and ${long.toLocaleString("en")} packets.`;
}

await build();
const isKept = chosen.length === 0 || words.includes("--keep");
for (const part of chosen.length > 0 ? chosen : Object.keys(PARTS)) {
  const section = sectionOf(part, measuredOn(), await rowsOf(part));
  if (isKept) keepSections(Object.keys(PARTS), [[part, section]]);
  say(section);
}
