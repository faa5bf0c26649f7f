/** Who an agent is while it captures: somebody with CAP_NET_RAW alone, or who gave root up. */
import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
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
    const spool = agents.spool();
    chmodSync(spool, 0o755);
    mkdirSync(join(spool, "e/refused"), { recursive: true });
    writeFileSync(join(spool, "e/run-0123456789abcdef.json"), "of root", { mode: 0o600 });
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
    for (const file of ["", ...files]) expect(statSync(join(spool, "e", file)).uid).toBe(NOBODY);
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
      /nobody cannot write to .*; name a folder that it reaches with --spool/,
    );
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
