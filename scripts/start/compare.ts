/**
 * Holds the hub's answers against an exact count, and against what the clients counted themselves: counters equal it, and what
 * is estimated contains it.
 *
 * One list says which figure of the count belongs to which metric.
 */
import { addCount, type Count, emptyCount, type Tally } from "../../test/support/oracle/count";
import type { Hub, Query, Row, Window } from "./ask";
import { SITES } from "./world";

/** One comparison. */
export interface Check {
  name: string;
  ok: boolean;
  /** What was found and what was wanted, for when it is not ok. */
  detail: string;
}

/** Relative error of a quantile (base-2 exponential histogram of scale 5, middle of a bucket). */
const QUANTILE_ERROR = 0.01083;
const QUANTILES = [0.5, 0.9, 0.99];
const NS_PER_SECOND = 1e9;
const RCODES: Record<string, string> = { NOERROR: "0", FORMERR: "1", SERVFAIL: "2", NXDOMAIN: "3", NOTIMP: "4", REFUSED: "5" };

const total = (tally: Tally) => [...tally.values()].reduce((sum, times) => sum + times, 0);

interface Expectation<Value> {
  query: Query;
  of: (count: Count) => Value;
}

const sum = (metric: string, of: (count: Count) => number, where: Record<string, string> = {}): Expectation<number> => ({
  query: { metric, op: "sum", where },
  of,
});

const COUNTERS: Expectation<number>[] = [
  sum("capture_packets_total", (count) => count.packets),
  sum("capture_wire_bytes_total", (count) => count.bytes),
  sum("net_packets_total", (count) => total(count.net.packets)),
  sum("net_packets_total", (count) => count.net.packets.get("tcp") ?? 0, { transport: "tcp" }),
  sum("net_bytes_total", (count) => count.net.bytes.get("udp") ?? 0, { transport: "udp" }),
  sum("dns_messages_total", (count) => count.dns.queries, { message: "request" }),
  sum("dns_messages_total", (count) => count.dns.responses, { message: "response" }),
  sum("dns_transactions_total", (count) => count.dns.durationsNs.length),
  sum("dns_orphan_responses_total", (count) => count.dns.orphans),
  ...Object.entries(RCODES).map(([name, code]) =>
    sum("dns_responses_total", (count) => count.dns.rcodes.get(code) ?? 0, { rcode: name.toLowerCase() }),
  ),
];

const HTTP_COUNTERS: Expectation<number>[] = [
  sum("http_requests_total", (count) => count.http.requests),
  sum("http_requests_total", (count) => count.http.methods.get("HEAD") ?? 0, { method: "HEAD" }),
  sum("http_responses_total", (count) => count.http.responses),
  sum("http_responses_total", (count) => ofClass(count.http.statuses, "4"), { status_class: "4xx" }),
  sum("http_interim_responses_total", (count) => total(count.http.interim)),
  sum("http_orphan_responses_total", (count) => count.http.orphans),
];

const DISTINCTS: Expectation<Tally>[] = [
  { query: { metric: "dns_names", op: "distinct" }, of: (count) => count.dns.names },
  { query: { metric: "dns_clients", op: "distinct" }, of: (count) => count.dns.clients },
  {
    query: { metric: "net_addresses", op: "distinct" },
    of: (count) => new Map([...count.net.sources, ...count.net.destinations]),
  },
];

const QUANTILE_METRICS: Expectation<number[]>[] = [
  { query: { metric: "dns_duration_seconds", op: "quantile", q: QUANTILES }, of: (count) => count.dns.durationsNs },
  { query: { metric: "http_duration_seconds", op: "quantile", q: QUANTILES }, of: (count) => count.http.durationsNs },
];

const TOPS: Expectation<Tally>[] = [
  { query: { metric: "dns_top_names", op: "top", n: 20 }, of: (count) => count.dns.names },
  { query: { metric: "dns_top_rcodes", op: "top", n: 10 }, of: (count) => nameRcodes(count.dns.rcodes) },
  { query: { metric: "http_top_paths", op: "top", n: 20 }, of: (count) => templates(count.http.paths) },
  { query: { metric: "http_top_hosts", op: "top", n: 20 }, of: (count) => hosts(count.http.hosts) },
];

function ofClass(statuses: Tally, hundreds: string): number {
  return [...statuses].reduce((sum, [status, times]) => (status.startsWith(hundreds) ? sum + times : sum), 0);
}

