/** How large the core is, how long it takes to be ready, and what a command costs beside bare Node. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { ROOT } from "../scripts/lib/run.mjs";
import { cpuSeconds } from "./lib/cpu-seconds.mjs";
import { median } from "./lib/median.mjs";
import { row } from "./lib/row.mjs";

const RUNS = 9;
const CORE = join(ROOT, "build/core.wasm");
/** Prints the milliseconds until the core can be called. A process of its own each time: a second module of the same bytes is not compiled again. */
const READY = `
const bytes = require("node:fs").readFileSync(process.argv[1]);
const from = performance.now();
const module = new WebAssembly.Module(bytes);
const host = {};
for (const { module: room, name } of WebAssembly.Module.imports(module)) (host[room] ??= {})[name] = () => 0;
new WebAssembly.Instance(module, host);
console.log(performance.now() - from);
`;

export function sizes() {
  const bytes = readFileSync(CORE);
  const ready = Array.from({ length: RUNS }, () =>
    Number.parseFloat(spawnSync("node", ["-e", READY, CORE], { encoding: "utf8" }).stdout),
  );
  const capture = join(ROOT, "test/fixtures/dns_kdig_udp.pcap");
  const command = ["node", join(ROOT, "shim/bin/tallywire.mjs"), "read", "--summary", "-o", "json", capture];
  const beyond = Array.from({ length: RUNS }, () => (cpuSeconds(command) - cpuSeconds(["node", "-e", "0"])) * 1000);
  return [
    row("core.wasm, gzipped", gzipSync(bytes, { level: 9 }).length / 1024, { most: 250, unit: "KB" }),
    row("compile and instantiate", median(ready), { most: 10, unit: "ms" }),
    row("start-up to first result, CPU beyond bare Node's", median(beyond), { most: 120, unit: "ms" }),
  ];
}
