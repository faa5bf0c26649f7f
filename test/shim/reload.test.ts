/** An agent that reads its configuration again while packets come by: what has changed is in force, and nothing is lost by it. */
import { existsSync, readdirSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { writeWhole } from "../../shim/write-whole";
import { type Ended, LiveAgents, send } from "../support/capture/live-agents";
import { Listener, Network, networkMissing } from "../support/capture/network";
import { COMMAND } from "../support/command";

const DATAGRAMS = 40_000;
const PORT = "8787";

const missing = networkMissing();
if (missing !== undefined) console.warn(`an agent's configuration is not read again: ${missing}`);

describe.runIf(missing === undefined)("SIGHUP", () => {
  let network: Network;
  let agents: LiveAgents;
  let folder: string;
  let path: string;
  beforeAll(async () => {
    network = new Network();
    await network.ready();
    agents = new LiveAgents(network);
    folder = agents.spool();
    path = join(folder, "agent.yaml");
  });
  afterAll(() => {
    network?.remove();
    agents?.remove();
  });

  /** Puts a configuration in the place of the one before, as a whole. */
  const configure = (text: string) => writeWhole(path, text);

  /** Has the agent read it again, and gives what it says of it. */
  const reload = async (agent: Listener, text: string): Promise<string> => {
    configure(text);
    const before = agent.said.length;
    agent.child.kill("SIGHUP");
    const words = /the configuration (was read again|stays as it was|says what it said).*\n/;
    for (;;) {
      const found = words.exec(agent.said.slice(before));
      if (found) return found[0];
      if (agent.child.exitCode !== null) throw new Error(`it ended: ${agent.said}`);
      await sleep(20);
    }
  };

  const start = (text: string) => {
    configure(text);
    return agents.start("--config", path);
  };
  const datagrams = (ended: Ended) => ended.sum("net_packets_total", { transport: "udp" });

  test.each([1, 2])("filters change under load, and no packet is lost or seen twice; %s threads", async (threads) => {
    const FILTERS = ["udp", "ip", "udp and port 5000", "", "host 10.77.0.2 and udp"];
    // A busy machine lets all of them wait at once.
    const text = (filter: string) =>
      `capture: { interface: tw0, ringMiB: 32, threads: ${threads}${filter && `, filter: ${filter}`} }\n`;
    const agent = await start(text("udp"));
    const sending = send(network.far, DATAGRAMS, "10.77.0.1:5000");
    let isOver = false;
    void sending.then(() => (isOver = true));
    let reloads = 0;
    while (!isOver) {
      const said = await reload(agent, text(FILTERS[++reloads % FILTERS.length]!));
      expect(said).toBe("the configuration was read again: capture.filter changed\n");
    }
    await sending;
    await sleep(200);
    const ended = await agents.end(agent);
    expect(ended.said).toMatch(/dropped before the capture: none/);
    expect(ended.code).toBe(0);
    expect(datagrams(ended)).toBe(DATAGRAMS);
    expect(reloads).toBeGreaterThan(5);
  });

  test.each([1, 2])("a key log is open once for each thread, however often all is read anew; %s threads", async (threads) => {
    const keys = join(folder, "keys.log");
    writeFileSync(keys, "");
    const text = (site: string) =>
      `capture: { interface: tw0, threads: ${threads}, tlsKeys: ${keys} }\ntags: { site: ${site} }\n`;
    const agent = await start(text("a"));
    const open = () => {
      const folder = `/proc/${agent.child.pid}/fd`;
      return readdirSync(folder).filter((name) => existsSync(join(folder, name)) && readlinkSync(join(folder, name)) === keys);
    };
    const before = open().length;
    for (const site of ["b", "c", "d", "e"])
      expect(await reload(agent, text(site))).toMatch(/was read again: tags changed, with/);
    await vi.waitFor(() => expect(open()).toHaveLength(before));
    expect((await agents.end(agent)).code).toBe(0);
  });

  test("a filter is in force from then on", async () => {
    const agent = await start("capture: { interface: tw0, filter: udp port 5001 }\n");
    await send(network.far, 10, "10.77.0.1:5001", "10.77.0.1:5002");
    await reload(agent, "capture: { interface: tw0, filter: udp port 5002 or port 5003 }\n");
    await send(network.far, 20, "10.77.0.1:5001", "10.77.0.1:5003");
    expect(datagrams(await agents.end(agent))).toBe(30);
  });

  test("what cannot change, or is wrong, changes nothing", async () => {
    const good = "capture: { interface: tw0, filter: udp }\n";
    const agent = await start(good);
    const fixed = `${good.replace("{", "{ user: nobody,")}spool: { sizeMiB: 3, folder: /tmp }\n`;
    expect(await reload(agent, fixed)).toBe(
      "the configuration stays as it was: capture.user can change only when the agent is started anew\n",
    );
    expect(await reload(agent, "capture: { interfaces: tw0 }\nedge: 1\n")).toBe(
      `the configuration stays as it was: 2 things are wrong in the configuration ${path}; tallywire config shows how it is written\n`,
    );
    await agent.says(/agent\.yaml:2:7: edge is a text: write "1"\n/);
    expect(agent.said).toContain("agent.yaml:1:12: there is no key capture.interfaces; did you mean capture.interface?\n");
    expect(await reload(agent, "capture: { interface: tw0, filter: no such filter }\n")).toMatch(
      /^the configuration stays as it was: /,
    );
    expect(await reload(agent, "capture: { interface: tw0, filter: vlan 3 }\n")).toMatch(/VLAN tags takes libpcap/);
    expect(await reload(agent, good)).toBe("the configuration says what it said\n");
    rmSync(path);
    agent.child.kill("SIGHUP");
    await agent.says(/the configuration stays as it was: cannot read the configuration/);
    await send(network.far, 10, "10.77.0.1:5001");
    expect(datagrams(await agents.end(agent))).toBe(10);
  });

  const startHub = async (name: string) => {
    const hubFolder = join(folder, name);
    const words = [process.execPath, COMMAND, "hub", "--data", hubFolder, "--port", PORT];
    const hub = await new Listener(network.near.start(...words)).says(/A hub runs at/);
    const keyOf = (tenant: string, ...kind: string[]) => {
      const asked = kind.length > 0 ? [...kind, tenant] : ["write", tenant, "e"];
      const said = network.near.run(process.execPath, COMMAND, "keys", ...asked, "--data", hubFolder, "-o", "json");
      return /tw_[wr]_[\w.-]+/.exec(said)![0];
    };
    return { hub, keyOf };
  };

  test("the hub may come, change and go; each minute is at one of them, once", async () => {
    const { hub, keyOf } = await startHub("hub");
    const alone = "capture: { interface: tw0, filter: udp }\n";
    const withHub = (key: string) => `${alone}hub: { url: "http://127.0.0.1:${PORT}", key: ${key} }\n`;
    const spool = agents.spool();
    configure(alone);
    const agent = await agents.startBy([], spool, "--config", path);
    await send(network.far, 10, "10.77.0.1:5001");
    const first = keyOf("one");
    expect(await reload(agent, withHub(first))).toBe("the configuration was read again: hub.url, hub.key changed\n");
    expect(await reload(agent, withHub(keyOf("two")))).toBe("the configuration was read again: hub.key changed\n");
    expect(await reload(agent, withHub("tw_w_nonsense"))).toMatch(
      /^the configuration stays as it was: one thing is wrong in the configuration/,
    );
    await send(network.far, 10, "10.77.0.1:5001");
    const said = await agent.stop();
    await hub.stop();
    expect(said).not.toContain(first);
    const [, sealed, posted] = /(\d+) minutes? sealed, (\d+) posted/.exec(said)!;
    expect(Number(sealed)).toBeGreaterThan(0);
    expect(posted).toBe(sealed);
    expect(readdirSync(join(spool, "e")).filter((name) => name.endsWith(".twb"))).toEqual([]);
  });

  test("a hub has each packet by the tags of its time", async () => {
    const { hub, keyOf } = await startHub("hub-of-tags");
    const [write, read] = [keyOf("one"), keyOf("one", "read")];
    const text = (site: string, threads: number) =>
      `capture: { interface: tw0, filter: udp, threads: ${threads} }\ntags: { site: ${site} }\n` +
      `hub: { url: "http://127.0.0.1:${PORT}", key: ${write} }\n`;
    configure(text("fra1", 1));
    const agent = await agents.startBy([], agents.spool(), "--config", path);
    await send(network.far, 30, "10.77.0.1:5001");
    expect(await reload(agent, text("ams1", 2))).toMatch(/: tags, capture.threads changed, with packets from/);
    await send(network.far, 20, "10.77.0.1:5001");
    await agent.stop();
    const to = new Date(Date.now() + 120_000).toISOString();
    const asked = [
      "query",
      "net_packets_total",
      "--hub",
      `http://127.0.0.1:${PORT}`,
      "--read-key",
      read,
      "--to",
      to,
      "-o",
      "csv",
    ];
    const answer = network.near.run(process.execPath, COMMAND, ...asked, "--by", "site");
    await hub.stop();
    const rows = answer.trim().split(/\r?\n/).slice(1);
    expect(rows.map((row) => row.replace(/^[^,]*,/, "")).sort()).toEqual(["ams1,20", "fra1,30"]);
  });
});
