/** Who an agent is while it captures: somebody with CAP_NET_RAW alone, or who gave root up. */
import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LiveAgents, send } from "../support/capture/live-agents";
import { Network, networkMissing } from "../support/capture/network";
import { COMMAND, tallywire } from "../support/command";

/** Debian's nobody, and nogroup. */
const NOBODY = 65_534;
const CAP_NET_RAW = "0000000000002000";
const NOTHING = "0000000000000000";

const asNobody = (...capabilities: string[]) => [
  "setpriv",
  `--reuid=${NOBODY}`,
  `--regid=${NOBODY}`,
  "--clear-groups",
  `--inh-caps=${["-all", ...capabilities].join(",")}`,
  ...(capabilities.length > 0 ? [`--ambient-caps=${["-all", ...capabilities].join(",")}`] : []),
];

/** What keeps this host from testing it, one line. */
function privilegesMissing(): string | undefined {
  const missing = networkMissing();
  if (missing !== undefined) return missing;
  const [program, ...words] = asNobody();
  if (spawnSync("setpriv", ["--version"]).status !== 0) return "setpriv is not installed (Debian: apt-get install util-linux)";
  if (spawnSync(program!, [...words, "test", "-r", COMMAND]).status !== 0) return "only root reads this folder";
  return undefined;
}

const missing = privilegesMissing();
if (missing !== undefined) console.warn(`privileges are not tested: ${missing}`);

/** What the kernel says of a process' threads: of each the same. */
function statusOf(pid: number) {
  const one = (thread: string) => {
    const status = readFileSync(`/proc/${pid}/task/${thread}/status`, "utf8");
    const field = (name: string) => new RegExp(`^${name}:\\s*(.*)$`, "m").exec(status)![1]!.trim();
    const ids = (name: string) => [...new Set(field(name).split(/\s+/).filter(Boolean).map(Number))];
    return {
      users: ids("Uid"),
      groups: ids("Gid"),
      others: ids("Groups"),
      effective: field("CapEff"),
      permitted: field("CapPrm"),
    };
  };
  const main = { ...one(String(pid)), noNewPrivileges: /^NoNewPrivs:\s*1$/m.test(readFileSync(`/proc/${pid}/status`, "utf8")) };
  return { main, threads: readdirSync(`/proc/${pid}/task`).map(one) };
}

