/** Questions of `/v1/sketch`: which window, of which metric, in which form. */
import type { MetricKind } from "../../engine/schema";
import { TOP_MAX } from "../limits";
import type { MergeCore, Metric } from "../merge";
import { quote, Refusal } from "../refusal";
import { bad, checkNames, NO_LABELS, parseMetric, parsePolicy, parseText, parseWhere, parseWindow, type Window } from "./parse";

const FIELDS = ["from", "to", "where", "policy", "edge", "metric", "form"] as const;

/** Forms of Apache DataSketches, and the kind of metric that each is of. */
const KIND_OF_FORM = { hll_8: "distinct", hll_4: "distinct", frequent_items: "top", theta: "theta" } as const satisfies Record<
  string,
  MetricKind
>;
export type SketchForm = keyof typeof KIND_OF_FORM;
/** All that can be asked for. */
export const FORMS = ["raw", ...Object.keys(KIND_OF_FORM)] as ("raw" | SketchForm)[];

/** A question that was checked. */
export interface SketchQuestion {
  window: Window;
  form: "raw" | SketchForm;
  /** Only this metric; needed for all forms but raw. */
  metric: Metric | null;
  /** Per label of the metric: the value indexes that count, or null for all. */
  labelValues: (number[] | null)[];
}

/** Checks the fields of `/v1/sketch`. Throws Refusal. */
export function parseSketchQuery(given: Record<string, unknown>, metrics: readonly Metric[], nowMs: number): SketchQuestion {
  checkNames(given, FIELDS);
  const form = parseForm(given.form);
  const metric = given.metric === undefined ? null : parseMetric("metric", only(given.metric), metrics);
  if (form !== "raw") checkKind(form, metric, metrics);
  const { from, to } = parseWindow({ from: given.from, to: given.to }, nowMs);
  const { tagConditions, labelValues } = parseWhere("where", given.where, metric ?? NO_LABELS);
  if (form === "raw" && labelValues.some((values) => values !== null)) {
    throw bad("where", "names a label, and raw holds all of them; name tags only, or take another form");
  }
  const edge = parseText("edge", given.edge);
  const window = { from, to, step: to - from, tagConditions, policy: parsePolicy(given.policy), edge };
  return { window, form, metric, labelValues };
}

function parseForm(given: unknown): SketchQuestion["form"] {
  if (given === undefined) return "raw";
  const form = FORMS.find((candidate) => candidate === given);
  if (form !== undefined) return form;
  throw bad("form", `${quote(given)} is not known; use ${FORMS.join(", ")}`);
}

function checkKind(form: SketchForm, metric: Metric | null, metrics: readonly Metric[]): asserts metric is Metric {
  const kind = KIND_OF_FORM[form];
  if (metric?.kind === kind) return;
  const such = metrics.filter((candidate) => candidate.kind === kind).slice(0, 3);
  const why = metric === null ? "wants a metric" : `does not fit ${metric.name}, a ${metric.kind}`;
  throw bad("form", `${form} ${why}; name one ${kind}, such as ${such.map(({ name }) => name).join(", ")}`);
}

/** The one of a list that may have but one. */
function only(given: unknown): unknown {
  if (!Array.isArray(given)) return given;
  if (given.length > 1) throw bad("metric", "names more than one; a sketch is of one");
  return given[0];
}

/** The sketch that a question is about, out of its window's bundle of that metric. Throws Refusal where it does not fit. */
export function formOf(core: MergeCore, bundle: Uint8Array, question: SketchQuestion & { form: SketchForm; metric: Metric }) {
  const { form, metric, labelValues } = question;
  if (bundle.length === 0) return emptySketch(form, metric);
  const selection = { metric: metric.id, keepLabelsMask: 0, items: TOP_MAX, quantiles: [], labelValues, buckets: false, form };
  const rows = core.rows([bundle], selection);
  if (typeof rows === "string") throw new Refusal(422, "too_much", "the sketch does not fit; take a shorter window");
  return rows[0]?.sketch ?? emptySketch(form, metric);
}

/** A sketch of nothing. */
function emptySketch(form: SketchForm, metric: Metric): Uint8Array {
  switch (form) {
    case "hll_8":
      return Uint8Array.of(2, 1, 7, metric.parameter, 3, 12, 0, 8);
    case "hll_4":
      return Uint8Array.of(2, 1, 7, metric.parameter, 3, 12, 0, 0);
    case "frequent_items":
      return Uint8Array.of(1, 1, 10, 11, 3, 5, 0, 0);
    case "theta":
      return Uint8Array.of(1, 3, 3, 0, 0, 0x1e, 0xcc, 0x93);
  }
}
