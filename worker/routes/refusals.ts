import { Hono } from "hono";
import { authorizeReader } from "../authorize";
import type { Environment } from "../environment";
import type { RefusalCount, RefusalHour } from "../object/refusals";
import type { FlatRow } from "../query/flatten";
import { fieldsOfSearch } from "../query/parse";
import { quote, Refusal } from "../refusal";
import { formatTime, parseTime } from "../time";
import { refusalsOf } from "../tree/refusals";
import { rowsIn } from "./rows";

const HOUR_SECONDS = 3600;
const FIELDS = ["from", "to", "by"];
const COLUMNS = ["edge", "code"] as const;
type Column = (typeof COLUMNS)[number];

/** `GET /v1/refusals`: what was refused, by the hour, the edge and the code. */
export const refusals = new Hono<{ Bindings: Environment }>().get("/", async (context) => {
  const reader = await authorizeReader(context.req.header("authorization"), context.env);
  const { from, to, by } = parse(fieldsOfSearch(new URL(context.req.url).searchParams), Date.now() / 1000);
  const data = rowsOf(await refusalsOf(context.env, reader, from, to), by);
  return rowsIn(context, { data, meta: { from: formatTime(from), to: formatTime(to), step: HOUR_SECONDS } });
});

function parse(fields: Record<string, unknown>, now: number): { from: number; to: number; by: Column[] } {
  const other = Object.keys(fields).find((name) => !FIELDS.includes(name));
  if (other !== undefined) throw bad(`${other}: is no field of this; use ${FIELDS.join(", ")}`);
  const from = Math.floor(parseTime("from", fields.from ?? "-1h", now) / HOUR_SECONDS) * HOUR_SECONDS;
  const to = Math.ceil(parseTime("to", fields.to ?? "now", now) / HOUR_SECONDS) * HOUR_SECONDS;
  if (to <= from) throw bad("to: is not after from; widen the window");
  const given = (fields.by ?? COLUMNS) as readonly string[];
  const unknown = given.find((name) => !COLUMNS.some((column) => column === name));
  if (unknown !== undefined) throw bad(`by: ${quote(unknown)} is none of ${COLUMNS.join(", ")}`);
  return { from, to, by: COLUMNS.filter((column) => given.includes(column)) };
}

/** A row for each hour and what `by` tells apart, the busiest of an hour first. */
function rowsOf(hours: readonly RefusalHour[], by: readonly Column[]): FlatRow[] {
  const sums = new Map<string, { hour: number; head: FlatRow; sum: RefusalCount }>();
  for (const { hour, counts } of hours) {
    for (const one of counts) {
      const head = Object.fromEntries(by.map((column) => [column, one[column]]));
      const name = JSON.stringify([hour, head]);
      const known = sums.get(name)?.sum;
      const newer = known === undefined || one.lastMs >= known.lastMs ? one : known;
      sums.set(name, { hour, head, sum: { ...newer, count: one.count + (known?.count ?? 0) } });
    }
  }
  return [...sums.values()]
    .sort((a, b) => a.hour - b.hour || b.sum.count - a.sum.count)
    .map(({ hour, head, sum: { count, lastMs, reason } }) => {
      return { time: formatTime(hour), ...head, count, last: formatTime(Math.floor(lastMs / 1000)), reason };
    });
}

function bad(reason: string): Refusal {
  return new Refusal(400, "bad_query", reason);
}
