/** Prints what the hub knows, as a page that a person likes to read. */
import type { Hub, Query, Row, Window } from "./ask";

const SITES = "site";
const NAME_WIDTH = 34;

/** 1234567 as "1,234,567". */
function whole(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

/** Seconds in the unit that suits them. */
function seconds(value: number): string {
  if (value >= 1) return `${value.toPrecision(3)} s`;
  return value >= 1e-3 ? `${(value * 1e3).toPrecision(3)} ms` : `${(value * 1e6).toPrecision(3)} us`;
}

/** An estimate with its error bar: half the width of its interval. */
function estimate(row: Row | undefined): string {
  if (row === undefined) return "0";
  const bar = (Number(row.upper) - Number(row.lower)) / 2;
  return bar === 0 ? whole(Number(row.value)) : `${whole(Number(row.value))} ±${whole(bar)}`;
}

function table(rows: string[][]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const line = (row: string[]) =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!))).join("  ");
  return rows.map((row) => `  ${line(row).trimEnd()}\n`).join("");
}

/** The part of `rows` that belongs to a site, or all of them. */
function ofSite(rows: Row[], site: string | undefined): Row[] {
  return site === undefined ? rows : rows.filter((row) => row.site === site);
}

const sum = (rows: Row[]) => rows.reduce((all, row) => all + Number(row.value), 0);

/** Asks each question twice: for all sites together, and by site. */
async function askBoth(hub: Hub, window: Window, query: Query): Promise<(site: string | undefined) => Row[]> {
  const together = await hub.ask(query, window);
  const apart = await hub.ask({ ...query, by: [...(query.by ?? []), SITES] }, window);
  return (site) => (site === undefined ? together : ofSite(apart, site));
}

async function traffic(hub: Hub, window: Window, sites: string[]): Promise<string> {
  const packets = await askBoth(hub, window, { metric: "capture_packets_total", op: "sum" });
  const bytes = await askBoth(hub, window, { metric: "capture_wire_bytes_total", op: "sum" });
  const addresses = await askBoth(hub, window, { metric: "net_addresses", op: "distinct" });
  const rows = [undefined, ...sites].map((site) => [
    site ?? "all",
    whole(sum(packets(site))),
    whole(sum(bytes(site))),
    estimate(addresses(site)[0]),
  ]);
  return `Traffic\n${table([["site", "packets", "bytes", "distinct addresses"], ...rows])}`;
}

/** A protocol by its name in metrics, and its name for people. */
type Protocol = [name: string, title: string];

const BY_SITE: Protocol[] = [
  ["dns", "DNS"],
  ["http", "HTTP"],
];

const TOGETHER: Protocol[] = [
  ["http2", "HTTP/2"],
  ["grpc", "gRPC"],
  ["mysql", "MySQL"],
  ["postgresql", "PostgreSQL"],
  ["redis", "Redis"],
  ["kafka", "Kafka"],
  ["mongodb", "MongoDB"],
  ["tls", "TLS handshakes"],
];

const REQUEST_COLUMNS = ["requests", "distinct clients", "p50", "p90", "p99", "errors"];

/** Part of the requests that did not end well, by the label `status`. */
function errorRate(rows: Row[]): string {
  const all = sum(rows);
  const failed = sum(rows.filter((row) => row.status !== "ok"));
  return all === 0 ? "-" : `${((100 * failed) / all).toFixed(1)} %`;
}

/** Asks for what `REQUEST_COLUMNS` names; the answer is a row for all sites, or for one. */
async function requestColumns(hub: Hub, window: Window, name: string): Promise<(site: string | undefined) => string[]> {
  const outcomes = await askBoth(hub, window, { metric: `${name}_requests_total`, op: "sum", by: ["status"] });
  const clients = await askBoth(hub, window, { metric: `${name}_clients`, op: "distinct" });
  const durations = await askBoth(hub, window, { metric: `${name}_duration_seconds`, op: "quantile", q: [0.5, 0.9, 0.99] });
  return (site) => {
    const quantiles = [0.5, 0.9, 0.99].map((q) => durations(site).find((row) => row.q === q));
    const times = quantiles.map((row) => (row === undefined ? "-" : seconds(Number(row.value))));
    return [whole(sum(outcomes(site))), estimate(clients(site)[0]), ...times, errorRate(outcomes(site))];
  };
}

async function requestsBySite(hub: Hub, window: Window, sites: string[], [name, title]: Protocol): Promise<string> {
  const columns = await requestColumns(hub, window, name);
  const rows = [undefined, ...sites].map((site) => [site ?? "all", ...columns(site)]);
  return `${title}\n${table([["site", ...REQUEST_COLUMNS], ...rows])}`;
}

async function requestsByProtocol(hub: Hub, window: Window): Promise<string> {
  const rows: string[][] = [];
  for (const [name, title] of TOGETHER) rows.push([title, ...(await requestColumns(hub, window, name))(undefined)]);
  return `More protocols, all sites\n${table([["protocol", ...REQUEST_COLUMNS], ...rows])}`;
}

async function busiest(hub: Hub, window: Window, title: string, metric: string): Promise<string> {
  const rows = await hub.ask({ metric, op: "top", n: 5 }, window);
  const lines = rows.map((row) => {
    const sure = row.lower === row.upper;
    return [
      String(row.key).slice(0, NAME_WIDTH),
      sure ? whole(Number(row.value)) : `${whole(Number(row.lower))} to ${whole(Number(row.upper))}`,
    ];
  });
  return lines.length === 0 ? "" : `${title}\n${table(lines)}`;
}

/** The whole page. */
export async function worldPage(hub: Hub, window: Window, sites: string[]): Promise<string> {
  const parts = [await traffic(hub, window, sites)];
  for (const protocol of BY_SITE) parts.push(await requestsBySite(hub, window, sites, protocol));
  parts.push(await requestsByProtocol(hub, window));
  parts.push(await busiest(hub, window, "Names asked for most", "dns_top_names"));
  parts.push(await busiest(hub, window, "Paths asked for most", "http_top_paths"));
  parts.push(await busiest(hub, window, "MySQL statements run most", "mysql_top_statements"));
  return parts.join("\n");
}
