/** Sorts a summary's rows into what is shown together: by module, then by kind. Nothing is listed by hand. */
import type { BreakdownItem, Row, TopItem } from "../../engine/rows";
import type { MetricKind, MetricSchema, Schema } from "../../engine/schema";

/** One row with what the schema says of its metric. */
export interface Figure extends Row {
  schema: Pick<MetricSchema, "kind" | "unit" | "keys">;
  /** The help text without its final stop. */
  title: string;
  /** Values of the labels that tell rows apart, joined. */
  variant: string;
}

/** The figures of one module, by kind. */
export interface ModuleFigures {
  name: string;
  kinds: ReadonlyMap<MetricKind, Figure[]>;
}

/** Everything that is not zero, by module in the schema's order. */
export function arrange(rows: readonly Row[], schema: Pick<Schema, "metrics">): ModuleFigures[] {
  const metrics = new Map(schema.metrics.map((metric) => [metric.name, metric]));
  const varying = varyingLabels(rows);
  const modules = new Map<string, Map<MetricKind, Figure[]>>();
  for (const row of rows) {
    const metric = metrics.get(row.metric);
    if (metric === undefined || isNothing(row)) continue;
    const variant = Object.entries(row.labels)
      .filter(([name]) => varying.has(name))
      .map(([, value]) => value.replaceAll("_", " "))
      .join(" · ");
    const module = row.metric.slice(0, row.metric.indexOf("_"));
    const kinds = modules.get(module) ?? new Map<MetricKind, Figure[]>();
    modules.set(module, kinds);
    const figures = kinds.get(metric.kind) ?? [];
    kinds.set(metric.kind, figures);
    figures.push({ ...row, schema: metric, title: metric.help.replace(/\.$/, ""), variant });
  }
  return [...modules].map(([name, kinds]) => ({ name, kinds }));
}

/** Labels that have more than one value in these rows: where all directions are unknown, direction says nothing. */
function varyingLabels(rows: readonly Row[]): Set<string> {
  const values = new Map<string, Set<string>>();
  for (const { labels } of rows) {
    for (const [name, value] of Object.entries(labels)) values.set(name, (values.get(name) ?? new Set()).add(value));
  }
  return new Set([...values].filter(([, found]) => found.size > 1).map(([name]) => name));
}

function isNothing({ value, count, estimate, total, requests }: Row): boolean {
  return [value, count, estimate, total, requests].every((figure) => figure === undefined || figure === 0);
}

/** The items of a top. */
export function topItems({ items = [] }: Row): TopItem[] {
  return items as TopItem[];
}

/** The items of a breakdown. */
export function breakdownItems({ items = [] }: Row): BreakdownItem[] {
  return items as BreakdownItem[];
}
