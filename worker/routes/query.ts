import { type Context, Hono } from "hono";
import { authorizeReader, type Reader } from "../authorize";
import { readBody, readJson } from "../body";
import { core } from "../core";
import type { Environment } from "../environment";
import { QUERY_BYTES_MAX } from "../limits";
import { askAll } from "../query/ask";
import { format, MEDIA_TYPES } from "../query/format";
import { fieldsOfSearch, parseQuestion, type Window } from "../query/parse";
import { answerSets, asksOfSets, parseSetQuestion } from "../query/sets";
import { Refusal } from "../refusal";
import { askerOf, sketchOf } from "../tree/ask";

type QueryContext = Context<{ Bindings: Environment }>;

/** `GET` and `POST /v1/query`, with the same fields. */
export const query = new Hono<{ Bindings: Environment }>()
  .get("/", async (context) => {
    const reader = await authorizeReader(context.req.header("authorization"), context.env);
    return run(context, reader, fieldsOfSearch(new URL(context.req.url).searchParams));
  })
  .post("/", async (context) => {
    const reader = await authorizeReader(context.req.header("authorization"), context.env);
    const body = await readBody(context.req.raw, QUERY_BYTES_MAX);
    return run(context, reader, readJson(body));
  });

async function run(context: QueryContext, reader: Reader, fields: unknown): Promise<Response> {
  const { metrics } = core();
  const query = askerOf(context.env, reader);
  const sketch = (window: Window, metric: number) => sketchOf(context.env, reader, window, metric);
  const answer = asksOfSets(fields)
    ? await answerSets({ query, sketch }, core(), parseSetQuestion(fields, metrics, Date.now()))
    : await askAll(query, parseQuestion(fields, metrics, Date.now()));
  const formatted = format(answer, context.req.header("accept"));
  if (formatted === null) {
    throw new Refusal(406, "not_acceptable", `an answer can be had as ${MEDIA_TYPES.join(", ")}; send one of them in accept`);
  }
  const { body, type } = formatted;
  const etag = await etagOf(body);
  const meta = JSON.stringify(answer.meta, (name, value) => (name === "missing_edges" ? undefined : value));
  const headers = { "content-type": type, etag, vary: "accept, authorization", "tallywire-meta": meta };
  if (context.req.method === "GET" && matches(context.req.header("if-none-match"), etag)) {
    return new Response(null, { status: 304, headers });
  }
  return new Response(body, { headers });
}

/** An entity tag of exactly these bytes (RFC 9110, 8.8.3). */
async function etagOf(body: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(body));
  const hex = [...new Uint8Array(digest, 0, 12)].map((byte) => byte.toString(16).padStart(2, "0"));
  return `"${hex.join("")}"`;
}

/** Whether an If-None-Match names the entity tag; weak ones count too (RFC 9110, 13.1.2). */
function matches(header: string | undefined, etag: string): boolean {
  return header?.split(",").some((text) => ["*", etag, `W/${etag}`].includes(text.trim())) ?? false;
}
