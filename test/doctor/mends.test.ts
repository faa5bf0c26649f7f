/** What doctor proposes: each command is run as it stands, mends what it is for, and touches nothing that is there. */
import { execFileSync, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { AskedAgent } from "../support/agent-http";
import { networkMissing } from "../support/capture/network";
import { COMMAND, tallywire } from "../support/command";
import { examine } from "../support/doctor";

const OTHER_FOLDER = "name another folder with --spool or TALLYWIRE_SPOOL; in a unit StateDirectory=tallywire";
const OTHER_PLACE = "name another port or path with --listen or TALLYWIRE_LISTEN";
const NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all"];

const root = mkdtempSync(join(tmpdir(), "tallywire-mends-"));
let folder: string;
let count = 0;
beforeEach(() => {
  folder = join(root, String(count++));
  mkdirSync(folder);
});
chmodSync(root, 0o755);
afterAll(() => rmSync(root, { recursive: true, force: true }));

const isRoot = process.getuid?.() === 0;
const mayBeNobody = isRoot && spawnSync(NOBODY[0]!, [...NOBODY.slice(1), process.execPath, COMMAND, "--version"]).status === 0;
if (!mayBeNobody) console.warn("what doctor proposes to another user is not tested: it takes root, and setpriv");

/** Runs the command that a mend begins with. */
function runMend(mend: string | undefined): void {
  const [command = ""] = mend!.split(/[;,] /);
  expect(command).toMatch(/^sudo install -d -o 65534 -m 700 /);
  execFileSync("sh", ["-c", command.replace(/^sudo /, "")]);
}

/** Owner and mode of what must stay as it is. */
const stateOf = (path: string) => [statSync(path).uid, statSync(path).mode];

describe.runIf(mayBeNobody)("of a spool, to nobody", { timeout: 60_000 }, () => {
  const look = async (spool: string, ...more: string[]) =>
    (await examine(["--spool", spool, "--edge", "e", ...more], { by: NOBODY })).found.spool;

  test("a folder that is not there is made", async () => {
    for (const name of ["spool", "a folder/it's $one"]) {
      const spool = join(folder, name);
      const found = await look(spool);
      expect(found).toMatchObject({ status: "failed", found: `nothing can be kept in ${folder}: uid 65534 may not` });
      const before = stateOf(folder);
      runMend(found?.mend);
      expect(stateOf(folder)).toEqual(before);
      expect((await look(spool))?.status).toBe("ok");
    }
    expect((await look("/tallywire-of-nobody"))?.mend).toMatch(/^sudo install -d -o 65534 -m 700 \/tallywire-of-nobody; /);
  });

  test("beside what somebody else has, a folder of its own is", async () => {
    const before = stateOf(folder);
    const own = join(folder, "tallywire");
    const { mend } = (await look(folder))!;
    expect(mend).toContain(`, with --spool ${own};`);
    runMend(mend);
    expect(stateOf(folder)).toEqual(before);
    expect((await look(own))?.status).toBe("ok");
    expect((await look(folder))?.mend).toBe(OTHER_FOLDER);
  });

  test("what is there is never given away", async () => {
    const file = join(folder, "file");
    writeFileSync(file, "");
    expect(await look(file)).toMatchObject({ status: "failed", mend: OTHER_FOLDER });
    mkdirSync(join(folder, "e"));
    expect((await look(folder))?.mend).toBe(`run it as uid 0, whose folder that is, or ${OTHER_FOLDER}`);
    mkdirSync(join(folder, "closed"), { mode: 0o700 });
    expect((await look(join(folder, "closed/spool")))?.mend).toBe(OTHER_FOLDER);
  });

  test("a token that cannot be made beside a spool is told", async () => {
    mkdirSync(join(folder, "e"));
    execFileSync("chown", ["65534", join(folder, "e")]);
    const words = ["--spool", folder, "--edge", "e", "--listen", `unix:${join(folder, "e/agent.sock")}`];
    const { found } = await examine(words, { by: NOBODY });
    expect(found.spool?.status).toBe("ok");
    expect(found.listen?.found).toBe(`no token can be made at ${folder}/e.token: uid 65534 may not write to ${folder}`);
  });
});

const hasMount = isRoot && spawnSync("unshare", ["--mount", "true"]).status === 0;

test.runIf(hasMount)("on a disk that is mounted read-only another folder is named", async () => {
  const script = `mount -t tmpfs -o ro tmpfs ${folder}; exec "$@"`;
  const by = ["unshare", "--mount", "sh", "-c", script, "sh"];
  const words = ["--spool", join(folder, "spool"), "--edge", "e", "--listen", `unix:${folder}/agent.sock`];
  const { found } = await examine(words, { by });
  expect(found.spool).toEqual({
    status: "failed",
    found: `nothing can be kept in ${folder}: it is mounted read-only`,
    mend: OTHER_FOLDER,
  });
  expect(found.listen?.mend).toBe(OTHER_PLACE);
});

test.runIf(isRoot)(
  "a disk that is too small for any spool is not told a size",
  async () => {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=8m", "tmpfs", folder]);
    try {
      const { found } = await examine(["--spool", folder, "--edge", "e", "--spool-size", "1"]);
      expect(found.spool?.mend).toBe("make room, or name a folder on a larger disk with --spool");
      execFileSync("mount", ["-o", "remount,size=40m", folder]);
      const small = (await examine(["--spool", folder, "--edge", "e"])).found.spool;
      const [, size] = /--spool-size (\d+)$/.exec(small?.mend ?? "") ?? [];
      expect((await examine(["--spool", folder, "--edge", "e", "--spool-size", size!])).found.spool?.status).toBe("ok");
    } finally {
      execFileSync("umount", [folder]);
    }
  },
  60_000,
);

describe("where the agent answers", { timeout: 60_000 }, () => {
  const look = async (address: string, edge = "here", by: readonly string[] = []) =>
    (await examine(["--spool", join(folder, "spool"), "--edge", edge, "--listen", address], { by })).found.listen;

  test("another program that is well is another program, and another edge's agent is named", async () => {
    const server = createHttpServer((_, response) => response.end("ok\n")).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    expect(await look(`127.0.0.1:${port}`)).toEqual({
      status: "failed",
      found: `another program is at 127.0.0.1:${port}`,
      mend: OTHER_PLACE,
    });
    server.close();
    const running = await AskedAgent.start(folder, ["--file", "-"]);
    const place = `unix:${join(folder, "agent.sock")}`;
    expect(await look(place)).toMatchObject({
      status: "ok",
      found: `the agent of edge here answers at ${place} already; the token is in ${folder}/spool/here.token`,
    });
    expect(await look(place, "there")).toEqual({
      status: "failed",
      found: `the agent of edge here is at ${place}`,
      mend: OTHER_PLACE,
    });
    running.child.stdin.end();
    await running.ended;
  });

  test("a dead socket is in nobody's way, and a file is", async () => {
    const path = join(folder, "dead.sock");
    const script = `require("net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
    spawnSync(process.execPath, ["-e", script]);
    expect(existsSync(path)).toBe(true);
    expect((await look(`unix:${path}`))?.status).toBe("ok");
    writeFileSync(join(folder, "file"), "");
    expect(await look(`unix:${folder}/file`)).toMatchObject({ status: "failed", mend: OTHER_PLACE });
  });

  test.runIf(mayBeNobody)("to nobody: a folder of its own, never the one that is there", async () => {
    mkdirSync(join(folder, "spool"));
    execFileSync("chown", ["65534", join(folder, "spool")]);
    const before = stateOf(folder);
    const missing = await look(`unix:${folder}/run/tw.sock`, "here", NOBODY);
    expect(missing?.mend).toBe(`sudo install -d -o 65534 -m 700 ${folder}/run, or another path with --listen`);
    runMend(missing?.mend);
    expect((await look(`unix:${folder}/run/tw.sock`, "here", NOBODY))?.status).toBe("ok");
    const { mend } = (await look(`unix:${folder}/tw.sock`, "here", NOBODY))!;
    expect(mend).toMatch(/, with --listen unix:.*\/tallywire\/tw\.sock$/);
    runMend(mend);
    expect((await look(/--listen (.*)$/.exec(mend!)![1]!, "here", NOBODY))?.status).toBe("ok");
    expect((await look(`unix:${folder}/tw.sock`, "here", NOBODY))?.mend).toBe(OTHER_PLACE);
    expect(stateOf(folder)).toEqual(before);
  });

  test("a token that others may read, and one that is none, say what mends them", async () => {
    const token = join(folder, "a token");
    const ask = async () =>
      (await examine(["--spool", folder, "--edge", "e", "--listen", `unix:${folder}/a.sock`, "--token-file", token])).found
        .listen;
    const mend = "leave --token-file out, and one is made beside the spool";
    expect(await ask()).toEqual({ status: "failed", found: `cannot read the token ${token}: there is no such file`, mend });
    writeFileSync(token, "short", { mode: 0o600 });
    expect((await ask())?.mend).toBe(mend);
    writeFileSync(token, "a-token-that-others-read");
    chmodSync(token, 0o644);
    const open = await ask();
    execFileSync("sh", ["-c", open!.mend!.replace(/^run: /, "")]);
    expect((await ask())?.status).toBe("ok");
  });
});

const missing = networkMissing();

describe.runIf(missing === undefined)("of captures", { timeout: 60_000 }, () => {
  const words = ["-i", "lo", "--edge", "e"];

  test("threads that have no rings are refused as an agent refuses them", async () => {
    for (const other of [
      ["-f", "vlan"],
      ["--capture", "libpcap"],
    ]) {
      const { code, found } = await examine([...words, "--spool", folder, "--threads", "4", ...other]);
      expect([code, found.capture?.found]).toEqual([1, "several threads take rings"]);
      const agent = await tallywire(["agent", ...words, "--spool", folder, "--threads", "4", ...other]);
      expect([agent.code, agent.stderr]).toEqual([2, `tallywire: several threads take rings; ${found.capture?.mend}\n`]);
    }
  });

  test("rings count as memory, each thread's", async () => {
    const { found } = await examine([...words, "--spool", folder, "--threads", "2", "--ring", "16"]);
    expect(found.memory?.found).toContain("and 33.6 MB of the kernel's for packets that wait");
  });

  test("a key log that is not there yet is told by each", async () => {
    const keys = join(folder, "keys.log");
    const line = `the key log ${keys} is not there yet: TLS stays closed until it is`;
    const { found } = await examine([...words, "--spool", folder, "--tls-keys", keys]);
    expect(found.tls).toEqual({
      status: "warning",
      found: line,
      mend: `start what is looked into with SSLKEYLOGFILE=${keys}`,
    });
    for (const command of [
      ["watch"],
      ["agent", "--spool", folder, "--edge", "e"],
      ["agent", "--spool", folder, "--threads", "2"],
    ]) {
      const by = spawnSync("timeout", ["-s", "INT", "3", process.execPath, COMMAND, ...command, "-i", "lo", "--tls-keys", keys], {
        encoding: "utf8",
      });
      expect(by.stderr.split(`tallywire: ${line}\n`)).toHaveLength(2);
    }
    writeFileSync(keys, "");
    expect((await examine([...words, "--spool", folder, "--tls-keys", keys])).found.tls?.status).toBe("ok");
    mkdirSync(join(folder, "is a folder"));
    const other = await examine([...words, "--spool", folder, "--tls-keys", join(folder, "is a folder")]);
    expect(other.found.tls).toMatchObject({ status: "failed", found: expect.stringContaining("is no plain file") });
  });
});

test("a port that is taken by what speaks no HTTP is told", async () => {
  const server = createServer((socket) => socket.destroy()).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const { found } = await examine(["--spool", folder, "--edge", "e", "--listen", `127.0.0.1:${port}`]);
  expect(found.listen?.found).toBe(`another program is at 127.0.0.1:${port}`);
  server.close();
});
