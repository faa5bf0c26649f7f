import { Refusal } from "../refusal";
import { aggregate } from "./aggregate";
import { type Operand, operate } from "./binary";
import { BucketSpans } from "./bucket-spans";
import { type Steps, timeOf } from "./clock";
import { finestSteps, quantileOf, type Step } from "./histogram";
import type { Reader } from "./reader";
import { fewFamiliesOf, select } from "./select";
import { emptySeries, type Labels, labelKey, labelsOf, NAME, type Series, setValue, without } from "./series";
import type { Expression, Grouping, Selector } from "./syntax";
import { lastMinutes, overSpans, standing } from "./windows";

type Range = Extract<Expression, { kind: "range" }>;
type Quantile = Extract<Expression, { kind: "quantile" }>;

/** Evaluates an expression at every step. Throws Refusal where it cannot be answered. */
export function evaluate(reader: Reader, expression: Expression, steps: Steps): Promise<Operand> {
  return new Evaluation(reader, steps).of(expression, null);
}

class Evaluation {
  constructor(
    private readonly reader: Reader,
    private readonly steps: Steps,
  ) {}

  /** `keep`: where only sums by these labels are wanted, so that the hub may merge the others. */
  async of(expression: Expression, keep: ReadonlySet<string> | null): Promise<Operand> {
    switch (expression.kind) {
      case "number":
        return new Float64Array(this.steps.count).fill(expression.value);
      case "selector":
        return this.selector(expression, keep);
      case "range":
        return this.range(expression, keep);
      case "quantile":
        return this.quantile(expression);
      case "aggregate":
        return this.aggregate(expression);
      case "binary": {
        const left = await this.of(expression.left, null);
        return checkUnique(operate(expression, left, await this.of(expression.right, null), this.steps.count));
      }
      case "negative":
        return checkUnique(negative(await this.of(expression.inner, null)));
    }
  }

  private async series(expression: Expression, keep: ReadonlySet<string> | null = null): Promise<Series[]> {
    const operand = await this.of(expression, keep);
    return operand instanceof Float64Array ? [] : operand;
  }

  private async selector(selector: Selector, keep: ReadonlySet<string> | null): Promise<Series[]> {
    const { tags } = this.reader.tenant;
    const all: Series[] = [];
    for (const family of this.families(selector)) {
      const isCounter = family.nature !== "minute";
      const selection = select(family, selector.matchers, tags, isCounter ? keep : null);
      if (selection === null) continue;
      const steps = this.shifted(selector);
      all.push(...(isCounter ? await standing(this.reader, selection, steps) : await lastMinutes(this.reader, selection, steps)));
    }
    return all;
  }

  private async range({ name, selector, rangeSeconds }: Range, keep: ReadonlySet<string> | null): Promise<Series[]> {
    const { tags } = this.reader.tenant;
    const all: Series[] = [];
    for (const family of this.families(selector)) {
      const isCounter = family.nature !== "minute";
      if (name === "sum_over_time" ? isCounter || !family.isAdditive : !isCounter) throw unfit(name, family.name, isCounter);
      const selection = select(family, selector.matchers, tags, keep);
      if (selection === null) continue;
      all.push(...(await overSpans(this.reader, selection, this.shifted(selector), name, rangeSeconds)));
    }
    return checkUnique(all);
  }

  private async aggregate(expression: Extract<Expression, { kind: "aggregate" }>): Promise<Series[]> {
    const { name, grouping, parameter, inner } = expression;
    const number = parameter === null ? null : await this.of(parameter, null);
    const keep = name === "sum" && !grouping.without ? new Set(grouping.labels) : null;
    const series = await this.series(inner, keep);
    return aggregate(name, grouping, number instanceof Float64Array ? number : null, series, this.steps.count);
  }

  private async quantile({ quantile, buckets }: Quantile): Promise<Series[]> {
    const level = await this.of(quantile, null);
    if (!(level instanceof Float64Array)) return [];
    const fine = this.fineBuckets(buckets);
    if (fine !== null) return this.fineQuantile(level, fine.range, fine.grouping);
    return this.quantileOfSeries(level, await this.series(buckets));
  }

  /** Buckets of rates that nothing is done to but summed up: those can be had finer than by `le`. */
  private fineBuckets(expression: Expression): { range: Range; grouping: Grouping | null } | null {
    if (expression.kind === "aggregate") {
      const { name, grouping, inner } = expression;
      const keepsBounds = grouping.labels.includes("le") !== grouping.without;
      if (name !== "sum" || !keepsBounds || inner.kind !== "range") return null;
      const fine = this.fineBuckets(inner);
      return fine === null ? null : { range: inner, grouping };
    }
    if (expression.kind !== "range" || expression.name === "sum_over_time") return null;
    if (expression.selector.matchers.some(({ label }) => label === "le")) return null;
    const families = this.families(expression.selector);
    return families.length > 0 && families.every(({ nature }) => nature === "buckets")
      ? { range: expression, grouping: null }
      : null;
  }

