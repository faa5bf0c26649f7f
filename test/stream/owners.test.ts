/** Whose connections are: asked of a host that knows it by heart, and told with round trips, in tops and to filters. */
import { describe, expect, test } from "vitest";
import module from "../../build/core.checked.wasm";
import { Core, type CoreOptions } from "../../engine/core";
import type { Owner, OwnerOf } from "../../engine/owner";
import { type RoundTrip, RoundTripReader } from "../../engine/round-trip";
import type { TopItem } from "../../engine/rows";
import { Stat } from "../../engine/stat";
import { MinuteSum } from "../../engine/summary";
import { FIXTURES, fixtureBytes } from "../support/fixtures";
import { request, response } from "../support/http";
import { anyOwner, endOf, ownersByTable } from "../support/owners";
import {
  type Captured,
  Conversation,
  dnsQuery,
  dnsResponse,
  ethernet,
  ipv4,
  ipv6,
  pcap,
  START_NS,
  udp,
} from "../support/pcap-builder";
import { Totals } from "../support/summaries";
import { WholeCore } from "../support/whole-core";

const SECOND_NS = 1_000_000_000n;
const CLIENT = "192.0.2.1:40000";
const SERVER = "192.0.2.2:80";
const CURL: Owner = { process: "curl", pid: 4711, user: "ada" };
const NGINX: Owner = { process: "nginx", pid: 80, user: "www-data", container: "web", pod: "shop/web-7d9f" };

class Run {
  readonly trips: RoundTrip[] = [];
  private readonly core: Core;
  private readonly minutes: Uint8Array[] = [];
  private readonly input;

  constructor(options: CoreOptions) {
    this.core = new Core(module, { events: true, ...options });
    const reader = new RoundTripReader(this.core.schema);
    this.core.drainTo({
      events: (view) => this.trips.push(...reader.read(view)),
      bundle: (bytes) => this.minutes.push(bytes.slice()),
    });
    this.input = this.core.open("file");
  }

  /** Feeds a part of a file. */
  feed(bytes: Uint8Array): this {
    this.input.write(bytes);
    return this;
  }

  /** Ends the capture and adds it up. */
  end(): Totals {
    this.input.end();
    this.core.flush();
    const sum = new MinuteSum(this.core);
    for (const minute of this.minutes) sum.add(minute);
    return new Totals(sum.summary(1024));
  }
}

/** Runs packets through in one piece. */
function run(packets: Captured[], ownerOf: OwnerOf, options: CoreOptions = {}) {
  const one = new Run({ ownerOf, ...options }).feed(pcap(packets));
  return { totals: one.end(), trips: one.trips };
}

/** What a host was asked, with its answers. */
function noting(ownerOf: OwnerOf): { asked: string[]; ownerOf: OwnerOf } {
  const asked: string[] = [];
  return {
    asked,
    ownerOf: (end, connection) => {
      asked.push(`${end} ${endOf(end, connection)}`);
      return ownerOf(end, connection);
    },
  };
}

function exchange(talk: Conversation, path = "/"): Conversation {
  return talk.send("client", request(`GET ${path} HTTP/1.1`)).send("server", response("200 OK", "hello"));
}

const bytesOf = (packets: readonly Captured[]) => packets.reduce((sum, { bytes }) => sum + bytes.length, 0);
const unknowns = (totals: Totals) =>
  Object.fromEntries(totals.rows("capture_owners_unknown_total").map(({ labels, value }) => [labels.reason, value]));

/** Keys of a top with their figures, of all directions. */
function topOf(totals: Totals, metric: string): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { items = [] } of totals.rows(metric)) {
    for (const { key, value } of items as TopItem[]) sums[key] = (sums[key] ?? 0) + value;
  }
  return sums;
}

