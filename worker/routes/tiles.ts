import { Hono } from "hono";
import { authorize } from "../authorize";
import type { Environment } from "../environment";
import { ROWS_MAX } from "../limits";
import { formatName, rootOf } from "../names";
import { LEVEL_SECONDS } from "../object/tiles";
import { fieldsOfSearch } from "../query/parse";
import { quote, Refusal } from "../refusal";
import { formatTime, parseTime } from "../time";
import { ALWAYS } from "../tree/fleet";
import { rowsIn } from "./rows";

const FIELDS = ["from", "to", "resolution", "object"];
/** Levels of tiles by their names, in order. */
const RESOLUTIONS = ["minutes", "hours", "days"];

/** `GET /v1/tiles`: what the tiles of an object take, over its history. */
export const tiles = new Hono<{ Bindings: Environment }>().get("/", async (context) => {
  const { tenant } = await authorize(context.req.header("authorization"), context.env, "read");
  const fields = fieldsOfSearch(new URL(context.req.url).searchParams);
  const other = Object.keys(fields).find((name) => !FIELDS.includes(name));
  if (other !== undefined) throw bad(`${other}: is no field of this; use ${FIELDS.join(", ")}`);
  const now = Date.now() / 1000;
  const level = RESOLUTIONS.indexOf(String(fields.resolution ?? "hours"));
  const seconds = LEVEL_SECONDS[level];
  if (seconds === undefined) throw bad(`resolution: ${quote(fields.resolution)} is none of ${RESOLUTIONS.join(", ")}`);
  const from = Math.floor(parseTime("from", fields.from ?? "-2d", now) / seconds) * seconds;
  const to = Math.ceil(parseTime("to", fields.to ?? "now", now) / seconds) * seconds;
  if (to <= from) throw bad("to: is not after from; widen the window");
  const object = await objectOf(context.env, tenant, fields.object);
  const sizes = await context.env.HUB.getByName(object).tileSizes(level, from, to);
  if (sizes === null)
    throw new Refusal(422, "too_much", `it has more than ${ROWS_MAX} rows; take a shorter window or longer tiles`);
  const data = sizes.map(({ start, tiles: count, bytes, largestBytes }) => {
    return { time: formatTime(start), tiles: count, bytes, largest_bytes: largestBytes };
  });
  return rowsIn(context, { data, meta: { object, from: formatTime(from), to: formatTime(to), resolution: seconds } });
});

/** The object that is meant: the tenant's root, or one of its shards. */
async function objectOf(environment: Environment, tenant: string, given: unknown): Promise<string> {
  const root = formatName(rootOf(tenant));
  if (given === undefined || given === root) return root;
  const shards = await environment.HUB.getByName(root).listShards(ALWAYS);
  const found = shards.find((name) => name === given);
  if (found !== undefined) return found;
  throw new Refusal(404, "unknown_object", `${quote(given)} is no object of this tenant; /v1/shards lists its shards`);
}

function bad(reason: string): Refusal {
  return new Refusal(400, "bad_query", reason);
}
