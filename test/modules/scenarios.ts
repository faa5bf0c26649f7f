/** Captures in which every metric has something to count, made by hand so that each figure is known. */
import {
  type Captured,
  Conversation,
  type DnsRecord,
  dnsMessage,
  dnsQuery,
  dnsResponse,
  edns,
  ethernet,
  FLAG,
  gre,
  hex,
  icmp,
  ipv4,
  ipv6,
  join,
  type Layer,
  number,
  overTcp,
  Pcapng,
  pcap,
  raw,
  START_NS,
  sctp,
  spaced,
  TYPE,
  tcp,
  udp,
} from "../support/pcap-builder";

/** The network that is ours: its first address asks, outside addresses answer. */
export const OURS = "192.0.2.0/24";
export const CLIENT = "192.0.2.1";
export const SERVER = "198.51.100.53";
export const MINUTE_NS = 60_000_000_000n;
const MS = 1_000_000n;

const ask = (message: Uint8Array, port = 5000) =>
  ethernet(ipv4(udp(message, { sourcePort: port, destinationPort: 53 }), { source: CLIENT, destination: SERVER, id: ++ids }));
const answer = (message: Uint8Array, port = 5000) =>
  ethernet(ipv4(udp(message, { sourcePort: 53, destinationPort: port }), { source: SERVER, destination: CLIENT, id: ++ids }));
let ids = 0;

/** Client subnet 203.0.113.0/24. */
const SUBNET: DnsRecord = edns(hex("0008 0007 0001 1800 cb0071"), { dnssecOk: true });

/**
 * Six questions, each answered in its own way after 10 ms, one that is not, one response that nobody asked for, one message that
 * is malformed, and a minute later one answered after 400 ms.
 */
export function dnsCapture(): Uint8Array {
  const packets: Captured[] = [];
  const at = (ms: number, bytes: Uint8Array) => packets.push({ timeNs: START_NS + BigInt(ms) * MS, bytes });
  const pair = (ms: number, query: Uint8Array, response: Uint8Array, waitMs = 10) => {
    at(ms, ask(query));
    at(ms + waitMs, answer(response));
  };
  const flags = FLAG.response | FLAG.authoritative | FLAG.truncated | FLAG.recurse | FLAG.canRecurse | FLAG.ad | FLAG.cd;
  const good = { name: "good.example.test" };
  const withSubnet = dnsMessage({ id: 1, flags: FLAG.recurse, questions: [good], additionals: [SUBNET] });
  const records = [{ name: hex("c00c"), data: [192, 0, 2, 9] }];
  pair(0, withSubnet, dnsMessage({ id: 1, flags, questions: [good], answers: records }));
  ["NXDOMAIN:3", "REFUSED:5", "SERVFAIL:2"].forEach((text, index) => {
    const [name, rcode] = [`${text.split(":")[0]!.toLowerCase()}.test`, Number(text.split(":")[1])];
    pair(100 * (index + 1), dnsQuery(name, { id: index + 2 }), dnsResponse(name, { id: index + 2, rcode }));
  });
  const empty = [{ name: "empty.test", type: TYPE.AAAA }];
  pair(400, dnsMessage({ id: 5, questions: empty }), dnsMessage({ id: 5, flags: FLAG.response, questions: empty }));
  at(500, ask(dnsQuery("silent.test", { id: 6 })));
  at(600, answer(dnsResponse("orphan.test", { id: 7 })));
  at(700, ask(join(dnsMessage({ id: 8 }).subarray(0, 4), hex("0001 0000 0000 0000 7f"))));
  pair(60_000, dnsQuery("slow.test", { id: 9 }), dnsResponse("slow.test", { id: 9 }), 400);
  at(66_500, ask(dnsQuery("late.test", { id: 10 })));
  return pcap(packets);
}

