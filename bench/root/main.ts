/**
 * What a root takes with so many shards, by simulation with the real merge: each shard sends a minute that hundred edges merged into;
 * the root inflates it, merges the minutes of all shards, and an hour of what they come to. The word is the number of shards. Prints one JSON object.
 */
import { readFileSync } from "node:fs";
import { deflateSync, inflateSync } from "node:zlib";
import { Core } from "../../engine/core";
import { modelledMinute } from "../../test/support/minute-model";
import { sealCapture } from "../../test/support/seal-minute";

const REQUESTS = 60_000;
const DIFFERENT_BUNDLES = 8;
const EDGES_PER_SHARD = 100;
const MINUTE = 29_000_000 * 60;

const shards = Number(process.argv[2] ?? "100");
const module = new WebAssembly.Module(readFileSync("build/core.wasm"));
const core = new Core(module, { role: "hub", budgetBytes: 15 << 20 });
const edges = Array.from({ length: DIFFERENT_BUNDLES }, (_, index) =>
  sealCapture(module, modelledMinute(REQUESTS, MINUTE), { bootId: BigInt(index + 1) }),
);
const shard = core.merge(Array.from({ length: EDGES_PER_SHARD }, (_, index) => edges[index % edges.length]!));
const message = deflateSync(shard);

function* received(): Generator<Uint8Array> {
  for (let index = 0; index < shards; index += 1) yield inflateSync(message);
}

const before = process.cpuUsage();
const minute = core.merge(received(), { known: true });
const afterMinute = process.cpuUsage(before);
core.merge(
  Array.from({ length: 60 }, () => minute),
  { known: true },
);
const all = process.cpuUsage(before);
const ms = ({ user, system }: NodeJS.CpuUsage) => (user + system) / 1000;
const figures = {
  minuteMs: ms(afterMinute),
  hourMs: ms(all) - ms(afterMinute),
  messageBytes: message.length,
  tileBytes: minute.length,
};
console.log(JSON.stringify(figures));
