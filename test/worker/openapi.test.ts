/** docs/openapi.yaml and the hub, held to each other: routes, answers of real requests, and requests made from its schemas. */
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import app from "../../worker/index";
import { BUNDLE_BYTES_MAX, QUERY_BYTES_MAX } from "../../worker/limits";
import { writeTile } from "../../worker/object/tiles";
import { sealMinute, withTop } from "../support/edge-minute";
import { faultsOf, type Schema, valuesOf } from "../support/json-schema";
import { bearer, hubOf, MINUTE, readKey, writeKey } from "./support/client";
import { described, given, page, request, resolve } from "./support/contract";
import { pack } from "./support/pack";

const TENANT = "contract";
const WINDOW = `from=${MINUTE - 600}&to=${MINUTE + 60}`;
const names = ["a.example", "b.example", "a.example"];
const bundle = sealMinute({
  minute: MINUTE,
  boot: 1n,
  exchanges: names.map((name) => ({ client: "10.0.0.1", name })),
  theta: true,
});

let reader: { authorization: string };
let writer: { authorization: string };

beforeAll(async () => {
  reader = { authorization: await readKey(TENANT) };
  writer = { authorization: await writeKey(TENANT) };
  const headers = { ...writer, "tallywire-tags": "site=fra1,role=edge", "tallywire-clock": String(Date.now() / 1000) };
  await request("/v1/ingest", { method: "POST", body: bundle, headers });
});

const get = (path: string, headers: Record<string, string> = {}) => request(path, { headers: { ...reader, ...headers } });
const ask = (body: unknown, headers: Record<string, string> = {}) =>
  request("/v1/query", { method: "POST", body: JSON.stringify(body), headers: { ...reader, ...headers } });
const post = (body: BodyInit, headers: Record<string, string> = {}) =>
  request("/v1/ingest", { method: "POST", body, headers: { ...writer, ...headers } });