const request = (method: string, path: string) => `${method} ${path} HTTP/1.1\r\nHost: www.test\r\nUser-Agent: probe/1\r\n\r\n`;
const response = (status: number, body = "") => `HTTP/1.1 ${status} Any\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

/** Three exchanges over one connection, then an orphan before another one, a malformed head, and a slow one a minute later. */
export function httpCapture(): Uint8Array {
  const form = { client: CLIENT, server: SERVER };
  const talk = new Conversation({ ...form, stepNs: 5n * MS }).open();
  talk.send("client", request("GET", "/users/17")).send("server", response(200, "hello"));
  talk.send("client", request("POST", "/none")).send("server", response(404));
  talk.send("client", request("GET", "/broken")).send("server", "HTTP/1.1 103 Early\r\n\r\n").send("server", response(503));
  talk.close();
  const orphan = new Conversation({ ...form, clientPort: 40001, startNs: START_NS + 1000n * MS });
  orphan.send("server", response(200)).send("client", request("GET", "/after")).send("server", response(204)).close();
  const bad = new Conversation({ ...form, clientPort: 40002, startNs: START_NS + 2000n * MS }).open();
  bad.send("client", request("GET", "/length")).send("server", "HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n").close();
  const slow = new Conversation({ ...form, clientPort: 40003, startNs: START_NS + MINUTE_NS }).open();
  slow
    .send("client", request("GET", "/slow"))
    .wait(900n * MS)
    .send("server", response(200))
    .close();
  return pcap([talk, orphan, bad, slow].flatMap(({ packets }) => packets));
}

/** A connection in trouble: 1 segment early, 3 again, 2 acknowledgements again, a window of 0, a reset. */
export function troubledCapture(): Uint8Array {
  const talk = new Conversation({ client: CLIENT, server: SERVER, serverPort: 9 }).open();
  const start = talk.next.client;
  talk
    .packet("client", "P.", "aaaa", start)
    .packet("client", "P.", "cccc", start + 8)
    .packet("client", "P.", "bbbb", start + 4);
  for (let i = 0; i < 3; i++) talk.packet("client", "P.", "aaaa", start);
  talk.next.client = start + 4;
  for (let i = 0; i < 3; i++) talk.acknowledge("server");
  const ports = { sourcePort: 9, destinationPort: 40000 };
  const closed = tcp("", { ...ports, sequence: talk.next.server, acknowledgment: start + 12, window: 0 });
  const timeNs = talk.packets.at(-1)!.timeNs + 1000n;
  talk.packets.push({ timeNs, bytes: ethernet(ipv4(closed, { source: SERVER, destination: CLIENT })) });
  return pcap(talk.reset("server").packets);
}

const inner = (payload: string) => udp(payload, { sourcePort: 1111, destinationPort: 2222 });
const between = (above: Layer, fields = {}) => ethernet(ipv4(above, { source: CLIENT, destination: SERVER, ...fields }));

/** One packet of each sort that the packet path tells apart, in pcapng with a block that is not read and drops reported. */
export function sortsCapture(): Uint8Array {
  const file = new Pcapng();
  const datagram = inner("in two fragments of one datagram");
  const whole = datagram.encode({ source: Uint8Array.of(192, 0, 2, 1), destination: Uint8Array.of(198, 51, 100, 53) });
  const part = (from: number, to: number, more: boolean) =>
    between(raw(whole.subarray(from, to), { protocol: 17 }), { id: 77, fragmentOffset: from, moreFragments: more });
  const frames = [
    between(inner("plain")),
    between(tcp("", { flags: "." })),
    between(icmp(8, 0, "ping")),
    ethernet(ipv6(icmp(128, 0, "ping", 6), { source: "2001:db8::1", destination: "2001:db8::2" })),
    between(sctp(hex("0b000004"))),
    between(raw("ospf", { protocol: 89 })),
    ethernet(raw(hex("0001 0800 0604 0001"), { etherType: 0x0806 })),
    between(gre(ipv4(inner("tunnelled"), { source: "10.0.0.1", destination: "10.0.0.2" }))),
    part(0, 24, true),
    part(0, 24, true),
    part(24, whole.length, false),
    between(udp("offloaded", { sourcePort: 3333, destinationPort: 4444, checksum: 0 })),
    between(udp("wrong", { sourcePort: 3333, destinationPort: 4444, checksum: 0x1234 })),
  ];
  return sortsFile(file, spaced(frames));
}

const little = (value: number, bytes: number) => number(value, bytes, true);
const STATISTICS_BLOCK = 5;
/** Option isb_osdrop. */
const OS_DROPS = 7;

function sortsFile(file: Pcapng, packets: Captured[]): Uint8Array {
  const cut = { ...packets[0]!, bytes: packets[0]!.bytes.subarray(0, 44), wireBytes: packets[0]!.bytes.length };
  return join(
    file.section(),
    file.interface({ linkType: 1 }),
    file.block(0x0bad, "not known"),
    ...[...packets, cut].map((packet) => file.packet(packet)),
    file.block(STATISTICS_BLOCK, little(0, 4), little(0, 8), little(OS_DROPS, 2), little(8, 2), little(5, 8), little(0, 4)),
  );
}

/** Queries over ten ports, a thousand each, none answered: more than a small budget has room for. */
export const FLOOD = 10_000;
export function floodCapture(): Uint8Array {
  const frames = Array.from({ length: FLOOD }, (_, index) =>
    ask(dnsQuery(`n${index}.test`, { id: Math.floor(index / 10) }), 6000 + (index % 10)),
  );
  return pcap(spaced(frames, 1000n));
}

/** Datagrams that each begin a flow of their own: more than a small budget has room for. */
export const FLOWS = 6000;
export function manyFlowsCapture(): Uint8Array {
  const frames = Array.from({ length: FLOWS }, (_, index) =>
    between(udp("x", { sourcePort: 10_000 + index, destinationPort: 9999 })),
  );
  return pcap(spaced(frames, 1000n));
}

/** The same query twice, as loopback shows it, and a hole of 100 bytes in an HTTP body. */
export function holesCapture(): Uint8Array {
  const query = ask(dnsQuery("twice.test", { id: 1 }));
  const talk = new Conversation({ client: CLIENT, server: SERVER, startNs: START_NS + 1000n * MS }).open();
  talk.send("client", request("GET", "/body")).send("server", "HTTP/1.1 200 OK\r\nContent-Length: 300\r\n\r\n");
  talk
    .lose("server", "x".repeat(100))
    .send("server", "y".repeat(200))
    .acknowledge("client")
    .wait(200n * MS);
  talk.acknowledge("client").close();
  return pcap([...spaced([query, query]), ...talk.packets]);
}

/** HTTP requests that wait on ten connections, 700 on each: more than a small budget has room for. */
export const WAITING = 7000;
export function waitingCapture(): Uint8Array {
  const talks = Array.from({ length: 10 }, (_, index) =>
    new Conversation({ client: CLIENT, server: SERVER, clientPort: 10_000 + index, stepNs: 1000n }).open(),
  );
  for (let index = 0; index < WAITING; index++) talks[index % 10]!.send("client", request("GET", `/${"long".repeat(80)}`));
  return pcap(talks.flatMap(({ packets }) => packets));
}

/** Two requests that wait when their minute ends. */
export function openHttpCapture(): Uint8Array {
  const startNs = START_NS + MINUTE_NS - 500_000_000n;
  const talk = new Conversation({ client: CLIENT, server: SERVER, startNs }).open();
  talk.send("client", request("GET", "/one") + request("GET", "/two")).wait(6_000_000_000n);
  return pcap(talk.acknowledge("server").acknowledge("server").packets);
}

/** Segments that come before their turn on many connections: more than a small budget holds back. */
export const EARLY = 5000;
export function earlyCapture(): Uint8Array {
  const packets: Captured[] = [];
  for (let index = 0; index < EARLY; index++) {
    const startNs = START_NS + BigInt(index) * 1000n;
    const talk = new Conversation({ client: CLIENT, server: SERVER, clientPort: 10_000 + index, startNs, stepNs: 100n }).open();
    packets.push(...talk.lose("client", "x").send("client", "y".repeat(1000)).packets);
  }
  return pcap(packets);
}

/** One query over TCP: a handshake of 2 ms of which 1 to the server, and a response 24 ms after the query. */
export function dnsOverTcpCapture(): Uint8Array {
  const talk = new Conversation({ client: CLIENT, server: SERVER, serverPort: 53 }).open();
  talk
    .send("client", overTcp(dnsQuery("tcp.test")))
    .wait(23n * MS)
    .send("server", overTcp(dnsResponse("tcp.test")));
  return pcap(talk.close().packets);
}
