/** What `npm start` runs ends when npm was told to: npm's shell does not hand a signal on. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { transformSync } from "esbuild";
import { expect, test } from "vitest";
import { ROOT } from "../support/repository";

const { code } = transformSync(readFileSync(join(ROOT, "scripts/start/orphaned.ts"), "utf8"), { loader: "ts", format: "esm" });

test.skipIf(process.platform === "win32")("a process notices that its parent is gone, and not before", async () => {
  const script = `${code}; setInterval(() => {}, 1000); console.log("up");
    untilOrphaned().then(() => { console.log("orphaned"); process.exit(0); });`;
  const shell = spawn("sh", ["-c", '"$0" --input-type=module -e "$1"; true', process.execPath, script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  shell.stdout.on("data", (text) => {
    said += text;
  });
  await once(shell.stdout, "data");
  await new Promise((done) => setTimeout(done, 1200));
  expect(said).toBe("up\n");
  const closed = once(shell.stdout, "close");
  shell.kill("SIGTERM");
  await closed;
  expect(said).toBe("up\norphaned\n");
});