describe("a connection", () => {
  const talk = new Conversation().open();
  for (const path of ["/a", "/b", "/c"]) exchange(talk, path);
  const { packets } = talk.close();

  test("within this host has both owners, each asked for once", () => {
    const { asked, ownerOf } = noting(ownersByTable({ [CLIENT]: CURL, [SERVER]: NGINX }));
    const { trips, totals } = run(packets, ownerOf);
    expect(asked.sort()).toEqual([`client ${CLIENT}`, `server ${SERVER}`]);
    expect(trips.map(({ client, server }) => [client, server])).toEqual(
      Array(3).fill([
        { address: "192.0.2.1", port: 40_000, ...CURL },
        { address: "192.0.2.2", port: 80, ...NGINX },
      ]),
    );
    expect(totals.count("capture_owners_asked_total")).toBe(2);
    expect(unknowns(totals)).toEqual({});
    expect(topOf(totals, "net_top_processes_requests")).toEqual({ curl: 3, nginx: 3 });
    expect(topOf(totals, "net_top_processes_bytes")).toEqual({ curl: bytesOf(packets), nginx: bytesOf(packets) });
    expect(topOf(totals, "net_top_processes_packets")).toEqual({ curl: packets.length, nginx: packets.length });
  });

  test("of a process with itself counts once", () => {
    const { totals } = run(packets, ownersByTable({ [CLIENT]: { process: "nginx", pid: 81 }, [SERVER]: NGINX }));
    expect(topOf(totals, "net_top_processes_requests")).toEqual({ nginx: 3 });
    expect(topOf(totals, "net_top_processes_bytes")).toEqual({ nginx: bytesOf(packets) });
  });

  test("to another host has one owner, and one end is counted", () => {
    const { trips, totals } = run(packets, ownersByTable({ [SERVER]: NGINX }));
    expect(trips[0]!.client).toEqual({ address: "192.0.2.1", port: 40_000 });
    expect(trips[0]!.server).toEqual({ address: "192.0.2.2", port: 80, ...NGINX });
    expect(totals.count("capture_owners_asked_total")).toBe(1);
    expect(topOf(totals, "net_top_processes_requests")).toEqual({ nginx: 3 });
  });

  test("of nobody on this host is told as it is without a host that answers", () => {
    const quiet = new Run({}).feed(pcap(packets));
    const plain = quiet.end();
    const { trips, totals } = run(packets, () => null);
    expect(trips).toEqual(quiet.trips);
    expect(totals.summary).toEqual(plain.summary);
  });

  test("of a process that is gone is unknown, by reason; what else is known of it is told", () => {
    const table = { [CLIENT]: { unknown: "gone", container: "job" }, [SERVER]: { unknown: "hidden" } } as const;
    const { trips, totals } = run(packets, ownersByTable(table));
    expect(trips[0]!.client).toEqual({ address: "192.0.2.1", port: 40_000, container: "job" });
    expect(trips[0]!.server).toEqual({ address: "192.0.2.2", port: 80 });
    expect(totals.count("capture_owners_asked_total")).toBe(2);
    expect(unknowns(totals)).toEqual({ gone: 1, hidden: 1 });
    expect(topOf(totals, "net_top_processes_requests")).toEqual({ unknown: 3 });
  });

  test("over IPv6 is asked for by whole addresses, at the time of its first packet", () => {
    const [client, server] = ["2001:db8::1", "2001:db8::2"];
    const six = exchange(new Conversation({ client, server }).open()).close();
    const found: unknown[] = [];
    run(six.packets, (end, { client: from, server: to, protocol, seconds, nanoseconds, isClientSure }) => {
      const time = BigInt(seconds) * SECOND_NS + BigInt(nanoseconds);
      found.push([end, Buffer.from(end === "client" ? from : to).toString("hex"), protocol, time - START_NS, isClientSure]);
      return null;
    });
    expect(found.sort()).toEqual([
      ["client", "20010db8000000000000000000000001", 6, 0n, true],
      ["server", "20010db8000000000000000000000002", 6, 0n, true],
    ]);
  });

  test("whose start was not captured is asked for when a round trip shows who asks", () => {
    const { asked, ownerOf } = noting(ownersByTable({ [CLIENT]: CURL }));
    expect(run(packets.slice(3), ownerOf).trips.map(({ client }) => client.process)).toEqual(["curl", "curl", "curl"]);
    expect(asked.sort()).toEqual([`client ${CLIENT}`, `server ${SERVER}`]);
  });

  test("texts are cut to whole characters where they are too long", () => {
    const long = { process: "ü".repeat(40), user: "u".repeat(99), container: "c".repeat(99), pod: `${"p".repeat(107)}ü` };
    const { client } = run(packets, ownersByTable({ [CLIENT]: long, [SERVER]: long })).trips[0]!;
    expect(client).toMatchObject({
      process: "ü".repeat(16),
      user: "u".repeat(32),
      container: "c".repeat(64),
      pod: "p".repeat(107),
    });
  });
});

