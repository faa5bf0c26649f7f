/** The independent count agrees with what the clients wrote down, and with tshark on every packet and byte. */
import { describe, expect, test } from "vitest";
import { corpusRows, HAS_CORPUS } from "../support/corpus";
import { FIXTURES, fixtureBytes, fixtureTruth } from "../support/fixtures";
import { addCount, countCapture, emptyCount, type Tally } from "../support/oracle/count";
import * as make from "../support/pcap-builder";

const METHODS = ["GET", "HEAD", "POST", "OPTIONS", "CONNECT", "PUT", "DELETE"];
const RCODES: Record<string, string> = { NOERROR: "0", NXDOMAIN: "3", REFUSED: "5" };

const object = (tally: Tally) => Object.fromEntries(tally);
const rename = (record: Record<string, number>, name: (key: string) => string | undefined) =>
  Object.fromEntries(Object.entries(record).flatMap(([key, value]) => (name(key) ? [[name(key)!, value]] : [])));

describe("HTTP as the client sent it", () => {
  test.each(FIXTURES.filter((name) => name.startsWith("http1_")))("%s", (name) => {
    const { sent, got } = fixtureTruth(name);
    const { http } = countCapture(fixtureBytes(name));
    const methods = rename(sent, (key) => (METHODS.includes(key) ? key : undefined));
    // A request inside a CONNECT tunnel travels twice: in the tunnel, and again from the proxy to the server.
    const tunnelled = sent["GET (inside tunnel)"] ?? 0;
    if (tunnelled > 0) methods.GET! += 2 * tunnelled;
    expect(object(http.methods)).toEqual(methods);
    const codes = object(http.statuses);
    for (const [code, times] of http.interim) codes[code] = times;
    const statuses = rename(got ?? {}, (key) => /^status (\d+)$/.exec(key)?.[1]);
    // The client counts the response from inside the tunnel, not the one between proxy and server.
    if (tunnelled > 0) statuses[200]! += tunnelled;
    if (got) expect(codes).toEqual(statuses);
    expect(http.durationsNs).toHaveLength(http.requests);
    // A request that is not HTTP at all is answered with 400 and is no request of ours.
    expect(http.orphans).toBe(sent.malformed ?? 0);
  });
});

describe("DNS as the client sent it", () => {
  const dnsOf = (name: string) => countCapture(fixtureBytes(name)).dns;

  test("dnsperf", () => {
    const { sent, got } = fixtureTruth("dns_dnsperf_udp.pcap");
    const dns = dnsOf("dns_dnsperf_udp.pcap");
    expect(dns.queries).toBe(sent.queries);
    expect(object(dns.types)).toEqual({ 1: sent.A, 28: sent.AAAA });
    expect(object(dns.rcodes)).toEqual(rename(got!, (key) => RCODES[key]));
    expect([dns.timeouts, dns.orphans, dns.durationsNs.length]).toEqual([0, 0, 1260]);
  });

  test("kdig", () => {
    const { sent, rcodes } = fixtureTruth("dns_kdig_udp.pcap");
    const dns = dnsOf("dns_kdig_udp.pcap");
    expect(dns.queries).toBe(sent.queries);
    expect(object(dns.rcodes)).toEqual(rename(rcodes!, (key) => RCODES[key]));
    expect(dns.clients.get("::1")).toBe(sent.ipv6);
  });

  test("unbound, which asks for its clients", () => {
    const { sent } = fixtureTruth("dns_unbound_recursive.pcap");
    expect(dnsOf("dns_unbound_recursive.pcap").queries).toBe(sent.client_queries! + sent.stub_queries_about!);
  });

  test("nothing where all of it is encrypted", () => {
    expect(dnsOf("dns_dot.pcap").queries).toBe(0);
  });
});

describe("cases by hand", () => {
  test("DNS over TCP in one segment and over several, a timeout, an orphan", () => {
    const conversation = new make.Conversation({ serverPort: 53 }).open();
    const queries = make.join(
      make.overTcp(make.dnsQuery("A.example", { id: 1 })),
      make.overTcp(make.dnsQuery("b.example", { id: 2 })),
    );
    conversation.send("client", queries, 7).send("server", make.overTcp(make.dnsResponse("b.example", { id: 2, rcode: 3 })));
    const orphan = make.udp(make.dnsResponse("c.example", { id: 3 }), { sourcePort: 53, destinationPort: 9000 });
    const packets = [...conversation.packets, ...make.spaced([make.ethernet(make.ipv6(orphan))])];
    const { dns } = countCapture(make.pcap(packets));
    expect([dns.queries, dns.responses, dns.timeouts, dns.orphans]).toEqual([2, 2, 1, 1]);
    expect(object(dns.names)).toEqual({ "a.example": 1, "b.example": 1 });
    expect(object(dns.rcodes)).toEqual({ 3: 1, 0: 1 });
    // The second query began in the fifth of nine segments.
    expect(dns.durationsNs).toEqual([5_000_000]);
  });

  test("HTTP in any order of segments, with a chunked body", () => {
    const conversation = new make.Conversation({ clientSequence: 0xffffffff }).open();
    conversation.send(
      "client",
      "POST /a?b HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nGET\r\n0\r\n\r\nGET /c HTTP/1.1\r\n\r\n",
      9,
    );
    conversation
      .send("server", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No\r\n\r\nHTTP/1.0 200 OK\r\n\r\nto the end", 8)
      .close();
    const opened = conversation.packets.slice(0, 3);
    const { http } = countCapture(make.pcap([...opened, ...conversation.packets.slice(3).reverse()]));
    expect(object(http.methods)).toEqual({ POST: 1, GET: 1 });
    expect(object(http.paths)).toEqual({ "/a": 1, "/c": 1 });
    expect(object(http.statuses)).toEqual({ 204: 1, 200: 1 });
    expect(object(http.interim)).toEqual({ 100: 1 });
  });

  test("counts add up", () => {
    const sum = emptyCount();
    const one = countCapture(fixtureBytes("http1_nano.pcap"));
    addCount(sum, one);
    addCount(sum, one);
    expect([sum.packets, sum.http.requests, sum.http.statuses.get("404"), sum.http.durationsNs.length]).toEqual([24, 4, 2, 4]);
    expect([sum.startNs, sum.endNs]).toEqual([one.startNs, one.endNs]);
  });
});

interface TruthRow {
  file: string;
  tshark_rc: number;
  packets: number;
  wire_bytes: number;
}

test.runIf(HAS_CORPUS)("packets and bytes are tshark's", () => {
  const rows = new Map(corpusRows<TruthRow>("truth.ndjson").map((row) => [row.file, row]));
  for (const name of FIXTURES) {
    const { packets, wire_bytes } = rows.get(`generated/${name}`)!;
    const count = countCapture(fixtureBytes(name));
    expect([name, count.packets, count.bytes]).toEqual([name, packets, wire_bytes]);
  }
});
