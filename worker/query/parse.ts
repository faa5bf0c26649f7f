import { CONDITION_VALUES_MAX, METRICS_MAX, MINUTE_SECONDS, QUANTILES_MAX, STEPS_MAX, TOP_MAX } from "../limits";
import type { Metric } from "../merge";
import { quote, Refusal } from "../refusal";
import { TAG_NAME } from "../tags";
import { parseDuration, parseTime } from "../time";
import {
  OPERATIONS,
  OPERATIONS_OF_KIND,
  type Operation,
  type Plan,
  type Question,
  SET_OPERATIONS,
  type TagCondition,
} from "./plan";

const FIELDS = [
  "from",
  "to",
  "step",
  "metric",
  "op",
  "n",
  "q",
  "key",
  "by",
  "where",
  "policy",
  "edge",
  "per",
  "compare",
] as const;
/** What is no metric, so that conditions are on tags. */
export const NO_LABELS = { name: "", labels: [] };
/** Which minutes of whom are meant. */
export type Window = Pick<Plan, "from" | "to" | "step" | "policy" | "edge" | "tagConditions">;
type Fields = Partial<Record<(typeof FIELDS)[number], unknown>>;
type Conditions = Record<string, unknown>;

/** Operations whose rows have one value that can be divided, or set beside another. */
const DIVISIBLE: ReadonlySet<Operation> = new Set(["sum", "rate"]);
const COMPARABLE: ReadonlySet<Operation> = new Set(["sum", "rate", "distinct", "quantile", "top", "last"]);

const TOP_DEFAULT = 10;
const QUANTILES_DEFAULT = [0.5, 0.9, 0.99];
const POLICY_DEFAULT = "default";
const WINDOW_DEFAULT = "-1h";

/** Reads the fields of a GET: lists as repeated or comma-separated fields, conditions as `where.site=fra1` or `where.site=!fra1`, and `with.` alike. */
export function fieldsOfSearch(search: URLSearchParams): Record<string, unknown> {
  // Without a prototype, so that no name means anything but itself.
  const fields: Record<string, unknown> = Object.create(null);
  const conditions: Record<"where" | "with", [name: string, condition: unknown][]> = { where: [], with: [] };
  for (const name of new Set(search.keys())) {
    const values = search.getAll(name);
    const [, field, tag] = /^(where|with)\.(.*)$/s.exec(name) ?? [];
    if (field !== undefined && tag !== undefined) {
      const negated = values.filter((value) => value.startsWith("!"));
      if (negated.length > 0 && negated.length < values.length) {
        throw bad(field, `${name} has values with and without "!"; give them all one or the other`);
      }
      const plain = values.map((value) => (negated.length > 0 ? value.slice(1) : value));
      conditions[field as "where" | "with"].push([tag, negated.length > 0 ? { not: plain } : plain]);
    } else if (name === "by" || name === "q" || name === "metric") {
      fields[name] = values.flatMap((value) => value.split(",")).filter((value) => value !== "");
    } else if (values.length > 1) {
      throw bad(name, "is given more than once; give it once");
    } else {
      fields[name] = values[0];
    }
  }
  for (const [field, entries] of Object.entries(conditions)) if (entries.length > 0) fields[field] = Object.fromEntries(entries);
  return fields;
}

/** Checks a query's fields against the known metrics; refuses what does not fit, saying what would. */
export function parseQuestion(given: unknown, metrics: readonly Metric[], nowMs: number): Question {
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    throw new Refusal(400, "bad_query", `a query is a JSON object with the fields ${FIELDS.join(", ")}`);
  }
  checkNames(given, FIELDS);
  const fields = given as Fields;
  const plans = parseMetrics(fields.metric, metrics).map((metric) => parsePlan(fields, metric, nowMs));
  const shiftSeconds = parseShift(fields.compare, plans[0]!);
  return { plans, per: plans.map((plan) => parseDivisor(fields, plan, metrics)), shiftSeconds, isList: plans.length > 1 };
}

function parsePlan(fields: Fields, metric: Metric, nowMs: number): Plan {
  const { byTags, byLabels } = parseBy(fields.by, metric);
  return {
    metric,
    operation: parseOperation(fields.op, metric),
    policy: parsePolicy(fields.policy),
    edge: parseText("edge", fields.edge),
    ...parseWindow(fields, nowMs),
    byTags,
    byLabels,
    ...parseWhere("where", fields.where, metric),
    top: parseCount("n", fields.n, TOP_MAX) ?? TOP_DEFAULT,
    quantiles: parseQuantiles(fields.q),
    key: parseText("key", fields.key),
  };
}

