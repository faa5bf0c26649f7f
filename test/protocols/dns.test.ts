/** What a DNS message says, field by field. Expected texts are those of zone files (RFC 1035 section 5.1, RFC 3597), worked out by hand. */
import { describe, expect, test } from "vitest";
import type { RoundTrip } from "../../engine/round-trip";
import {
  type Captured,
  Conversation,
  type DnsRecord,
  dnsMessage,
  dnsName,
  dnsQuery,
  dnsResponse,
  ethernet,
  FLAG,
  hex,
  ipv4,
  join,
  overTcp,
  pcap,
  START_NS,
  TYPE,
  udp,
} from "../support/pcap-builder";
import { readRoundTrips } from "../support/round-trips";
import { totalsOf } from "../support/summaries";

const CLIENT = "192.0.2.1";
const SERVER = "192.0.2.53";
const SECOND_NS = 1_000_000_000n;
const MILLISECOND_NS = 1_000_000n;
const ANSWER = FLAG.response | FLAG.recurse | FLAG.canRecurse;
const POINTER = Uint8Array.of(0xc0, 12);

interface Sent {
  message: Uint8Array;
  isAnswer?: boolean;
  afterNs?: bigint;
  to?: string;
  port?: number;
}

let frames = 0;
function frame({ message, isAnswer = false, afterNs = 0n, to = SERVER, port = 53 }: Sent): Captured {
  frames += 1;
  const ports = isAnswer ? { sourcePort: port, destinationPort: 40_000 } : { sourcePort: 40_000, destinationPort: port };
  const [source, destination] = isAnswer ? [SERVER, CLIENT] : [CLIENT, to];
  return { timeNs: START_NS + afterNs, bytes: ethernet(ipv4(udp(message, ports), { source, destination, id: frames & 0xffff })) };
}

const read = (...sent: Sent[]): RoundTrip[] => readRoundTrips(pcap(sent.map(frame)));

/** The one round trip of a query and its answer. */
function exchange(query: Uint8Array, answer: Uint8Array): RoundTrip {
  const trips = read({ message: query }, { message: answer, isAnswer: true, afterNs: MILLISECOND_NS });
  expect(trips).toHaveLength(1);
  return trips[0]!;
}

const questions = [{ name: "Host.Example.com" }];
const query = (more: Parameters<typeof dnsMessage>[0] = {}) => dnsMessage({ flags: FLAG.recurse, questions, ...more });
const answer = (more: Parameters<typeof dnsMessage>[0] = {}) => dnsMessage({ flags: ANSWER, questions, ...more });
const recordsOf = (answers: DnsRecord[]) => exchange(query(), answer({ answers })).response!.records;