describe("routes", () => {
  /** Those of the hub that answer one path and method. */
  const routes = () => [
    ...new Set(
      app.routes
        .filter(({ path, method }) => method !== "ALL" && !path.includes("*"))
        .map(({ path, method }) => `${method} ${path.replace(/(.)\/$/, "$1")}`),
    ),
  ];

  it("are all described, and all that are described are there", () => {
    const said = Object.entries(page.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(routes().toSorted()).toEqual(said.toSorted());
  });

  it("name themselves once, refer to what is there, and use no keyword that is not checked here", () => {
    expect(page.openapi).toMatch(/^3\.1\./);
    const ids = Object.values(page.paths).flatMap((methods) => Object.values(methods).map(({ operationId }) => operationId));
    expect(new Set(ids).size).toBe(ids.length);
    const walk = (value: unknown): void => {
      if (typeof value !== "object" || value === null) return;
      if ("$ref" in value) resolve(value.$ref as string);
      for (const part of Object.values(value)) walk(part);
    };
    walk(page);
    for (const schema of Object.values(page.components.schemas!))
      for (const value of ["", 1, null, [], {}]) faultsOf(schema, value, resolve);
  });
});

describe("answers", () => {
  it("about the hub are as described", async () => {
    for (const path of ["/v1/hello", "/v1/metrics", "/v1/edges", "/v1/tags", "/v1/shards", "/healthz"]) {
      expect((await get(path)).status).toBe(200);
    }
    const { data } = await (await get("/v1/edges")).json<{ data: { edge: string }[] }>();
    expect(data.map(({ edge }) => edge)).toEqual(["edge"]);
  });

  it("to every operation of every metric that has rows are as described", async () => {
    const { data: metrics } = await (await get("/v1/metrics")).json<{
      data: { name: string; ops: string[]; labels: { name: string }[] }[];
    }>();
    const known = metrics.filter(({ name }) => /^(dns|net|capture)_/.test(name));
    const seen = new Set<string>();
    for (const { name, ops, labels } of known) {
      for (const op of ops) {
        const others = ["intersect", "union", "difference"].includes(op)
          ? { with: { site: "ams2" } }
          : { by: ["site", ...labels.map((label) => label.name)] };
        const response = await ask({ metric: name, op, from: MINUTE - 600, to: MINUTE + 60, ...others });
        expect(response.status, `${name} ${op}`).toBe(200);
        if ((await response.json<{ data: unknown[] }>()).data.length > 0) seen.add(op);
      }
    }
    const all = (page.components.schemas!.Operation as { enum: string[] }).enum;
    expect(all.filter((op) => !seen.has(op) && op !== "breakdown")).toEqual([]);
  });

  it("of several metrics, of quotients, beside earlier ones, and in other forms are as described", async () => {
    const search = `/v1/query?${WINDOW}&metric=dns_requests_total`;
    for (const more of [
      "&op=sum&compare=previous",
      "&op=sum&per=dns_clients&op=sum",
      ",dns_messages_total&op=sum&step=1m",
      "&op=rate&per=dns_messages_total",
    ]) {
      await get(`${search}${more}`);
    }
    const first = await get(`${search}&op=sum&step=60`);
    const etag = first.headers.get("etag")!;
    expect((await get(`${search}&op=sum&step=60`, { "if-none-match": etag })).status).toBe(304);
    for (const accept of ["text/csv", "application/x-ndjson"]) {
      const response = await get(`${search}&op=sum`, { accept });
      expect([response.status, response.headers.get("content-type")?.split(";")[0]]).toEqual([200, accept]);
    }
  });

  it("in sketches are as described", async () => {
    for (const form of [
      "form=raw",
      "form=hll_8&metric=dns_clients",
      "form=hll_4&metric=dns_clients",
      "form=frequent_items&metric=dns_top_names",
      "form=theta&metric=dns_clients_theta",
    ]) {
      const response = await get(`/v1/sketch?${WINDOW}&${form}`);
      expect([response.status, (await response.arrayBuffer()).byteLength > 0]).toEqual([200, true]);
    }
  });
});

describe("a shard map", () => {
  it("is changed as described, or refused", async () => {
    const tenant = "contract-shards";
    const headers = { authorization: await bearer({ kind: "admin", tenant, edge: "" }) };
    const put = (body: unknown, others = headers) =>
      request("/v1/shards", { method: "PUT", body: JSON.stringify(body), headers: others });
    const shape = page.components.schemas!.EpochRequest!;
    for (const body of [{ tag: 1 }, { tag: "Site" }, { tags: "site" }, { keep: "role" }, { tag: "site", keep: ["site"] }, []]) {
      expect((await put(body)).status, JSON.stringify(body)).toBe(400);
    }
    expect(faultsOf(shape, { tag: "Site" }, resolve)).not.toEqual([]);
    expect((await put({ tag: "site", keep: Array(QUERY_BYTES_MAX).fill("x") })).status).toBe(413);
    expect((await put({ tag: "site", keep: ["role"] })).status).toBe(200);
    const body = sealMinute({ minute: MINUTE, boot: 1n, exchanges: [{ client: "10.0.0.1", name: "a.example" }], theta: true });
    const sent = { authorization: await writeKey(tenant), "tallywire-tags": "site=fra1" };
    await request("/v1/ingest", { method: "POST", body, headers: sent });
    const reads = { headers: { authorization: await readKey(tenant) } };
    await runDurableObjectAlarm(env.HUB.getByName(`${tenant}/shard/2/${encodeURIComponent("fra1")}`));
    for (const path of ["/v1/shards", "/v1/edges", `/v1/query?metric=dns_clients&op=distinct&by=site&${WINDOW}`])
      await request(path, reads);
    expect((await put({ tag: null })).status).toBe(200);
    expect((await put({ tag: "role" })).status).toBe(409);
    expect((await put({ tag: "site" }, reads.headers)).status).toBe(403);
    expect((await request("/v1/shards", { method: "PUT", body: "{}" })).status).toBe(401);
    expect((await request("/v1/shards", { method: "PUT", body: "{}", headers }, { MASTER_KEY: "" })).status).toBe(503);
  });
});

describe("refusals are as described:", () => {
  const KEYED = ["/v1/query?metric=dns_clients&op=distinct", "/v1/sketch", "/v1/edges", "/v1/tags", "/v1/shards"];

  it("without a key, with a wrong one, with one of another kind", async () => {
    for (const path of KEYED) {
      expect((await request(path)).status).toBe(401);
      expect((await request(path, { headers: { authorization: "Bearer nonsense" } })).status).toBe(401);
      expect((await request(path, { headers: writer })).status).toBe(403);
    }
    for (const [path, body] of [
      ["/v1/ingest", bundle],
      ["/v1/query", "{}"],
    ] as const) {
      expect((await request(path, { method: "POST", body })).status).toBe(401);
      const headers = path === "/v1/ingest" ? reader : writer;
      expect((await request(path, { method: "POST", body, headers })).status).toBe(403);
    }
  });

  it("of a hub that is not set up", async () => {
    for (const path of ["/v1/hello", "/v1/metrics", ...KEYED]) {
      expect((await request(path, { headers: reader }, { KEEP_DAYS: "1h" })).status).toBe(503);
    }
    for (const path of ["/v1/ingest", "/v1/query"]) {
      const init = { method: "POST", body: "{}", headers: reader };
      expect((await request(path, init, { MASTER_KEY: "" })).status).toBe(503);
    }
  });

  it("of bundles", async () => {
    expect((await post("no bundle")).status).toBe(422);
    expect((await post(bundle, { "tallywire-clock": "noon" })).status).toBe(400);
    expect((await post(bundle, { "content-encoding": "br" })).status).toBe(415);
    expect((await post(await pack("gzip", new Uint8Array(BUNDLE_BYTES_MAX * 2)), { "content-encoding": "gzip" })).status).toBe(
      413,
    );
    expect(await (await post(bundle)).json()).toMatchObject({ status: "duplicate" });
  });

  it("of questions", async () => {
    expect((await get("/v1/query?metric=none&op=sum")).status).toBe(400);
    expect((await get("/v1/query?metric=dns_clients&op=distinct", { accept: "text/html" })).status).toBe(406);
    expect((await ask({ metric: "none", op: "sum" })).status).toBe(400);
    expect((await ask({ metric: "dns_clients", op: "distinct" }, { accept: "text/html" })).status).toBe(406);
    expect((await ask({ metric: "x".repeat(QUERY_BYTES_MAX) })).status).toBe(413);
    expect((await get("/v1/sketch?form=none")).status).toBe(400);
  });

  it("of what cannot be answered", async () => {
    const tenant = "contract-unfit";
    const headers = { authorization: await readKey(tenant) };
    const plain = sealMinute({ minute: MINUTE, boot: 1n, exchanges: [{ client: "10.0.0.1", name: "a.example" }] });
    await request("/v1/ingest", { method: "POST", body: plain, headers: { authorization: await writeKey(tenant) } });
    const sets = { metric: "dns_clients_theta", op: "union", from: MINUTE, to: MINUTE + 60, with: { site: "a" } };
    expect((await request("/v1/query", { method: "POST", body: JSON.stringify(sets), headers })).status).toBe(422);
    const search = `/v1/query?metric=dns_clients_theta&op=union&with.site=a&from=${MINUTE}&to=${MINUTE + 60}`;
    expect((await request(search, { headers })).status).toBe(422);
    const forged = withTop(plain, 2n ** 62n - 2n ** 40n);
    await runInDurableObject(hubOf(tenant), (_, { storage }) => {
      const group = Number(storage.sql.exec("SELECT id FROM groups").one().id);
      writeTile(storage.sql, { level: 0, start: MINUTE, group }, [forged, forged, forged], 1);
    });
    expect((await request(`/v1/sketch?${WINDOW}`, { headers })).status).toBe(422);
  });
});

describe("a question made from the schema", () => {
  const schema = page.components.schemas!.Query as Schema & { properties: Record<string, Schema> };
  const good = { metric: "dns_requests_total", op: "sum", from: MINUTE - 600, to: MINUTE + 60 };

  it("is answered or refused, as described, whatever it is", async () => {
    await fc.assert(
      fc.asyncProperty(valuesOf(schema, resolve), async (question) => {
        expect(faultsOf(schema, question, resolve)).toEqual([]);
        await ask(question);
      }),
      { numRuns: 150 },
    );
  });

  it("is answered where each of its fields is one that fits", async () => {
    const fields = Object.fromEntries(
      ["n", "q", "policy", "where", "by"].map((name) => [name, valuesOf(schema.properties[name]!, resolve)]),
    );
    const isTag = (name: string) => /^(tag:)?[a-z][a-z0-9_]*$/.test(name);
    const fitting = fc.record(
      {
        ...fields,
        n: fc.integer({ min: 1, max: 1024 }),
        q: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 16 }),
        by: fc.array(fc.constantFrom("site", "role", "direction", "status", "tag:status"), { maxLength: 3 }),
        where: fields.where!.filter((where) =>
          Object.keys(where as object).every((name) => isTag(name) && name !== "direction" && name !== "status"),
        ),
        step: fc.constantFrom(60, "5m", 600),
        compare: fc.constantFrom("previous", "1h", 3600),
      },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(fitting, async (more) => {
        const response = await ask({ ...good, ...more });
        expect(response.status, await response.clone().text()).toBe(200);
      }),
      { numRuns: 80 },
    );
  });

  it("is refused where a field is not as the schema has it", async () => {
    const anything = fc.oneof(
      fc.jsonValue({ maxDepth: 2 }),
      fc.constantFrom(
        "",
        "x".repeat(1025),
        -1,
        0,
        1.5,
        61,
        1e300,
        null,
        true,
        [],
        {},
        { not: 1 },
        { not: "a", or: "b" },
        "-5",
        "yesterday",
      ),
    );
    const field = fc.oneof(fc.constantFrom(...Object.keys(schema.properties)), fc.stringMatching(/^[a-z]{1,8}$/));
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(field, anything, async (name, value) => {
        const question = { ...good, [name]: value };
        if (faultsOf(schema, question, resolve).length === 0) return;
        refused += 1;
        expect((await ask(question)).status, JSON.stringify(question)).toBe(400);
      }),
      { numRuns: 300 },
    );
    expect(refused).toBeGreaterThan(100);
    for (const name of ["metric", "op"]) expect((await ask({ ...good, [name]: undefined })).status).toBe(400);
  });

  it("is taken in the search as well, and refused there alike", async () => {
    const { parameters } = page.paths["/v1/query"]!.get!;
    const told = parameters!.flatMap((parameter) => {
      const { name, in: place } = (typeof parameter.$ref === "string" ? resolve(parameter.$ref) : parameter) as {
        name: string;
        in: string;
      };
      return place === "query" ? [name] : [];
    });
    expect([...told, "where", "with"].toSorted()).toEqual(Object.keys(schema.properties).toSorted());
    for (const name of told.filter((name) => !["metric", "op", "from", "to", "by", "policy", "key"].includes(name))) {
      const search = new URLSearchParams({ metric: good.metric, op: good.op, [name]: "?" });
      expect((await get(`/v1/query?${search}`)).status, name).toBe(400);
    }
  });
});

/** Answers that take more than a few requests: hundreds of starts of an agent, of changes of the shard map, of shards. */
const NOT_PROVOKED = ["ingest 429", "reshard 422", "listEdges 422", "listTags 422"];

afterAll(() => {
  expect(described().filter((name) => !given.has(name) && !NOT_PROVOKED.includes(name))).toEqual([]);
});
