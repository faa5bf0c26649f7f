/**
 * Counts that another agent's own tests state for its captures, where they are the truth and not a sketch's error. Fragments
 * are joined here and were not there, which one capture shows.
 */
import { describe, expect, test } from "vitest";
import { corpusBytes, HAS_CORPUS } from "../support/corpus";
import { readRoundTrips } from "../support/round-trips";
import { type Totals, totalsOf } from "../support/summaries";

const STEPS = "upstream/netboxlabs/pktvisor/automated_tests/features/steps/pcap_files";
const FIXTURES = "upstream/netboxlabs/pktvisor/src/tests/fixtures";
const OURS = ["192.168.0.0/24"];
const read = (path: string, hostNetworks?: string[]) => totalsOf(corpusBytes(path), { hostNetworks });

/** Packets by family and transport, SYN segments, and DNS messages, transactions and names. */
function figures(totals: Totals) {
  const net = (labels: Record<string, string>) => totals.count("net_packets_total", labels);
  const messages = (message: string) => totals.count("dns_messages_total", { message });
  return {
    packets: totals.summary.packets,
    ipv4: net({ family: "ipv4" }),
    ipv6: net({ family: "ipv6" }),
    tcp: net({ transport: "tcp" }),
    udp: net({ transport: "udp" }),
    other: net({ transport: "other" }),
    syn: totals.count("net_tcp_segments_total", { flag: "syn" }) + totals.count("net_tcp_segments_total", { flag: "syn_ack" }),
    queries: messages("request"),
    responses: messages("response"),
    transactions: totals.count("dns_transactions_total"),
  };
}

/** Values of the top's items with these keys. */
const topOf = (totals: Totals, metric: string, keys: string[]) => keys.map((key) => totals.top(metric).get(key)?.value);

/** Of the transactions that a filter wants: how many, with which response codes, and without an answer. */
function transactions(path: string, filter: string) {
  const trips = readRoundTrips(corpusBytes(path), {}, `dns and request and response and ${filter}`);
  const rcodes: Record<string, number> = {};
  for (const { response } of trips) rcodes[String(response?.rcodeName)] = (rcodes[String(response?.rcodeName)] ?? 0) + 1;
  const nodata = trips.filter(({ response }) => response?.rcode === 0 && response.answers === 0).length;
  return { all: trips.length, ...rcodes, nodata };
}

/** What docs/metrics.md promises of a quantile. */
const QUANTILE_ERROR_MAX = 0.01083;

const NONE = { ipv4: 0, ipv6: 0, tcp: 0, udp: 0, other: 0, syn: 0 };

