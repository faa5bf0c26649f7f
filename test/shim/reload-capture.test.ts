/** An agent whose capture begins anew while packets come by: other interfaces, threads, tags and labels, and each packet counted once. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { inflateSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { readBundleHeader } from "../../engine/bundle";
import { Core } from "../../engine/core";
import { MinuteSum } from "../../engine/summary";
import { writeWhole } from "../../shim/write-whole";
import { askSocket } from "../support/agent-http";
import { hosts } from "../support/capture/expressions";
import { type Ended, LiveAgents, send } from "../support/capture/live-agents";
import { Listener, Network, networkMissing } from "../support/capture/network";
import { coreModule } from "../support/round-trips";

const missing = networkMissing();
if (missing !== undefined) console.warn(`an agent's capture does not begin anew: ${missing}`);

const ROUNDS = 3;

/** Sends datagrams until its input ends, and says how many they were. */
const SENDER = `
  import { createSocket } from "node:dgram";
  const [address, port] = process.argv[1].split(":");
  const socket = createSocket("udp4");
  let count = 0, isOver = false;
  process.stdin.on("end", () => (isOver = true)).resume();
  while (!isOver) {
    for (let i = 0; i < 20; i++) await new Promise((done) => socket.send("datagram " + count++, Number(port), address, done));
    await new Promise((done) => setImmediate(done));
  }
  socket.close();
  console.log("sent " + count + ".");`;

