import type { Environment } from "../environment";
import { formatName, rootOf } from "../names";
import type { Answer } from "../object/answer";
import type { Window } from "../object/parts";
import type { Plan } from "../query/plan";
import type { Refused } from "../refusal";
import { answerTogether, sketchTogether } from "./fan-out";
import { shardMapOf } from "./known-maps";
import { isKeptAtRoot } from "./shard-map";

/** Answers plans of one tenant: by the root alone where it tells apart what a plan asks for, else by all objects that have to do with it. */
export function askerOf(environment: Environment, tenant: string): (plan: Plan) => Promise<Answer | Refused> {
  return async (plan) => {
    const map = await shardMapOf(environment, tenant);
    const tags = [...plan.byTags, ...plan.tagConditions.map(({ tag }) => tag)];
    if (!isKeptAtRoot(map, plan.from, plan.to, tags)) return answerTogether(environment, tenant, plan);
    return environment.HUB.getByName(formatName(rootOf(tenant))).query(plan);
  };
}

/** All bundles of a window of one tenant merged into one, of one metric's number or of all; empty where there are none. */
export async function sketchOf(
  environment: Environment,
  tenant: string,
  window: Window,
  metric?: number,
): Promise<Uint8Array | Refused> {
  const map = await shardMapOf(environment, tenant);
  const tags = window.tagConditions.map(({ tag }) => tag);
  if (!isKeptAtRoot(map, window.from, window.to, tags)) return sketchTogether(environment, tenant, window, metric);
  return environment.HUB.getByName(formatName(rootOf(tenant))).sketch(window, metric);
}
