import { boundsOf, countsBelow } from "../../engine/prometheus/bounds";
import { escapeHelp, escapeLabel } from "../../engine/prometheus/text";
import type { MetricSchema } from "../../engine/schema";
import type { Series, Totals } from "./totals";

/** Prometheus' text format 0.0.4, or OpenMetrics 1.0. */
export type Format = "text" | "openmetrics";

/** What an answer in each format is called. */
export const CONTENT_TYPES: Readonly<Record<Format, string>> = {
  text: "text/plain; version=0.0.4; charset=utf-8",
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
};

const TOTAL = /_total$/;
const LEFT_OUT = { name: "tallywire_left_out_values_total", help: "Values of minutes that found no room for their series." };

/** The format that an Accept header wants most; text where it says nothing of either. */
export function formatFor(accept = ""): Format {
  let text = 0;
  let openmetrics = 0;
  for (const part of accept.split(",")) {
    const [type = "", ...parameters] = part.split(";").map((piece) => piece.trim().toLowerCase());
    const given = parameters.find((parameter) => parameter.startsWith("q="));
    const weight = given === undefined ? 1 : Number(given.slice(2)) || 0;
    if (type === "application/openmetrics-text") openmetrics = Math.max(openmetrics, weight);
    if (type === "text/plain" || type === "text/*" || type === "*/*") text = Math.max(text, weight);
  }
  return openmetrics > 0 && openmetrics >= text ? "openmetrics" : "text";
}

/** All totals as text. */
export function expose(totals: Totals, format: Format): string {
  const lines: string[] = [];
  for (const { metric, series } of totals) {
    lines.push(...headOf(metric, format));
    for (const one of series)
      lines.push(...(metric.kind === "histogram" ? histogramOf(metric, one) : [sampleOf(metric.name, one)]));
  }
  lines.push(...headOf({ ...LEFT_OUT, kind: "counter", unit: "" }, format), line(LEFT_OUT.name, [], totals.leftOut));
  if (format === "openmetrics") lines.push("# EOF");
  return `${lines.join("\n")}\n`;
}

function headOf({ name, kind, unit, help }: Pick<MetricSchema, "name" | "kind" | "unit" | "help">, format: Format): string[] {
  const isOpen = format === "openmetrics";
  // OpenMetrics names a counter's family without the suffix that its sample has.
  const family = isOpen && kind === "counter" ? name.replace(TOTAL, "") : name;
  const isUnit = isOpen && unit !== "" && family.endsWith(`_${unit}`);
  const text = isOpen ? escapeLabel(help) : escapeHelp(help);
  return [`# HELP ${family} ${text}`, `# TYPE ${family} ${kind}`, ...(isUnit ? [`# UNIT ${family} ${unit}`] : [])];
}

function sampleOf(name: string, { labels, value }: Series): string {
  return line(name, Object.entries(labels), value);
}

function histogramOf({ name, unit }: MetricSchema, { labels, value, count, buckets }: Series): string[] {
  const pairs = Object.entries(labels);
  const bounds = boundsOf(unit);
  const below = countsBelow(buckets, bounds);
  return [
    ...bounds.map(({ text }, place) => line(`${name}_bucket`, [...pairs, ["le", text]], below[place]!)),
    line(`${name}_sum`, pairs, value),
    line(`${name}_count`, pairs, count),
  ];
}

function line(name: string, pairs: readonly (readonly [string, string])[], value: number): string {
  const labels = pairs.map(([label, text]) => `${label}="${escapeLabel(text)}"`).join(",");
  return `${name}${labels === "" ? "" : `{${labels}}`} ${value}`;
}
