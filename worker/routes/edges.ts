import { Hono } from "hono";
import { authorize } from "../authorize";
import { readBody, readJson } from "../body";
import type { Environment } from "../environment";
import { QUERY_BYTES_MAX } from "../limits";
import { Refusal } from "../refusal";
import { parseTime } from "../time";
import { changeQuarantine, recutEdge } from "../tree/quarantine";

/** What can be done to one edge, with an admin key: `POST /v1/edges/NAME/quarantine`, `release`, `drop`, `recut`. */
export const edges = new Hono<{ Bindings: Environment }>().post("/:edge/:action", async (context) => {
  const { tenant } = await authorize(context.req.header("authorization"), context.env, "admin");
  const { edge, action } = context.req.param();
  switch (action) {
    case "quarantine":
    case "release":
    case "drop":
      return context.json(await changeQuarantine(context.env, tenant, edge, action));
    case "recut": {
      const body = await readBody(context.req.raw, QUERY_BYTES_MAX);
      return context.json(await recutEdge(context.env, tenant, edge, parseRecut(body, Date.now() / 1000)));
    }
    default:
      throw new Refusal(404, "not_found", "an edge takes quarantine, release, drop and recut");
  }
});

/** From when on an edge's minutes are to be taken out; null for as far back as can be. */
function parseRecut(body: Uint8Array, nowSeconds: number): number | null {
  if (body.byteLength === 0) return null;
  const given = readJson(body);
  if (typeof given !== "object" || given === null || Array.isArray(given)) throw bad('send an object like {"from": "-30m"}');
  const { from, ...others } = given as { from?: unknown };
  const [other] = Object.keys(others);
  if (other !== undefined) throw bad(`${other} is no field of this; use from`);
  return from === undefined ? null : parseTime("from", from, nowSeconds);
}

function bad(reason: string): Refusal {
  return new Refusal(400, "bad_recut", reason);
}
