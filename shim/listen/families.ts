import type { MetricSchema } from "../../engine/schema";
import type { Series } from "./totals";

/** What one name stands for, whatever the format. */
export interface Family {
  metric: Pick<MetricSchema, "name" | "kind" | "unit" | "help">;
  series: Iterable<Series>;
}

const TOTAL = /_total$/;

/** The name without the suffix that samples of counters have. */
export function baseName({ name, kind }: Family["metric"]): string {
  return kind === "counter" ? name.replace(TOTAL, "") : name;
}

/** The unit, where the name ends with it, as units must be told. */
export function toldUnit(metric: Family["metric"]): string | undefined {
  return metric.unit !== "" && baseName(metric).endsWith(`_${metric.unit}`) ? metric.unit : undefined;
}

/** A gauge of this name. */
export function gauge(name: string, help: string, all: Series[], unit = name.endsWith("_seconds") ? "seconds" : ""): Family {
  return { metric: { name, kind: "gauge", unit, help }, series: all };
}

/** A value that is no histogram. */
export function series(value: number, labels: Readonly<Record<string, string>> = {}): Series {
  return { labels, value, count: 0, buckets: { zeros: 0, counts: new Map() } };
}
