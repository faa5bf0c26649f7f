/** An agent keeps no pages of programs that it does not use: less of files stands in its memory than in that of a Node that does nothing. */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { networkMissing } from "../support/capture/network";
import { runOf, startCommand, untilSays } from "../support/command";
import { ROOT } from "../support/repository";

const missing = networkMissing();
if (missing !== undefined) console.warn(`pages of programs are not tested: ${missing}`);

/** Pages of files in a process' memory, KiB. */
const filePages = (pid: number | undefined) => Number(/RssFile:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]);

test.runIf(missing === undefined)("fewer than of a Node that waits, and it works on", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tallywire-pages-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const idle = spawn(process.execPath, ["-e", "console.log('waits'); setInterval(() => {}, 1000)"]);
  const agent = startCommand(["agent", "-i", "lo", "--spool", folder]);
  onTestFinished(() => void [idle, agent].map((child) => child.kill("SIGKILL")));
  const ended = runOf(agent);
  await Promise.all([untilSays(idle, /waits/), untilSays(agent, /reading interface lo/)]);
  await expect.poll(() => filePages(agent.pid), { timeout: 20_000 }).toBeLessThan(0.8 * filePages(idle.pid));
  agent.kill("SIGTERM");
  expect(await ended).toMatchObject({ code: 0, stderr: expect.stringContaining("packets seen") });
});

/** Goes on with what it has written, and with code and texts of Node, while pages are let go of again and again. */
const WORK = `
const { dropProgramPages } = require(process.argv[1]);
const written = new Uint8Array(1 << 20).fill(7);
for (let times = 0; times < 50; times++) {
  dropProgramPages();
  if (new Intl.NumberFormat("de").format(1234567) !== "1.234.567") throw new Error("a text of ICU");
  if (require("zlib").inflateSync(require("zlib").deflateSync(written)).some((byte) => byte !== 7)) throw new Error("zlib");
}
if (written.some((byte) => byte !== 7)) throw new Error("what was written");
console.log("went on");
`;

test.runIf(missing === undefined)("what was written stays, and programs go on", async () => {
  const folder = readdirSync(join(ROOT, "build/native")).find((name) =>
    existsSync(join(ROOT, "build/native", name, "tallywire.node")),
  )!;
  const addon = join(ROOT, "build/native", folder, "tallywire.node");
  const { code, stdout, stderr } = await runOf(spawn(process.execPath, ["-e", WORK, addon]));
  expect([code, stdout, stderr]).toEqual([0, "went on\n", ""]);
});