  private async fineQuantile(
    level: Float64Array,
    { selector, rangeSeconds }: Range,
    grouping: Grouping | null,
  ): Promise<Series[]> {
    const { tags } = this.reader.tenant;
    const keep = grouping === null || grouping.without ? null : new Set(grouping.labels);
    const spans = new BucketSpans(this.reader, this.shifted(selector), rangeSeconds);
    const families = this.families(selector);
    if (grouping === null && families.length > 1) throw sameLabels();
    for (const family of families) {
      const selection = select(family, selector.matchers, tags, keep);
      if (selection !== null) await spans.add(selection, (labels) => groupLabels(labels, grouping));
    }
    return [...spans.walks()].map(({ labels, walk }) => {
      const series = emptySeries(labels, this.steps.count);
      walk((index, sum) => setValue(series, index, quantileOf(level[index]!, finestSteps(sum))));
      return series;
    });
  }

  private quantileOfSeries(level: Float64Array, all: readonly Series[]): Series[] {
    const groups = new Map<string, { labels: Labels; bounds: { le: number; series: Series }[] }>();
    for (const series of all) {
      const le = Number((series.labels.get("le") ?? "").replace("+Inf", "Infinity").trim() || Number.NaN);
      if (Number.isNaN(le)) continue;
      const labels = without(series.labels, [NAME, "le"]);
      const key = labelKey(labels);
      const group = groups.get(key) ?? { labels, bounds: [] };
      groups.set(key, group);
      group.bounds.push({ le, series });
    }
    return [...groups.values()].map(({ labels, bounds }) => {
      bounds.sort((a, b) => a.le - b.le);
      const result = emptySeries(labels, this.steps.count);
      for (let index = 0; index < this.steps.count; index += 1) {
        const steps: Step[] = bounds.flatMap(({ le, series }) =>
          series.present[index] ? [{ le, count: series.values[index]! }] : [],
        );
        if (steps.length > 0) setValue(result, index, quantileOf(level[index]!, steps));
      }
      return result;
    });
  }

  private families(selector: Selector) {
    const families = fewFamiliesOf(this.reader.tenant.catalog, selector.matchers);
    const name = selector.matchers.find(({ label, operator }) => label === NAME && operator === "=")?.value;
    if (families.length === 0 && name !== undefined) this.reader.warnings.add(`tallywire has no metric ${JSON.stringify(name)}`);
    return families;
  }

  private shifted({ offsetSeconds }: Selector): Steps {
    return { ...this.steps, start: timeOf(this.steps, 0) - offsetSeconds };
  }
}

function negative(operand: Operand): Operand {
  if (operand instanceof Float64Array) return operand.map((value) => -value);
  return operand.map((series) => ({
    ...series,
    labels: without(series.labels, [NAME]),
    values: series.values.map((value) => -value),
  }));
}

/** The labels of a group, without the metric's name and `le`. */
function groupLabels(labels: Labels, grouping: Grouping | null): Labels {
  if (grouping === null) return without(labels, [NAME]);
  if (grouping.without) return without(labels, [NAME, ...grouping.labels]);
  return labelsOf([...labels].filter(([name]) => grouping.labels.includes(name) && name !== NAME));
}

/** Refuses what becomes the same series when the metrics' names are taken off. */
function checkUnique<T extends Operand>(operand: T): T {
  if (operand instanceof Float64Array) return operand;
  if (new Set(operand.map(({ labels }) => labelKey(labels))).size === operand.length) return operand;
  throw sameLabels();
}

function sameLabels(): Refusal {
  const reason = "vector cannot contain metrics with the same labelset; name one metric, or sum each by itself";
  return new Refusal(422, "execution", reason);
}

function unfit(name: string, metric: string, isCounter: boolean): Refusal {
  if (isCounter)
    return new Refusal(422, "unfit", `${name} does not fit ${metric}, which counts on: use increase(${metric}[...])`);
  const hint =
    name === "sum_over_time"
      ? "its minutes cannot be added up; take them as they are"
      : `it is a gauge of single minutes: use sum_over_time(${metric}[...]) where it counts things, or it as it is`;
  return new Refusal(422, "unfit", `${name} does not fit ${metric}: ${hint}`);
}
