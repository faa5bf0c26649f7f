/** docs/openapi.yaml and the hub, held to each other: routes, answers of real requests, and requests made from its schemas. */
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { importSigner, sign } from "../../engine/signature";
import type { Hub } from "../../worker/index";
import { BUNDLE_BYTES_MAX, QUARANTINED_EDGES_MAX, QUERY_BYTES_MAX, REFUSALS_GATHERED_MS } from "../../worker/limits";
import { writeTile } from "../../worker/object/tiles";
import { sealMinute, withSequence, withTop } from "../support/edge-minute";
import { faultsOf, type Schema, valuesOf } from "../support/json-schema";
import { hubOf, MINUTE, readKey, writeKey } from "./support/client";
import {
  ANYTHING,
  actionsOnEdges,
  admin,
  allowBundlesPerMinute,
  described,
  fittingFields,
  given,
  ingest,
  limited,
  page,
  parametersInSearch,
  postsOfEvents,
  readerOf,
  request,
  resolve,
  routesOfHub,
} from "./support/contract";
import { backupsAreDescribed } from "./support/contract-backups";
import { tooMuchIsDescribed } from "./support/contract-full";
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
  await post(bundle, { "tallywire-tags": "site=fra1,role=edge", "tallywire-clock": String(Date.now() / 1000) });
});

const get = (path: string, headers: Record<string, string> = {}) => request(path, { headers: { ...reader, ...headers } });
const ask = (body: unknown, headers: Record<string, string> = {}) =>
  request("/v1/query", { method: "POST", body: JSON.stringify(body), headers: { ...reader, ...headers } });
const post = (body: BodyInit, headers: Record<string, string> = {}) => ingest(TENANT, body, headers);