describe("answers that come late", () => {
  const talk = new Conversation().open();
  const parts = Array.from({ length: 100 }, () => {
    const from = talk.packets.length;
    exchange(exchange(talk));
    return from;
  });
  const [head, ...records] = [pcap([]), ...talk.packets.map((packet) => pcap([packet]).subarray(24))] as Uint8Array[];
  const part = (index: number) => Buffer.concat(records.slice(index === 0 ? 0 : parts[index], parts[index + 1]));

  test("are asked for again once a feed, and hold from then on", () => {
    let known = false;
    const { asked, ownerOf } = noting((end) => (end === "server" ? null : known ? CURL : undefined));
    const one = new Run({ ownerOf }).feed(head!);
    for (let index = 0; index < 5; index++) {
      if (index === 3) known = true;
      one.feed(part(index));
    }
    expect(asked).toEqual([`client ${CLIENT}`, `server ${SERVER}`, ...Array(3).fill(`client ${CLIENT}`)]);
    expect(one.trips.map(({ client }) => client.process)).toEqual([...Array(6).fill(undefined), ...Array(4).fill("curl")]);
    const totals = one.end();
    expect(totals.count("capture_owners_asked_total")).toBe(1);
    expect(topOf(totals, "net_top_processes_requests")).toEqual({ unknown: 6, curl: 4 });
    // What is added up by the minute is whose it turned out to be.
    expect(topOf(totals, "net_top_processes_packets")).toEqual({ curl: parts[5]! });
  });

  test("are not waited for for ever", () => {
    const { asked, ownerOf } = noting((end) => (end === "server" ? null : undefined));
    const one = new Run({ ownerOf }).feed(head!);
    for (let index = 0; index < 99; index++) one.feed(part(index));
    expect(asked.filter((text) => text.startsWith("client"))).toHaveLength(60);
    expect(unknowns(one.end())).toEqual({ late: 1 });
  });

  test("that never come are counted when the connection ends", () => {
    const { totals } = run(exchange(new Conversation().open()).close().packets, () => undefined);
    expect(totals.count("capture_owners_asked_total")).toBe(2);
    expect(unknowns(totals)).toEqual({ late: 2 });
  });
});

describe("the same ends again", () => {
  test("are another connection's, whose owners are asked for anew, and no byte goes to the wrong one", () => {
    const first = exchange(new Conversation().open()).close();
    const startNs = START_NS + 2n * SECOND_NS;
    const second = exchange(exchange(new Conversation({ startNs, clientSequence: 900_000, serverSequence: 800_000 }).open()));
    const packets = [...first.packets, ...second.packets];
    let process = 0;
    const ownerOf: OwnerOf = (end) => (end === "server" ? NGINX : { process: `job-${++process}`, pid: process });
    const { trips, totals } = run(packets, ownerOf);
    expect(trips.map(({ client }) => client.process)).toEqual(["job-1", "job-2", "job-2"]);
    expect(topOf(totals, "net_top_processes_bytes")).toEqual({
      "job-1": bytesOf(first.packets),
      "job-2": bytesOf(second.packets),
      nginx: bytesOf(packets),
    });
    expect(totals.count("net_packets_total")).toBe(packets.length);
    expect(totals.count("net_bytes_total")).toBe(bytesOf(packets));
  });

  test("what was not known of the first is not taken from the second", () => {
    const first = exchange(new Conversation().open());
    const second = exchange(new Conversation({ startNs: START_NS + SECOND_NS, clientSequence: 900_000 }).open()).close();
    let isSecond = false;
    const ownerOf: OwnerOf = (end, { seconds }) => {
      isSecond ||= BigInt(seconds) * SECOND_NS > START_NS;
      return end === "server" ? null : isSecond ? CURL : undefined;
    };
    const { trips, totals } = run([...first.packets, ...second.packets], ownerOf);
    expect(trips.map(({ client }) => client.process)).toEqual([undefined, "curl"]);
    expect(unknowns(totals)).toEqual({ late: 1 });
    expect(topOf(totals, "net_top_processes_packets")).toEqual({ unknown: first.packets.length, curl: second.packets.length });
  });

  test("of datagrams are asked for anew after a rest", () => {
    const at = (ns: bigint, id: number): Captured[] => {
      const ask = udp(dnsQuery("a.test", { id }), { sourcePort: 40_000 });
      const answer = udp(dnsResponse("a.test", { id }), { sourcePort: 53, destinationPort: 40_000 });
      return [
        { timeNs: START_NS + ns, bytes: ethernet(ipv4(ask, { source: "192.0.2.1", destination: "192.0.2.53", id })) },
        { timeNs: START_NS + ns + 1000n, bytes: ethernet(ipv4(answer, { source: "192.0.2.53", destination: "192.0.2.1", id })) },
      ];
    };
    const packets = [...at(0n, 1), ...at(SECOND_NS / 2n, 2), ...at(3n * SECOND_NS, 3)];
    let process = 0;
    const { asked, ownerOf } = noting((end) => (end === "server" ? null : { process: `dig-${++process}`, pid: process }));
    const { trips, totals } = run(packets, ownerOf);
    expect(trips.map(({ client }) => client.process)).toEqual(["dig-1", "dig-1", "dig-2"]);
    expect(asked).toEqual(
      Array(2)
        .fill([`client ${CLIENT}`, "server 192.0.2.53:53"])
        .flat(),
    );
    expect(topOf(totals, "net_top_processes_packets")).toEqual({ "dig-1": 4, "dig-2": 2 });
  });
});

