/** What the hub's first view asks, out of the metrics that the hub has: nothing is listed by hand. */
import type { Figure } from "../figures/arrange";
import { type Outcomes, outcomes } from "../figures/outcomes";
import { type Asker, moduleOf, rowsOf } from "./asker";
import type { AnswerMeta, AnswerRow, HubMetric, Tags } from "./client";
import { packetsOf, reportedIn, secondsIn } from "./reported";
import { Lines, numberOf, QUANTILES, quantileName, quantileSeries, type Series } from "./series";
import { askTops } from "./tops";

/** A figure and that of the period before, where it is asked for and there was one. */
export interface Compared {
  value: number;
  before?: number;
}

/** How many different ones, and between which bounds. */
export interface DistinctFigure extends Compared {
  lower: number;
  upper: number;
}

/** What is seen of one protocol. */
export interface ProtocolOverview {
  name: string;
  outcomes: Outcomes;
  before?: Outcomes;
  /** Requests a second, all and failed. */
  requests: Series;
  latency: Series;
  /** Quantiles over the whole window, by name. */
  latencyNow: (Compared & { name: string })[];
  clients?: DistinctFigure;
}

/** What edges with one value of a tag saw. */
export interface TagShare {
  tag: string;
  values: (Compared & { name: string })[];
}

/** Everything that the view shows. */
export interface Overview {
  packets?: Compared;
  bytes?: Compared;
  /** Seconds of the window in which any edge reported. */
  seconds: number;
  traffic: Series;
  protocols: ProtocolOverview[];
  /** The first list of each module. */
  tops: Figure[];
  shares: TagShare[];
  meta: AnswerMeta;
}

const REQUESTS = "_requests_total";
const DURATION = "_duration_seconds";
const CLIENTS = "_clients";
const BYTES = ["capture_wire_bytes_total", "net_bytes_total"];

/** Asks everything at once. Throws HubError. */
export async function askOverview(asker: Asker, tags: Tags): Promise<Overview> {
  const names = protocolsOf(asker.metrics);
  const known = new Set(asker.metrics.map(({ name }) => name));
  const of = (suffix: string) => names.map((name) => name + suffix).filter((name) => known.has(name));
  const firstOf = (names: readonly string[]) => names.find((name) => known.has(name)) ?? "";
  const [packetsName, bytesName] = [packetsOf(asker.metrics), firstOf(BYTES)];
  const [packets, requests, quantiles, quantilesNow, clients, tops, shares] = await Promise.all([
    asker.ask(
      [packetsName, bytesName].filter((name) => name !== ""),
      { op: "sum", isOverTime: true },
    ),
    asker.ask(of(REQUESTS), { op: "sum", by: ["status"], isOverTime: true }),
    asker.ask(of(DURATION), { op: "quantile", q: QUANTILES, isOverTime: true }),
    asker.ask(of(DURATION), { op: "quantile", q: QUANTILES }),
    asker.ask(of(CLIENTS), { op: "distinct" }),
    askTops(asker, firstTops(asker)),
    askShares(asker, packetsName, tags),
  ]);
  const reported = reportedIn(packets, packetsName);
  const protocols = names.map((name): ProtocolOverview => {
    const rows = rowsOf(requests, name + REQUESTS);
    const distinct = rowsOf(clients, name + CLIENTS)[0];
    return {
      name,
      outcomes: outcomesOf(rows, "value"),
      ...(asker.window.shift !== undefined && { before: outcomesOf(rows, "before") }),
      requests: requestSeries(rows, requests.meta, reported),
      latency: quantileSeries(rowsOf(quantiles, name + DURATION), quantiles.meta),
      latencyNow: rowsOf(quantilesNow, name + DURATION).flatMap((row) =>
        row.value === null ? [] : [{ name: quantileName(row.q), ...comparedOf(row) }],
      ),
      ...(distinct && {
        clients: { ...comparedOf(distinct), lower: numberOf(distinct, "lower"), upper: numberOf(distinct, "upper") },
      }),
    };
  });
  return {
    ...(packetsName !== "" && { packets: totalOf(rowsOf(packets, packetsName)) }),
    ...(bytesName !== "" && { bytes: totalOf(rowsOf(packets, bytesName)) }),
    seconds: reported.length === 0 ? 0 : secondsIn(reported, packets.meta),
    traffic: trafficSeries(rowsOf(packets, packetsName), packets.meta),
    protocols: protocols.filter(({ outcomes }) => outcomes.requests > 0 || outcomes.unobserved > 0),
    tops,
    shares,
    meta: packets.meta,
  };
}

