/** What `npm start` runs ends when npm is gone: it does not hand every signal on, and its shell hands on none. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "../support/repository";

const code = readFileSync(join(ROOT, "scripts/lib/orphaned.mjs"), "utf8");
const LINES = `${code}; setInterval(() => {}, 1000); console.log("up");
  untilOrphaned().then(() => { console.log("orphaned"); process.exit(0); });`;
const SHELL_WORDS = ["-c", '"$0" --input-type=module -e "$1"; true', process.execPath, LINES];
/** Starts a shell as npm does, and is killed. */
const NPM = `const { spawn } = require("node:child_process");
  spawn("sh", ${JSON.stringify(SHELL_WORDS)}, { stdio: "inherit" });`;

/** What a program's grandchild, or child, says until it ends, its starter being killed once that is up. */
async function saidBy(program: string, words: string[]): Promise<string> {
  const starter = spawn(program, words, { stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  starter.stdout.on("data", (text) => {
    said += text;
  });
  await once(starter.stdout, "data");
  await new Promise((done) => setTimeout(done, 1200));
  expect(said).toBe("up\n");
  const closed = once(starter.stdout, "close");
  starter.kill("SIGKILL");
  await closed;
  return said;
}

test.skipIf(process.platform === "win32")("a process notices that its shell is gone, and not before", async () => {
  expect(await saidBy("sh", SHELL_WORDS)).toBe("up\norphaned\n");
});

test.runIf(process.platform === "linux")("a process notices that the npm of its shell is gone, and not before", async () => {
  expect(await saidBy(process.execPath, ["-e", NPM])).toBe("up\norphaned\n");
});