/** Paths with numbers taken out, as the bundled captures need it. */
function templates(paths: Tally): Tally {
  const found: Tally = new Map();
  for (const [path, times] of paths) {
    const template = path.replaceAll(/\/\d+(?=\/|$)/g, "/{id}");
    if (/^[/*]/.test(path)) found.set(template, (found.get(template) ?? 0) + times);
  }
  return found;
}

function hosts(all: Tally): Tally {
  return new Map([...all].filter(([host]) => host !== ""));
}

function nameRcodes(rcodes: Tally): Tally {
  const names = new Map(Object.entries(RCODES).map(([name, code]) => [code, name]));
  return new Map([...rcodes].map(([code, times]) => [names.get(code) ?? code, times]));
}

function nameOf({ metric, where = {} }: Query, site: string): string {
  const labels = Object.entries(where).map(([label, value]) => `${label}=${value}`);
  return `${metric}${labels.length > 0 ? `{${labels.join()}}` : ""}, ${site}`;
}

function checkCounter(name: string, rows: Row[], wanted: number): Check {
  const found = rows.reduce((all, row) => all + Number(row.value), 0);
  return { name, ok: found === wanted, detail: `${found} for ${wanted}` };
}

function checkDistinct(name: string, rows: Row[], wanted: number): Check {
  const [row] = rows;
  const ok = rows.length === 1 && Number(row?.lower) <= wanted && wanted <= Number(row?.upper);
  return { name, ok: ok || (rows.length === 0 && wanted === 0), detail: `${row?.lower} to ${row?.upper} for ${wanted}` };
}

function checkQuantiles(name: string, rows: Row[], durationsNs: number[]): Check[] {
  const sorted = [...durationsNs].sort((a, b) => a - b);
  return QUANTILES.map((q) => {
    const wanted = (sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? 0) / NS_PER_SECOND;
    const row = rows.find((one) => one.q === q);
    const found = Number(row?.value);
    const ok = Math.abs(found - wanted) <= QUANTILE_ERROR * wanted && Number(row?.count) === sorted.length;
    return { name: `${name}, q=${q}`, ok, detail: `${found} s of ${row?.count} for ${wanted} s of ${sorted.length}` };
  });
}

function checkTop(name: string, rows: Row[], wanted: Tally): Check[] {
  const contained = rows.map((row) => {
    const times = wanted.get(String(row.key)) ?? 0;
    const ok = Number(row.lower) <= times && times <= Number(row.upper);
    return { name: `${name}, ${row.key}`, ok, detail: `${row.lower} to ${row.upper} for ${times}` };
  });
  const heaviest = Math.max(0, ...wanted.values());
  const first = wanted.get(String(rows[0]?.key)) ?? 0;
  const totals = {
    name: `${name}, total`,
    ok: Number(rows[0]?.total ?? 0) === total(wanted),
    detail: `${rows[0]?.total} for ${total(wanted)}`,
  };
  return [...contained, totals, { name: `${name}, first`, ok: first === heaviest, detail: `${first} for ${heaviest}` }];
}

/** Compares what the hub says of every site, and of all together, with the counts of what the sites captured. */
export async function compare(hub: Hub, window: Window, counts: ReadonlyMap<string, Count>): Promise<Check[]> {
  const together = emptyCount();
  for (const count of counts.values()) addCount(together, count);
  const checks: Check[] = [];
  for (const [site, count] of [["all sites", together] as const, ...counts]) {
    const ask = ({ where, ...query }: Query) =>
      hub.ask({ ...query, where: { ...where, ...(count === together ? {} : { site }) } }, window);
    for (const { query, of } of [...COUNTERS, ...HTTP_COUNTERS])
      checks.push(checkCounter(nameOf(query, site), await ask(query), of(count)));
    for (const { query, of } of DISTINCTS) checks.push(checkDistinct(nameOf(query, site), await ask(query), of(count).size));
    for (const { query, of } of QUANTILE_METRICS)
      checks.push(...checkQuantiles(nameOf(query, site), await ask(query), of(count)));
    for (const { query, of } of TOPS) checks.push(...checkTop(nameOf(query, site), await ask(query), of(count)));
  }
  return checks;
}

/** Compares the requests of each protocol, of every site, with those that the clients made in each of so many minutes. */
export async function compareRequests(
  hub: Hub,
  window: Window,
  requests: ReadonlyMap<string, number>,
  minutes: number,
): Promise<Check[]> {
  const checks: Check[] = [];
  for (const [protocol, each] of requests) {
    const query: Query = { metric: `${protocol}_requests_total`, op: "sum", by: ["site"] };
    const rows = await hub.ask(query, window);
    for (const { name } of SITES)
      checks.push(
        checkCounter(
          nameOf(query, name),
          rows.filter((row) => row.site === name),
          each * minutes,
        ),
      );
  }
  return checks;
}
