/** Questions about two sets of one metric: what is in both, in either, or in the first alone. */
import { countThetaSet, intersect, readThetaSet, subtract, type ThetaSet, unite } from "../../engine/theta";
import type { MergeCore, Metric } from "../merge";
import type { Answer } from "../object/answer";
import { quote, Refusal, type Refused } from "../refusal";
import type { Combined } from "./ask";
import { bad, checkNames, parseMetric, parsePolicy, parseWhere, parseWindow, type Window } from "./parse";
import { type Plan, SET_OPERATIONS, type SetOperation } from "./plan";
import { formOf } from "./sketch";

const FIELDS = ["metric", "op", "from", "to", "where", "with", "policy"] as const;
const RUN: Record<SetOperation, (a: ThetaSet, b: ThetaSet) => ThetaSet> = { intersect, union: unite, difference: subtract };
/** Asking again where something came in between. */
const TRIES_MAX = 3;

/** What is asked of the object. */
export interface Asked {
  query(plan: Plan): Promise<Answer | Refused>;
  sketch(window: Window, metric: number): Promise<Uint8Array | Refused>;
}

/** A question that was checked. */
export interface SetQuestion {
  operation: SetOperation;
  metric: Metric;
  /** The two sets, as plans of the metric. */
  sets: [first: Plan, second: Plan];
  /** The count of the same elements that every edge makes, for both. */
  counts: [first: Plan, second: Plan];
}

/** Whether a question is one about two sets. */
export function asksOfSets(given: unknown): given is Record<string, unknown> & { op: SetOperation } {
  if (typeof given !== "object" || given === null || Array.isArray(given)) return false;
  return SET_OPERATIONS.some((operation) => operation === (given as { op?: unknown }).op);
}

/** Checks the fields of a question about two sets. Throws Refusal. */
export function parseSetQuestion(
  given: Record<string, unknown> & { op: SetOperation },
  metrics: readonly Metric[],
  nowMs: number,
): SetQuestion {
  checkNames(given, FIELDS);
  const names = Array.isArray(given.metric) ? given.metric : [given.metric];
  if (names.length > 1) throw bad("metric", `names more than one; ${given.op} is of two sets of one`);
  const metric = parseMetric("metric", names[0], metrics);
  if (metric.kind !== "theta")
    throw bad("op", `${given.op} does not fit ${metric.name}, a ${metric.kind}; ${hint(metric, metrics)}`);
  if (given.with === undefined)
    throw bad("with", `is missing; ${given.op} is of two sets, the other of which it says like where`);
  const counted = metrics.find(({ name }) => name === countOf(metric)) ?? metric;
  const window = { ...parseWindow({ from: given.from, to: given.to }, nowMs), policy: parsePolicy(given.policy), edge: null };
  const plan = (of: Metric, field: "where" | "with"): Plan => ({
    ...{ metric: of, operation: "distinct", byTags: [], byLabels: 0, top: 1, quantiles: [], key: null },
    ...window,
    ...parseWhere(field, given[field], of),
  });
  return {
    operation: given.op,
    metric,
    sets: [plan(metric, "where"), plan(metric, "with")],
    counts: [plan(counted, "where"), plan(counted, "with")],
  };
}

/** The metric that counts what a set holds. */
function countOf({ name }: Metric): string {
  return name.replace(/_theta$/, "");
}

function hint(metric: Metric, metrics: readonly Metric[]): string {
  const sets = metrics.filter(({ kind }) => kind === "theta");
  const own = sets.find((set) => countOf(set) === metric.name);
  return own === undefined
    ? `it is asked of sets, such as ${sets
        .slice(0, 3)
        .map(({ name }) => quote(name))
        .join(", ")}`
    : `ask ${own.name}, which has it where agents run with --theta`;
}

/** Answers a question about two sets. Throws Refusal. */
export async function answerSets(asked: Asked, core: MergeCore, question: SetQuestion): Promise<Combined> {
  for (let tries = 1; ; tries += 1) {
    const metas = await askBoth(asked, question.sets);
    const counts = await askBoth(asked, question.counts);
    const [first, second] = [await setOf(asked, core, question, 0), await setOf(asked, core, question, 1)];
    const after = await askBoth(asked, question.sets);
    const isSame = metas.every(({ meta }, index) => meta.revision === after[index]!.meta.revision);
    if (!isSame && tries < TRIES_MAX) continue;
    checkSwitchedOn(question, counts, [first, second]);
    return combine(question, metas, first, second);
  }
}

async function askBoth(asked: Asked, plans: readonly [Plan, Plan]): Promise<[Answer, Answer]> {
  const ask = async (plan: Plan) => {
    const answer = await asked.query(plan);
    if ("status" in answer) throw new Refusal(answer.status, answer.code, answer.reason);
    return answer;
  };
  return [await ask(plans[0]), await ask(plans[1])];
}

async function setOf(asked: Asked, core: MergeCore, { metric, sets }: SetQuestion, index: 0 | 1): Promise<ThetaSet> {
  const plan = sets[index];
  const { from, to, step, policy, edge, tagConditions, labelValues } = plan;
  const window = { from, to, step, policy, edge, tagConditions };
  const bundle = await asked.sketch(window, metric.id);
  if ("status" in bundle) throw new Refusal(bundle.status, bundle.code, bundle.reason);
  return readThetaSet(formOf(core, bundle, { window, form: "theta", metric, labelValues }));
}

/**
 * Refuses to answer out of sets that hold less than was counted, by four standard errors of each: agents that run without them would be
 * left out unseen.
 */
function checkSwitchedOn(
  { metric, counts }: SetQuestion,
  counted: readonly [Answer, Answer],
  sets: readonly [ThetaSet, ThetaSet],
): void {
  for (const [index, set] of sets.entries()) {
    const [row] = counted[index]!.data;
    const least = Number(row?.lower ?? 0) * 2 - Number(row?.value ?? 0);
    const { estimate, upper } = countThetaSet(set);
    const most = upper * 2 - estimate;
    if (least <= most) continue;
    const { name } = counts[index as 0 | 1].metric;
    const field = index === 0 ? "where" : "with";
    throw new Refusal(
      422,
      "theta_off",
      `${name} counts at least ${Math.floor(least)} in the set of ${field}, and ${metric.name} at most ${Math.ceil(most)}: ` +
        "not all of its agents run with --theta, or have for all of the window; switch it on, or take a later window",
    );
  }
}

function combine(
  { operation, sets }: SetQuestion,
  metas: readonly [Answer, Answer],
  first: ThetaSet,
  second: ThetaSet,
): Combined {
  const { estimate: value, lower, upper } = countThetaSet(RUN[operation](first, second));
  const [meta, other] = [metas[0].meta, metas[1].meta];
  const row = {
    time: meta.from,
    value,
    lower,
    upper,
    first: countThetaSet(first).estimate,
    second: countThetaSet(second).estimate,
  };
  const kind = lower === upper ? "exact" : "interval";
  const { revision, complete, missing_edges_count, set_apart } = other;
  return {
    data: [row],
    meta: {
      ...meta,
      op: operation,
      step: sets[0].step,
      revision: Math.max(meta.revision, revision),
      complete: meta.complete && complete,
      error_bound: { kind, bound: upper - lower },
      with: { revision, complete, missing_edges_count, set_apart },
    },
  };
}