describe.runIf(missing === undefined)("an agent that is told anew how to capture", { timeout: 120_000 }, () => {
  let network: Network;
  let agents: LiveAgents;
  let path: string;
  beforeAll(async () => {
    network = new Network();
    await network.ready();
    agents = new LiveAgents(network);
    path = join(agents.spool(), "agent.yaml");
  });
  afterAll(() => {
    network?.remove();
    agents?.remove();
  });

  const configure = (text: string) => writeWhole(path, text);
  const start = (text: string, ...words: string[]) => {
    configure(text);
    return agents.start("--config", path, ...words);
  };
  const reload = async (agent: Listener, text: string): Promise<string> => {
    configure(text);
    const before = agent.said.length;
    agent.child.kill("SIGHUP");
    for (;;) {
      const found = /the configuration (was read again|stays as it was|says what it said).*\n/.exec(agent.said.slice(before));
      if (found) return found[0];
      if (agent.child.exitCode !== null) throw new Error(`it ended: ${agent.said}`);
      await sleep(20);
    }
  };
  const datagrams = (ended: Ended) => ended.sum("net_packets_total", { transport: "udp" });
  const changedWith = (keys: string) =>
    new RegExp(`^the configuration was read again: ${keys} changed, with packets from \\d{4}-.*Z on\\n$`);

  /** Sends until what is to be done meanwhile is over; gives how many datagrams were sent. */
  async function sending(meanwhile: () => Promise<void>): Promise<number> {
    const sender = new Listener(
      network.far.converse(process.execPath, "--input-type=module", "-e", SENDER, `${network.near.address}:5000`),
    );
    await sleep(300);
    try {
      await meanwhile();
    } finally {
      sender.child.stdin!.end();
    }
    await sender.says(/sent \d+\./);
    await sleep(200);
    return Number(/sent (\d+)/.exec(sender.said)![1]);
  }

  test.each([
    ["one interface and all", "capture.interface", ["any", "tw0"].map((name) => `capture: { interface: ${name} }`)],
    [
      "threads",
      "capture.threads",
      [1, 2, 4].map((threads) => `capture: { interface: tw0, threads: ${threads} }\nmemory: { budgetMiB: 40 }`),
    ],
    [
      "labels, with two threads",
      "labels",
      ["", "labels: { http: [method] }"].map((more) => `capture: { interface: any, threads: 2 }\n${more}`),
    ],
  ])("loses nothing and counts nothing twice: %s", async (_, keys, texts) => {
    const agent = await start(texts[0]!);
    const sent = await sending(async () => {
      for (let round = 1; round <= ROUNDS; round++)
        expect(await reload(agent, texts[round % texts.length]!)).toMatch(changedWith(keys));
    });
    const ended = await agents.end(agent);
    expect(ended.said).toMatch(/dropped before the capture: none/);
    expect(ended.code).toBe(0);
    expect(datagrams(ended)).toBe(sent);
    expect(sent).toBeGreaterThan(1000);
    expect(Number(/([\d,]+) packets/.exec(ended.said)![1]!.replaceAll(",", ""))).toBe(ended.sum("net_packets_total"));
  });

  test.each([1, 2])("several interfaces change at once, with %s threads, and what is open goes on", async (threads) => {
    const text = (names: string) => `capture: { interface: "${names}", threads: ${threads}, filter: udp }\n`;
    const CHOICES = ["any", "tw0,lo", "tw*"];
    const agent = await start(text("any"));
    const sent = await sending(async () => {
      for (let round = 1; round <= 3 * ROUNDS; round++)
        expect(await reload(agent, text(CHOICES[round % CHOICES.length]!))).toBe(
          "the configuration was read again: capture.interface changed\n",
        );
    });
    await reload(agent, text("lo,none*"));
    await send(network.far, 10, "10.77.0.1:5001");
    await reload(agent, text("none*,tw0"));
    await send(network.far, 20, "10.77.0.1:5001");
    const ended = await agents.end(agent);
    expect(datagrams(ended)).toBe(sent + 20);
    // One start has sealed all of it.
    expect(new Set(ended.names).size).toBe(ended.names.length);
  });

  /** Datagrams by the tags that their minutes are posted with. */
  function byTags(folder: string): Record<string, number> {
    const names = readdirSync(folder);
    const found: Record<string, number> = {};
    for (const name of names.filter((one) => one.endsWith(".twb"))) {
      const bundle = inflateSync(readFileSync(join(folder, name)));
      const sum = new MinuteSum(new Core(coreModule(), { role: "hub", budgetBytes: 32 << 20 }));
      sum.add(bundle);
      const { bootId: boot } = readBundleHeader(bundle);
      const tags = readFileSync(join(folder, `tags-${boot}.txt`), "utf8");
      const rows = sum
        .summary()
        .metrics.filter(({ metric, labels }) => metric === "net_packets_total" && labels.transport === "udp");
      found[tags] = (found[tags] ?? 0) + rows.reduce((all, { value = 0 }) => all + value, 0);
    }
    return found;
  }

  test("tags are those of the time of the packets, and the answer to a request says from when on", async () => {
    const spool = agents.spool();
    const text = (site: string) => `capture: { interface: tw0, filter: udp }\ntags: { site: ${site} }\n`;
    const ask = async (): Promise<unknown> => {
      const authorization = `Bearer ${readFileSync(join(spool, "e.token"), "utf8").trim()}`;
      return JSON.parse((await askSocket(join(spool, "socket"), "/api/v1/reload", { authorization }, "POST")).text);
    };
    configure(text("fra1"));
    const agent = await agents.startBy([], spool, "--config", path, "--listen", `unix:${join(spool, "socket")}`);
    await send(network.far, 30, "10.77.0.1:5001");
    configure(text("ams1"));
    const fromMs = Date.now();
    const { changed, since } = (await ask()) as { changed: string[]; since: string };
    expect(changed).toEqual(["tags"]);
    expect(Date.parse(since)).toBeGreaterThanOrEqual(fromMs);
    expect(Date.parse(since)).toBeLessThan(Date.now());
    await send(network.far, 20, "10.77.0.1:5001");
    expect(await ask()).toEqual({ changed: [] });
    await agent.stop();
    expect(byTags(join(spool, "e"))).toEqual({ "site=fra1": 30, "site=ams1": 20 });
  });

  test("goes on as it was where an interface is not there, or cannot be taken over", async () => {
    const good = "capture: { interface: tw0 }\n";
    const agent = await start(good);
    expect(await reload(agent, "capture: { interface: tw9 }\n")).toMatch(
      /^the configuration stays as it was: there is no interface tw9/,
    );
    expect(await reload(agent, "capture: { interface: tw9, threads: 2 }\n")).toMatch(/there is no interface tw9/);
    expect(await reload(agent, "capture: { interface: tw0, method: libpcap }\n")).toMatch(/only by rings of the kernel's/);
    expect(await reload(agent, good)).toBe("the configuration says what it said\n");
    await send(network.far, 10, "10.77.0.1:5001");
    expect(datagrams(await agents.end(agent))).toBe(10);
  });

  /** What filters of one socket may take in the kernel's memory, bytes; undefined where it is not each namespace's own. */
  function filterBytes(): string | undefined {
    try {
      return network.near.run("sysctl", "-n", "net.core.optmem_max").trim();
    } catch {
      return undefined;
    }
  }

  test.for([1, 2])("goes on as it was where the kernel does not take a filter, with %s threads", async (threads, { skip }) => {
    const limit = filterBytes();
    if (limit === undefined) return skip("a namespace of this kernel has no limit of its own");
    const limitTo = (bytes: string) => network.near.run("sysctl", "-qw", `net.core.optmem_max=${bytes}`);
    const text = (filter: string, more = "") => `capture: { interface: tw0, threads: ${threads}, filter: "${filter}" }\n${more}`;
    configure(text("udp port 5001"));
    // The common words take more instructions than libpcap, and less time for long filters.
    const agent = await agents.startBy(["env", "TALLYWIRE_LIBPCAP=none"], agents.spool(), "--config", path);
    limitTo("20480");
    onTestFinished(() => void limitTo(limit));
    const refused = /^the configuration stays as it was: the kernel does not take this filter: Cannot allocate memory\n$/;
    expect(await reload(agent, text(hosts(60)))).toMatch(refused);
    // With other tags another reader is to take over.
    expect(await reload(agent, text(hosts(60), "tags: { site: fra1 }\n"))).toMatch(refused);
    expect(await reload(agent, text(hosts(130)))).toMatch(/stays as it was: -f: the filter comes to \d+ instructions/);
    await send(network.far, 10, "10.77.0.1:5001", "10.77.0.1:5002");
    expect(await reload(agent, text("udp port 5002"))).toMatch(/capture\.filter changed\n$/);
    await send(network.far, 20, "10.77.0.1:5001", "10.77.0.1:5002");
    const ended = await agents.end(agent);
    expect(ended.code).toBe(0);
    expect(datagrams(ended)).toBe(30);
  });

  test("leaves nothing open of threads that cannot begin", async () => {
    const text = (more: string) => `capture: { interface: any, threads: 2${more} }\n`;
    const agent = await start(text(""));
    const held = () => ({
      sockets: network.near.run("cat", "/proc/net/packet").split("\n").length,
      descriptors: readdirSync(`/proc/${agent.child.pid}/fd`).length,
    });
    const before = held();
    for (const folder of ["/proc", "/tmp", "/usr"])
      expect(await reload(agent, text(`, tlsKeys: ${folder}`))).toMatch(/thread \d of the capture failed: .* no plain file/);
    await expect.poll(held).toEqual(before);
    expect((await agents.end(agent)).code).toBe(0);
  });

  test("ends with all that it has where it is told to in the midst of it", async () => {
    const agent = await start("capture: { interface: tw0 }\n");
    await send(network.far, 10, "10.77.0.1:5001");
    configure("capture: { interface: any }\n");
    agent.child.kill("SIGHUP");
    await agent.says(/reading interface any from/);
    await send(network.far, 10, "10.77.0.1:5001");
    const ended = await agents.end(agent);
    expect(ended.code).toBe(0);
    expect(datagrams(ended)).toBe(20);
  });
});