test("an end that was taken for the client's by its port is asked for again when it turns out to be the server's", () => {
  const [ask, answer] = [
    udp(dnsQuery("a.test"), { sourcePort: 40, destinationPort: 53 }),
    udp(dnsResponse("a.test"), { sourcePort: 53, destinationPort: 40 }),
  ];
  const packets = [
    { timeNs: START_NS, bytes: ethernet(ipv4(ask, { source: "192.0.2.1", destination: "192.0.2.53" })) },
    { timeNs: START_NS + 10n, bytes: ethernet(ipv4(answer, { source: "192.0.2.53", destination: "192.0.2.1" })) },
  ];
  const ownerOf: OwnerOf = (end, { clientPort }) => (clientPort === 53 ? { unknown: "gone" } : end === "client" ? CURL : null);
  const { trips, totals } = run(packets, ownerOf);
  expect(trips.map(({ client, server }) => [client.process, server.process])).toEqual([["curl", undefined]]);
  expect(unknowns(totals)).toEqual({});
});

test("a datagram whose response was seen first is its client's all the same", () => {
  const answer = udp(dnsResponse("a.test"), { sourcePort: 53, destinationPort: 40_000 });
  const ask = udp(dnsQuery("a.test"), { sourcePort: 40_000 });
  const packets = [
    { timeNs: START_NS, bytes: ethernet(ipv6(answer, { source: "2001:db8::53", destination: "2001:db8::1" })) },
    { timeNs: START_NS + 10n, bytes: ethernet(ipv6(ask, { source: "2001:db8::1", destination: "2001:db8::53" })) },
  ];
  const { trips } = run(packets, (end) => (end === "client" ? CURL : null));
  expect(trips.map(({ client, server }) => [client.process, server.process])).toContainEqual(["curl", undefined]);
  expect(trips.every(({ server }) => server.process === undefined)).toBe(true);
});