/** A row's figure beside that of the period before. */
export function comparedOf(row: AnswerRow): Compared {
  return { value: numberOf(row), ...(typeof row.before === "number" && { before: row.before }) };
}

/** Protocols are what has a counter of requests by outcome. */
function protocolsOf(metrics: readonly HubMetric[]): string[] {
  return metrics
    .filter(({ name, labels }) => name.endsWith(REQUESTS) && labels.some((label) => label.name === "status"))
    .map(({ name }) => name.slice(0, -REQUESTS.length));
}

function firstTops(asker: Asker): HubMetric[] {
  const firsts = new Map<string, HubMetric>();
  for (const metric of asker.of("top")) if (!firsts.has(moduleOf(metric.name))) firsts.set(moduleOf(metric.name), metric);
  return [...firsts.values()];
}

/** Packets by the values of each tag that tells edges apart. */
async function askShares(asker: Asker, metric: string, tags: Tags): Promise<TagShare[]> {
  if (metric === "") return [];
  const telling = Object.entries(tags).filter(([tag, values]) => values.length > 1 && asker.scope.tags[tag] === undefined);
  return Promise.all(
    telling.map(async ([tag]) => {
      const { data } = await asker.ask([metric], { op: "sum", by: [`tag:${tag}`] });
      const values = data.map((row) => ({ name: String(row[tag] ?? ""), ...comparedOf(row) }));
      return { tag, values: values.sort((a, b) => b.value - a.value) };
    }),
  );
}

function totalOf(rows: readonly AnswerRow[]): Compared {
  const sum = (column: string) => rows.reduce((sum, row) => sum + numberOf(row, column), 0);
  return { value: sum("value"), ...(rows.some((row) => "before" in row) && { before: sum("before") }) };
}

function outcomesOf(rows: readonly AnswerRow[], column: "value" | "before"): Outcomes {
  return outcomes(
    rows.map((row) => ({ metric: REQUESTS, labels: { status: String(row.status) }, value: numberOf(row, column) })),
  );
}

function trafficSeries(rows: readonly AnswerRow[], meta: AnswerMeta): Series {
  const lines = new Lines(meta);
  const now = lines.line("packets");
  for (const row of rows) {
    if (numberOf(row) > 0) lines.add(now, row, numberOf(row) / meta.step);
    if (numberOf(row, "before") > 0) {
      lines.add(lines.line("before", { role: "before" }), row, numberOf(row, "before") / meta.step);
    }
  }
  return lines.series();
}

/** Where nobody reported there is no figure; where somebody did and there were no requests it is zero. */
function requestSeries(rows: readonly AnswerRow[], meta: AnswerMeta, reported: readonly AnswerRow[]): Series {
  const lines = new Lines(meta);
  const all = lines.line("requests");
  const failed = lines.line("failed", { token: "--bad" });
  for (const line of [all, failed]) lines.fill(line, reported);
  for (const row of rows) {
    const value = numberOf(row) / meta.step;
    if (value > 0) lines.add(all, row, value);
    if (value > 0 && row.status !== "ok" && row.status !== "unobserved") lines.add(failed, row, value);
    const before = numberOf(row, "before") / meta.step;
    if (before > 0) lines.add(lines.line("before", { role: "before" }), row, before);
  }
  return lines.series();
}