function parseMetrics(given: unknown, metrics: readonly Metric[]): Metric[] {
  const names = Array.isArray(given) ? given : [given];
  if (names.length === 0 || names.length > METRICS_MAX) throw bad("metric", `takes 1 to ${METRICS_MAX} metrics`);
  const found = names.map((name) => parseMetric("metric", name, metrics));
  if (new Set(found).size < found.length) throw bad("metric", "names one twice; name it once");
  return found;
}

/** What each value is divided by: of the same tags, of all labels but those that both are told apart by. */
function parseDivisor({ per, op, by }: Fields, plan: Plan, metrics: readonly Metric[]): Plan | null {
  if (per === undefined) return null;
  if (!DIVISIBLE.has(plan.operation))
    throw bad("per", `divides what ${[...DIVISIBLE].join(" or ")} gives, not ${plan.operation}`);
  const metric = parseMetric("per", per, metrics);
  const names = parseTexts("by", by);
  let byLabels = 0;
  metric.labels.forEach(({ name }, index) => {
    if (names.includes(name) && plan.metric.labels.some((label) => label.name === name)) byLabels |= 1 << index;
  });
  const operation = parseOperation(op, metric);
  return { ...plan, metric, operation, byLabels, labelValues: metric.labels.map(() => null), key: null };
}

function parseShift(given: unknown, { operation, from, to }: Plan): number | null {
  if (given === undefined) return null;
  if (!COMPARABLE.has(operation)) throw bad("compare", `sets one value beside another; ${operation} has more than one`);
  if (given === "previous") return to - from;
  const seconds = typeof given === "string" ? parseDuration(given) : given;
  if (typeof seconds === "number" && seconds > 0 && seconds % MINUTE_SECONDS === 0 && seconds < from) return seconds;
  throw bad("compare", `${quote(given)} is no span of whole minutes; use previous, or a span like 1d`);
}

/** Reads the name of a policy. */
export function parsePolicy(given: unknown): string {
  return parseText("policy", given) ?? POLICY_DEFAULT;
}

/** Refuses fields that there are not. */
export function checkNames(given: object, names: readonly string[]): void {
  for (const name of Object.keys(given)) {
    if (!names.includes(name)) throw bad(name, `is no field of this; use ${names.join(", ")}`);
  }
}

/** Finds a metric by its name. */
export function parseMetric(field: string, given: unknown, metrics: readonly Metric[]): Metric {
  const name = parseText(field, given);
  if (name === null) throw bad(field, "is missing; /v1/metrics lists them");
  const metric = metrics.find((candidate) => candidate.name === name);
  if (metric !== undefined) return metric;
  const module = /^[a-z0-9]+/.exec(name)?.[0];
  const near = metrics.map((candidate) => candidate.name).filter((other) => module && other.startsWith(module));
  const hint =
    near.length === 0 ? "/v1/metrics lists them" : `did you mean ${near.slice(0, 3).join(", ")}? /v1/metrics lists all`;
  throw bad(field, `${quote(name)} is not known; ${hint}`);
}

function parseOperation(given: unknown, metric: Metric): Operation {
  const fitting = OPERATIONS_OF_KIND[metric.kind];
  if (given === undefined) throw bad("op", `is missing; ${metric.name} is a ${metric.kind} and takes ${fitting.join(", ")}`);
  const operation = OPERATIONS.find((candidate) => candidate === given);
  if (operation === undefined)
    throw bad("op", `${quote(given)} is not known; use ${[...OPERATIONS, ...SET_OPERATIONS].join(", ")}`);
  if (fitting.includes(operation)) return operation;
  throw bad("op", `${operation} does not fit ${metric.name}, a ${metric.kind}; use ${fitting.join(", ")}`);
}

/** Reads from, to and step, widened to whole minutes. */
export function parseWindow(fields: Pick<Fields, "from" | "to" | "step">, nowMs: number): Pick<Plan, "from" | "to" | "step"> {
  const now = nowMs / 1000;
  const { from: first = WINDOW_DEFAULT, to: last = "now" } = fields;
  const from = Math.floor(parseTime("from", first, now) / MINUTE_SECONDS) * MINUTE_SECONDS;
  const to = Math.ceil(parseTime("to", last, now) / MINUTE_SECONDS) * MINUTE_SECONDS;
  if (to <= from) throw bad("to", "is not after from; widen the window");
  if (fields.step === undefined) return { from, to, step: to - from };
  const step = typeof fields.step === "string" ? parseDuration(fields.step) : fields.step;
  if (typeof step !== "number" || !Number.isInteger(step) || step < MINUTE_SECONDS || step % MINUTE_SECONDS !== 0) {
    throw bad("step", `${quote(fields.step)} is no whole number of minutes; use seconds like 300 or a span like 5m`);
  }
  if ((to - from) / step > STEPS_MAX)
    throw bad("step", `makes more than ${STEPS_MAX} steps; take a longer step or a shorter window`);
  return { from, to, step };
}