describe("a thousand processes and more", () => {
  /** Connections of one process each, all open at once. */
  const many = (count: number, startNs: bigint, close: boolean) =>
    Array.from({ length: count }, (_, index) => {
      const clientPort = 20_000 + index;
      const talk = exchange(new Conversation({ clientPort, startNs: startNs + BigInt(index) * 1000n, stepNs: 10n }).open());
      return close ? talk.close().packets : talk.packets;
    });
  const ownerOf: OwnerOf = (end, { clientPort, seconds }) =>
    end === "server" ? null : { process: "job", pid: clientPort + (seconds % 2) * 100_000 };

  test("are all known while no more than 1,024 have connections at once", () => {
    const packets = Array.from({ length: 6 }, (_, round) => many(900, START_NS + BigInt(round) * 7n * SECOND_NS, true)).flat(2);
    const { trips, totals } = run(packets, ownerOf, { budgetBytes: 8 << 20 });
    expect(trips).toHaveLength(5400);
    expect(trips.every(({ client, time }) => client.pid === client.port + (new Date(time!).getUTCSeconds() % 2) * 100_000)).toBe(
      true,
    );
    expect(unknowns(totals)).toEqual({});
  });

  test("beyond that are unknown, and counted", () => {
    const { trips, totals } = run(many(1200, START_NS, false).flat(), ownerOf);
    expect(trips.filter(({ client }) => client.pid === client.port)).toHaveLength(1024);
    expect(trips.filter(({ client }) => client.pid === undefined)).toHaveLength(176);
    expect(unknowns(totals)).toEqual({ full: 176 });
    expect(topOf(totals, "net_top_processes_requests")).toEqual({ job: 1024, unknown: 176 });
  });
});

describe("filters and statistics", () => {
  const table: Record<string, Owner> = { [SERVER]: NGINX };
  const packets: Captured[] = [];
  for (const [index, process] of ["curl", "wget", "curl", "nginx"].entries()) {
    const clientPort = 40_000 + index;
    const talk = new Conversation({ clientPort, startNs: START_NS + BigInt(index) * SECOND_NS }).open();
    packets.push(...exchange(talk, `/${index}`).close().packets);
    table[`192.0.2.1:${clientPort}`] = { process, pid: 100 + index };
  }
  const outside = new Conversation({ client: "198.51.100.1", server: "198.51.100.2", startNs: START_NS + 9n * SECOND_NS }).open();
  packets.push(...exchange(outside, "/x").close().packets);
  const ownerOf = ownersByTable(table);

  test.each([
    ['process == "nginx"', ["/0", "/1", "/2", "/3"]],
    ['process == "wget"', ["/1"]],
    ['client.process == "nginx"', ["/3"]],
    ['process in {curl, "no such"}', ["/0", "/2"]],
    ['process != "nginx"', []],
    ['client.process != "curl"', ["/1", "/3"]],
    ['not process == "curl"', ["/1", "/3", "/x"]],
    ['process ~ "w*"', ["/1"]],
    ["process", ["/0", "/1", "/2", "/3"]],
    ["pid == 102", ["/2"]],
    ["pid in 80..101 and client.pid >= 101", ["/1", "/2", "/3"]],
    ['container == web and pod startswith "shop/"', ["/0", "/1", "/2", "/3"]],
    ["client.container", []],
    ['server.user == "www-data" and http.path == "/0"', ["/0"]],
    ['"WGET"', ["/1"]],
  ])("%s", (filter, paths) => {
    const core = new Core(module, { events: true, ownerOf });
    expect(core.setFilter(filter)).toBeUndefined();
    const reader = new RoundTripReader(core.schema);
    const found: unknown[] = [];
    core.drainTo({ events: (view) => found.push(...[...reader.read(view)].map(({ request: asked }) => asked?.path)) });
    const input = core.open("file");
    input.write(pcap(packets));
    input.end();
    core.flush();
    expect(found).toEqual(paths);
  });

  test.each([
    [["client.process"], { curl: 2, wget: 1, nginx: 1, "": 1 }],
    [["process"], { nginx: 4, "": 1 }],
    [["server.container"], { web: 4, "": 1 }],
    [["client.pid"], { 100: 1, 101: 1, 102: 1, 103: 1, "": 1 }],
  ])("by %s", (by, counts) => {
    const core = new Core(module, { events: true, ownerOf });
    const stat = Stat.open(core, { value: "count", by, samples: 1 });
    if (!(stat instanceof Stat)) throw new Error(stat.message);
    const input = core.open("file");
    input.write(pcap(packets));
    input.end();
    core.flush();
    const { rows } = stat.answer();
    expect(Object.fromEntries(rows.map((row) => [row.by[by[0]!] ?? "", row.requests]))).toEqual(counts);
    const ofNginx = rows.find((row) => row.by.process === "nginx");
    if (ofNginx) expect(ofNginx.samples?.[0]?.server).toEqual({ address: "192.0.2.2", port: 80, ...NGINX });
  });
});

