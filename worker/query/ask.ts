/** Asks an object everything that a question takes, and puts the answers together. */
import type { Answer } from "../object/answer";
import { Refusal, type Refused } from "../refusal";
import { formatTime } from "../time";
import { compare, divide, keysOf } from "./combine";
import type { FlatRow } from "./flatten";
import type { Plan, Question } from "./plan";
import { widenings } from "./widen";

type Ask = (plan: Plan) => Promise<Answer | Refused>;
type Meta = Answer["meta"];

/** Rows, and what there is to say about each answer that they came from. */
export interface Combined {
  data: FlatRow[];
  /** Of one metric; of several, what holds for all, and each in `metrics`. */
  meta: Partial<Meta> & Pick<Meta, "complete"> & { metrics?: Meta[]; with?: object; asked?: AskedWindow };
}

/** The window that was asked for, where the answer is about a wider one. */
interface AskedWindow {
  from: string;
  to: string;
}

/** The answer to a question; about a wider window where what is kept would have to be cut, and then it says so. Throws Refusal. */
export async function askAll(ask: Ask, question: Question): Promise<Combined> {
  let refusal: Refusal | null = null;
  for (const wider of widenings(question)) {
    try {
      const { data, meta } = await askOnce(ask, wider);
      const { from, to } = question.plans[0]!;
      const asked = { from: formatTime(from), to: formatTime(to) };
      return { data, meta: wider === question ? meta : { ...meta, asked } };
    } catch (error) {
      if (!(error instanceof Refusal && error.code === "too_fine")) throw error;
      refusal ??= error;
    }
  }
  throw refusal;
}

async function askOnce(ask: Ask, question: Question): Promise<Combined> {
  const { plans, per, shiftSeconds, isList } = question;
  const answers: Answer[] = [];
  for (const [index, plan] of plans.entries()) {
    const now = await askRatio(ask, plan, per[index]!);
    answers.push(
      shiftSeconds === null ? now : besides(now, await askRatio(ask, ...earlier(plan, per[index]!, shiftSeconds)), plan),
    );
  }
  const [first] = answers;
  if (!isList) return first!;
  const metas = answers.map(({ meta }) => meta);
  const { from, to, step } = metas[0]!;
  return {
    data: answers.flatMap(({ data, meta }) => data.map(({ time, ...row }) => ({ time: time!, metric: meta.metric, ...row }))),
    meta: { from, to, step, complete: metas.every(({ complete }) => complete), metrics: metas },
  };
}

/** The same plans, so much earlier. */
function earlier(plan: Plan, per: Plan | null, shiftSeconds: number): [plan: Plan, per: Plan | null] {
  const shifted = (one: Plan) => ({ ...one, from: one.from - shiftSeconds, to: one.to - shiftSeconds });
  return [shifted(plan), per === null ? null : shifted(per)];
}

async function askRatio(ask: Ask, plan: Plan, per: Plan | null): Promise<Answer> {
  const answer = await askOne(ask, plan);
  if (per === null) return answer;
  const divisor = await askOne(ask, per);
  const labels = per.metric.labels.flatMap(({ name }, index) => (per.byLabels & (1 << index) ? [name] : []));
  const keys = [...per.byTags, ...labels, ...keysOf(divisor.data).filter((key) => key === "sampling")];
  const isSameBy = plan.metric.labels.every(({ name }, index) => (plan.byLabels & (1 << index)) === 0 || labels.includes(name));
  const meta = { ...answer.meta, unit: "", per: divisor.meta.metric, complete: answer.meta.complete && divisor.meta.complete };
  return { data: divide(answer.data, divisor.data, keys, isSameBy), meta };
}

/** An answer with an earlier one beside it. */
function besides(now: Answer, before: Answer, plan: Plan): Answer {
  const shiftSeconds = (Date.parse(now.meta.from) - Date.parse(before.meta.from)) / 1000;
  const isTotal = plan.operation === "sum" || plan.operation === "rate";
  const { from, to, revision, complete, missing_edges_count, set_apart } = before.meta;
  const meta = { ...now.meta, before: { from, to, revision, complete, missing_edges_count, set_apart } };
  return { data: compare(now.data, before.data, shiftSeconds, isTotal), meta };
}

async function askOne(ask: Ask, plan: Plan): Promise<Answer> {
  const answer = await ask(plan);
  if ("status" in answer) throw new Refusal(answer.status, answer.code, answer.reason);
  return answer;
}
