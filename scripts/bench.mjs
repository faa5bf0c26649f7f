/** Runs the benchmarks and writes bench/RESULTS.md: `npm run bench`, or `npm run bench -- SHORT LONG` for other lengths. */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import { pipeline } from "../bench/pipeline.mjs";
import { sizes } from "../bench/sizes.mjs";
import { build } from "./build.mjs";
import { ROOT, say } from "./lib/run.mjs";

const [short = 1_000_000, long = 4_000_000] = process.argv.slice(2).map(Number);

function text(command, ...args) {
  const { status, stdout } = spawnSync(command, args, { cwd: ROOT, encoding: "utf8" });
  return status === 0 ? stdout.trim() : undefined;
}

await build();
const rows = [...sizes()];
for (const kind of ["mix", "udp", "bulk"]) rows.push(pipeline(kind, short, long));

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
writeFileSync(join(ROOT, "bench/RESULTS.md"), page);
say(page);