describe("records", () => {
  const name = POINTER;
  const soa = join(dnsName("ns.example.com"), dnsName("admin.example.com"), hex("00000001 00001c20 00000e10 00127500 00000e10"));
  test.each([
    ["A", 1, Uint8Array.of(192, 0, 2, 9), "192.0.2.9"],
    ["AAAA", 28, hex("20010db8000000000000000000000001"), "2001:db8::1"],
    ["NS", 2, dnsName("ns1.example.com"), "ns1.example.com"],
    ["CNAME", 5, join([3], "www", [0xc0, 17]), "www.Example.com"],
    ["PTR", 12, dnsName("host.example.com"), "host.example.com"],
    ["DNAME", 39, dnsName("example.net"), "example.net"],
    ["MX", 15, join(hex("000a"), dnsName("mail.example.com")), "10 mail.example.com"],
    ["SRV", 33, join(hex("0001 0002 1466"), dnsName("sip.example.com")), "1 2 5222 sip.example.com"],
    ["SOA", 6, soa, "ns.example.com admin.example.com 1 7200 3600 1209600 3600"],
    ["TXT", 16, join([3], "a b", [5], 'q"\\\u0007z'), '"a b" "q\\"\\\\\\007z"'],
    ["SPF", 99, join([6], "v=spf1"), '"v=spf1"'],
    ["HTTPS", 65, hex("0001 00 0001 0003 026832"), "\\# 10 00010000010003026832"],
    ["TYPE65280", 65280, hex("0102ff"), "\\# 3 0102ff"],
    ["NULL", 10, new Uint8Array(0), "\\# 0"],
  ])("%s", (typeName, type, data, text) => {
    expect(recordsOf([{ name, type, ttl: 77, data }])).toEqual([
      { section: "answer", name: "Host.Example.com", type: typeName, ttl: 77, data: text },
    ]);
  });

  test("stand in their sections, without OPT", () => {
    const one = { name: POINTER, data: [192, 0, 2, 1] };
    const opt = { name: ".", type: TYPE.OPT, class: 1232, ttl: 0, data: [] };
    const { response } = exchange(query(), answer({ answers: [one, one], authorities: [one], additionals: [opt, one] }));
    expect(response).toMatchObject({ answers: 2, authorities: 1, additionals: 2 });
    const sections = (response!.records as { section: string }[]).map(({ section }) => section);
    expect(sections).toEqual(["answer", "answer", "authority", "additional"]);
  });

  test("whose lengths go beyond the message end the list", () => {
    const whole = answer({
      answers: [
        { name: POINTER, data: [192, 0, 2, 1] },
        { name: POINTER, data: [192, 0, 2, 2] },
      ],
    });
    expect((exchange(query(), whole.subarray(0, whole.length - 2)).response!.records as unknown[]).length).toBe(1);
  });
});

describe("names", () => {
  const asked = (labels: Uint8Array) => join(hex("0001 0100 0001 0000 0000 0000"), labels, hex("0001 0001"));
  const nameOf = (labels: Uint8Array) => read({ message: asked(labels) })[0]?.request?.name;

  test.each([
    ["a dot and a backslash inside a label", join([3], "a.b", [3], "c\\d", [0]), "a\\046b.c\\092d"],
    ["bytes that are not printable", join([3, 1, 200, 127, 0]), "\\001\\200\\127"],
    ["a space, between the first and the last byte that are shown", join([5], "!a ~z", [0]), "!a\\032~z"],
    ["spaces in a label of more than 16 bytes", join([18], "DNS Service Printe", [0]), "DNS\\032Service\\032Printe"],
    ["the root", join([0]), "."],
    ["63 bytes in a label", join([63], "x".repeat(63), [0]), "x".repeat(63)],
    ["255 bytes in all", join(...Array.from({ length: 127 }, () => join([1], "y")), [0]), Array(127).fill("y").join(".")],
  ])("have %s", (_, labels, text) => expect(nameOf(labels)).toBe(text));

  test.each([
    ["a pointer to itself", join([0xc0, 12])],
    ["pointers to each other", join([1], "a", [0xc0, 16, 0xc0, 14])],
    ["256 bytes", join(...Array.from({ length: 127 }, () => join([1], "y")), [1], "y", [0])],
    ["a length of a reserved form", join([0x80], "abc", [0])],
  ])("with %s are none", (_, labels) => expect(nameOf(labels)).toBeUndefined());

  test("may be chains of pointers", () => {
    // Each name is a label and a pointer to the one before.
    const first = 12 + dnsName("Host.Example.com").length + 4;
    const recordBytes = 10 + 4;
    const second = first + 4 + recordBytes;
    const records = [
      { name: join([1], "a", [0xc0, 12]), data: [192, 0, 2, 1] },
      { name: join([1], "b", [0xc0, first]), data: [192, 0, 2, 2] },
      { name: join([1], "c", [0xc0, second]), data: [192, 0, 2, 3] },
    ];
    expect((recordsOf(records) as { name: string }[]).map(({ name }) => name)).toEqual([
      "a.Host.Example.com",
      "b.a.Host.Example.com",
      "c.b.a.Host.Example.com",
    ]);
  });

  test("are shown as they are, and counted in lower case", () => {
    expect(exchange(query(), answer()).request!.name).toBe("Host.Example.com");
    const totals = totalsOf(pcap([frame({ message: query() }), frame({ message: answer(), isAnswer: true })]));
    const names = totals.rows("dns_top_names").flatMap(({ items }) => (items as { key: string }[]).map(({ key }) => key));
    expect(new Set(names)).toEqual(new Set(["host.example.com"]));
  });
});

