/** Writes the live records of an interface to a file until it is told to end: node dump.mjs INTERFACE FILE ring|libpcap */
import { appendFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { addonsOfHost } from "../../../scripts/lib/platform.mjs";

const native = createRequire(import.meta.url)(addonsOfHost()[0]);
const [device, file, method] = process.argv.slice(2);
const index = device === "any" ? 0 : native.interfaces().find(({ name }) => name === device).index;
const whole = new Uint8Array(new Uint32Array([6, 262_144]).buffer);
const source =
  method === "ring"
    ? native.openRing(index, 1 << 17, 64, 10, whole)
    : native.openPcap(device, 262_144, 8 << 20, 10, 0, undefined);
const into = new Uint8Array(1 << 20);
writeFileSync(file, "");

function take() {
  for (let bytes = native.read(source, into); bytes > 0; bytes = native.read(source, into))
    appendFileSync(file, into.subarray(0, bytes));
}

native.watch(source, () => {
  take();
  native.arm(source);
});
const alive = setInterval(() => {}, 1000);
process.on("SIGTERM", () => {
  const settleMs = native.stop(source);
  setTimeout(() => {
    take();
    const [packets, dropped] = native.counts(source);
    native.close(source);
    process.stderr.write(`counts ${packets} ${dropped}\n`);
    clearInterval(alive);
  }, settleMs);
});
process.stderr.write(`node ${process.versions.node} ready\n`);
