/**
 * `npm start -- --exit` as the very first command in a fresh copy, on a machine with nothing but Node and npm: no node_modules, no build, no compiler, no
 * other program. It fetches packages and takes minutes, so it runs where it is asked for, as .ci/run does. (`npm test` is CI's own first command.)
 */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { processesWith } from "../support/processes";
import { ROOT, repositoryFiles } from "../support/repository";

const MS_MAX = 15 * 60_000;
const isWanted = process.env.TALLYWIRE_FIRST_COMMAND !== undefined && process.platform !== "win32";
if (!isWanted) console.warn("npm start is not tried in a fresh copy; TALLYWIRE_FIRST_COMMAND=1 asks for it");

/** Variables by which an npm that runs these tests speaks to what it starts. */
const OF_OUTER_NPM =
  /^(npm_(lifecycle|package|command|execpath|node_execpath|config_local_prefix)|INIT_CWD|NODE_|VITEST|TALLYWIRE_)/;

describe.runIf(isWanted)("in a fresh copy", { timeout: MS_MAX }, () => {
  const folder = mkdtempSync(join(tmpdir(), "tallywire-fresh-"));
  const copy = join(folder, "tallywire");
  const bin = join(folder, "bin");
  afterAll(() => rmSync(folder, { recursive: true, force: true }), MS_MAX);

  function lay(): void {
    for (const path of repositoryFiles()) cpSync(join(ROOT, path), join(copy, path));
    mkdirSync(bin);
    symlinkSync(process.execPath, join(bin, "node"));
    // npm runs scripts with a shell.
    for (const name of ["npm", "sh"]) {
      const path = execFileSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).trim();
      symlinkSync(realpathSync(path), join(bin, name));
    }
  }

  async function npmStart(): Promise<{ code: number | null; stdout: string; stderr: string }> {
    const own = Object.entries(process.env).filter(([name]) => !OF_OUTER_NPM.test(name));
    const env = { ...Object.fromEntries(own), PATH: bin };
    const child = spawn(join(bin, "npm"), ["start", "--", "--exit"], { cwd: copy, env, stdio: ["ignore", "pipe", "pipe"] });
    const said = { stdout: "", stderr: "" };
    child.stdout.on("data", (text) => {
      said.stdout += text;
    });
    child.stderr.on("data", (text) => {
      said.stderr += text;
    });
    const [code] = await once(child, "close");
    return { code, ...said };
  }

  test("npm start installs, builds, and shows what the independent count counts", async () => {
    lay();
    const { code, stdout, stderr } = await npmStart();
    expect([code, stdout, stderr]).toEqual([0, expect.stringMatching(/^\d+ figures compared .*: all agree$/m), stderr]);
    expect(Number(/^(\d+) figures compared/m.exec(stdout)?.[1])).toBeGreaterThan(300);
    expect(stderr).toContain("installing the packages");
    expect(stderr.match(/^.*live capture.*$/gm)).toEqual([expect.stringMatching(/^live capture is off: it takes a C compiler/)]);
    expect(processesWith(folder)).toEqual([]);
  });

  test("and the second time it uses what is there", async () => {
    const { code, stderr } = await npmStart();
    expect([code, stderr]).toEqual([0, expect.not.stringMatching(/installing|built/)]);
  });
});