describe("the header", () => {
  test.each([
    ["aa", FLAG.authoritative],
    ["tc", FLAG.truncated],
    ["rd", FLAG.recurse],
    ["ra", FLAG.canRecurse],
    ["ad", FLAG.ad],
    ["cd", FLAG.cd],
  ])("has the flag %s", (name, bit) => {
    expect(exchange(query(), answer({ flags: FLAG.response | bit })).response!.flags).toEqual([name]);
  });

  test.each([
    [1, "IQUERY"],
    [2, "STATUS"],
    [4, "NOTIFY"],
    [5, "UPDATE"],
  ])("has operation %i, %s", (number, name) => {
    const { request } = exchange(query({ flags: number << 11 }), answer({ flags: FLAG.response | (number << 11) }));
    expect(request!.opcode).toBe(name);
  });

  test.each([
    [0, "NOERROR", "ok"],
    [1, "FORMERR", "error"],
    [2, "SERVFAIL", "error"],
    [3, "NXDOMAIN", "error"],
    [5, "REFUSED", "error"],
    [9, "NOTAUTH", "error"],
  ])("has response code %i, %s: %s", (rcode, rcodeName, status) => {
    expect(exchange(query(), answer({ rcode }))).toMatchObject({ status, response: { rcode, rcodeName } });
  });

  test("names classes", () => {
    const chaos = [{ name: "version.bind", type: TYPE.TXT, class: 3 }];
    const trip = exchange(query({ questions: chaos }), answer({ questions: chaos }));
    expect(trip.request).toMatchObject({ name: "version.bind", class: "CH", type: "TXT" });
  });

  test("may count several questions, which are all told", () => {
    const several = [{ name: "one.example" }, { name: "two.example", type: TYPE.AAAA }];
    const { request } = exchange(query({ questions: several }), answer({ questions: several }));
    expect(request).toMatchObject({
      name: "one.example",
      questions: [
        { name: "one.example", type: "A" },
        { name: "two.example", type: "AAAA" },
      ],
    });
  });
});

describe("EDNS", () => {
  const opt = (options: Uint8Array, { size = 1232, ttl = 0 } = {}) => ({
    name: ".",
    type: TYPE.OPT,
    class: size,
    ttl,
    data: options,
  });
  const withOptions = (options: Uint8Array) => exchange(query({ additionals: [opt(options)] }), answer()).request!;

  test("tells the size that is taken, and DO", () => {
    const { request } = exchange(query({ additionals: [opt(new Uint8Array(0), { size: 4096, ttl: 0x8000 })] }), answer());
    expect(request).toMatchObject({ udpSize: 4096, flags: ["rd", "do"] });
  });

  test.each([
    ["IPv4", hex("0008 0007 0001 18 00 c63364"), "198.51.100.0/24"],
    ["IPv6", hex("0008 000b 0002 38 00 20010db8000001"), "2001:db8:0:100::/56"],
    ["nothing", hex("0008 0004 0001 00 00"), "0.0.0.0/0"],
    ["another option before", hex("000a 0008 0102030405060708 0008 0007 0001 18 00 c63364"), "198.51.100.0/24"],
  ])("tells the client's network: %s", (_, options, text) => expect(withOptions(options).ecs).toBe(text));

  test.each([
    ["of another family", hex("0008 0007 0003 18 00 c63364")],
    ["longer than an address", hex("0008 0007 0001 21 00 c63364")],
    ["cut", hex("0008 0007 0001 18")],
  ])("tells none that is %s", (_, options) => expect(withOptions(options).ecs).toBeUndefined());

  test("extends response codes", () => {
    const { response, status } = exchange(query(), answer({ additionals: [opt(new Uint8Array(0), { ttl: 0x01000000 })] }));
    expect([response!.rcode, response!.rcodeName, status]).toEqual([16, "BADVERS", "error"]);
  });
});

