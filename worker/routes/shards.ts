import { Hono } from "hono";
import { authorize } from "../authorize";
import { readBody, readJson } from "../body";
import type { Environment } from "../environment";
import { QUERY_BYTES_MAX, TAG_NAME_LENGTH_MAX, TAGS_MAX } from "../limits";
import { formatName, rootOf } from "../names";
import type { EpochRequest } from "../object/epochs";
import { quote, Refusal } from "../refusal";
import { TAG_NAME } from "../tags";
import { formatTime } from "../time";
import { forgetShardMap } from "../tree/known-maps";
import type { Epoch } from "../tree/shard-map";

/** `GET /v1/shards`: a tenant's shard map and its shards; `PUT /v1/shards` with an admin key: changes the map. */
export const shards = new Hono<{ Bindings: Environment }>()
  .get("/", async (context) => {
    const { tenant } = await authorize(context.req.header("authorization"), context.env, "read");
    const root = context.env.HUB.getByName(formatName(rootOf(tenant)));
    const [map, data] = await Promise.all([root.shardMap(), root.reportShards()]);
    return context.json({ data, map: map.map(describe) });
  })
  .put("/", async (context) => {
    const { tenant } = await authorize(context.req.header("authorization"), context.env, "admin");
    const request = parseRequest(readJson(await readBody(context.req.raw, QUERY_BYTES_MAX)));
    const epoch = await context.env.HUB.getByName(formatName(rootOf(tenant))).reshard(request);
    if ("status" in epoch) throw new Refusal(epoch.status, epoch.code, epoch.reason);
    forgetShardMap(tenant);
    return context.json(describe(epoch));
  });

function describe({ epoch, from, tag, keep }: Epoch): Record<string, unknown> {
  return { epoch, from: from === 0 ? null : formatTime(from), tag, keep };
}

function parseRequest(given: unknown): EpochRequest {
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    throw bad('send an object like {"tag": "site", "keep": ["role"]}');
  }
  const { tag = null, keep = [], ...others } = given as { tag?: unknown; keep?: unknown };
  const [other] = Object.keys(others);
  if (other !== undefined) throw bad(`${other} is no field of this; use tag and keep`);
  if (tag !== null && !isTagName(tag)) throw bad(`tag: ${quote(tag)} is no name of a tag; null makes the root take everything`);
  if (!Array.isArray(keep) || keep.length > TAGS_MAX || !keep.every(isTagName)) {
    throw bad(`keep: is not a list of at most ${TAGS_MAX} names of tags`);
  }
  if (tag !== null && keep.includes(tag)) throw bad(`keep: ${tag} parts the shards; at the root it would undo that`);
  return { tag, keep: [...new Set(keep)] };
}

function isTagName(name: unknown): name is string {
  return typeof name === "string" && TAG_NAME.test(name) && name.length <= TAG_NAME_LENGTH_MAX;
}

function bad(reason: string): Refusal {
  return new Refusal(400, "bad_shards", reason);
}
