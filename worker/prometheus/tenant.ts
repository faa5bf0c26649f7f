import type { Reader } from "../authorize";
import { core } from "../core";
import type { Environment } from "../environment";
import {
  PLANS_FANNED_OUT_MAX,
  PLANS_PER_CALL_MAX,
  SEAL_SECOND,
  SHARD_MAPS_KNOWN_MAX,
  TAGS_KNOWN_SECONDS,
  UPWARD_SECONDS,
} from "../limits";
import { formatName, rootOf } from "../names";
import type { Answer } from "../object/answer";
import type { Plan } from "../query/plan";
import { Refusal, type Refused } from "../refusal";
import { retentionOf } from "../retention";
import { askerOf } from "../tree/ask";
import { tagValuesOf } from "../tree/fleet";
import { shardMapOf } from "../tree/known-maps";
import { isKeptAtRoot, type ShardMap } from "../tree/shard-map";
import { type Catalog, catalogOf } from "./catalog";
import type { TagValues } from "./select";

/** Asks a tenant's objects questions, as /v1/query does one. */
export type Ask = (plans: readonly Plan[]) => Promise<(Answer | Refused)[]>;

/** What one tenant's expressions are answered from. */
export interface Tenant {
  ask: Ask;
  catalog: Catalog;
  tags: TagValues;
  nowSeconds: number;
  /** From a minute's end until every edge was due to have posted it, and every shard to have sent it up. */
  dueSeconds: number;
  /** How long minutes, hours and days are kept, seconds. */
  retention: readonly number[];
}

/** A tenant now, as far as a reader may see it. */
export async function tenantOf(environment: Environment, reader: Reader): Promise<Tenant> {
  const retention = retentionOf(environment);
  const map = await shardMapOf(environment, reader.tenant);
  const isSharded = map.some(({ tag }) => tag !== null);
  const nowMs = Date.now();
  return {
    ask: askOf(environment, reader, map),
    catalog: catalog(),
    tags: isSharded ? await knownTags(environment, reader, nowMs) : await tagValuesOf(environment, reader),
    nowSeconds: nowMs / 1000,
    dueSeconds: SEAL_SECOND + (isSharded ? UPWARD_SECONDS : 0),
    retention,
  };
}

let known: Catalog | undefined;

/** The metrics of this isolate's core. */
function catalog(): Catalog {
  known ??= catalogOf(core().metrics);
  return known;
}

/**
 * Puts what the root knows to it in few calls, and the rest to all objects that have to do with it. A reader of some edges is answered by the
 * root alone only where there never was a shard: what came up from shards is not for them.
 */
function askOf(environment: Environment, reader: Reader, map: ShardMap): Ask {
  const { tenant, where } = reader;
  const askOne = askerOf(environment, reader);
  const isAlone = map.every(({ tag }) => tag === null);
  const isOfRoot = ({ byTags, tagConditions, from, to }: Plan) =>
    where.length === 0 ? isKeptAtRoot(map, from, to, [...byTags, ...tagConditions.map(({ tag }) => tag)]) : isAlone;
  return async (plans) => {
    const root = environment.HUB.getByName(formatName(rootOf(tenant)));
    const answers = new Map<Plan, Answer | Refused>();
    const ofRoot = plans.filter(isOfRoot);
    for (let at = 0; at < ofRoot.length; ) {
      const some = ofRoot.slice(at, at + PLANS_PER_CALL_MAX);
      const seen = some.map((plan) => ({ ...plan, tagConditions: [...plan.tagConditions, ...where] }));
      const told = await root.queryMany(seen);
      for (const [index, answer] of told.entries()) answers.set(some[index]!, answer);
      at += told.length;
    }
    if (plans.length - answers.size > PLANS_FANNED_OUT_MAX) throw tooManyFannedOut();
    for (const plan of plans) if (!answers.has(plan)) answers.set(plan, await askOne(plan));
    return plans.map((plan) => answers.get(plan)!);
  };
}

function tooManyFannedOut(): Refusal {
  const reason = `this puts more than ${PLANS_FANNED_OUT_MAX} questions to every shard; take fewer metrics, or let the root keep all tags`;
  return new Refusal(422, "too_much", reason);
}

interface KnownTags {
  tags: TagValues;
  untilMs: number;
}

/** Tags of tenants with shards, of which every one must be asked; by the reader, who may see some alone. */
const tagsOfTenants = new Map<string, KnownTags>();

async function knownTags(environment: Environment, reader: Reader, nowMs: number): Promise<TagValues> {
  const name = JSON.stringify([reader.tenant, reader.where]);
  const found = tagsOfTenants.get(name);
  if (found !== undefined && nowMs < found.untilMs) return found.tags;
  const tags = await tagValuesOf(environment, reader);
  tagsOfTenants.delete(name);
  tagsOfTenants.set(name, { tags, untilMs: nowMs + TAGS_KNOWN_SECONDS * 1000 });
  for (const oldest of tagsOfTenants.keys()) {
    if (tagsOfTenants.size <= SHARD_MAPS_KNOWN_MAX) break;
    tagsOfTenants.delete(oldest);
  }
  return tags;
}
