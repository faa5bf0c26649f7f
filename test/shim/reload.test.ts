/** An agent that reads its configuration again while packets come by: what has changed is in force, and nothing is lost by it. */
import { readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
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
  const configure = (text: string) => {
    writeFileSync(`${path}.new`, text, { mode: 0o600 });
    renameSync(`${path}.new`, path);
  };

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
    const text = (filter: string) => `capture: { interface: tw0, threads: ${threads}${filter && `, filter: ${filter}`} }\n`;
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
    expect(await reload(agent, `${good}tags: { site: fra1 }\nmemory: { budgetMiB: 32 }\nspool: { sizeMiB: 3 }\n`)).toBe(
      "the configuration stays as it was: tags, memory.budgetMiB can change only when the agent is started anew\n",
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

  test("the hub may come, change and go; each minute is at one of them, once", async () => {
    const hubFolder = join(folder, "hub");
    const hub = await new Listener(
      network.near.start(process.execPath, COMMAND, "hub", "--data", hubFolder, "--port", PORT),
    ).says(/A hub runs at/);
    const keyOf = (tenant: string) => {
      const said = network.near.run(process.execPath, COMMAND, "keys", "write", tenant, "e", "--data", hubFolder, "-o", "json");
      return /tw_w_[\w.-]+/.exec(said)![0];
    };
    const alone = "capture: { interface: tw0, filter: udp }\n";
    const withHub = (key: string) => `${alone}hub: { url: "http://127.0.0.1:${PORT}", key: ${key} }\n`;
    const spool = agents.spool();
    configure(alone);
    const agent = await agents.startBy([], spool, "--config", path);
    await send(network.far, 10, "10.77.0.1:5001");
    const first = keyOf("one");
    expect(await reload(agent, withHub(first))).toBe("the configuration was read again: hub.url, hub.key changed\n");
    expect(await reload(agent, withHub(keyOf("two")))).toBe("the configuration was read again: hub.key changed\n");
    expect(await reload(agent, withHub("tw_w_nonsense"))).toMatch(/^the configuration stays as it was: this is no key/);
    await send(network.far, 10, "10.77.0.1:5001");
    const said = await agent.stop();
    await hub.stop();
    expect(said).not.toContain(first);
    const [, sealed, posted] = /(\d+) minutes? sealed, (\d+) posted/.exec(said)!;
    expect(Number(sealed)).toBeGreaterThan(0);
    expect(posted).toBe(sealed);
    expect(readdirSync(join(spool, "e")).filter((name) => name.endsWith(".twb"))).toEqual([]);
  });
});