describe.runIf(missing === undefined)("an agent", { timeout: 120_000 }, () => {
  let network: Network;
  let agents: LiveAgents;

  beforeAll(async () => {
    network = new Network();
    agents = new LiveAgents(network);
    await network.ready();
  });
  afterAll(() => {
    network?.remove();
    agents?.remove();
  });

  /** A spool's folder that somebody owns. */
  function ownedSpool(): string {
    const spool = agents.spool();
    chownSync(spool, NOBODY, NOBODY);
    return spool;
  }

  test.each([
    ["any", NOTHING, 1],
    ["l*", NOTHING, 1],
    ["lo", CAP_NET_RAW, 1],
    ["lo", CAP_NET_RAW, 2],
  ])("on %s gives root up for good (%s, %i threads), and goes on to capture and to keep minutes", async (name, kept, count) => {
    const above = agents.spool();
    chmodSync(above, 0o755);
    const spool = join(above, "state/spool");
    const running = await agents.startBy([], spool, "-i", name, "--user", "nobody", "--threads", String(count));
    const { main, threads } = statusOf(running.child.pid!);
    expect(main).toEqual({
      users: [NOBODY],
      groups: [NOBODY],
      others: [NOBODY],
      effective: kept,
      permitted: kept,
      noNewPrivileges: true,
    });
    for (const thread of threads) {
      expect([thread.users, thread.groups, thread.others]).toEqual([[NOBODY], [NOBODY], [NOBODY]]);
      expect([kept, NOTHING]).toContain(thread.permitted);
    }
    await send(network.near, 200, "127.0.0.1:9");
    const { sum, said } = await agents.end(running);
    expect(sum("capture_udp_packets_total")).toBe(200);
    expect(said).toContain("root's rights are given up: from now on this is nobody");
    expect(said).toContain("dropped before the capture: none");
    const files = readdirSync(join(spool, "e"), { recursive: true, encoding: "utf8" });
    expect(files.some((file) => /\.twb$/.test(file))).toBe(true);
    for (const file of ["..", "", ...files]) expect(statSync(join(spool, "e", file)).uid).toBe(NOBODY);
    expect(statSync(join(above, "state")).uid).toBe(0);
  });

  test("that gave root up goes on when its interface is back", async () => {
    const running = await agents.startBy([], ownedSpool(), "-i", "tw0", "--user", "nobody:nogroup");
    await send(network.far, 100, "10.77.0.1:9");
    network.near.run("ip", "link", "del", "tw0");
    await running.says(/capturing goes on when it is back/);
    network.connect();
    await running.says(/interface tw0 is back/);
    await network.ready();
    await send(network.far, 100, "10.77.0.1:9");
    const { sum } = await agents.end(running);
    expect(sum("capture_udp_packets_total")).toBe(200);
  });

  test("captures with CAP_NET_RAW alone, and says what is missing without it", async () => {
    const running = await agents.startBy(asNobody("+net_raw"), ownedSpool(), "-i", "lo");
    expect(statusOf(running.child.pid!).main).toMatchObject({ users: [NOBODY], effective: CAP_NET_RAW, permitted: CAP_NET_RAW });
    await send(network.near, 200, "127.0.0.1:9");
    const { sum } = await agents.end(running);
    expect(sum("capture_udp_packets_total")).toBe(200);
    await expect(agents.startBy(asNobody(), ownedSpool(), "-i", "lo")).rejects.toThrow(/capturing takes CAP_NET_RAW/);
  });

  test("ends where it cannot become who it should", async () => {
    const start = (by: string[], spool: string, user: string) => agents.startBy(by, spool, "-i", "lo", "--user", user);
    await expect(start(asNobody("+net_raw"), ownedSpool(), "daemon")).rejects.toThrow(/cannot become daemon, which takes root/);
    await expect(start([], agents.spool(), "nobody")).rejects.toThrow(
      /nobody cannot write to .*: it may not enter .*; name a folder that it reaches with --spool/,
    );
  });

  test("is refused what root left in its spool, with what mends it", async () => {
    const spool = ownedSpool();
    const left = join(spool, "e/run-0123456789abcdef.json");
    mkdirSync(dirname(left));
    writeFileSync(left, "of root", { mode: 0o600 });
    const words = [spool, "-i", "lo", "--user", "nobody"] as const;
    const refused = new RegExp(`nobody cannot write to ${spool}/e; run: chown -R nobody ${spool}/e; or name another`);
    await expect(agents.startBy([], ...words)).rejects.toThrow(refused);
    chownSync(join(spool, "e"), NOBODY, NOBODY);
    await expect(agents.startBy([], ...words)).rejects.toThrow(
      `nobody cannot write to ${left}; run: chown -R nobody ${spool}/e;`,
    );
    chownSync(left, NOBODY, NOBODY);
    await (await agents.startBy([], ...words)).stop();
  });

  test("is given nothing of root's that links in its spool lead to", async () => {
    const others = agents.spool();
    const [secret, draft] = [join(others, "secret"), join(others, "notes.draft")];
    for (const path of [secret, draft]) writeFileSync(path, "root's", { mode: 0o600 });
    const spool = ownedSpool();
    const ofRoot = () => [others, secret, draft].map((path) => statSync(path).uid);
    const start = () => agents.startBy([], spool, "-i", "lo", "--user", "nobody", "--listen", `unix:${join(spool, "socket")}`);

    chmodSync(others, 0o755);
    symlinkSync(others, join(spool, "e"));
    await expect(start()).rejects.toThrow(/nobody cannot write to/);
    expect([...ofRoot(), readdirSync(others).sort()]).toEqual([0, 0, 0, ["notes.draft", "secret"]]);

    rmSync(join(spool, "e"));
    mkdirSync(join(spool, "e"));
    chownSync(join(spool, "e"), NOBODY, NOBODY);
    // Inside, too, and another name of the same file.
    symlinkSync(secret, join(spool, "e/run-0123456789abcdef.json"));
    symlinkSync(others, join(spool, "e/others"));
    symlinkSync(secret, join(spool, "e.token.draft"));
    await (await start()).stop();
    expect([...ofRoot(), readFileSync(secret, "utf8"), readFileSync(draft, "utf8")]).toEqual([0, 0, 0, "root's", "root's"]);
    expect(statSync(join(spool, "e.token")).uid).toBe(NOBODY);
  });

  test("makes no folder as root where another could put a link in its place", async () => {
    const above = ownedSpool();
    const running = await agents.startBy([], join(above, "spool"), "-i", "lo", "--user", "nobody");
    await running.stop();
    expect(statSync(join(above, "spool")).uid).toBe(NOBODY);
    const open = agents.spool();
    chmodSync(open, 0o777);
    symlinkSync(agents.spool(), join(open, "link"));
    await expect(agents.startBy([], join(open, "link/spool"), "-i", "lo", "--user", "daemon")).rejects.toThrow(
      /daemon cannot write to/,
    );
  });

  test("answers to its own user, and takes over other places to answer", async () => {
    const spool = ownedSpool();
    const [config, socket] = [join(spool, "agent.yaml"), join(spool, "socket")];
    writeFileSync(config, `listen: { address: "unix:${socket}" }\n`, { mode: 0o640 });
    const running = await agents.startBy([], spool, "-i", "lo", "--user", "nobody", "--config", config);
    const ask = (path: string, ...words: string[]) => {
      const token = `Authorization: Bearer ${readFileSync(join(spool, "e.token"), "utf8").trim()}`;
      const [program, ...by] = asNobody();
      return execFileSync(program!, [...by, "curl", "-sS", "--unix-socket", path, "-H", token, ...words], { encoding: "utf8" });
    };
    expect(ask(socket, "http://x/metrics")).toContain("tallywire_sealed_minutes_total");
    expect([statSync(socket).uid, statSync(join(spool, "e.token")).uid]).toEqual([NOBODY, NOBODY]);

    const reload = () => JSON.parse(ask(socket, "-X", "POST", "http://x/api/v1/reload"));
    const mend = `chgrp ${NOBODY} ${config} && chmod 640 ${config}`;
    expect(reload().error).toBe(
      `cannot read the configuration ${config}: you may not read it, as --user has this go on as nobody; run: ${mend}`,
    );
    execFileSync("sh", ["-c", mend]);
    writeFileSync(config, `listen: { address: "unix:${socket}.2" }\n`);
    expect(reload()).toMatchObject({ changed: ["listen.address"] });
    expect(ask(`${socket}.2`, "http://x/metrics")).toContain("tallywire_sealed_minutes_total");
    await running.stop();
  });
});

test.each([
  [["agent", "-i", "lo", "--user", "nobody-of-that-name"], /there is no user nobody-of-that-name on this host/],
  [["agent", "-i", "lo", "--user", "1:no-such-group"], /there is no group no-such-group on this host/],
  [["agent", "-i", "lo", "--user", "4000000000"], /user 4000000000 has no group of its own; write 4000000000:GROUP/],
  [["watch", "-i", "lo", "--user", "root"], /--user root would give nothing up/],
  [["stat", "-i", "lo", "--user", "a:b:c"], /"a:b:c" is no user; write NAME or NAME:GROUP/],
  [["watch", "-r", "capture.pcap", "--user", "1:1"], /--user is for captures of interfaces/],
  [["agent", "--file", "capture.pcap", "--user", "1:1"], /--user is for captures of interfaces/],
])("%j says what is wrong", async (words, what) => {
  const { code, stderr } = await tallywire(words);
  expect([code, stderr]).toEqual([2, expect.stringMatching(what)]);
});
