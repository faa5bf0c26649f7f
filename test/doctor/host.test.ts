/** What doctor says of a host: of its programs, rights, interfaces, memory and disk, each taken away for true. */
import { execFileSync, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { groupLimitBytes } from "../../shim/doctor/memory";
import { checkNode, NODE_LEAST } from "../../shim/doctor/node";
import { AskedAgent } from "../support/agent-http";
import { hasLibpcap, Network, networkMissing } from "../support/capture/network";
import { COMMAND } from "../support/command";
import { examine } from "../support/doctor";
import { ROOT, textOf } from "../support/repository";

const folder = mkdtempSync(join(tmpdir(), "tallywire-doctor-"));
const spool = join(folder, "spool");
const words = ["--spool", spool, "--edge", "e"];
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const works = (program: string, ...rest: string[]) => spawnSync(program, rest).status === 0;

test("an old Node is told which one to take", () => {
  expect(JSON.parse(textOf("package.json")).engines.node).toBe(`>=${NODE_LEAST.join(".")}`);
  expect(checkNode("20.19.0").status).toBe("ok");
  expect(checkNode("24.0.0").status).toBe("ok");
  expect(checkNode("20.18.3").mend).toContain("install Node 20.19 or later");
  expect(checkNode("18.20.0").status).toBe("failed");
});

test("words that an agent would refuse fail, each with what is wrong", async () => {
  expect((await examine(words)).found.words?.status).toBe("ok");
  for (const [option, value, wrong] of [
    ["--labels", "http=foo", '"foo" is no label of http'],
    ["--protocol", "http", '"http" is no protocol with its port'],
    ["--host-network", "office", '"office" is no network'],
    ["--user", "nobody-of-this-name", "there is no user nobody-of-this-name on this host"],
  ] as const)
    expect((await examine([...words, option, value])).found.words).toMatchObject({ status: "failed", found: wrong });
  expect((await examine([...words, "--no-owners"])).found.owners?.status).toBe("skipped");
});

describe("a program", () => {
  const copy = join(folder, "copy");
  const command = COMMAND.replace(ROOT, `${copy}/`);
  const look = async () => (await examine(words, { command })).found;

  beforeAll(() => {
    for (const part of ["build/shim", "shim/bin"]) cpSync(join(ROOT, part), join(copy, part), { recursive: true });
    symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
  });

  test("without its core, and with that of another", async () => {
    expect((await look()).core).toMatchObject({ status: "failed", mend: "run: npm run build" });
    copyFileSync(join(ROOT, "build/test/other-abi.wasm"), join(copy, "build/core.wasm"));
    expect((await look()).core?.found).toMatch(/^the core speaks ABI 4000000001, this program \d+$/);
  });

  test("without its addon, and with a damaged one", async () => {
    const platform = `${process.platform}-${process.arch}`;
    copyFileSync(join(ROOT, "build/core.wasm"), join(copy, "build/core.wasm"));
    const missing = (await look()).addon;
    expect(missing?.status).toMatch(/^(failed|warning)$/);
    expect(missing?.found).toContain(`none was built for ${platform}`);
    expect(missing?.mend).toContain("npm run build");
    const name = process.platform === "linux" ? `${platform}-glibc` : platform;
    mkdirSync(join(copy, "build/native", name), { recursive: true });
    writeFileSync(join(copy, "build/native", name, "tallywire.node"), "no library");
    const damaged = (await look()).addon;
    expect(damaged?.status).toBe(missing?.status);
    expect(damaged?.found).toContain("tallywire.node");
  });
});

describe("where the agent answers", () => {
  const look = async (address: string, ...more: string[]) =>
    (await examine([...words, "--listen", address, ...more])).found.listen;

  test("is free, is an agent's, or is another's; and what cannot be", async () => {
    expect((await examine(words)).found.listen?.status).toBe("skipped");
    const path = join(folder, "agent.sock");
    const place = `unix:${path}`;
    expect(await look(place)).toMatchObject({ status: "ok", found: expect.stringContaining(`${spool}/e.token, and made`) });
    expect(existsSync(path) || existsSync(join(spool, "e.token"))).toBe(false);
    expect(await look("unix:/nowhere/agent.sock")).toMatchObject({ status: "failed" });
    expect((await look("0.0.0.0:9464"))?.found).toMatch(/reached from other hosts/);
    const shown = join(folder, "shown-token");
    writeFileSync(shown, "a-token-that-others-read", { mode: 0o644 });
    expect(await look(place, "--token-file", shown)).toMatchObject({ status: "failed", mend: `run: chmod 600 ${shown}` });
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    server.on("connection", (socket) => socket.destroy());
    expect(await look(`127.0.0.1:${port}`)).toMatchObject({ status: "failed", found: `another program is at 127.0.0.1:${port}` });
    server.close();
    await once(server, "close");
    expect((await look(`127.0.0.1:${port}`))?.status).toBe("ok");
    const beside = join(folder, "beside");
    mkdirSync(beside);
    const running = await AskedAgent.start(beside, ["--file", "-"]);
    expect(await look(`unix:${join(beside, "agent.sock")}`, "--edge", "here")).toMatchObject({
      status: "ok",
      found: expect.stringContaining("the agent of edge here answers"),
    });
    running.child.stdin.end();
    await running.ended;
  }, 60_000);
});

describe("the spool", () => {
  const look = async (path: string, ...more: string[]) => (await examine(["--spool", path, "--edge", "e", ...more])).found.spool;

  test("that is not there yet is not made; one that is stays as it was", async () => {
    const found = await look(spool);
    expect(found).toEqual({
      status: expect.stringMatching(/^(ok|warning)$/),
      found: expect.stringContaining("nothing waits in"),
    });
    expect(existsSync(spool)).toBe(false);
    mkdirSync(join(spool, "e"), { recursive: true });
    const waiting = "0029000000-00000000000000ab-0-0.twb";
    for (const name of [waiting, "open-minutes.json", "tags-00000000000000ab.txt"])
      writeFileSync(join(spool, "e", name), "12345");
    expect((await look(spool))?.found).toContain("1 minute (5 B) wait in");
    expect(readdirSync(join(spool, "e")).sort()).toEqual([waiting, "open-minutes.json", "tags-00000000000000ab.txt"]);
  });

  test("that is a file, or of no name", async () => {
    writeFileSync(join(folder, "file"), "");
    expect(await look(join(folder, "file"))).toMatchObject({
      status: "failed",
      found: expect.stringContaining("it is no folder"),
    });
    const nameless = (await examine(["--spool", spool, "--edge", "no name"])).found.spool;
    expect([nameless?.status, nameless?.found]).toEqual(["failed", '"no name" cannot name an edge']);
  });

  const disk = join(folder, "disk");
  mkdirSync(disk);
  const isMounted = process.getuid?.() === 0 && works("mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", disk);
  if (!isMounted) console.warn("a full disk is not tested: only root may mount one");
  afterAll(() => {
    if (isMounted) execFileSync("umount", [disk]);
  });

  test.runIf(isMounted)("on a small disk is told its size, and on a full one that it is full", async () => {
    mkdirSync(join(disk, "e"));
    const small = await look(disk);
    expect(small).toEqual({
      status: "warning",
      found: expect.stringMatching(/4\.\d+ MB are free, and it may take 285 MB$/),
      mend: "make room, or name a folder on a larger disk with --spool",
    });
    expect(spawnSync("sh", ["-c", `cat /dev/zero > ${join(disk, "filler")}`]).status).not.toBe(0);
    expect(await look(disk)).toEqual({
      status: "failed",
      found: `nothing can be kept in ${join(disk, "e")}: the disk is full`,
      mend: "make room, or name another folder with --spool or TALLYWIRE_SPOOL",
    });
    expect(readdirSync(join(disk, "e"))).toEqual([]);
  });
});

test("the memory that control groups leave is the least of those above", () => {
  const root = join(folder, "groups");
  const group = join(root, "sys/fs/cgroup/system.slice/tallywire-agent.service");
  mkdirSync(group, { recursive: true });
  mkdirSync(join(root, "proc/self"), { recursive: true });
  expect(groupLimitBytes(root)).toBeUndefined();
  writeFileSync(join(root, "proc/self/cgroup"), "4:memory:/other\n0::/system.slice/tallywire-agent.service\n");
  expect(groupLimitBytes(root)).toBeUndefined();
  writeFileSync(join(group, "memory.max"), "max\n");
  expect(groupLimitBytes(root)).toBeUndefined();
  writeFileSync(join(group, "..", "memory.max"), "134217728\n");
  expect(groupLimitBytes(root)).toBe(134_217_728);
  writeFileSync(join(group, "memory.max"), "67108864\n");
  expect(groupLimitBytes(root)).toBe(67_108_864);
});

const missing = networkMissing();
if (missing !== undefined) console.warn(`doctor is not tested with rights and without: ${missing}`);

describe.runIf(missing === undefined)("rights", { timeout: 60_000 }, () => {
  const NOBODY = ["--reuid=65534", "--regid=65534", "--clear-groups"];
  const AMBIENT = ["--inh-caps=+net_raw", "--ambient-caps=+net_raw"];
  const nobody = ["setpriv", ...NOBODY, "--inh-caps=-all"];
  const isReadable = works(...(["setpriv", ...NOBODY, process.execPath, COMMAND, "--version"] as [string, ...string[]]));
  if (!isReadable) console.warn("doctor is not tested as another user: nobody may not read this folder, or setpriv is not there");
  const open = join(folder, "open");

  beforeAll(() => {
    chmodSync(folder, 0o755);
    mkdirSync(open);
    chmodSync(open, 0o777);
    rmSync(spool, { recursive: true, force: true });
    mkdirSync(join(spool, "e"), { recursive: true, mode: 0o755 });
  });

  test("of root suffice", async () => {
    const { found } = await examine([...words, "-i", "lo"]);
    expect(found.addon).toEqual({ status: "ok", found: expect.stringMatching(/^that of linux-\w+-\w+ loads$/) });
    expect(found.capability).toEqual({ status: "ok", found: "CAP_NET_RAW, as uid 0" });
    expect(found.interfaces).toEqual({ status: "ok", found: "lo: lo" });
    expect(found.capture).toEqual({
      status: "ok",
      found: "lo through a ring of the kernel's, 8.39 MB for packets that wait",
    });
    expect(found.core?.found).toMatch(/^ABI \d+, schema [0-9a-f]+, \d+ protocols, with a budget of 24 MiB$/);
    if (hasLibpcap()) expect(found.libpcap).toEqual({ status: "ok", found: expect.stringMatching(/^libpcap version \d/) });
  });

  test.runIf(isReadable)("of nobody do not, and what they lack is named with what gives it", async () => {
    const { code, found } = await examine(words, { by: nobody });
    expect(code).toBe(1);
    expect(found.capability?.found).toBe("CAP_NET_RAW is missing, as uid 65534");
    expect(found.capability?.mend).toMatch(
      /^in a unit AmbientCapabilities=CAP_NET_RAW; in a shell: sudo env .* setpriv .* tallywire/,
    );
    expect(found.capture?.status).toBe("skipped");
    expect(found.interfaces?.found).toMatch(/\blo\b/);
    expect(found.spool).toMatchObject({
      status: "failed",
      found: `nothing can be kept in ${join(spool, "e")}: uid 65534 may not`,
    });
    expect(found.spool?.mend).toContain("StateDirectory=tallywire");
  });

  test.runIf(isReadable)("of nobody with CAP_NET_RAW suffice for a ring beyond the memory that may be locked", async () => {
    const by = ["prlimit", "--memlock=0:0", "setpriv", ...NOBODY, ...AMBIENT];
    const { found } = await examine(["--spool", open, "--edge", "e", "-i", "lo", "--ring", "32"], { by });
    expect(found.capability).toEqual({ status: "ok", found: "CAP_NET_RAW, as uid 65534" });
    expect(found.capture?.found).toBe("lo through a ring of the kernel's, 33.6 MB for packets that wait");
    expect(found.memory?.status).toMatch(/^(ok|warning)$/);
    if (found.memory?.status === "ok")
      expect(found.memory.found).toContain("the ring is no locked memory, and was opened with a limit of 0 B of that");
    expect(found.spool?.status).toMatch(/^(ok|warning)$/);
  });

  test.runIf(isReadable)("that were taken away for good are told apart", async () => {
    const { found } = await examine(words, { by: [...nobody, "--bounding-set=-net_raw"] });
    expect(found.capability?.found).toBe("CAP_NET_RAW was taken away from all that runs here, uid 65534 too");
    expect(found.capability?.mend).toContain("--cap-add NET_RAW");
  });

  test("an interface that is not there, and one that may come", async () => {
    const none = await examine([...words, "-i", "nowhere0"]);
    expect([none.code, none.found.interfaces?.status, none.found.capture?.status]).toEqual([1, "failed", "failed"]);
    expect(none.found.interfaces?.found).toMatch(/^none is nowhere0 now; there are .*\blo\b/);
    const later = await examine([...words, "-i", "nowhere*"]);
    expect([later.found.interfaces?.status, later.found.capture?.status]).toEqual(["warning", "ok"]);
    const some = await examine([...words, "-i", "lo,nowhere0"]);
    expect([some.found.interfaces?.status, some.found.capture?.status]).toEqual(["warning", "ok"]);
    expect(some.found.interfaces?.found).toBe("lo; there is no nowhere0 now, and what comes later is taken");
  });

  test("without libpcap only what needs it fails", async () => {
    const hide =
      "for file in /usr/lib*/libpcap.so* /usr/lib/*/libpcap.so*; do [ ! -e $file ] || mount --bind /dev/null $file; done";
    const by = ["unshare", "--mount", "sh", "-c", `${hide}; exec "$@"`, "sh"];
    const plain = (await examine(words, { by })).found;
    expect(plain.libpcap).toMatchObject({
      status: "warning",
      found: expect.stringMatching(/^it is not installed, which rarer words of -f/),
    });
    expect(plain.libpcap?.mend).toContain("apt-get install libpcap0.8");
    expect(plain.capture?.status).toBe("ok");
    const common = await examine([...words, "-f", "port 53"], { by });
    expect([common.found.libpcap?.status, common.found.capture?.status]).toEqual(["warning", "ok"]);
    const rarer = await examine([...words, "-f", "vlan 5"], { by });
    expect([rarer.code, rarer.found.libpcap?.status, rarer.found.capture?.status]).toEqual([1, "failed", "failed"]);
  });

  test("a filter that is none, and one that is larger than the kernel allows", async () => {
    const network = new Network();
    try {
      const by = network.near.words();
      const look = (...more: string[]) => examine([...words, "-i", "tw0", ...more], { by });
      expect((await look("-f", "port http or or")).found.capture?.found).toMatch(/^"port http or or" is no filter: /);
      network.near.run("ip", "link", "set", "tw0", "down");
      expect((await look()).found.capture).toMatchObject({ status: "failed", mend: "ip link set tw0 up" });
      network.near.run("ip", "link", "set", "tw0", "up");
      // Since Linux 6.8 it is each namespace's own.
      const hasOwn = works(...(network.near.words("sysctl", "-qw", "net.core.optmem_max=512") as [string, ...string[]]));
      if (!hasOwn) return;
      const filter = Array.from({ length: 60 }, (_, index) => `host 192.0.2.${index}`).join(" or ");
      const { found } = await look("-f", filter);
      expect(found.capture?.mend).toBe("sudo sysctl net.core.optmem_max=131072, or a shorter -f");
    } finally {
      network.remove();
    }
  });
});
