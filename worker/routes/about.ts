import { Hono } from "hono";
import type { MetricKind } from "../../engine/schema";
import { allowanceOf } from "../allowance";
import { authorizeReader } from "../authorize";
import { core } from "../core";
import type { Environment } from "../environment";
import {
  AHEAD_SECONDS_MAX,
  BUNDLE_BYTES_MAX,
  FAN_OUT_OBJECTS_MAX,
  LATE_SECONDS_MAX,
  TAG_NAME_LENGTH_MAX,
  TAG_VALUE_LENGTH_MAX,
  TAGS_MAX,
  WIRE_BYTES_MAX,
} from "../limits";
import { fieldsOfSearch } from "../query/parse";
import { OPERATIONS_OF_KIND, SET_OPERATIONS } from "../query/plan";
import { quote, Refusal } from "../refusal";
import { edgePage, tagsOf } from "../tree/fleet";

/** What the hub is and has: `/v1/hello`, `/v1/metrics`, `/v1/edges`, `/v1/tags`. */
export const about = new Hono<{ Bindings: Environment }>()
  .get("/hello", (context) => {
    const schema = core().schema;
    const allowance = allowanceOf(context.env);
    return context.json({
      service: "tallywire",
      time: Date.now() / 1000,
      abi: schema.abi,
      schema: schema.schema,
      limits: {
        edge_bundles_per_minute: allowance.edgeBundlesPerMinute,
        edge_bytes_per_minute: allowance.edgeBytesPerMinute,
        edges: allowance.edges,
        tag_names: allowance.tagNames,
        tag_values: allowance.tagValues,
        body_bytes: WIRE_BYTES_MAX,
        bundle_bytes: BUNDLE_BYTES_MAX,
        late_seconds: LATE_SECONDS_MAX,
        ahead_seconds: AHEAD_SECONDS_MAX,
        tags: TAGS_MAX,
        tag_name_characters: TAG_NAME_LENGTH_MAX,
        tag_value_characters: TAG_VALUE_LENGTH_MAX,
      },
    });
  })
  .get("/metrics", (context) => {
    return context.json({ data: core().metrics.map((metric) => ({ ...metric, ops: opsOf(metric.kind) })) });
  })
  .get("/edges", async (context) => {
    const reader = await authorizeReader(context.req.header("authorization"), context.env);
    const { after, objects } = parsePage(fieldsOfSearch(new URL(context.req.url).searchParams));
    const { edges, next } = await edgePage(context.env, reader, after, objects);
    return context.json({ data: edges, ...(next !== null && { next }) });
  })
  .get("/tags", async (context) => {
    const reader = await authorizeReader(context.req.header("authorization"), context.env);
    return context.json({ data: await tagsOf(context.env, reader) });
  });

/** Which page of edges is asked for: behind which object, of how many objects. */
function parsePage({ after, objects, ...others }: Record<string, unknown>): { after: string | null; objects: number } {
  const [other] = Object.keys(others);
  if (other !== undefined) throw new Refusal(400, "bad_query", `${other}: is no field of this; use after, objects`);
  const count = objects === undefined ? FAN_OUT_OBJECTS_MAX : Number(/^\d{1,4}$/.exec(String(objects))?.[0]);
  if (count >= 1 && count <= FAN_OUT_OBJECTS_MAX) return { after: typeof after === "string" ? after : null, objects: count };
  throw new Refusal(400, "bad_query", `objects: ${quote(objects)} is no whole number from 1 to ${FAN_OUT_OBJECTS_MAX}`);
}

/** What can be asked of metrics of a kind, the natural question first. */
function opsOf(kind: MetricKind): readonly string[] {
  return kind === "theta" ? [...OPERATIONS_OF_KIND[kind], ...SET_OPERATIONS] : OPERATIONS_OF_KIND[kind];
}
