import { type Context, Hono } from "hono";
import { authorizeReader } from "../authorize";
import { readBody } from "../body";
import type { Environment } from "../environment";
import { QUERY_BYTES_MAX, RETRY_AFTER_SECONDS } from "../limits";
import { findLabelNames, findLabelValues, findSeries, metadataOf, spanOfSearch } from "../prometheus/discover";
import { failure, instantResult, rangeResult, success } from "../prometheus/envelope";
import { evaluate } from "../prometheus/evaluate";
import { CONTENT_TYPE, expose } from "../prometheus/exposition";
import { limitField, requiredText, selectorsField, stepsField, timeField } from "../prometheus/parameters";
import { parseExpression } from "../prometheus/parse";
import { Reader } from "../prometheus/reader";
import { tenantOf } from "../prometheus/tenant";
import { Refusal } from "../refusal";

type PrometheusContext = Context<{ Bindings: Environment }>;
type Handler = (fields: URLSearchParams, reader: Reader, context: PrometheusContext) => Promise<Response>;

/** How far back series are looked for where it is not said. */
const SEARCH_SECONDS = 3_600;

/** The release whose API this follows; Grafana asks for it to know what it may send. */
const BUILD = { version: "2.42.0", revision: "tallywire", branch: "", buildUser: "", buildDate: "", goVersion: "" };

const query: Handler = async (fields, reader) => {
  const { nowSeconds } = reader.tenant;
  const steps = { start: timeField(fields, "time", nowSeconds, nowSeconds), step: 1, count: 1 };
  const operand = await evaluate(reader, parseExpression(requiredText(fields, "query")), steps);
  return success(instantResult(operand, steps), reader.warnings);
};

const queryRange: Handler = async (fields, reader) => {
  const steps = stepsField(fields, reader.tenant.nowSeconds);
  const operand = await evaluate(reader, parseExpression(requiredText(fields, "query")), steps);
  return success(rangeResult(operand, steps), reader.warnings);
};

const series: Handler = async (fields, reader) => {
  const selectors = selectorsField(fields);
  if (selectors.length === 0) throw new Refusal(400, "bad_data", "no match[] parameter provided");
  const found = await findSeries(reader, selectors, searched(fields, reader));
  return success(
    limited(found, fields, reader).map((labels) => Object.fromEntries(labels)),
    reader.warnings,
  );
};

const labels: Handler = async (fields, reader) =>
  success(limited(findLabelNames(reader, selectorsField(fields)), fields, reader), reader.warnings);

const labelValues: Handler = async (fields, reader, context) => {
  const name = context.req.param("name") ?? "";
  if (!/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name)) throw new Refusal(400, "bad_data", `invalid label name: ${JSON.stringify(name)}`);
  const found = await findLabelValues(reader, name, selectorsField(fields), searched(fields, reader));
  return success(limited(found, fields, reader), reader.warnings);
};

const metadata: Handler = async (fields, reader) =>
  success(metadataOf(reader.tenant.catalog, fields.get("metric"), limitField(fields)));

/** What Prometheus' API has of a hub: under `/prometheus/api/v1/`, with a read key. */
export const prometheus = new Hono<{ Bindings: Environment }>()
  .on(["GET", "POST"], "/query", answered(query))
  .on(["GET", "POST"], "/query_range", answered(queryRange))
  .on(["GET", "POST"], "/series", answered(series))
  .on(["GET", "POST"], "/labels", answered(labels))
  .get("/label/:name/values", answered(labelValues))
  .get("/metadata", answered(metadata))
  .get(
    "/status/buildinfo",
    answered(async () => success(BUILD)),
  )
  .all("*", (context) => {
    throw new Refusal(
      404,
      "not_found",
      `tallywire has no ${new URL(context.req.url).pathname}; docs/prometheus.md lists what it has`,
    );
  })
  .onError(failed);

/** `GET /federate?match[]=...`: the last minute, for a Prometheus that scrapes it; with `time` what the last one was then. */
export const federate = new Hono<{ Bindings: Environment }>()
  .get(
    "/",
    answered(async (fields, reader) => {
      const selectors = selectorsField(fields);
      if (selectors.length === 0) throw new Refusal(400, "bad_data", "no match[] parameter provided");
      const { nowSeconds } = reader.tenant;
      const atSeconds = Math.min(nowSeconds, timeField(fields, "time", nowSeconds, nowSeconds));
      return new Response(await expose(reader, selectors, atSeconds), { headers: { "content-type": CONTENT_TYPE } });
    }),
  )
  .onError(failed);

/** Who asks, what with, and what it is answered from. */
function answered(handler: Handler): (context: PrometheusContext) => Promise<Response> {
  return async (context) => {
    const holder = await authorizeReader(bearerOf(context.req.header("authorization")), context.env);
    const fields = await fieldsOf(context);
    const reader = new Reader(await tenantOf(context.env, holder));
    return handler(fields, reader, context);
  };
}

/** A key as basic auth's password, which Grafana can send, is as good as a bearer token. */
function bearerOf(header: string | undefined): string | undefined {
  const basic = /^Basic +([A-Za-z0-9+/]+=*) *$/i.exec(header ?? "");
  if (basic === null) return header;
  try {
    const text = atob(basic[1]!);
    return `Bearer ${text.slice(text.indexOf(":") + 1)}`;
  } catch {
    return header;
  }
}

/** Fields of the query string and of a form. */
async function fieldsOf(context: PrometheusContext): Promise<URLSearchParams> {
  const fields = new URL(context.req.url).searchParams;
  if (context.req.method !== "POST") return fields;
  const type = (context.req.header("content-type") ?? "").split(";")[0]!.trim().toLowerCase();
  const body = new TextDecoder().decode(await readBody(context.req.raw, QUERY_BYTES_MAX));
  if (type !== "application/x-www-form-urlencoded" && body !== "") {
    throw new Refusal(415, "bad_type", "post a form: content-type application/x-www-form-urlencoded");
  }
  for (const [name, value] of new URLSearchParams(body)) fields.append(name, value);
  return fields;
}

function searched(fields: URLSearchParams, { tenant }: Reader) {
  const { nowSeconds } = tenant;
  const end = timeField(fields, "end", nowSeconds, nowSeconds);
  const start = timeField(fields, "start", Math.max(0, end - SEARCH_SECONDS), nowSeconds);
  if (end < start) throw new Refusal(400, "bad_data", 'invalid parameter "end": end timestamp must not be before start time');
  return spanOfSearch(start, end, tenant);
}

function limited<T>(found: T[], fields: URLSearchParams, reader: Reader): T[] {
  const most = limitField(fields);
  if (most === null || found.length <= most) return found;
  reader.warnings.add("results truncated due to limit");
  return found.slice(0, most);
}

function failed(error: Error): Response {
  if (!(error instanceof Refusal)) {
    console.error(error.stack ?? error.message);
    return failure(503, `the hub failed; try again in ${RETRY_AFTER_SECONDS} s`, { "retry-after": String(RETRY_AFTER_SECONDS) });
  }
  const headers = new Headers();
  if (error.status === 429 || error.status === 503) headers.set("retry-after", String(RETRY_AFTER_SECONDS));
  if (error.status === 401) headers.set("www-authenticate", 'Basic realm="tallywire", Bearer');
  return failure(error.status, error.reason, headers);
}
