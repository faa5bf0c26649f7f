/** What the hub's first view asks, out of the metrics that the hub has: nothing is listed by hand. */
import type { TopItem } from "../../engine/rows";
import type { Figure } from "../figures/arrange";
import { type Outcomes, outcomes } from "../figures/outcomes";
import type { Answer, AnswerMeta, AnswerRow, HubClient, HubMetric, Question } from "./client";

/** Lists of heaviest keys for each module at most, and entries of each. */
const TOPS_OF_MODULE = 6;
const TOP_ITEMS = 10;
export const QUANTILES = [0.5, 0.9, 0.99];

/** A line of a chart; null where there was nothing. */
export interface Line {
  name: string;
  values: (number | null)[];
}

/** Values over time: `seconds` since the epoch at which each step begins. */
export interface Series {
  seconds: number[];
  lines: Line[];
}

/** What is seen of one protocol. */
export interface ProtocolOverview {
  name: string;
  outcomes: Outcomes;
  /** Requests a second, all and failed. */
  requests: Series;
  latency: Series;
  /** Quantiles over the whole window, by name. */
  latencyNow: { name: string; value: number }[];
  clients?: { estimate: number; lower: number; upper: number };
  tops: Figure[];
}

/** Lists of a module that is no protocol. */
export interface ModuleOverview {
  name: string;
  tops: Figure[];
}

/** Everything that the view shows. */
export interface Overview {
  packets: number;
  bytes: number;
  /** Seconds of the window in which any edge reported. */
  seconds: number;
  protocols: ProtocolOverview[];
  modules: ModuleOverview[];
  meta: AnswerMeta;
}

/** What is looked at: a window before now, in steps, at edges with these tags. */
export interface Scope {
  from: string;
  step: number;
  where: Record<string, string[]>;
}

type Ask = (question: Omit<Question, "from" | "where">) => Promise<Answer>;

/** Asks everything at once. Throws HubError. */
export async function askOverview(
  client: HubClient,
  metrics: readonly HubMetric[],
  scope: Scope,
  signal: AbortSignal,
): Promise<Overview> {
  const { from, where, step } = scope;
  const ask: Ask = (question) => client.query({ ...question, from, where }, signal);
  const names = protocolsOf(metrics);
  const others = [...new Set(metrics.filter(({ kind }) => kind === "top").map(({ name }) => moduleOf(name)))].filter(
    (name) => !names.includes(name),
  );
  const packets = ask({ metric: "capture_packets_total", op: "sum", step });
  const [bytes, protocols, modules] = await Promise.all([
    ask({ metric: "capture_wire_bytes_total", op: "sum" }),
    Promise.all(names.map((name) => askProtocol(ask, name, metrics, step, packets))),
    Promise.all(others.map(async (name) => ({ name, tops: await askTops(ask, name, metrics) }))),
  ]);
  const { data, meta } = await packets;
  const total = data.reduce((sum, row) => sum + numberOf(row), 0);
  return { packets: total, bytes: numberOf(bytes.data[0]), seconds: data.length * meta.step, protocols, modules, meta };
}

function moduleOf(metric: string): string {
  return metric.slice(0, metric.indexOf("_"));
}

/** Protocols are what has a counter of requests by outcome. */
function protocolsOf(metrics: readonly HubMetric[]): string[] {
  const suffix = "_requests_total";
  return metrics
    .filter(({ name, labels }) => name.endsWith(suffix) && labels.some((label) => label.name === "status"))
    .map(({ name }) => name.slice(0, -suffix.length));
}