describe("routes", () => {
  it("are all described, and all that are described are there", async () => {
    const said = Object.entries(page.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const form = "POST /v1/edges/:edge/:action";
    const own = routesOfHub().filter((route) => !route.includes(" /prometheus/") && route !== form);
    const ofEdges = (await actionsOnEdges(await admin(TENANT))).map((action) => `POST /v1/edges/{name}/${action}`);
    expect(routesOfHub()).toContain(form);
    const named = own.map((route) => route.replace(":name", "{name}"));
    expect([...named, ...ofEdges].toSorted()).toEqual(said.toSorted());
  });

  it("of Prometheus' API are named, and all that are named are there", () => {
    const said = [...page.info.description.matchAll(/`(\/prometheus\/[^`]+)`/g)].map(([, path]) => path);
    const own = routesOfHub().flatMap((route) => /^\w+ (\/prometheus\/.*)$/.exec(route)?.[1]?.replace(":name", "{name}") ?? []);
    expect([...new Set(own)].toSorted()).toEqual(said.toSorted());
  });
});

describe("answers", () => {
  it("about the hub are as described", async () => {
    for (const name of ["hello", "metrics", "edges", "tags", "shards", "refusals", "events", "tiles"]) {
      expect((await get(`/v1/${name}`)).status).toBe(200);
    }
    expect((await get("/healthz")).status).toBe(200);
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

  it("about one edge are as described", async () => {
    const search = `${WINDOW}&metric=dns_requests_total&op=sum`;
    const { data, meta } = await (await get(`/v1/query?${search}&edge=edge`)).json<{ data: unknown[]; meta: object }>();
    expect([data.length, meta]).toMatchObject([1, { edge: "edge", edge_minutes_from: null, missing_edges: [] }]);
    expect((await get(`/v1/query?${search}&edge=nobody`)).status).toBe(404);
    expect((await ask({ metric: "dns_clients", op: "distinct", edge: "nobody" })).status).toBe(404);
    expect((await get("/v1/sketch?edge=nobody")).status).toBe(404);
  });

  it("in sketches are as described", async () => {
    for (const form of [
      "form=raw&edge=edge",
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
    const headers = await admin(tenant);
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
    await ingest(tenant, body, { "tallywire-tags": "site=fra1" });
    const reads = { headers: await readerOf(tenant) };
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

describe("an edge", () => {
  const tenant = "contract-edges";
  const send = async (sequence: number) => {
    const response = await ingest(tenant, withSequence(bundle, sequence), { "tallywire-tags": "site=fra1" });
    return (await response.json<{ status: string }>()).status;
  };
  const order = async (action: string, edge = "edge", body?: string) =>
    request(`/v1/edges/${edge}/${action}`, { method: "POST", headers: await admin(tenant), ...(body !== undefined && { body }) });
  const apart = async () => {
    const response = await request("/v1/edges", { headers: await readerOf(tenant) });
    return (await response.json<{ data: { quarantine: object | null }[] }>()).data.map(({ quarantine }) => quarantine);
  };

  it("is quarantined, recut, released and dropped as described", async () => {
    expect([await send(0), await apart()]).toEqual(["stored", [null]]);
    expect((await order("recut")).status).toBe(409);
    expect(await (await order("quarantine")).json()).toEqual({ edge: "edge", quarantined: true, kept_apart: 0, lost: 0 });
    expect(await send(1)).toBe("quarantined");
    expect(await apart()).toMatchObject([{ bundles: 1, lost: 0 }]);
    expect(await (await order("recut", "edge", '{"from":"-30m"}')).json()).toMatchObject({ minutes: 1, bundles: 1 });
    expect(await (await order("release")).json()).toEqual({ edge: "edge", quarantined: false, released: 2, lost: 0 });
    await order("quarantine");
    expect(await send(2)).toBe("quarantined");
    expect(await (await order("drop")).json()).toEqual({ edge: "edge", quarantined: false, dropped: 1, lost: 0 });
    expect([await send(2), await apart()]).toEqual(["duplicate", [null]]);
  });

  it("is refused all that as described", async () => {
    await send(0);
    for (const action of ["quarantine", "release", "drop", "recut"]) expect((await order(action, "nobody")).status).toBe(404);
    const shape = page.components.schemas!.RecutRequest!;
    for (const body of [[], { to: 1 }, { from: null }, { from: "yesterday" }, { from: -1 }, "x"]) {
      expect(faultsOf(shape, body, resolve)).not.toEqual([]);
      expect((await order("recut", "edge", JSON.stringify(body))).status, JSON.stringify(body)).toBe(400);
    }
    expect((await order("recut", "edge", '{"from":"-9h"}')).status).toBe(422);
    expect((await order("recut", "edge", " ".repeat(QUERY_BYTES_MAX + 1))).status).toBe(413);
    await runInDurableObject(hubOf(tenant), (hub) => {
      for (let index = 0; index < QUARANTINED_EDGES_MAX; index += 1) (hub as Hub).listQuarantined(`e${index}`, true);
    });
    expect((await order("quarantine")).status).toBe(422);
  });
});

describe("keys", () => {
  const tenant = "contract-keys";
  const set = async (verb: string, body: unknown) =>
    request(`/v1/keys/${verb}`, { method: "POST", body: JSON.stringify(body), headers: await admin(tenant) });

  it("are revoked, listed and restored as described, or refused", async () => {
    const key = (await readKey(tenant)).replace("Bearer ", "");
    const own = (await admin(tenant)).authorization.replace("Bearer ", "");
    const shape = page.components.schemas!.KeyRequest!;
    const lengths: number[] = [];
    for (const verb of ["revoke", "restore"]) {
      for (const body of [{ key }, { edge: "web-1" }]) {
        expect(faultsOf(shape, body, resolve)).toEqual([]);
        expect((await set(verb, body)).status).toBe(200);
        const listed = await request("/v1/keys", { headers: await admin(tenant) });
        lengths.push((await listed.json<{ data: unknown[] }>()).data.length);
      }
      const told = await request("/v1/edges", { headers: { authorization: `Bearer ${key}` } });
      expect(told.status).toBe(verb === "revoke" ? 401 : 200);
      for (const body of [{}, [], "x", null, { edge: "a", key }, { edge: "a/b" }, { key: "secret" }, { edge: "a", more: 1 }]) {
        expect(faultsOf(shape, body, resolve)).not.toEqual([]);
        expect((await set(verb, body)).status, JSON.stringify(body)).toBe(400);
      }
      expect((await set(verb, { key: own })).status).toBe(422);
      expect((await set(verb, { key: (await readKey("other")).replace("Bearer ", "") })).status).toBe(403);
      expect((await set(verb, { edge: "x".repeat(QUERY_BYTES_MAX) })).status).toBe(413);
    }
    expect(lengths).toEqual([1, 2, 1, 0]);
  });
});

describe("a backup", () => backupsAreDescribed(bundle));

describe("too much", tooMuchIsDescribed);

describe("troubles", () => {
  it("that are refusals are told as described", async () => {
    const tenant = "contract-refusals";
    await ingest(tenant, "no bundle");
    await ingest(tenant, bundle, { "tallywire-clock": "noon" });
    await new Promise((done) => setTimeout(done, REFUSALS_GATHERED_MS + 200));
    for (const [search, rows] of Object.entries({ "": 2, "?by=edge&from=-2h": 1, "?by=": 1 })) {
      const response = await request(`/v1/refusals${search}`, { headers: await readerOf(tenant) });
      expect((await response.json<{ data: unknown[] }>()).data).toHaveLength(rows);
    }
    expect((await request("/v1/refusals?by=site", { headers: await readerOf(tenant) })).status).toBe(400);
  });

  it("that are events are told as described, and posted to the webhook", async () => {
    const tenant = "contract-events";
    await ingest(tenant, bundle);
    const posted = await postsOfEvents(tenant, [
      { trouble: "edge_silent", state: "raised", subject: "edge", tags: { site: "fra1" }, seconds: 200.5 },
      { trouble: "shard_silent", state: "forgotten", subject: `${tenant}/shard/2/a`, tags: {}, seconds: null },
    ]);
    const response = await request("/v1/events", { headers: await readerOf(tenant) });
    const { data } = await response.json<{ data: unknown[] }>();
    expect(data).toMatchObject([{ edge: "edge", site: "fra1" }, { edge: null }]);
    expect(posted).toHaveLength(1);
    const { Signature, EventsPost } = page.components.schemas!;
    const { signature, body } = posted[0]!;
    expect([faultsOf(Signature!, signature, resolve), faultsOf(EventsPost!, body, resolve)]).toEqual([[], []]);
    expect(body.events).toEqual(data);
    for (const path of ["events?by=edge", "events?from=now&to=-1h", "tiles?step=60", "edges?objects=0"])
      expect((await get(`/v1/${path}`)).status).toBe(400);
    expect((await get("/v1/tiles?object=other/root/1/0")).status).toBe(404);
  });

  it("and what is refused are told in the forms of a query", async () => {
    for (const path of ["/v1/refusals", "/v1/events", "/v1/tiles"]) {
      for (const accept of ["text/csv", "application/x-ndjson"]) expect((await get(path, { accept })).status).toBe(200);
      expect((await get(path, { accept: "text/html" })).status).toBe(406);
    }
  });
});

describe("a Prometheus", () => {
  it("scrapes what is described, or is refused", async () => {
    const match = `match[]=${encodeURIComponent('{__name__=~"dns_.+"}')}`;
    const scraped = await get(`/federate?${match}&time=${MINUTE + 120}`);
    expect(await scraped.text()).toMatch(/^dns_clients\{.*\} 1 \d+$/m);
    const basic = { authorization: `Basic ${btoa(`reader:${reader.authorization.replace("Bearer ", "")}`)}` };
    expect((await request(`/federate?${match}`, { headers: basic })).status).toBe(200);
    expect((await get("/federate")).status).toBe(400);
    expect((await get(`/federate?${Array(21).fill("match[]=dns_clients").join("&")}`)).status).toBe(422);
    expect((await request(`/federate?${match}`)).status).toBe(401);
    expect((await request(`/federate?${match}`, { headers: writer })).status).toBe(403);
    expect((await request(`/federate?${match}`, { headers: await limited(TENANT) })).status).toBe(200);
    expect((await request(`/federate?${match}`, { headers: reader }, { MASTER_KEY: "" })).status).toBe(503);
  });
});

describe("refusals are as described:", () => {
  const KEYED = ["query?metric=dns_clients&op=distinct", "sketch", "edges", "tags", "shards", "refusals", "events", "tiles"].map(
    (name) => `/v1/${name}`,
  );
  const ADMINISTERED = ["GET keys", "POST keys/revoke", "POST keys/restore", "GET backup", "POST restore"];
  const STORED = ["GET backups", "POST backups", "POST backups/20260131T120000Z-0123abcd/restore"];
  const OF_EDGES = ["quarantine", "release", "drop", "recut"].map((action) => `POST edges/edge/${action}`);

  it("of what only an admin may", async () => {
    for (const name of [...ADMINISTERED, ...STORED, ...OF_EDGES]) {
      const [method, path] = name.split(" ") as [string, string];
      const told = async (headers: Record<string, string>, settings = {}) => {
        const { status } = await request(`/v1/${path}`, { method, headers, ...(method === "POST" && { body: "{}" }) }, settings);
        return status;
      };
      expect([await told({}), await told(reader), await told(await limited(TENANT))], path).toEqual([401, 403, 403]);
      expect(await told(await admin(TENANT), { MASTER_KEY: "" }), path).toBe(503);
    }
    expect((await request("/v1/shards", { headers: await limited(TENANT) })).status).toBe(403);
  });

  it("of bundles that are not signed, or not as they are sent", async () => {
    const tenant = "contract-signed";
    const key = (await writeKey(tenant)).replace("Bearer ", "");
    const signature = await sign(await importSigner(key), { clock: "", tags: "", encoding: "" }, bundle);
    const { parameters } = page.paths["/v1/ingest"]!.post!;
    const { schema } = parameters!.find(({ name }) => name === "tallywire-signature") as { schema: Schema };
    expect(faultsOf(schema, signature, resolve)).toEqual([]);
    const told = async (authorization: string, more: Record<string, string>, settings = {}) => {
      const response = await ingest(tenant, bundle, { authorization, ...more }, settings);
      const { status, error } = await response.json<{ status?: string; error?: string }>();
      return status ?? error;
    };
    const signed = { "tallywire-signature": signature };
    expect(await told(`Bearer ${key}`, {}, { REQUIRE_SIGNATURE: "yes" })).toBe("no_signature");
    expect(await told(`Bearer ${key}`, { ...signed, "tallywire-tags": "site=fra1" })).toBe("bad_signature");
    expect(await told(`Bearer tw_w_${tenant}.edge`, {})).toBe("no_signature");
    expect(await told(`Bearer tw_w_${tenant}.edge`, signed)).toBe("stored");
  });

  it("of more than an edge may post, with the true wait", async () => {
    const tenant = "contract-pace";
    const send = () => ingest(tenant, bundle);
    await send();
    await allowBundlesPerMinute(tenant, 1);
    expect((await send()).status).toBe(200);
    const refused = await send();
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(50);
    const ahead = sealMinute({ minute: MINUTE + 3600, boot: 1n, exchanges: [{ client: "10.0.0.1", name: "a.example" }] });
    const early = await post(ahead);
    expect([early.status, Number(early.headers.get("retry-after")) > 3000]).toEqual([422, true]);
  });

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
    const long = await pack("gzip", new Uint8Array(BUNDLE_BYTES_MAX * 2));
    expect((await post(long, { "content-encoding": "gzip" })).status).toBe(413);
    const stalled = new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue(bundle.slice(0, 5)) });
    const slow = { method: "POST", body: stalled, headers: { authorization: await writeKey(TENANT) } };
    expect((await request("/v1/ingest", slow, { BODY_SECONDS: "1" })).status).toBe(408);
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
    const headers = await readerOf(tenant);
    const plain = sealMinute({ minute: MINUTE, boot: 1n, exchanges: [{ client: "10.0.0.1", name: "a.example" }] });
    await ingest(tenant, plain);
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
    await fc.assert(
      fc.asyncProperty(fittingFields(), async (more) => {
        const response = await ask({ ...good, ...more });
        expect(response.status, await response.clone().text()).toBe(200);
      }),
      { numRuns: 80 },
    );
  });

  it("is refused where a field is not as the schema has it", async () => {
    const field = fc.oneof(fc.constantFrom(...Object.keys(schema.properties)), fc.stringMatching(/^[a-z]{1,8}$/));
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(field, ANYTHING, async (name, value) => {
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
    const told = parametersInSearch(page.paths["/v1/query"]!.get!);
    expect([...told, "where", "with"].toSorted()).toEqual(Object.keys(schema.properties).toSorted());
    for (const name of told.filter((name) => !["metric", "op", "from", "to", "by", "policy", "key", "edge"].includes(name))) {
      const search = new URLSearchParams({ metric: good.metric, op: good.op, [name]: "?" });
      expect((await get(`/v1/query?${search}`)).status, name).toBe(400);
    }
  });
});

afterAll(() => {
  expect(described().filter((name) => !given.has(name))).toEqual([]);
});
