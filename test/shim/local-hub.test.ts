import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type LocalHub, startLocalHub } from "../../shim/hub/local-hub";
import { masterKeyPath, previousMasterKeyPath } from "../../shim/hub/master-key";
import { COMPATIBILITY_DATE, COMPATIBILITY_FLAGS } from "../../shim/hub/workerd-config";
import { ROOT } from "../support/repository";

const workerFolder = join(ROOT, "build/hub");
let dataFolder: string;

beforeEach(() => {
  dataFolder = mkdtempSync(join(tmpdir(), "tallywire hub-"));
});
afterEach(() => rmSync(dataFolder, { recursive: true, force: true }));

const start = () => startLocalHub({ dataFolder, workerFolder });

async function listed(hub: LocalHub): Promise<number> {
  const authorization = `Bearer ${await hub.key({ kind: "read", tenant: "local", edge: "" })}`;
  return (await fetch(`${hub.origin}/v1/edges`, { headers: { authorization } })).status;
}

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

describe("a local hub", () => {
  it("is configured as wrangler.toml says", () => {
    const toml = readFileSync(join(ROOT, "wrangler.toml"), "utf8");
    expect(toml).toContain(`compatibility_date = "${COMPATIBILITY_DATE}"`);
    expect(toml).toContain(`compatibility_flags = ${JSON.stringify(COMPATIBILITY_FLAGS)}`);
  });

  it("starts, answers, keeps its keys, and leaves no process behind", async () => {
    const first = await start();
    expect(await (await fetch(`${first.origin}/healthz`)).json()).toEqual({ status: "ok" });
    const key = await first.key({ kind: "read", tenant: "local", edge: "" });
    await first.stop();
    expect(runs(first.pid)).toBe(false);
    const second = await start();
    expect(await second.key({ kind: "read", tenant: "local", edge: "" })).toBe(key);
    expect(await listed(second)).toBe(200);
    await second.kill();
    expect(runs(second.pid)).toBe(false);
  });

  it.runIf(process.platform !== "win32")(
    "shows nothing of its data to other users, of an earlier version's neither",
    async () => {
      const parts = ["hub.capnp", "hub.log", "hub.pid", "master-key", "objects"];
      const modes = (folder: string) => parts.map((name) => statSync(join(folder, name)).mode & 0o077);
      const fresh = join(dataFolder, "fresh");
      await (await startLocalHub({ dataFolder: fresh, workerFolder })).stop();
      expect(statSync(fresh).mode & 0o777).toBe(0o700);

      mkdirSync(join(dataFolder, "objects"), { mode: 0o755 });
      for (const name of ["hub.capnp", "hub.log", "hub.pid"]) writeFileSync(join(dataFolder, name), "", { mode: 0o644 });
      const hub = await start();
      expect(modes(dataFolder)).toEqual([0, 0, 0, 0, 0]);
      await hub.stop();
    },
  );

  it("takes keys of its master and of the one before, until that is gone", async () => {
    const holder = { kind: "read", tenant: "local", edge: "" } as const;
    const statuses = async (hub: LocalHub, keys: string[]) => {
      const ask = (key: string) => fetch(`${hub.origin}/v1/edges`, { headers: { authorization: `Bearer ${key}` } });
      return (await Promise.all(keys.map(ask))).map(({ status }) => status);
    };
    const first = await start();
    const old = await first.key(holder);
    await first.stop();
    renameSync(masterKeyPath(dataFolder), previousMasterKeyPath(dataFolder));
    const second = await start();
    const now = await second.key(holder);
    expect(now).not.toBe(old);
    expect(await statuses(second, [old, now, `${now.slice(0, -1)}${now.endsWith("A") ? "B" : "A"}`])).toEqual([200, 200, 401]);
    await second.stop();
    rmSync(previousMasterKeyPath(dataFolder));
    const third = await start();
    expect(await statuses(third, [old, now])).toEqual([401, 200]);
    await third.stop();
  });

  it("ends the workerd of a starter that was killed", async () => {
    const script = `
      import { build } from "esbuild";
      await build({ entryPoints: ["shim/hub/local-hub.ts"], bundle: true, platform: "node", format: "esm",
        packages: "external", outfile: ${JSON.stringify(join(ROOT, "build/test/local-hub.mjs"))} });
      const { startLocalHub } = await import(${JSON.stringify(join(ROOT, "build/test/local-hub.mjs"))});
      const hub = await startLocalHub(${JSON.stringify({ dataFolder, workerFolder })});
      console.log(hub.pid);
      setInterval(() => {}, 1000);`;
    const starter = spawn(process.execPath, ["--input-type=module", "-e", script], {
      cwd: ROOT,
      stdio: ["ignore", "pipe", "inherit"],
    });
    const orphan = Number(await new Promise<string>((settle) => starter.stdout.once("data", (text) => settle(String(text)))));
    expect(runs(orphan)).toBe(true);
    await expect(start()).rejects.toThrow("a hub is running on this data folder");
    const ended = new Promise((settle) => starter.once("exit", settle));
    starter.kill("SIGKILL");
    await ended;
    expect(runs(orphan)).toBe(true);
    const hub = await start();
    expect(runs(orphan)).toBe(false);
    await hub.stop();
  });

  it.each(["SIGINT", "SIGTERM"] as const)("ends with its starter at %s", async (signal) => {
    const script = `
      const { startLocalHub } = await import(${JSON.stringify(join(ROOT, "build/test/local-hub.mjs"))});
      const hub = await startLocalHub(${JSON.stringify({ dataFolder, workerFolder })});
      for (const name of ["SIGINT", "SIGTERM"]) process.once(name, async () => { await hub.stop(); process.exit(0); });
      console.log(hub.pid);
      setInterval(() => {}, 1000);`;
    const starter = spawn(process.execPath, ["--input-type=module", "-e", script], {
      cwd: ROOT,
      stdio: ["ignore", "pipe", "inherit"],
    });
    const pid = Number(await new Promise<string>((settle) => starter.stdout.once("data", (text) => settle(String(text)))));
    const ended = new Promise((settle) => starter.once("exit", settle));
    starter.kill(signal);
    expect(await ended).toBe(0);
    expect(runs(pid)).toBe(false);
  });

  it("says why it does not start", async () => {
    const one = await start();
    const other = mkdtempSync(join(tmpdir(), "tallywire hub-"));
    await expect(startLocalHub({ dataFolder: other, workerFolder, port: one.port })).rejects.toThrow(/did not start.*in use/is);
    rmSync(other, { recursive: true });
    await one.stop();
    await expect(startLocalHub({ dataFolder, workerFolder: join(ROOT, "nowhere") })).rejects.toThrow(/did not start/);
  });
});
