/** `read --summary` agrees with an independent count on every bundled capture: exact where it is exact, within its bounds elsewhere. */
import { describe, expect, test } from "vitest";
import type { Row, TopItem } from "../../engine/rows";
import type { Summary } from "../../engine/summary";
import { tallywire } from "../support/command";
import { FIXTURES, fixtureBytes, fixtureTruth } from "../support/fixtures";
import { type Count, countCapture, type Tally } from "../support/oracle/count";

const QUANTILE_ERROR = 0.01083;
const RCODES: Record<string, string> = { noerror: "0", formerr: "1", servfail: "2", nxdomain: "3", notimp: "4", refused: "5" };

const total = (tally: Tally) => [...tally.values()].reduce((sum, times) => sum + times, 0);
const plain = (tally: Tally) => Object.fromEntries([...tally].filter(([, times]) => times > 0).sort());

/** Rows of one metric added up by one label. */
class Figures {
  constructor(private readonly metrics: readonly Row[]) {}

  rows(metric: string): Row[] {
    return this.metrics.filter((row) => row.metric === metric);
  }

  sum(metric: string, labels: Record<string, string> = {}): number {
    const wanted = Object.entries(labels);
    const rows = this.rows(metric).filter((row) => wanted.every(([name, value]) => row.labels[name] === value));
    return rows.reduce((sum, row) => sum + (row.value ?? 0), 0);
  }

  /** Sum of the weights of a top. */
  total(metric: string): number {
    return this.rows(metric).reduce((sum, row) => sum + (row.total ?? 0), 0);
  }

  by(metric: string, label: string): Record<string, number> {
    const tally: Tally = new Map();
    for (const row of this.rows(metric)) tally.set(row.labels[label]!, (tally.get(row.labels[label]!) ?? 0) + (row.value ?? 0));
    return plain(tally);
  }
}

async function figuresOf(name: string): Promise<Figures> {
  const { stdout } = await tallywire(["read", `test/fixtures/${name}`, "--summary", "-o", "json"]);
  return new Figures((JSON.parse(stdout) as Summary).metrics);
}

function expectDistinct(figures: Figures, metric: string, wanted: number): void {
  const { lower = 0, upper = 0 } = figures.rows(metric)[0] ?? {};
  expect([metric, lower <= wanted && wanted <= upper]).toEqual([metric, true]);
}

function expectDurations(figures: Figures, metric: string, durationsNs: number[]): void {
  const sorted = [...durationsNs].sort((a, b) => a - b);
  const row = figures.rows(metric)[0];
  expect([metric, row?.count ?? 0]).toEqual([metric, sorted.length]);
  for (const [q, value] of Object.entries(row?.quantiles ?? {})) {
    const wanted = sorted[Math.max(0, Math.ceil(Number(q) * sorted.length) - 1)]! / 1e9;
    expect([metric, q, Math.abs(value - wanted) <= QUANTILE_ERROR * wanted]).toEqual([metric, q, true]);
  }
}

/** Families are kept apart, so their items are put together. */
function expectTop(figures: Figures, metric: string, wanted: Tally): void {
  expect([metric, figures.total(metric)]).toEqual([metric, total(wanted)]);
  for (const { key, lower, upper } of figures.rows(metric).flatMap((row) => (row.items ?? []) as TopItem[])) {
    const times = wanted.get(key) ?? 0;
    expect([metric, key, lower <= times && times <= upper]).toEqual([metric, key, true]);
  }
}

function both(one: Tally, other: Tally): Tally {
  const sum = new Map(one);
  for (const [key, times] of other) sum.set(key, (sum.get(key) ?? 0) + times);
  return sum;
}

describe.each(FIXTURES)("%s", (name) => {
  let count: Count;
  const agree = (what: string, compare: (figures: Figures) => void) =>
    test(what, async () => {
      count ??= countCapture(fixtureBytes(name));
      compare(await figuresOf(name));
    });

  agree("networks", (figures) => {
    expect(figures.by("net_packets_total", "transport")).toEqual(plain(count.net.packets));
    expect(figures.by("net_bytes_total", "transport")).toEqual(plain(count.net.bytes));
    expectDistinct(figures, "net_addresses", both(count.net.sources, count.net.destinations).size);
    // Where the capture tells directions, only the remote side of each packet is counted.
    const { unknown = 0, ...known } = figures.by("net_packets_total", "direction");
    if (unknown > 0) expectTop(figures, "net_top_addresses_packets", both(count.net.sources, count.net.destinations));
    else expect(figures.total("net_top_addresses_packets")).toBe((known.in ?? 0) + (known.out ?? 0));
  });

  agree("DNS", (figures) => {
    const { dns } = count;
    expect(figures.sum("dns_messages_total", { message: "request" })).toBe(dns.queries);
    expect(figures.sum("dns_messages_total", { message: "response" })).toBe(dns.responses);
    expect(figures.sum("dns_requests_total", { status: "timeout" })).toBe(dns.timeouts);
    expect(figures.sum("dns_orphan_responses_total")).toBe(dns.orphans);
    for (const [rcode, code] of Object.entries(RCODES)) {
      expect([rcode, figures.sum("dns_responses_total", { rcode })]).toEqual([rcode, dns.rcodes.get(code) ?? 0]);
    }
    expectDurations(figures, "dns_duration_seconds", dns.durationsNs);
    expectDistinct(figures, "dns_names", dns.names.size);
    expectDistinct(figures, "dns_clients", dns.clients.size);
    expectTop(figures, "dns_top_names", dns.names);
  });

  agree("HTTP", (figures) => {
    const { http } = count;
    expect(figures.sum("http_requests_total")).toBe(http.requests);
    for (const method of ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "CONNECT"]) {
      expect([method, figures.sum("http_requests_total", { method })]).toEqual([method, http.methods.get(method) ?? 0]);
    }
    expect(figures.sum("http_responses_total")).toBe(http.responses);
    for (const hundreds of ["2", "3", "4", "5"]) {
      const wanted = [...http.statuses].reduce((sum, [status, times]) => (status.startsWith(hundreds) ? sum + times : sum), 0);
      expect([hundreds, figures.sum("http_responses_total", { status_class: `${hundreds}xx` })]).toEqual([hundreds, wanted]);
    }
    expect(figures.sum("http_interim_responses_total")).toBe(total(http.interim));
    expect(figures.sum("http_orphan_responses_total")).toBe(http.orphans);
    expectDurations(figures, "http_duration_seconds", http.durationsNs);
    expectDistinct(figures, "http_clients", http.clients.size);
    expectDistinct(figures, "http_hosts", new Set([...http.hosts.keys()].filter((host) => host !== "")).size);
  });
});

test("and with what clients say of themselves", async () => {
  const kdig = await figuresOf("dns_kdig_udp.pcap");
  expect(kdig.sum("dns_messages_total", { message: "request" })).toBe(fixtureTruth("dns_kdig_udp.pcap").sent.queries);
  const raw = await figuresOf("http1_raw.pcap");
  const { sent } = fixtureTruth("http1_raw.pcap");
  expect(raw.sum("http_requests_total", { method: "HEAD" })).toBe(sent.HEAD ?? 0);
});
