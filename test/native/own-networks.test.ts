/** An agent that nobody tells which addresses are its host's, which come while it captures. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LiveAgents, send } from "../support/capture/live-agents";
import { Network, networkMissing } from "../support/capture/network";

const missing = networkMissing();
if (missing !== undefined) console.warn(`addresses that come later are not tested: ${missing}`);
/** More than it takes for what was captured until then for what it is. */
const SOON_MS = 4000;

describe.runIf(missing === undefined)("addresses that come while an agent captures", { timeout: 60_000 }, () => {
  let network: Network;
  let agents: LiveAgents;
  beforeAll(async () => {
    network = new Network();
    agents = new LiveAgents(network, []);
    await network.ready();
  });
  afterAll(() => {
    network?.remove();
    agents?.remove();
  });

  test.each([
    ["one thread", []],
    ["two threads", ["--threads", "2"]],
  ])("are its host's, with %s", async (_, words) => {
    const { near, far } = network;
    const running = await agents.start("-i", "tw0", "-f", "udp", ...words);
    await send(far, 30, "10.77.0.1:9");
    near.run("ip", "address", "add", "10.77.0.9/24", "dev", "tw0");
    await sleep(SOON_MS);
    await send(far, 50, "10.77.0.9:9");
    near.run("ip", "address", "del", "10.77.0.9/24", "dev", "tw0");
    near.run("ip", "neigh", "add", "10.77.0.9", "lladdr", "02:00:00:00:00:09", "dev", "tw0");
    await sleep(SOON_MS);
    await send(near, 20, "10.77.0.9:9");
    near.run("ip", "neigh", "del", "10.77.0.9", "dev", "tw0");
    const { sum } = await agents.end(running);
    expect(sum("net_packets_total", { direction: "in" })).toBe(80);
    expect(sum("net_packets_total", { direction: "out" })).toBe(20);
    expect(sum("net_packets_total")).toBe(100);
  });
});