describe("matching", () => {
  test("a query that is sent again is one round trip, marked", () => {
    const trips = read(
      { message: query() },
      { message: query(), afterNs: SECOND_NS },
      { message: answer(), isAnswer: true, afterNs: SECOND_NS + MILLISECOND_NS },
    );
    expect(trips).toHaveLength(1);
    expect(trips[0]).toMatchObject({ status: "ok", request: { retries: 1 }, marks: ["retry"] });
  });

  test("several on one pair of ports have each their own answer and sizes", () => {
    const names = ["one.test", "two.test", "three.test"];
    const records = (count: number) => Array.from({ length: count }, () => ({ name: hex("c00c"), data: [192, 0, 2, 9] }));
    const asked = names.map((name, index) => dnsQuery(name, { id: index }));
    const told = names.map((name, index) =>
      dnsMessage({ id: index, flags: ANSWER, questions: [{ name }], answers: records(index) }),
    );
    // All are in flight at once.
    const trips = read(
      ...asked.map((message) => ({ message })),
      ...told.map((message) => ({ message, isAnswer: true, afterNs: MILLISECOND_NS })),
    );
    expect(trips.map(({ request, response }) => [request?.name, request?.bytes, response?.answers, response?.bytes])).toEqual(
      names.map((name, index) => [name, asked[index]!.length, index, told[index]!.length]),
    );
  });

  test("one id for two names in flight: each name has its own answer", () => {
    const names = ["one.test", "other.test"];
    const trips = read(
      ...names.map((name) => ({ message: dnsQuery(name, { id: 7 }) })),
      ...names.toReversed().map((name, rcode) => ({ message: dnsResponse(name, { id: 7, rcode: 2 + rcode }), isAnswer: true })),
    );
    expect(trips.map(({ request, response }) => [request?.name, response?.name, response?.rcode]).sort()).toEqual([
      ["one.test", "one.test", 3],
      ["other.test", "other.test", 2],
    ]);
  });

  test("an answer without a question is matched by its id", () => {
    const bare = dnsMessage({ id: 1, flags: ANSWER, rcode: 2 });
    expect(exchange(query(), bare)).toMatchObject({ status: "error", response: { rcodeName: "SERVFAIL" } });
  });

  test("another id or another question is another query's", () => {
    for (const other of [answer({ id: 2 }), answer({ questions: [{ name: "other.example.com" }] })]) {
      const trips = read({ message: query() }, { message: other, isAnswer: true, afterNs: MILLISECOND_NS });
      expect(trips.map(({ request, response }) => [request !== undefined, response !== undefined]).sort()).toEqual([
        [false, true],
        [true, false],
      ]);
    }
  });

  test("a multicast query is nobody's to answer, and its class has a bit of its own", () => {
    const [trip] = read({
      message: query({ questions: [{ name: "printer.local", class: 0x8001 }] }),
      to: "224.0.0.251",
      port: 5353,
    });
    expect(trip).toMatchObject({ status: "unobserved", request: { name: "printer.local", class: "IN" } });
  });

  test("a query without an answer is a timeout after five seconds of packets", () => {
    const trips = read({ message: query() }, { message: query({ id: 7 }), afterNs: 6n * SECOND_NS });
    expect(trips.map(({ status }) => status).sort()).toEqual(["timeout", "unobserved"]);
  });

  test("over TCP, any number of messages share segments", () => {
    const talk = new Conversation({ serverPort: 53 }).open();
    const ids = [1, 2, 3];
    const queries = join(...ids.map((id) => overTcp(query({ id }))));
    talk.send("client", queries.subarray(0, 40)).send("client", queries.subarray(40));
    talk.send("server", join(...ids.toReversed().map((id) => overTcp(answer({ id, rcode: id })))));
    const trips = readRoundTrips(pcap(talk.close().packets));
    expect(trips.map(({ response }) => [response!.id, response!.rcode]).sort()).toEqual([
      [1, 1],
      [2, 2],
      [3, 3],
    ]);
  });
});
