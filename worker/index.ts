import { Hono } from "hono";
import { allowanceOf } from "./allowance";
import type { Environment } from "./environment";
import { RETRY_AFTER_SECONDS } from "./limits";
import { sealPeriodOf } from "./object/alarm-clock";
import { Refusal, type Refused } from "./refusal";
import { retentionOf } from "./retention";
import { about } from "./routes/about";
import { backup, backups, restore } from "./routes/backup";
import { edges } from "./routes/edges";
import { events } from "./routes/events";
import { ingest } from "./routes/ingest";
import { keys } from "./routes/keys";
import { page } from "./routes/page";
import { federate, prometheus } from "./routes/prometheus";
import { query } from "./routes/query";
import { refusals } from "./routes/refusals";
import { shards } from "./routes/shards";
import { sketch } from "./routes/sketch";
import { tiles } from "./routes/tiles";
import { webhookOf } from "./webhook";

export { Hub } from "./object/hub";

/** Methods of each path, so that a wrong one is told which is right. */
const METHODS: Readonly<Record<string, string>> = {
  "/v1/ingest": "POST",
  "/v1/query": "GET, POST",
  "/v1/sketch": "GET",
  "/v1/hello": "GET",
  "/v1/metrics": "GET",
  "/v1/edges": "GET",
  "/v1/tags": "GET",
  "/v1/shards": "GET, PUT",
  "/v1/refusals": "GET",
  "/v1/tiles": "GET",
  "/federate": "GET",
  "/prometheus/api/v1/query": "GET, POST",
  "/v1/events": "GET",
  "/v1/keys": "GET",
  "/v1/keys/revoke": "POST",
  "/v1/keys/restore": "POST",
  "/v1/backup": "GET",
  "/v1/restore": "POST",
  "/v1/backups": "GET, POST",
  "/healthz": "GET",
};

const app = new Hono<{ Bindings: Environment }>()
  .use("/v1/*", async (context, next) => {
    retentionOf(context.env);
    allowanceOf(context.env);
    sealPeriodOf(context.env);
    webhookOf(context.env);
    await next();
  })
  .get("/healthz", (context) => context.json({ status: "ok" }))
  .route("/v1/ingest", ingest)
  .route("/v1/query", query)
  .route("/v1/sketch", sketch)
  .route("/v1/shards", shards)
  .route("/v1/edges", edges)
  .route("/v1/refusals", refusals)
  .route("/v1/events", events)
  .route("/v1/tiles", tiles)
  .route("/v1/keys", keys)
  .route("/v1/backup", backup)
  .route("/v1/restore", restore)
  .route("/v1/backups", backups)
  .route("/v1", about)
  .route("/prometheus/api/v1", prometheus)
  .route("/federate", federate)
  .all("/v1/*", (context) => {
    throw unknown(context.req.path);
  })
  .route("/", page)
  .notFound((context) => refuse(unknown(context.req.path).refused))
  .onError((error) => refuse(refusalOf(error)));

function unknown(path: string): Refusal {
  const methods = METHODS[path];
  if (methods !== undefined) return new Refusal(405, "bad_method", `${path} takes ${methods}`);
  return new Refusal(404, "not_found", `there is nothing at ${path}; use one of ${Object.keys(METHODS).join(", ")}`);
}

/** What a client is told of an error: a refusal as it is, anything else without its inside. */
function refusalOf(error: Error): Refused {
  if (error instanceof Refusal) return error.refused;
  console.error(error.stack ?? error.message);
  return {
    status: 503,
    code: "failed",
    reason: `the hub failed; nothing was acknowledged; try again in ${RETRY_AFTER_SECONDS} s`,
  };
}

function refuse({ status, code, reason, retryAfterSeconds }: Refused): Response {
  const headers = new Headers();
  const isForNow = status === 429 || status === 503;
  const waitSeconds = retryAfterSeconds ?? (isForNow ? RETRY_AFTER_SECONDS : null);
  if (waitSeconds !== null) headers.set("retry-after", String(waitSeconds));
  if (status === 401) headers.set("www-authenticate", "Bearer");
  return Response.json({ error: code, reason, time: Date.now() / 1000 }, { status, headers });
}

export default app;