function parseBy(given: unknown, metric: Metric): Pick<Plan, "byTags" | "byLabels"> {
  const byTags: string[] = [];
  let byLabels = 0;
  for (const name of parseTexts("by", given)) {
    const label = metric.labels.findIndex((candidate) => candidate.name === name);
    if (label >= 0) byLabels |= 1 << label;
    else byTags.push(tagName("by", name));
  }
  return { byTags: [...new Set(byTags)], byLabels };
}

/** A label of the metric goes before a tag of the same name, which `tag:` picks out. */
function tagName(field: string, name: string): string {
  const tag = name.startsWith("tag:") ? name.slice("tag:".length) : name;
  if (TAG_NAME.test(tag)) return tag;
  throw bad(field, `${quote(name)} names no tag and no label of the metric; /v1/tags lists the tags`);
}

/** Reads conditions on tags and on labels of a metric, out of the field so called. */
export function parseWhere(
  field: string,
  given: unknown,
  metric: Pick<Metric, "name" | "labels">,
): Pick<Plan, "tagConditions" | "labelValues"> {
  const tagConditions: TagCondition[] = [];
  const labelValues: (number[] | null)[] = metric.labels.map(() => null);
  if (given === undefined) return { tagConditions, labelValues };
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    throw bad(field, 'is not an object; use {"site": "fra1"}, {"site": ["fra1", "ams2"]} or {"site": {"not": "fra1"}}');
  }
  for (const [name, condition] of Object.entries(given as Conditions)) {
    const { values, negated } = parseCondition(`${field}.${name}`, condition);
    const index = metric.labels.findIndex((label) => label.name === name);
    if (index < 0) {
      tagConditions.push({ tag: tagName(field, name), values, negated });
      continue;
    }
    const label = metric.labels[index]!;
    const unknown = values.find((value) => !label.values.includes(value));
    if (unknown !== undefined) {
      throw bad(field, `${name} has no value ${quote(unknown)}; ${metric.name} has ${label.values.slice(0, 20).join(", ")}`);
    }
    const chosen = label.values.flatMap((value, valueIndex) => (values.includes(value) !== negated ? [valueIndex] : []));
    labelValues[index] = chosen;
  }
  return { tagConditions, labelValues };
}

function parseCondition(field: string, given: unknown): { values: string[]; negated: boolean } {
  if (typeof given === "object" && given !== null && !Array.isArray(given)) {
    const names = Object.keys(given);
    if (names.length !== 1 || names[0] !== "not") throw bad(field, 'takes a value, a list of values, or {"not": ...}');
    return { values: parseTexts(`${field}.not`, (given as { not: unknown }).not), negated: true };
  }
  return { values: parseTexts(field, given), negated: false };
}

function parseQuantiles(given: unknown): number[] {
  if (given === undefined) return QUANTILES_DEFAULT;
  const list = Array.isArray(given) ? given : [given];
  if (list.length === 0 || list.length > QUANTILES_MAX) throw bad("q", `takes 1 to ${QUANTILES_MAX} quantiles`);
  return list.map((text) => {
    const quantile = typeof text === "number" || (typeof text === "string" && text.trim() !== "") ? Number(text) : Number.NaN;
    if (quantile >= 0 && quantile <= 1) return quantile;
    throw bad("q", `${quote(text)} is no quantile; use numbers from 0 to 1 like 0.99`);
  });
}

function parseCount(field: string, given: unknown, most: number): number | null {
  if (given === undefined) return null;
  const count = typeof given === "number" || (typeof given === "string" && /^\d+$/.test(given)) ? Number(given) : Number.NaN;
  if (Number.isInteger(count) && count >= 1 && count <= most) return count;
  throw bad(field, `${quote(given)} is not a whole number from 1 to ${most}`);
}

/** A text of a field; null where it is not given. */
export function parseText(field: string, given: unknown): string | null {
  if (given === undefined) return null;
  if (typeof given === "string" && given !== "" && given.length <= 1024) return given;
  throw bad(field, `${quote(given)} is not a text of 1 to 1024 characters`);
}

function parseTexts(field: string, given: unknown): string[] {
  if (given === undefined) return [];
  const list = Array.isArray(given) ? given : [given];
  if (list.length > CONDITION_VALUES_MAX) throw bad(field, `has more than ${CONDITION_VALUES_MAX} values; give fewer`);
  return list.map((text) => {
    if (typeof text === "string" && text.length <= 1024) return text;
    throw bad(field, `${quote(text)} is not a text`);
  });
}

/** The refusal of a field. */
export function bad(field: string, reason: string): Refusal {
  return new Refusal(400, "bad_query", `${field}: ${reason}`);
}
