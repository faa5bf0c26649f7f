import { Hono } from "hono";
import type { MetricKind } from "../../engine/schema";
import { allowanceOf } from "../allowance";
import { authorizeReader } from "../authorize";
import { core } from "../core";
import type { Environment } from "../environment";
import {
  AHEAD_SECONDS_MAX,
  BUNDLE_BYTES_MAX,
  LATE_SECONDS_MAX,
  TAG_NAME_LENGTH_MAX,
  TAG_VALUE_LENGTH_MAX,
  TAGS_MAX,
  WIRE_BYTES_MAX,
} from "../limits";
import { OPERATIONS_OF_KIND, SET_OPERATIONS } from "../query/plan";
import { edgesOf, tagsOf } from "../tree/fleet";

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
    return context.json({ data: await edgesOf(context.env, reader) });
  })
  .get("/tags", async (context) => {
    const reader = await authorizeReader(context.req.header("authorization"), context.env);
    return context.json({ data: await tagsOf(context.env, reader) });
  });

/** What can be asked of metrics of a kind, the natural question first. */
function opsOf(kind: MetricKind): readonly string[] {
  return kind === "theta" ? [...OPERATIONS_OF_KIND[kind], ...SET_OPERATIONS] : OPERATIONS_OF_KIND[kind];
}
