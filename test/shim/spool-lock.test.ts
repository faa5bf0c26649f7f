/** That one agent alone works in a spool, and that none that has ended keeps others out. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { runOf, startCommand, tallywire, untilSays } from "../support/command";

let folder: string;
let pidPath: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tallywire-lock-"));
  pidPath = join(folder, "e/agent.pid");
});
afterEach(() => rmSync(folder, { recursive: true }));

const WORDS = () => ["agent", "--file", "-", "--edge", "e", "--spool", folder];

/** An agent that waits for what comes to its standard input. */
async function waiting() {
  const child = startCommand(WORDS());
  const run = runOf(child);
  await untilSays(child, /reading -/);
  return { child, run };
}

/** One that has nothing to read. */
const another = () => tallywire(WORDS());

test("a second agent is refused, and takes nothing away from the first", { timeout: 30_000 }, async () => {
  const { child, run } = await waiting();
  writeFileSync(join(folder, "e/bundle.draft"), "which the first is writing");
  const { code, stderr } = await another();
  expect([code, stderr]).toEqual([
    1,
    `tallywire: another agent works on the spool ${folder}/e (process ${child.pid}); stop it, or name another with --spool or --edge\n`,
  ]);
  expect(existsSync(join(folder, "e/bundle.draft"))).toBe(true);
  expect(JSON.parse(readFileSync(pidPath, "utf8")).pid).toBe(child.pid);
  child.stdin.end();
  await run;
  expect(existsSync(pidPath)).toBe(false);
  expect((await another()).stderr).toContain("reading -");
});

test("one that was killed keeps nobody out", { timeout: 30_000 }, async () => {
  const { child, run } = await waiting();
  child.kill("SIGKILL");
  await run;
  expect(existsSync(pidPath)).toBe(true);
  expect((await another()).stderr).toContain("reading -");
});

test("nor does a process that has the number of one that has ended", async () => {
  mkdirSync(join(folder, "e"));
  for (const text of [JSON.stringify({ pid: process.pid, began: "at another time" }), "{", "null"]) {
    writeFileSync(pidPath, text);
    expect((await another()).stderr).toContain("reading -");
  }
});
