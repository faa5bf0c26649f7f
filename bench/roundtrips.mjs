/**
 * What a round trip costs: CPU of the core with every metric, packets and all, in units of the core's own bare decode of the same
 * packets (link to transport, no streams).
 *
 * Both run in this process over the same bytes, in turn, and once before they are measured. The clock starts when the first eighth of
 * a capture is behind, so that memory is touched and tables are filled, and stops before the minute seals: what that costs does not
 * depend on how many round trips there were, and is told beside. Round trips are held against the generator's record.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../scripts/lib/run.mjs";
import { capture } from "./lib/capture.mjs";
import { compileEntry } from "./lib/compile-entry.mjs";
import { median } from "./lib/median.mjs";
import { row } from "./lib/row.mjs";

const ROUNDS = 9;
const BUDGET_BYTES = 24 << 20;
const HOST = 1;

/** Of each kind of ./roundtrips/talks.mjs: packets, the limit, the metric that counts its requests, what a Go engine takes without reading packets. */
const KINDS = {
  small: { what: "http, headers of 100 bytes", packets: 400_000, most: 6, metric: "http_responses_total", peerUs: 4.1 },
  browser: { what: "http, a browser's headers", packets: 200_000, most: 6, metric: "http_responses_total", peerUs: 4.1 },
  bodies: { what: "http, bodies of 10 KB", packets: 150_000, most: 4, metric: "http_responses_total", peerUs: 7.8 },
  redis: { what: "redis, GET and SET", packets: 400_000, most: 6, metric: "redis_requests_total", peerUs: 1.76 },
  dns: { what: "dns over UDP", packets: 400_000, most: 6, metric: "dns_transactions_total", peerUs: 5.1 },
  mysql: { what: "mysql, text queries with 3 rows", packets: 200_000, most: 8, metric: "mysql_requests_total" },
  postgresql: { what: "postgresql, text queries with 3 rows", packets: 200_000, most: 8, metric: "postgresql_requests_total" },
  scan: { what: "a port scan", packets: 1_000_000 },
};

/** What the core asks of a host without secrets of TLS, that knows nobody. */
const HOST_IMPORTS = { eventsFull() {}, askOwner() {}, keysOpen: () => 0, keysRecord: () => -1, keysNext() {}, keysClose() {} };

/** The module with every metric, ready for a capture; `end` seals its minute. */
function wholeCore(module) {
  const { exports: core } = new WebAssembly.Instance(module, { env: { abort() {} }, host: HOST_IMPORTS });
  core.configure(HOST, BUDGET_BYTES, 0);
  return { core, handle: core.openInput(0, 0), end: () => core.flush() };
}

function bareDecode(module) {
  const { exports: core } = new WebAssembly.Instance(module, { env: { abort() {} } });
  return { core, handle: core.open(), end() {} };
}

/** CPU, ns, of reading `file`, by all but its first eighth, and of the end. */
function readThrough({ core, handle, end }, file) {
  const start = core.inputStart();
  const most = core.inputBytes();
  const memory = new Uint8Array(core.memory.buffer);
  let before;
  let from = 0;
  for (let at = 0; at < file.length; ) {
    if (from === 0 && at >= file.length / 8) {
      from = at;
      before = process.cpuUsage();
    }
    const length = Math.min(most, file.length - at);
    memory.set(file.subarray(at, at + length), start);
    const read = core.feed(handle, start, length);
    if (read === 0) throw new Error("the capture is not read to its end");
    at += read;
  }
  const body = nsSince(before);
  const last = process.cpuUsage();
  end();
  return { body: body / (1 - from / file.length), end: nsSince(last) };
}

function nsSince(before) {
  const { user, system } = process.cpuUsage(before);
  return (user + system) * 1000;
}

/** What of the record the command does not tell. */
function differences({ path, record }, metric) {
  const command = [join(ROOT, "shim/bin/tallywire.mjs"), "read", "--summary", "-o", "json", path];
  const { stdout } = spawnSync("node", command, { encoding: "utf8", maxBuffer: 1 << 28 });
  const told = JSON.parse(stdout)
    .metrics.filter((line) => line.metric === metric && !["timeout", "unobserved"].includes(line.labels.status))
    .reduce((sum, { value }) => sum + value, 0);
  return told === record.roundTrips ? [] : [`${told} round trips of ${record.roundTrips}`];
}

function measure(kind, whole, bare) {
  const { what, packets, most, metric, peerUs } = KINDS[kind];
  const made = capture(kind, packets);
  const file = readFileSync(made.path);
  const runs = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const decode = readThrough(bareDecode(bare), file);
    const all = readThrough(wholeCore(whole), file);
    if (round > 0) runs.push({ ratio: all.body / decode.body, decode: decode.body, all: all.body, end: all.end });
  }
  const of = (key) => median(runs.map((run) => run[key]));
  const roundTrips = made.record.roundTrips || made.record.packets;
  const unit = metric === undefined ? "SYN" : "round trip";
  const us = (ns) => (ns / roundTrips / 1000).toFixed(2);
  const notes = [
    `${us(of("all"))} us a ${unit} here, ${us(of("decode"))} its bare decode (${Math.round(of("decode") / made.record.packets)} ns a packet)`,
    `a minute's end ${(of("end") / 1e6).toFixed(1)} ms`,
  ];
  if (peerUs !== undefined) notes.push(`a Go engine without packet parsing: ${peerUs} us`);
  return row(`${what}: CPU a ${unit}, in bare decodes`, of("ratio"), {
    digits: 2,
    most,
    notes,
    broken: metric === undefined ? [] : differences(made, metric),
  });
}

/** Measures the kinds, all unless some are named. */
export async function roundTrips(kinds = Object.keys(KINDS)) {
  const whole = new WebAssembly.Module(readFileSync(join(ROOT, "build/core.wasm")));
  const bare = await compileEntry("bench/roundtrips/decode.entry.ts", {
    "assembly/transport/deliver.ts": "bench/roundtrips/deliver.entry.ts",
  });
  return kinds.map((kind) => measure(kind, whole, bare));
}
