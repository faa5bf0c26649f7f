import { Hono } from "hono";
import { authorizeReader } from "../authorize";
import { core } from "../core";
import type { Environment } from "../environment";
import { fieldsOfSearch } from "../query/parse";
import { formOf, parseSketchQuery, type SketchQuestion } from "../query/sketch";
import { Refusal } from "../refusal";
import { formatTime } from "../time";
import { sketchOf } from "../tree/ask";

/** `GET /v1/sketch`: a window merged into one bundle, or one metric's sketch in a form that other tools read. */
export const sketch = new Hono<{ Bindings: Environment }>().get("/", async (context) => {
  const reader = await authorizeReader(context.req.header("authorization"), context.env);
  const question = parseSketchQuery(fieldsOfSearch(new URL(context.req.url).searchParams), core().metrics, Date.now());
  const bundle = await sketchOf(context.env, reader, question.window, question.metric?.id);
  if ("status" in bundle) throw new Refusal(bundle.status, bundle.code, bundle.reason);
  const { form, metric } = question;
  const bytes = form === "raw" || metric === null ? bundle : formOf(core(), bundle, { ...question, form, metric });
  const headers = { "content-type": "application/octet-stream", vary: "authorization", "tallywire-meta": metaOf(question) };
  return new Response(new Uint8Array(bytes), { headers });
});

/** What the bytes are. */
function metaOf({ window, form, metric }: SketchQuestion): string {
  const [from, to] = [formatTime(window.from), formatTime(window.to)];
  return JSON.stringify({ form, ...(metric === null ? {} : { metric: metric.name }), from, to });
}
