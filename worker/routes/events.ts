import { Hono } from "hono";
import { authorizeReader } from "../authorize";
import type { Environment } from "../environment";
import { describeEvent } from "../query/events";
import { fieldsOfSearch } from "../query/parse";
import { Refusal } from "../refusal";
import { formatTime, parseTime } from "../time";
import { eventsOf } from "../tree/events";
import { rowsIn } from "./rows";

const FIELDS = ["from", "to"];

/** `GET /v1/events`: which edges and shards were in trouble, and when they were well again. */
export const events = new Hono<{ Bindings: Environment }>().get("/", async (context) => {
  const reader = await authorizeReader(context.req.header("authorization"), context.env);
  const fields = fieldsOfSearch(new URL(context.req.url).searchParams);
  const other = Object.keys(fields).find((name) => !FIELDS.includes(name));
  if (other !== undefined) throw bad(`${other}: is no field of this; use ${FIELDS.join(", ")}`);
  const now = Date.now() / 1000;
  const from = parseTime("from", fields.from ?? "-1d", now);
  const to = parseTime("to", fields.to ?? "now", now);
  if (to <= from) throw bad("to: is not after from; widen the window");
  const data = (await eventsOf(context.env, reader, from * 1000, to * 1000)).map(describeEvent);
  return rowsIn(context, { data, meta: { from: formatTime(from), to: formatTime(to) } });
});

function bad(reason: string): Refusal {
  return new Refusal(400, "bad_query", reason);
}
