/** How large the core is, how long it takes to be ready, and what a command costs beside bare Node. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { ROOT } from "../scripts/lib/run.mjs";

const RUNS = 9;
const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

function row(name, figure, most, unit) {
  return { name, figure: `${figure.toFixed(1)} ${unit}`, most: `${most} ${unit}`, holds: figure <= most, notes: [] };
}

/** Milliseconds of CPU that a Node program takes. */
function cpuMs(args) {
  const script = 'TIMEFORMAT="%U %S"; time "$@" >/dev/null 2>&1';
  const { stderr } = spawnSync("bash", ["-c", script, "bash", "node", ...args], { encoding: "utf8" });
  const [user, system] = stderr.trim().split(" ").map(Number);
  return (user + system) * 1000;
}

export function sizes() {
  const bytes = readFileSync(join(ROOT, "build/core.wasm"));
  const ready = Array.from({ length: RUNS }, () => {
    const from = performance.now();
    const module = new WebAssembly.Module(bytes);
    new WebAssembly.Instance(module, { env: { abort() {} }, host: { eventsFull() {} } });
    return performance.now() - from;
  });
  const capture = join(ROOT, "test/fixtures/dns_kdig_udp.pcap");
  const command = [join(ROOT, "shim/bin/tallywire.mjs"), "read", "--summary", "-o", "json", capture];
  const beyond = Array.from({ length: RUNS }, () => cpuMs(command) - cpuMs(["-e", "0"]));
  return [
    row("core.wasm, gzipped", gzipSync(bytes, { level: 9 }).length / 1024, 120, "KB"),
    row("compile and instantiate", median(ready), 10, "ms"),
    row("start-up to first result, CPU beyond bare Node's", median(beyond), 120, "ms"),
  ];
}
