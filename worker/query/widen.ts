/** Windows that begin or end within what is kept as one: what is older than 48 hours, say, is there by the hour. */
import { LEVEL_SECONDS } from "../object/tiles";
import type { Plan, Question } from "./plan";

/** A question about its own window, and then about ever wider ones, of whole hours and of whole days. */
export function* widenings(question: Question): Generator<Question> {
  yield question;
  const [plan] = question.plans;
  if (plan === undefined) return;
  for (const unit of LEVEL_SECONDS.slice(1)) {
    const from = Math.floor(plan.from / unit) * unit;
    // What is near the end is mostly kept more finely than what is near the beginning.
    yield about(question, from, plan.to);
    yield about(question, from, Math.ceil(plan.to / unit) * unit);
  }
}

/** The same question about another window. Steps stay: rows that are wanted finer than what is kept cannot be had. */
function about(question: Question, from: number, to: number): Question {
  const move = (plan: Plan): Plan => ({ ...plan, from, to, step: plan.step === plan.to - plan.from ? to - from : plan.step });
  const [{ from: first, to: last }] = question.plans as [Plan, ...Plan[]];
  const isPrevious = question.shiftSeconds === last - first;
  return {
    ...question,
    plans: question.plans.map(move),
    per: question.per.map((plan) => (plan === null ? null : move(plan))),
    shiftSeconds: isPrevious ? to - from : question.shiftSeconds,
  };
}
