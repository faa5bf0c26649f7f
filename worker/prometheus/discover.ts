import { boundsOf } from "../../engine/prometheus/bounds";
import { SERIES_MAX } from "../limits";
import type { Catalog, Family } from "./catalog";
import { labelNames } from "./catalog";
import { dueMinute, floorTo, type Span } from "./clock";
import type { Reader } from "./reader";
import { allLabelNames, familiesOf, fewFamiliesOf, fulfils, rowLabels, select, type TagValues } from "./select";
import { type Labels, labelKey, labelsOf, NAME } from "./series";
import type { Selector } from "./syntax";
import type { Tenant } from "./tenant";

const HOUR_SECONDS = 3_600;
const DAY_SECONDS = 86_400;

/** The series that selectors mean, of those that have something in a span; cut where they are too many, with a warning. */
export async function findSeries(reader: Reader, selectors: readonly Selector[], span: Span): Promise<Labels[]> {
  const found = new Map<string, Labels>();
  for (const { matchers } of selectors) {
    for (const family of fewFamiliesOf(reader.tenant.catalog, matchers)) {
      const selection = select(family, matchers, reader.tenant.tags, null);
      if (selection === null) continue;
      for (const { row } of await reader.readSpan(selection, span)) {
        for (const labels of expand(family, rowLabels(selection, row))) {
          if (fulfils(selection, labels)) found.set(labelKey(labels), labels);
        }
        if (found.size > SERIES_MAX) {
          reader.warnings.add(`only the first ${SERIES_MAX} series are shown; name a metric and labels`);
          return inOrder(found).slice(0, SERIES_MAX);
        }
      }
    }
  }
  return inOrder(found);
}

function inOrder(found: ReadonlyMap<string, Labels>): Labels[] {
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, labels]) => labels);
}

/** The series of a row: one, or one for each bound or quantile. */
function expand({ nature, metric, quantiles }: Family, labels: Labels): Labels[] {
  if (nature === "buckets") return boundsOf(metric.unit).map(({ text }) => labelsOf([...labels, ["le", text]]));
  if (quantiles.length > 0) return quantiles.map((quantile) => labelsOf([...labels, ["quantile", String(quantile)]]));
  return [labels];
}

/** Names of the labels that selectors' series may have; of all metrics where there is no selector. */
export function findLabelNames({ tenant: { catalog, tags } }: Reader, selectors: readonly Selector[]): string[] {
  const families =
    selectors.length === 0 ? [...catalog.values()] : selectors.flatMap(({ matchers }) => familiesOf(catalog, matchers));
  return [...new Set(families.flatMap((family) => allLabelNames(family, tags)))].sort();
}

/**
 * The values of a label. Without a selector of a metric: all that are known by declaration or as tags, whether there is data or
 * not; else those that the selectors' series have in the span.
 */
export async function findLabelValues(
  reader: Reader,
  name: string,
  selectors: readonly Selector[],
  span: Span,
): Promise<string[]> {
  const { catalog, tags } = reader.tenant;
  const isNamed = selectors.length > 0 && selectors.every(({ matchers }) => matchers.some(({ label }) => label === NAME));
  if (name === NAME) {
    const families =
      selectors.length === 0 ? [...catalog.values()] : selectors.flatMap(({ matchers }) => familiesOf(catalog, matchers));
    return sorted(families.map((family) => family.name));
  }
  if (!isNamed) return sorted(declaredValues(catalog, tags, name));
  const values: string[] = [];
  for (const { matchers } of selectors) {
    for (const family of fewFamiliesOf(catalog, matchers)) {
      const needed = matchers.map(({ label }) => label);
      const selection = select(family, matchers, tags, new Set([name, ...needed]));
      if (selection === null) continue;
      for (const { row } of await reader.readSpan(selection, span)) {
        for (const labels of expand(family, rowLabels(selection, row))) {
          const value = labels.get(name);
          if (value !== undefined && fulfils(selection, labels)) values.push(value);
        }
      }
    }
  }
  return sorted(values);
}

function declaredValues(catalog: Catalog, tags: TagValues, name: string): string[] {
  const declared = [...catalog.values()].flatMap((family) => {
    if (name === "le" && family.nature === "buckets") return boundsOf(family.metric.unit).map(({ text }) => text);
    if (name === "quantile" && labelNames(family).includes(name)) return family.quantiles.map(String);
    return family.metric.labels.flatMap((label) => (label.name === name ? label.values : []));
  });
  if (name === "policy") return ["default"];
  return [...declared, ...(tags.get(name) ?? [])];
}

function sorted(values: readonly string[]): string[] {
  return [...new Set(values)].sort();
}

/** Type, help and unit by the name that exposition has them under. */
export function metadataOf(catalog: Catalog, only: string | null, most: number | null): Record<string, object[]> {
  const entries = new Map<string, object[]>();
  for (const { base, type, help, metric } of catalog.values()) {
    if (only !== null && base !== only) continue;
    if (most !== null && entries.size >= most && !entries.has(base)) break;
    entries.set(base, [{ type, help, unit: metric.unit }]);
  }
  return Object.fromEntries(entries);
}

/** A span in which to look for series: whole hours or days where minutes are not kept any more, and nothing that is not due. */
export function spanOfSearch(start: number, end: number, tenant: Tenant): Span {
  const { nowSeconds, retention } = tenant;
  const unit =
    start >= nowSeconds - retention[0]! + HOUR_SECONDS
      ? 60
      : start >= nowSeconds - retention[1]! + DAY_SECONDS
        ? HOUR_SECONDS
        : DAY_SECONDS;
  const from = floorTo(Math.max(start, nowSeconds - retention[2]!), unit);
  const to = Math.ceil(Math.min(end, dueMinute(tenant) + 60) / unit) * unit;
  return { from, to: Math.max(to, from + unit) };
}