describe.runIf(HAS_CORPUS)("the counts of", () => {
  test.each([
    ["dns_ipv4_udp", { ...NONE, packets: 140, ipv4: 140, udp: 140, queries: 70, responses: 70, transactions: 70 }],
    [
      "dns_ipv4_tcp",
      { ...NONE, packets: 2100, ipv4: 2100, tcp: 2100, syn: 420, queries: 210, responses: 210, transactions: 210 },
    ],
    ["dns_ipv6_udp", { ...NONE, packets: 140, ipv6: 140, udp: 140, queries: 70, responses: 70, transactions: 70 }],
    [
      "dns_ipv6_tcp",
      { ...NONE, packets: 1800, ipv6: 1800, tcp: 1800, syn: 360, queries: 180, responses: 180, transactions: 180 },
    ],
  ])("%s", (name, expected) => {
    const totals = read(`${STEPS}/${name}.pcap`);
    expect(figures(totals)).toEqual(expected);
    expect(totals.top("dns_top_names2").get("test.com")?.value).toBe(expected.transactions);
    expect(totals.top("dns_top_rcodes").get("NOTIMP")?.value).toBe(expected.transactions);
    const names = totals.one("dns_names");
    expect(names.lower).toBeLessThanOrEqual(expected.transactions);
    expect(names.upper).toBeGreaterThanOrEqual(expected.transactions);
  });

  test("dns_ipv4_udp's and dns_ipv6's first and last packet", () => {
    const { summary } = read(`${STEPS}/dns_ipv4_udp.pcap`);
    expect([summary.start, summary.end]).toEqual(["2019-09-05T18:00:14.599964000Z", "2019-09-05T18:00:20.602866000Z"]);
    // A frame of 95 bytes in the middle, of which 42 are headers.
    const median = read(`${STEPS}/dns_ipv4_udp.pcap`).one("net_payload_bytes").quantiles?.["0.5"] ?? 0;
    expect(Math.abs(median / (95 - 42) - 1)).toBeLessThanOrEqual(QUANTILE_ERROR_MAX);
    expect(read(`${STEPS}/dns_ipv6_udp.pcap`).summary.start).toBe("2019-09-05T17:59:25.513271000Z");
    expect(read(`${STEPS}/dns_ipv6_tcp.pcap`).summary.start).toBe("2019-09-05T17:58:28.958184000Z");
  });

  test("dns_udp_tcp_random", () => {
    const totals = read(`${STEPS}/dns_udp_tcp_random.pcap`, OURS);
    expect(figures(totals)).toMatchObject({
      packets: 16147,
      tcp: 13176,
      udp: 2971,
      other: 0,
      syn: 2846,
      queries: 2930,
      responses: 2921,
    });
    expect([
      totals.count("net_packets_total", { direction: "in" }),
      totals.count("net_packets_total", { direction: "out" }),
    ]).toEqual([6648, 9499]);
    expect(totals.count("net_packets_total", { direction: "unknown" })).toBe(0);
    const addresses = ["in", "out"].map((direction) => totals.one("net_addresses", { direction }).estimate);
    expect(addresses).toEqual([1, 1]);
    const packets = ["in", "out"].map(
      (direction) => totals.top("net_top_addresses_packets", { direction }).get("8.8.8.8")?.value,
    );
    expect(packets).toEqual([16147 - 9499, 9499]);
    expect(totals.summary.start).toBe("2021-03-04T16:10:31.565771000Z");
    expect(totals.count("dns_transactions_total", { direction: "out" })).toBe(2921);
    expect(totals.count("dns_transactions_total")).toBe(2921);
    expect(totals.count("dns_transactions_total", { transport: "tcp" })).toBe(1440);
    expect(totals.count("dns_transactions_total", { transport: "udp" })).toBe(1481);
    const rcodes = ["noerror", "nxdomain", "refused", "servfail"].map((rcode) => totals.count("dns_responses_total", { rcode }));
    expect(rcodes).toEqual([2921, 0, 0, 0]);
    expect(totals.count("dns_nodata_total")).toBe(2254);
    const types = ["AAAA", "CNAME", "SOA", "MX", "A", "NS", "TXT"];
    expect(topOf(totals, "dns_top_types", types)).toEqual([737, 412, 397, 377, 358, 331, 309]);
    const largest = totals.top("dns_top_response_bytes").get("82gdxvz5vp.mmyv7ma0jn.rxst40swe.tcbgtnfa.test.com");
    expect(largest?.lower).toBeLessThanOrEqual(290);
    expect(largest?.upper).toBeGreaterThanOrEqual(290);
    expect(totals.top("dns_top_ports").get("57975")?.value).toBe(151);
    expect(totals.top("dns_top_names2").get("test.com")?.value).toBe(2921);
    const names = totals.one("dns_names");
    expect(names.lower).toBeLessThanOrEqual(1999);
    expect(names.upper).toBeGreaterThanOrEqual(1999);
    expect(totals.one("dns_duration_seconds").quantiles?.["0.5"]).toBeCloseTo(0.031784, 3);
  });

  test("dns_udp_mixed_rcode", () => {
    const totals = read(`${STEPS}/dns_udp_mixed_rcode.pcap`, OURS);
    expect(figures(totals)).toMatchObject({ packets: 24, udp: 24, queries: 12, responses: 12 });
    expect(totals.count("net_packets_total", { direction: "in" })).toBe(15);
    expect(totals.count("net_packets_total", { direction: "out" })).toBe(9);
    expect(totals.one("net_addresses", { direction: "out" }).estimate).toBe(6);
    expect(totals.one("net_addresses", { direction: "in" }).estimate).toBe(9);
    const rcodes = ["noerror", "nxdomain", "refused"].map((rcode) => totals.count("dns_responses_total", { rcode }));
    expect(rcodes).toEqual([10, 1, 1]);
    expect(totals.count("dns_nodata_total")).toBe(4);
    // Some ask us, and some are asked by us: all of them are one row where no side is ours.
    const both = read(`${STEPS}/dns_udp_mixed_rcode.pcap`);
    expect(both.one("dns_names").estimate).toBe(6);
    // There google.com, asked for twice, is apart from what lies below it.
    expect(topOf(both, "dns_top_names2", ["mwbsys.com", "google.com", "nsone.net"])).toEqual([8 / 2, 6 / 2 + 2, 4 / 2]);
    expect(topOf(both, "dns_top_names", ["google.com"])).toEqual([2]);
    expect(topOf(both, "dns_top_types", ["A", "HTTPS", "AAAA"])).toEqual([14 / 2, 8 / 2, 2 / 2]);
  });

  test.each([
    ["dns_udp_tcp_random", "dns.type in {AAAA, TXT}", { all: 1046, NOERROR: 1046, nodata: 737 }],
    ["dns_udp_mixed_rcode", "not dns.rcodeName == NOERROR", { all: 2, NXDOMAIN: 1, REFUSED: 1, nodata: 0 }],
    ["dns_udp_mixed_rcode", "dns.rcode == 3", { all: 1, NXDOMAIN: 1, nodata: 0 }],
    [
      "dns_udp_mixed_rcode",
      "dns.name in {play.google.com, nonexistent.google.com}",
      { all: 3, NOERROR: 2, NXDOMAIN: 1, nodata: 2 },
    ],
    ["dns_udp_mixed_rcode", 'dns.name ~ "*google.com"', { all: 5, NOERROR: 4, NXDOMAIN: 1, nodata: 2 }],
  ])("%s, where %s", (name, filter, expected) => expect(transactions(`${STEPS}/${name}.pcap`, filter)).toEqual(expected));

  test("dnssec", () => {
    const totals = read(`${FIXTURES}/dnssec.pcap`);
    expect(figures(totals)).toMatchObject({ packets: 14, udp: 14, queries: 7, responses: 7 });
    expect(totals.count("dns_nodata_total")).toBe(1);
    expect(totals.one("dns_names").estimate).toBe(4);
    expect(totals.top("dns_top_names").get(".")?.value).toBe(2);
    expect(topOf(totals, "dns_top_types", ["DNSKEY", "DS", "A"])).toEqual([3, 3, 1]);
  });

  test("ecs, whose fragments hold seven responses more", () => {
    const totals = read(`${FIXTURES}/ecs.pcap`);
    expect(figures(totals)).toMatchObject({ packets: 66, ipv4: 22, ipv6: 44, tcp: 20, udp: 32, other: 14, syn: 4, queries: 22 });
    expect(figures(totals).responses).toBe(14 + 7);
    const messages = (labels: Record<string, string>) => totals.count("dns_messages_total", labels);
    expect([messages({ transport: "udp" }), messages({ transport: "tcp" })]).toEqual([32 + 7, 4]);
    const rcodes = ["noerror", "servfail"].map((rcode) => totals.count("dns_responses_total", { rcode }));
    expect(rcodes).toEqual([13 + 7, 1]);
    expect(totals.count("dns_nodata_total")).toBe(2);
    expect(totals.one("dns_names").estimate).toBe(9);
    expect(totals.top("dns_top_client_subnets").get("2001:470:1f0b:1600::/56")?.value).toBe(5);
  });
});