describe("laws over every fixture", () => {
  const whole = new WholeCore();

  test("what lies in free memory, chunks and keys of tables do not matter", () => {
    for (const fixture of FIXTURES) {
      const bytes = new Uint8Array(fixtureBytes(fixture));
      const one = whole.run(bytes, { ownerOf: anyOwner, poison: 0 });
      expect(one.fault).toBe(0);
      expect(whole.run(bytes, { ownerOf: anyOwner, poison: 0xff }), String(fixture)).toEqual(one);
      let turn = 0;
      const chunk = () => 1 + ((turn++ * 7919) % 5000);
      expect(whole.run(bytes, { ownerOf: anyOwner, chunk, secret: 99n }), String(fixture)).toEqual(one);
    }
  });

  test("tops name each process, and no more than is true of it", () => {
    for (const fixture of FIXTURES) {
      const one = new Run({ ownerOf: anyOwner, budgetBytes: 64 << 20 }).feed(new Uint8Array(fixtureBytes(fixture)));
      const totals = one.end();
      const expected: Record<string, number> = {};
      for (const { client, server, request: asked } of one.trips) {
        if (!asked) continue;
        const names = [client, server].flatMap((end) => nameOf(end) ?? []);
        for (const name of new Set(names)) expected[name] = (expected[name] ?? 0) + 1;
      }
      expect(topOf(totals, "net_top_processes_requests"), String(fixture)).toEqual(expected);
    }
  });
});

/** The name under which an end counts with `anyOwner`; undefined where it is another host's. */
function nameOf({ address, port, process }: RoundTrip["client"]): string | undefined {
  const bytes = addressBytes(address);
  const connection = { protocol: 6, client: bytes, clientPort: port, server: bytes, serverPort: port };
  const owner = anyOwner("client", { ...connection, seconds: 0, nanoseconds: 0, isClientSure: true });
  expect(process).toBe(owner?.process);
  return owner === null ? undefined : (process ?? "unknown");
}

function addressBytes(address: string): Uint8Array {
  if (!address.includes(":")) return Uint8Array.from(address.split(".").map(Number));
  const [head = "", tail] = address.split("::");
  const groups = (text: string) => text.split(":").filter(Boolean);
  const [front, back] = [groups(head), groups(tail ?? "")];
  const all = [...front, ...Array<string>(8 - front.length - back.length).fill("0"), ...back];
  return Uint8Array.from(all.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255]));
}

test("threads' minutes add up to those of one", () => {
  const packets = Array.from({ length: 40 }, (_, index) => {
    const talk = new Conversation({ client: `192.0.2.${index + 10}`, clientPort: 40_000 + index }).open();
    return exchange(talk).close().packets;
  });
  const ownerOf: OwnerOf = (end, { clientPort }) =>
    end === "server" ? NGINX : { process: `job-${clientPort % 7}`, pid: clientPort };
  const bundlesOf = (mine: Captured[], thread?: number) => {
    const core = new Core(module, { events: false, ownerOf, bootId: 5n, ...(thread === undefined ? {} : { thread }) });
    const bundles: Uint8Array[] = [];
    core.drainTo({ bundle: (bytes) => bundles.push(bytes.slice()) });
    const input = core.open("file");
    input.write(pcap(mine));
    input.end();
    core.flush();
    return bundles;
  };
  const sumOf = (bundles: Uint8Array[], ofThreads: boolean) => {
    const hub = () => new Core(module, { role: "hub", budgetBytes: 64 << 20 });
    const sum = new MinuteSum(hub());
    sum.add(hub().merge(bundles, { ofThreads }));
    return new Totals(sum.summary(1024));
  };
  const alone = sumOf(bundlesOf(packets.flat()), false);
  const two = [0, 1].flatMap((half) => bundlesOf(packets.filter((_, index) => index % 2 === half).flat(), half + 1));
  const together = sumOf(two, true);
  for (const metric of ["packets", "bytes", "requests"].map((what) => `net_top_processes_${what}`)) {
    expect(topOf(together, metric)).toEqual(topOf(alone, metric));
    expect(Object.keys(topOf(alone, metric))).toHaveLength(8);
  }
  expect(together.count("capture_owners_asked_total")).toBe(80);
});
