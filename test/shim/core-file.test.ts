/** What the command line says of a core that it was not built with. */
import { spawnSync } from "node:child_process";
import { copyFileSync, cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { COMMAND } from "../support/command";
import { ROOT } from "../support/repository";

const folder = mkdtempSync(join(tmpdir(), "tallywire-core-"));
const core = join(folder, "build/core.wasm");
for (const part of ["build/shim", "shim/bin"]) cpSync(join(ROOT, part), join(folder, part), { recursive: true });
symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
afterAll(() => rmSync(folder, { recursive: true }));

/** What `tallywire protocols`, which asks the core, ends with and says. */
function run(): [number | null, string] {
  const words = [COMMAND.replace(ROOT, `${folder}/`), "protocols"];
  const { status, stderr } = spawnSync(process.execPath, words, { encoding: "utf8" });
  return [status, stderr];
}

test("one of another ABI is refused in a line", () => {
  copyFileSync(join(ROOT, "build/test/other-abi.wasm"), core);
  expect(run()).toEqual([1, expect.stringMatching(/^tallywire: the core speaks ABI 4000000001, this program \d+; .*\n$/)]);
});

test("one that was cut short is refused in a line", () => {
  writeFileSync(core, "\0asm\x01\0\0\0\x01");
  expect(run()).toEqual([1, expect.stringMatching(/^tallywire: the core is damaged \(.*\); run: npm run build\n$/)]);
});

test("one that is not there is asked for in a line", () => {
  rmSync(core, { force: true });
  expect(run()).toEqual([1, expect.stringMatching(/^tallywire: the core is not built \(.*\); run: npm run build\n$/)]);
});

test("that which was built beside it is taken", () => {
  copyFileSync(join(ROOT, "build/core.wasm"), core);
  expect(run()).toEqual([0, ""]);
});
