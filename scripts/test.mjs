/**
 * `npm test`: builds what is missing and runs everything; the last line says `N passed, N failed`.
 *
 * What this machine cannot run (no Chromium, no way to fetch Node 24) is said and not counted.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { checkProgram, checkVitest, count, part, tally } from "./lib/checks.mjs";
import { findChromium } from "./lib/chromium.mjs";
import { node24 } from "./lib/node24.mjs";
import { ROOT, say, tool } from "./lib/run.mjs";
import { setup } from "./setup.mjs";

/** The Worker with the core in it; Cloudflare's free plan takes 3 MiB, and starting a Worker costs by the byte. */
const WORKER_GZIP_KIB_MAX = 400;

async function checkWorkerSize() {
  const dryRun = ["deploy", "--dry-run", "--outdir", "build/wrangler"];
  const output = await checkProgram("wrangler deploy --dry-run", tool("wrangler/bin/wrangler.js", ...dryRun));
  const kib = Number(/gzip: ([\d.]+) KiB/.exec(output)?.[1]);
  count(kib > 0 && kib <= WORKER_GZIP_KIB_MAX, `the Worker is ${kib} KiB gzipped, at most ${WORKER_GZIP_KIB_MAX} are allowed`);
}

/** Rooms of test/ whose tests run programs beside them, so that two at once would disturb each other. */
const WITH_PROGRAMS = new Set(
  "abuse bounds browser crash deploy doctor native owner package prometheus servers shim soak start worker".split(" "),
);
/** Tests of the core alone share nothing and keep one processor busy each. */
const TWO_AT_ONCE = "--maxWorkers=2";

/** Checks all of the project "node": first what needs the core alone, then the rooms with programs, a file at a time. */
async function checkNode() {
  const rooms = readdirSync(join(ROOT, "test"), { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const paths = (withPrograms) =>
    rooms.filter(({ name }) => WITH_PROGRAMS.has(name) === withPrograms).map(({ name }) => `test/${name}/`);
  await checkVitest("node: the core", ["--project", "node", TWO_AT_ONCE, ...paths(false)]);
  await checkVitest("node: programs", ["--project", "node", ...paths(true)], { hasPrograms: true });
}

/** Rooms whose tests ask of an engine what the core asks of it: arithmetic, memory, bytes and strings, and each protocol's laws. */
const OF_THE_ENGINE = "aggregate bytes capture filter laws link net sketches stat transport"
  .split(" ")
  .map((name) => `test/${name}/`);

async function checkNode24() {
  let node;
  try {
    node = await node24();
  } catch {
    say("\n== the core under Node 24: not run, npm could not fetch the package node@24");
    return;
  }
  await checkVitest("the core under Node 24", ["--project", "node", TWO_AT_ONCE, ...OF_THE_ENGINE], { node });
}

async function checkBrowser() {
  const chromium = findChromium();
  if (chromium)
    await checkVitest("browser", ["--project", "browser"], { env: { TALLYWIRE_CHROMIUM: chromium }, hasPrograms: true });
  else say("\n== browser: not run, no Chromium is installed (Debian: apt-get install chromium)");
}

async function main() {
  await setup();
  await checkProgram("biome", tool("@biomejs/biome/bin/biome", "check", "."));
  await checkProgram("tsc", tool("typescript/bin/tsc", "-b"));
  await checkProgram("knip: exports that nothing uses", tool("knip/bin/knip.js"));
  await checkNode();
  await checkVitest("workerd", ["--project", "workerd", TWO_AT_ONCE], { hasPrograms: true });
  await checkNode24();
  await checkWorkerSize();
  await checkBrowser();
}

await main().catch((error) => {
  part("a part of the run broke");
  count(false, `${error.output ?? ""}${error.stack}`);
});
for (const line of tally.secondTries) process.stdout.write(`${line}\n`);
for (const name of tally.failures) process.stdout.write(`failed: ${name}\n`);
process.stdout.write(`${tally.passed} passed, ${tally.failed} failed\n`);
process.exitCode = tally.failed > 0 ? 1 : 0;
