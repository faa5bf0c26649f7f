/**
 * What inflating costs, in units of node's zlib on the same bytes in the same run: rows of a database in packets of 16 KB, as
 * MySQL's compressed protocol has them. Both take turns; the figure is the median of the ratios, of CPU.
 */
import { deflateSync, inflateSync } from "node:zlib";
import { compileEntry } from "./lib/compile-entry.mjs";
import { median } from "./lib/median.mjs";
import { row } from "./lib/row.mjs";

const ROUNDS = 25;
const PACKET_BYTES = 16_384;
const PACKETS = 400;
const LIMIT_BYTES = 65_536;
const DONE = 0;

function packets() {
  let text = "";
  for (let id = 0; text.length < PACKETS * PACKET_BYTES; id++)
    text += `\t${id}\tname ${(id * 7919) % 1000}\t2024-01-${id % 31}\t${id % 13}\n`;
  return Array.from({ length: PACKETS }, (_, at) => deflateSync(text.slice(at * PACKET_BYTES, (at + 1) * PACKET_BYTES)));
}

function cpuMs(work) {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

export async function inflate() {
  const { exports: core } = new WebAssembly.Instance(await compileEntry("test/support/inflate.entry.ts"), {
    env: { abort() {} },
  });
  const start = core.create();
  const packed = packets();
  let failed = 0;
  const ours = () => {
    for (const bytes of packed) {
      new Uint8Array(core.memory.buffer, start, bytes.length).set(bytes);
      core.open(start, bytes.length);
      if (core.proceed(LIMIT_BYTES) !== DONE || core.held() !== PACKET_BYTES) failed += 1;
    }
  };
  const nodes = () => {
    for (const bytes of packed) inflateSync(bytes, { chunkSize: LIMIT_BYTES });
  };
  const ratios = [];
  const own = [];
  for (let round = 0; round < ROUNDS; round++) {
    own.push(cpuMs(ours));
    ratios.push(own.at(-1) / cpuMs(nodes));
  }
  const megabytes = (PACKETS * PACKET_BYTES) / 1e6;
  const notes = [`${Math.round(megabytes / (median(own) / 1000))} MB a second here, the sum checked`];
  const broken = failed > 0 ? [`${failed} packets came out wrong`] : [];
  return [row("inflate of packets of 16 KB, in node's zlib", median(ratios), { digits: 2, notes, broken })];
}
