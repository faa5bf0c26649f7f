/** The agent on real interfaces: which, what of them, what it says of drops, and that it outlives an interface. */
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { hosts } from "../support/capture/expressions";
import { LiveAgents, send } from "../support/capture/live-agents";
import { hasLibpcap, type Listener, Network, networkMissing } from "../support/capture/network";

const missing = networkMissing();
if (missing !== undefined) console.warn(`the agent is not tested on real interfaces: ${missing}`);
const withLibpcap = missing === undefined && hasLibpcap();
if (missing === undefined && !withLibpcap) console.warn("filters are not tested: libpcap is not installed");
const METHODS = withLibpcap ? ["ring", "libpcap"] : ["ring"];
const hasCap = missing === undefined && isLoadable("cap");
if (missing === undefined && !hasCap)
  console.warn("the fallback to the npm package cap is not tested: it is not installed, or could not be built");

function isLoadable(name: string): boolean {
  try {
    createRequire(import.meta.url)(name);
    return true;
  } catch {
    return false;
  }
}

describe.runIf(missing === undefined)("an agent", { timeout: 120_000 }, () => {
  let network: Network;
  let agents: LiveAgents;
  const agent = (...words: string[]) => agents.start(...words);
  const ended = (listener: Listener) => agents.end(listener);

  beforeAll(async () => {
    network = new Network();
    agents = new LiveAgents(network);
    await network.ready();
  });
  afterAll(() => {
    network?.remove();
    agents?.remove();
  });

  test("on loopback counts what is sent once", async () => {
    const running = await agent("-i", "lo");
    await send(network.near, 300, "127.0.0.1:9");
    const { said, sum } = await ended(running);
    expect(sum("capture_udp_packets_total")).toBe(300);
    expect(said).toContain("dropped before the capture: none");
    expect(said).toContain("captured through a ring of the kernel's");
  });

  test("that ends before it has seen a packet has counted what it did, in its minute", async () => {
    const { sum, names } = await ended(await agent("-i", "lo"));
    expect([sum("capture_packets_total"), sum("capture_sections_total")]).toEqual([0, 1]);
    expect(names).toHaveLength(1);
  });

  test("on any sees all interfaces, and on a pattern those that it names", async () => {
    const [any, pattern, other] = await Promise.all([agent("-i", "any"), agent("-i", "t?0,nothing*"), agent("-i", "l*")]);
    await Promise.all([send(network.near, 100, "127.0.0.1:9"), send(network.near, 200, "10.77.0.2:9")]);
    const [all, veth, loopback] = await Promise.all([any!, pattern!, other!].map(ended));
    // Nobody listens on the port: each datagram is answered by ICMP, as often as the kernel allows itself.
    expect(all!.sum("capture_udp_packets_total")).toBe(300);
    expect(veth!.sum("capture_udp_packets_total")).toBe(200);
    expect(loopback!.sum("capture_udp_packets_total")).toBe(100);
    expect(all!.summary.packets).toBe(veth!.summary.packets + loopback!.summary.packets);
  });

  test("on a pattern sees an interface that comes later", async () => {
    const running = await agent("-i", "new*");
    network.near.run("ip", "link", "add", "new0", "type", "veth", "peer", "name", "new1");
    network.near.run("ip", "address", "add", "10.79.0.1/24", "dev", "new0");
    for (const name of ["new0", "new1"]) network.near.run("ip", "link", "set", name, "up");
    network.near.run("ip", "neigh", "add", "10.79.0.2", "lladdr", "02:00:00:00:00:02", "dev", "new0");
    await running.says(/capturing on 2 interfaces that are new\*/);
    expect(running.said).toMatch(/there is no interface .* yet; capturing begins when there is/);
    while (network.near.run("cat", "/sys/class/net/new0/operstate").trim() !== "up") await sleep(20);
    await send(network.near, 50, "10.79.0.2:9");
    const { sum } = await ended(running);
    network.near.run("ip", "link", "del", "new0");
    // Both ends are here: it goes out of one and comes in at the other.
    expect(sum("capture_udp_packets_total")).toBe(100);
  });

  test.runIf(withLibpcap).each([["ring"], ["libpcap"]])("with a filter takes what that takes, by %s", async (method) => {
    const filter = "udp dst port 53 or (udp and dst host 10.77.0.1 and dst port 54)";
    const running = await agent("-i", "tw0", "--capture", method, "-f", filter);
    await send(network.far, 70, "10.77.0.1:53", "10.77.0.1:54", "10.77.0.1:55");
    const { summary, sum, said } = await ended(running);
    expect(sum("capture_udp_packets_total")).toBe(140);
    expect(summary.packets).toBe(140);
    expect(said).toContain("dropped before the capture: none");
  });

  test.runIf(withLibpcap)("filters all kinds of interfaces on any", async () => {
    const running = await agent("-i", "any", "-f", "udp dst port 53");
    await Promise.all([
      send(network.near, 40, "127.0.0.1:53", "127.0.0.1:54"),
      send(network.far, 60, "10.77.0.1:53", "10.77.0.1:54"),
    ]);
    const { summary } = await ended(running);
    expect(summary.packets).toBe(100);
  });

  test("without libpcap filters all kinds of interfaces by the common words, and says what these are", async () => {
    const by = ["env", "TALLYWIRE_LIBPCAP=none"];
    const running = await agents.startBy(by, agents.spool(), "-i", "any", "-f", "udp dst port 53 and not dst host 10.77.0.2");
    await Promise.all([
      send(network.near, 40, "127.0.0.1:53", "127.0.0.1:54", "10.77.0.2:53"),
      send(network.far, 60, "10.77.0.1:53", "10.77.0.1:54"),
    ]);
    const { summary } = await ended(running);
    expect(summary.packets).toBe(100);
    await expect(agents.startBy(by, agents.spool(), "-i", "tw0", "-f", "vlan 5")).rejects.toThrow(
      /-f, column 1: "vlan" takes libpcap, which is not installed/,
    );
  });

  test.runIf(withLibpcap)("takes a filter of what only links have", async () => {
    const running = await agent("-i", "tw0", "-f", "arp");
    network.near.run("ip", "neigh", "flush", "dev", "tw0");
    await send(network.near, 1, "10.77.0.2:9");
    const { summary } = await ended(running);
    expect(summary.undecoded.arp).toBe(summary.packets);
    expect(summary.packets).toBeGreaterThan(0);
  });

  test.runIf(withLibpcap)("says what is wrong with a filter", async () => {
    await expect(agent("-i", "tw0", "-f", "port http or or")).rejects.toThrow(/"port http or or" is no filter: .*syntax error/);
  });

  test("says of a filter that is too long for a ring by how much", async () => {
    // The common words take more instructions than libpcap, and less time for long filters.
    const by = ["env", "TALLYWIRE_LIBPCAP=none"];
    await expect(agents.startBy(by, agents.spool(), "-i", "tw0", "-f", hosts(130))).rejects.toThrow(
      /-f: the filter comes to \d{4,} instructions, for Ethernet and other links together; a ring takes 4096, so name networks in place of hosts\n/,
    );
  });

  test.each(METHODS)(
    "takes what is not meant for this host where it is told to, and only while it runs, by %s",
    async (method) => {
      const promiscuity = () => Number(/promiscuity (\d+)/.exec(network.near.run("ip", "-d", "link", "show", "tw0"))?.[1]);
      const plain = await agent("-i", "tw0", "--capture", method);
      expect(promiscuity()).toBe(0);
      await ended(plain);
      const running = await agent("-i", "tw0", "--capture", method, "--promiscuous");
      expect(promiscuity()).toBe(1);
      await ended(running);
      expect(promiscuity()).toBe(0);
    },
  );

  test.runIf(hasCap)("through the npm package cap counts what is sent, and says what that does not know", async () => {
    const running = await agent("-i", "tw0", "--capture", "cap");
    // Few enough that its buffer holds them all, and all wait there when the end comes.
    running.child.kill("SIGSTOP");
    await send(network.far, 20, "10.77.0.1:9");
    const end = ended(running);
    running.child.kill("SIGCONT");
    const { sum, said } = await end;
    expect(sum("capture_udp_packets_total")).toBe(20);
    expect(said).toContain(
      "captured through the npm package cap: times are this program's, and what the kernel drops is not known",
    );
    expect(said).not.toContain("dropped before the capture");
  });

  test("counts what finds no room while it is held up", async () => {
    const running = await agent("-i", "tw0", "--ring", "1");
    // ip becomes the program that it runs.
    running.child.kill("SIGSTOP");
    await send(network.far, 20_000, "10.77.0.1:9");
    running.child.kill("SIGCONT");
    const { summary, sum, said } = await ended(running);
    expect(summary.dropped).toBeGreaterThan(1000);
    expect(sum("capture_dropped_packets_total")).toBe(summary.dropped);
    expect(said).toMatch(/dropped before the capture: [\d.]+/);
    const received = sum("capture_udp_packets_total");
    expect(received + summary.dropped).toBeGreaterThanOrEqual(20_000);
    expect(received).toBeLessThan(20_000);
  });

  test("at its ceiling of CPU looks at a sample of conversations, and counts the others", async () => {
    const running = await agent("-i", "lo", "--cpu-max", "1");
    const targets = Array.from({ length: 40 }, (_, index) => `127.0.0.1:${9000 + index}`);
    while (!running.said.includes("at the ceiling of 1 % of a processor")) await send(network.near, 100, ...targets);
    await send(network.near, 100, ...targets);
    const { summary, sum, said } = await ended(running);
    expect(summary.sampledOut).toBeGreaterThan(0);
    expect(sum("capture_sampled_out_packets_total")).toBe(summary.sampledOut);
    expect(sum("net_packets_total") + summary.sampledOut!).toBe(summary.packets);
    expect(sum("net_bytes_total") + sum("capture_sampled_out_bytes_total")).toBe(sum("capture_wire_bytes_total"));
    expect(said).toMatch(/sampled out: [\d.,]+/);
  });

  test("goes on when its interface is back", async () => {
    const running = await agent("-i", "tw0");
    await send(network.far, 100, "10.77.0.1:9");
    network.near.run("ip", "link", "del", "tw0");
    await running.says(/tw0 is gone or down; capturing goes on when it is back/);
    network.connect();
    await running.says(/interface tw0 is back/);
    await network.ready();
    await send(network.far, 100, "10.77.0.1:9");
    network.near.run("ip", "link", "set", "tw0", "down");
    network.near.run("ip", "link", "set", "tw0", "up");
    await running.says(/is back[\s\S]*is back/);
    await network.ready();
    await send(network.far, 100, "10.77.0.1:9");
    const { sum, said } = await ended(running);
    expect(sum("capture_udp_packets_total")).toBe(300);
    expect(said).toContain("dropped before the capture: none");
  });

  test("goes on when its interface is back from another namespace, by the number that it had", async () => {
    const { near, far } = network;
    const elsewhere = `${near.namespace}-elsewhere`;
    const number = () => near.run("cat", "/sys/class/net/tw0/ifindex");
    const before = number();
    execFileSync("ip", ["netns", "add", elsewhere]);
    onTestFinished(() => void execFileSync("ip", ["netns", "del", elsewhere]));
    const running = await agent("-i", "tw0");
    await send(far, 100, "10.77.0.1:9");
    near.run("ip", "link", "set", "tw0", "netns", elsewhere);
    await running.says(/tw0 is gone or down; capturing goes on when it is back/);
    execFileSync("ip", ["-n", elsewhere, "link", "set", "tw0", "netns", near.namespace]);
    near.run("ip", "address", "add", "10.77.0.1/24", "dev", "tw0");
    near.run("ip", "link", "set", "tw0", "up");
    expect(number()).toBe(before);
    await running.says(/interface tw0 is back/);
    await network.ready();
    await send(far, 100, "10.77.0.1:9");
    expect((await ended(running)).sum("capture_udp_packets_total")).toBe(200);
  });

  test("names what is not there", async () => {
    await expect(agent("-i", "nowhere0")).rejects.toThrow(/no interface nowhere0/);
    network.near.run("ip", "link", "add", "down0", "type", "veth", "peer", "name", "down1");
    await expect(agent("-i", "down0")).rejects.toThrow(/down0: it is down; ip link set down0 up/);
    network.near.run("ip", "link", "del", "down0");
  });
});