async function askProtocol(
  ask: Ask,
  name: string,
  metrics: readonly HubMetric[],
  step: number,
  packets: Promise<Answer>,
): Promise<ProtocolOverview> {
  const has = (metric: string) => metrics.some((other) => other.name === metric);
  const duration = `${name}_duration_seconds`;
  const clients = `${name}_clients`;
  const [requests, latency, latencyNow, distinct, tops] = await Promise.all([
    ask({ metric: `${name}_requests_total`, op: "sum", step, by: ["status"] }),
    has(duration) ? ask({ metric: duration, op: "quantile", step, q: QUANTILES }) : undefined,
    has(duration) ? ask({ metric: duration, op: "quantile", q: QUANTILES }) : undefined,
    has(clients) ? ask({ metric: clients, op: "distinct" }) : undefined,
    askTops(ask, name, metrics),
  ]);
  const row = distinct?.data[0];
  const ended = requests.data.map((row) => ({
    metric: "_requests_total",
    labels: { status: String(row.status) },
    value: numberOf(row),
  }));
  return {
    name,
    outcomes: outcomes(ended),
    requests: requestSeries(requests, await packets),
    latency: latency ? latencySeries(latency) : { seconds: [], lines: [] },
    latencyNow: (latencyNow?.data ?? []).flatMap((row) =>
      row.value === null ? [] : [{ name: quantileName(row.q), value: numberOf(row) }],
    ),
    clients: row && { estimate: numberOf(row), lower: Number(row.lower), upper: Number(row.upper) },
    tops,
  };
}

/** The first list of each kind of key that a module has: names, then types, and so on. */
async function askTops(ask: Ask, module: string, metrics: readonly HubMetric[]): Promise<Figure[]> {
  const chosen = new Map<string, HubMetric>();
  for (const metric of metrics) {
    const key = metric.keys?.[0]?.name ?? "";
    if (metric.kind === "top" && moduleOf(metric.name) === module && !chosen.has(key)) chosen.set(key, metric);
  }
  const tops = [...chosen.values()].slice(0, TOPS_OF_MODULE);
  const lists = await Promise.all(tops.map((top) => ask({ metric: top.name, op: "top", n: TOP_ITEMS })));
  return tops.flatMap((metric, index) => figureOf(metric, lists[index]?.data ?? []));
}

function numberOf(row: AnswerRow | undefined): number {
  return Number(row?.value ?? 0);
}

function quantileName(q: unknown): string {
  return `p${+(Number(q) * 100).toFixed(4)}`;
}

/** The starts of all steps, whether anything was seen in them or not. */
function stepsOf({ from, to, step }: AnswerMeta): number[] {
  const start = Date.parse(from) / 1000;
  const count = Math.ceil((Date.parse(to) / 1000 - start) / step);
  return Array.from({ length: count }, (_, index) => start + index * step);
}

function secondOf(row: AnswerRow): number {
  return Date.parse(String(row.time)) / 1000;
}

/** Where nobody reported there is no figure; where somebody did and there were no requests it is zero. */
function requestSeries({ data, meta }: Answer, packets: Answer): Series {
  const seconds = stepsOf(meta);
  const reported = new Set(packets.data.map(secondOf));
  const all = seconds.map((second) => (reported.has(second) ? 0 : null));
  const failed = [...all];
  const add = (values: (number | null)[], index: number, value: number) => {
    values[index] = (values[index] ?? 0) + value / meta.step;
  };
  for (const row of data) {
    const index = seconds.indexOf(secondOf(row));
    if (index < 0) continue;
    add(all, index, numberOf(row));
    if (row.status !== "ok" && row.status !== "unobserved") add(failed, index, numberOf(row));
  }
  return {
    seconds,
    lines: [
      { name: "requests", values: all },
      { name: "failed", values: failed },
    ],
  };
}

function latencySeries({ data, meta }: Answer): Series {
  const seconds = stepsOf(meta);
  const lines = QUANTILES.map((quantile) => ({ name: quantileName(quantile), values: seconds.map((): number | null => null) }));
  for (const row of data) {
    const index = seconds.indexOf(secondOf(row));
    const line = lines.find(({ name }) => name === quantileName(row.q));
    if (index >= 0 && line && row.value !== null) line.values[index] = numberOf(row);
  }
  return { seconds, lines };
}

/** A list of heaviest keys in the form of the capture's figures; nothing where it is empty. */
function figureOf(metric: HubMetric, rows: readonly AnswerRow[]): Figure[] {
  if (rows.length === 0) return [];
  const items: TopItem[] = rows.map(({ key, value, lower, upper }) => ({
    key: String(key),
    value: Number(value),
    lower: Number(lower),
    upper: Number(upper),
  }));
  const total = Number(rows[0]!.total);
  return [{ metric: metric.name, labels: {}, schema: metric, title: metric.help.replace(/\.$/, ""), variant: "", total, items }];
}
