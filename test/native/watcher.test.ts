/** Threads that watch sources end before what they call is gone, and programs that are begun get nothing of theirs. */
import { expect, onTestFinished, test } from "vitest";
import { ADDON, Listener, Network, networkMissing } from "../support/capture/network";

const missing = networkMissing();
if (missing !== undefined) console.warn(`threads that watch are not tested: ${missing}`);

/** Watches loopback twice. */
const WATCH = `
const native = require(${JSON.stringify(ADDON)});
const { index } = native.interfaces().find(({ name }) => name === "lo");
const all = new Uint8Array(new Uint32Array([6, 65535]).buffer);
const bytes = new Uint8Array(1 << 20);
for (let count = 0; count < 2; count++) {
  const source = native.openRing(index, 1 << 17, 8, 1, all);
  native.watch(source, () => {
    while (native.read(source, bytes) > 0);
    native.arm(source);
  });
}`;

/** Sends datagrams, while threads that watch fail, or are ended, one after the other. */
const SEND = `
const { createSocket } = require("node:dgram");
const { Worker } = require("node:worker_threads");
const sender = createSocket("udp4");
const timer = setInterval(() => {
  for (let count = 0; count < 50; count++) sender.send("x".repeat(100), 9, "127.0.0.1", () => {});
}, 1);
async function run() {
  for (let round = 0; round < 10; round++) {
    const end = round % 2 === 0 ? "setTimeout(() => { throw new Error('it fails'); }, 60);" : "setInterval(() => {}, 1000);";
    const worker = new Worker(${JSON.stringify(WATCH)} + end, { eval: true });
    if (round % 2 === 1) setTimeout(() => worker.terminate(), 120);
    await new Promise((done) => worker.on("error", () => {}).on("exit", done));
  }
  clearInterval(timer);
  sender.close();
  console.log("all have ended");
}
run();`;

test.runIf(missing === undefined)("where the thread that they are of fails or is ended", async () => {
  const network = new Network();
  onTestFinished(() => network.remove());
  const sending = new Listener(network.near.start(process.execPath, "-e", SEND));
  const code = await new Promise((done) => sending.child.once("close", (status, signal) => done(signal ?? status)));
  expect([code, sending.said]).toEqual([0, "all have ended\n"]);
});

test.runIf(missing === undefined)("of their pipes programs that are begun get none", () => {
  const network = new Network();
  onTestFinished(() => network.remove());
  const list = `console.log(require("node:child_process").execFileSync("ls", ["/proc/self/fd"], { encoding: "utf8" })); process.exit();`;
  const listed = (before: string) => network.near.run(process.execPath, "-e", `${before} ${list}`);
  expect(listed(WATCH)).toBe(listed(""));
});
