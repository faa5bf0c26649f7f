import type { Reader } from "../authorize";
import type { Environment } from "../environment";
import { formatName, rootOf } from "../names";
import type { Answer } from "../object/answer";
import { unknownEdge } from "../object/edge-parts";
import type { Window } from "../object/parts";
import type { Plan } from "../query/plan";
import type { Refused } from "../refusal";
import { answerTogether, sketchTogether } from "./fan-out";
import { objectsOfEdge } from "./fleet";
import { shardMapOf } from "./known-maps";
import { isKeptAtRoot } from "./shard-map";

/**
 * Answers a reader's plans: by the root alone where it tells apart what a plan asks for, else by all objects that have to do with it. A reader of
 * some edges is never answered by what came up from shards, whose names it may not see.
 */
export function askerOf(environment: Environment, reader: Reader): (plan: Plan) => Promise<Answer | Refused> {
  const { tenant, where } = reader;
  return async (asked) => {
    const plan = { ...asked, tagConditions: [...asked.tagConditions, ...where] };
    if (plan.edge !== null) {
      const names = await objectsOfEdge(environment, reader, plan.edge);
      if (names.length > 1) return answerTogether(environment, tenant, plan, names);
      return names[0] === undefined ? unknownEdge(plan.edge) : environment.HUB.getByName(names[0]).query(plan);
    }
    const map = await shardMapOf(environment, tenant);
    const tags = [...plan.byTags, ...plan.tagConditions.map(({ tag }) => tag)];
    if (where.length > 0 || !isKeptAtRoot(map, plan.from, plan.to, tags)) return answerTogether(environment, tenant, plan);
    return environment.HUB.getByName(formatName(rootOf(tenant))).query(plan);
  };
}

/** All bundles of a window that a reader may see, merged into one, of one metric's number or of all; empty where there are none. */
export async function sketchOf(
  environment: Environment,
  reader: Reader,
  asked: Window,
  metric?: number,
): Promise<Uint8Array | Refused> {
  const { tenant, where } = reader;
  const window = { ...asked, tagConditions: [...asked.tagConditions, ...where] };
  if (window.edge !== null) {
    const names = await objectsOfEdge(environment, reader, window.edge);
    return names.length === 0 ? unknownEdge(window.edge) : sketchTogether(environment, tenant, window, metric, names);
  }
  const map = await shardMapOf(environment, tenant);
  const tags = window.tagConditions.map(({ tag }) => tag);
  const isOfRoot = where.length === 0 && isKeptAtRoot(map, window.from, window.to, tags);
  if (!isOfRoot) return sketchTogether(environment, tenant, window, metric);
  return environment.HUB.getByName(formatName(rootOf(tenant))).sketch(window, metric);
}
