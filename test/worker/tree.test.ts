/** Objects of a tree: what edges send to shards is in the root once, and every question has the answer of one object that took all. */
import { abortAllDurableObjects, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { exports } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { core } from "../../worker/core";
import type { Hub } from "../../worker/index";
import { FAN_OUT_OBJECTS_MAX } from "../../worker/limits";
import { expireTiles } from "../../worker/object/expiry";
import type { Message } from "../../worker/object/outbox";
import { readMessage } from "../../worker/object/outbox";
import { rollUp } from "../../worker/object/rollup";
import { startOf } from "../../worker/object/stale";
import { deleteTiles, listTiles } from "../../worker/object/tiles";
import { readSections } from "../support/bundle";
import { mergeDirectly, withSequence } from "../support/edge-minute";
import { ask, bearer, call, get, hubOf, MINUTE, readKey, timeless } from "./support/client";
import { fleet, minuteOf, type Sent, seal, send, shard } from "./support/fleet";

const REQUESTS = "metric=dns_requests_total&op=sum";
const WINDOW = `from=${MINUTE - 3600}&to=${MINUTE + 60}`;
const DAY_SECONDS = 86_400;
/** Kinds whose merge is the same in any order: counter, gauge, rate, histogram, distinct. */
const EXACT_KINDS_MAX = 5;
const QUESTIONS = [
  REQUESTS,
  `${REQUESTS}&by=site`,
  `${REQUESTS}&by=role,status`,
  `${REQUESTS}&by=site&step=60`,
  `${REQUESTS}&where.site=!fra`,
  `${REQUESTS}&where.role=db`,
  "metric=dns_clients&op=distinct",
  "metric=dns_clients&op=distinct&by=role",
  "metric=dns_duration_seconds&op=quantile&q=0.1,0.5,0.99&by=site",
  "metric=dns_duration_seconds&op=histogram&where.role=web",
  "metric=dns_top_names&op=top&n=50",
  "metric=dns_top_names&op=top&n=50&by=role",
];

const within = <T>(stub: DurableObjectStub<Hub>, run: (sql: SqlStorage, hub: Hub) => T | Promise<T>) =>
  runInDurableObject(stub, (hub, { storage }) => run(storage.sql, hub as Hub));

async function reshard(tenant: string, request: unknown): Promise<Response> {
  const authorization = await bearer({ kind: "admin", tenant, edge: "" });
  return exports.default.fetch("http://hub/v1/shards", {
    method: "PUT",
    body: JSON.stringify(request),
    headers: { authorization },
  });
}

async function sketchOf(tenant: string, search = ""): Promise<Uint8Array> {
  const headers = { authorization: await readKey(tenant) };
  const response = await exports.default.fetch(`http://hub/v1/sketch?${WINDOW}${search}`, { headers });
  if (!response.ok) throw new Error(await response.text());
  return new Uint8Array(await response.arrayBuffer());
}

/** Sections of the kinds that are exact, as text. */
function exactSections(bundle: Uint8Array): string[] {
  return readSections(bundle)
    .sections.filter(({ kind }) => kind <= EXACT_KINDS_MAX)
    .map(({ metric, labels, payload }) => `${metric}/${labels.join("/")} ${payload.join()}`);
}

describe("a tree of shards", () => {
  it("answers every question as one object does", async () => {
    expect(await (await reshard("tree", { tag: "site" })).json()).toMatchObject({ epoch: 2, from: null, tag: "site", keep: [] });
    const sent = fleet();
    for (const one of sent) {
      expect(await send("tree", one)).toMatchObject({ stored: true });
      expect(await send("single", one)).toMatchObject({ stored: true });
    }
    await seal("tree");
    await runDurableObjectAlarm(hubOf("single"));
    const answers = async (tenant: string) => {
      const data: unknown[] = [];
      for (const question of QUESTIONS) data.push((await ask(tenant, question, WINDOW)).data);
      return data;
    };
    const expected = await answers("single");
    expect(await answers("tree")).toEqual(expected);
    await abortAllDurableObjects();
    expect(await answers("tree")).toEqual(expected);
    expect(await sketchOf("tree")).toEqual(mergeDirectly(sent.map(({ bundle }) => bundle)));
    const ofFra = sent.filter(({ tags }) => tags.includes("fra")).map(({ bundle }) => bundle);
    expect(await sketchOf("tree", "&where.site=fra")).toEqual(mergeDirectly(ofFra));
  });

  it("keeps bundles in shards, and few series at the root", async () => {
    const groups = await within(hubOf("tree"), (sql) => sql.exec("SELECT tags, received FROM groups").toArray());
    expect(groups).toEqual([{ tags: "{}", received: 1 }]);
    const told = await get<{ data: { value: string; bundles: number }[]; map: unknown[] }>("tree", "/v1/shards");
    expect(told.map).toEqual([{ epoch: 2, from: null, tag: "site", keep: [] }]);
    expect(told.data.map(({ value }) => value)).toEqual(["fra", "ams", "oslo"]);
    expect(told.data.every(({ bundles }) => bundles === 3)).toBe(true);
    const { data: edges } = await get<{ data: { edge: string; bundles: number }[] }>("tree", "/v1/edges");
    expect(edges.map(({ edge }) => edge)).toEqual(["ams-db", "ams-web", "fra-db", "fra-web", "oslo-db", "oslo-web"]);
    expect(edges.every(({ bundles }) => bundles === 3)).toBe(true);
    const { data: tags } = await get<{ data: Record<string, { value: string; edges: number }[]> }>("tree", "/v1/tags");
    expect(tags.site).toEqual(["ams", "fra", "oslo"].map((value) => ({ value, edges: 2 })));
    expect(tags.role).toEqual(["db", "web"].map((value) => ({ value, edges: 3 })));
  });

  it("tells its edges page by page, some objects at a time", async () => {
    type Page = { data: { edge: string }[]; next?: string };
    const whole = await get<Page>("tree", "/v1/edges");
    expect(whole.next).toBeUndefined();
    for (const objects of [1, 2, 3]) {
      const seen: string[] = [];
      const ends: string[] = [];
      for (let after = ""; ; ) {
        const { data, next } = await get<Page>("tree", `/v1/edges?objects=${objects}${after}`);
        seen.push(...data.map(({ edge }) => edge));
        if (next === undefined) break;
        ends.push(next);
        after = `&after=${encodeURIComponent(next)}`;
      }
      // The root, of which no edge is, and three shards in the order in which they came.
      const all = ["root/1/0", "shard/2/fra", "shard/2/ams", "shard/2/oslo"].map((name) => `tree/${name}`);
      expect(ends).toEqual(all.filter((_, index) => index % objects === objects - 1 && index < all.length - 1));
      expect(seen.toSorted()).toEqual(whole.data.map(({ edge }) => edge));
    }
    const authorization = await readKey("tree");
    for (const search of [
      "objects=0",
      "objects=1001",
      "objects=x",
      "after=tree/shard/2/rome",
      "after=other/root/1/0",
      "limit=3",
    ]) {
      expect(await call(`/v1/edges?${search}`, { headers: { authorization } })).toMatchObject({
        status: 400,
        error: "bad_query",
      });
    }
  });

  it("tells them page by page where there are more objects than are asked at once", async () => {
    await reshard("wide", { tag: "site" });
    const shards = FAN_OUT_OBJECTS_MAX + 1;
    for (let index = 0; index < shards; index += 1) await hubOf("wide").enroll(`wide/shard/2/s${index}`);
    const authorization = await readKey("wide");
    expect(await call("/v1/tags", { headers: { authorization } })).toMatchObject({ status: 422, error: "too_much" });
    const first = await get<{ data: unknown[]; next?: string }>("wide", "/v1/edges?objects=2");
    expect(first).toEqual({ data: [], next: "wide/shard/2/s0" });
    const last = `/v1/edges?objects=2&after=${encodeURIComponent(`wide/shard/2/s${shards - 3}`)}`;
    expect(await get("wide", last)).toEqual({ data: [] });
  });

  it("keeps apart at the root what the map says, and asks no shard for it", async () => {
    await reshard("kept", { tag: "site", keep: ["role"] });
    for (const one of fleet()) expect(await send("kept", one)).toMatchObject({ stored: true });
    await seal("kept");
    const before = (await ask("kept", `${REQUESTS}&by=role`, WINDOW)).data;
    expect(before).toHaveLength(2);
    expect(timeless(before)).toEqual(timeless((await ask("single", `${REQUESTS}&by=role`, WINDOW)).data));
    for (const site of ["fra", "ams", "oslo"]) await within(shard("kept", site), (sql) => deleteTiles(sql, 0, 2 ** 31));
    expect((await ask("kept", `${REQUESTS}&by=role`, WINDOW)).data).toEqual(before);
    expect((await ask("kept", `${REQUESTS}&by=site`, WINDOW)).data).toEqual([]);
  });

  it("takes late minutes up into sealed ones, and those whose minutes are deleted into the hour", async () => {
    await reshard("late", { tag: "site" });
    const [first, second, third] = fleet().filter(({ edge }) => edge === "fra-web") as [Sent, Sent, Sent];
    await send("late", first);
    await seal("late", ["fra"]);
    const revision = (await ask("late", REQUESTS, WINDOW)).meta.revision;
    await send("late", second);
    const more = { ...first, bundle: withSequence(first.bundle, 1) };
    await send("late", more);
    await seal("late", ["fra"]);
    const all = [first, second, more].map(({ bundle }) => bundle);
    expect(exactSections(await sketchOf("late"))).toEqual(exactSections(mergeDirectly(all)));
    expect((await ask("late", REQUESTS, WINDOW)).meta.revision).toBeGreaterThan(revision);
    // As if the message of the third had waited for days.
    await send("late", third);
    const levels = await runInDurableObject(hubOf("late"), (_, { storage }) => {
      rollUp(core(), storage, MINUTE + 2 * DAY_SECONDS);
      expireTiles(storage.sql, [3600, 30 * DAY_SECONDS, 400 * DAY_SECONDS], MINUTE + 3 * 3600);
      return [0, 1, 2].map((level) => [...listTiles(storage.sql, level, 0, MINUTE + 3600)].length);
    });
    expect(levels[0]).toBe(0);
    await seal("late", ["fra"]);
    const hour = startOf(1, MINUTE - 120);
    const { data } = await ask("late", REQUESTS, `from=${hour}&to=${startOf(1, MINUTE) + 3600}`);
    // Of age 0 and 1 there are 5 and 6 requests, the first once more, and of the third 7.
    expect(timeless(data)).toEqual([{ value: 5 + 6 + 5 + 7 }]);
  });

  it("tells of shards that are silent, or miss edges", async () => {
    await reshard("missing", { tag: "site" });
    const at = (age: number) => MINUTE - age * 60;
    for (const edge of ["a", "b"]) {
      for (const age of edge === "a" ? [3, 2] : [3]) {
        await send("missing", { edge, tags: "site=fra", bundle: minuteOf(at(age), 3) });
      }
    }
    for (const age of [3, 2]) await send("missing", { edge: "c", tags: "site=ams", bundle: minuteOf(at(age), 3) });
    await seal("missing", ["fra", "ams"]);
    const meta = async (search: string, age: number) =>
      (await ask("missing", `${REQUESTS}${search}`, `from=${at(age)}&to=${at(age) + 60}`)).meta;
    expect(await meta("", 3)).toMatchObject({ complete: true, missing_edges: [] });
    expect(await meta("", 2)).toMatchObject({ complete: false, missing_edges: ["missing/shard/2/fra"] });
    expect(await meta("&by=site", 2)).toMatchObject({ complete: false, missing_edges: ["b"] });
    expect(await meta("", 1)).toMatchObject({ complete: false, missing_edges_count: 2 });
    await send("missing", { edge: "b", tags: "site=fra", bundle: minuteOf(at(2), 3) });
    await seal("missing", ["fra", "ams"]);
    expect(await meta("", 2)).toMatchObject({ complete: true });
  });
});

describe("a message", () => {
  const messageOf = (tenant: string) =>
    within(shard(tenant, "fra"), async (sql, hub) => {
      // What is sealed while the root is away waits in the outbox.
      const upstream = (hub as unknown as { upstream: { deliver(untilMs: number): Promise<void> } }).upstream;
      const { deliver } = upstream;
      upstream.deliver = () => Promise.reject(new Error("the root is away"));
      await hub.alarm();
      upstream.deliver = deliver;
      const boot = sql.exec<{ value: string }>("SELECT value FROM texts WHERE name = 'boot'").one().value;
      const message = readMessage(sql)!;
      const bundles = message.bundles.map((bundle) => ({ ...bundle, body: bundle.body.slice() }));
      return { shard: `${tenant}/shard/2/fra`, boot, number: message.number, bundles } satisfies Message;
    });

  it("counts once, however often it comes, before and after a seal and a crash", async () => {
    await reshard("once", { tag: "site" });
    const sent = fleet().filter(({ edge }) => edge === "fra-web");
    for (const one of sent) await send("once", one);
    const message = await messageOf("once");
    const root = hubOf("once");
    // Whichever of the two comes first.
    const both = await Promise.all([root.receive(message), root.receive(message)]);
    expect(both.map((told) => "stored" in told && told.stored).sort()).toEqual([false, true]);
    await abortAllDurableObjects();
    expect(await hubOf("once").receive(message)).toMatchObject({ stored: false });
    await runDurableObjectAlarm(hubOf("once"));
    expect(await hubOf("once").receive(message)).toMatchObject({ stored: false });
    await abortAllDurableObjects();
    // The shard never heard of it, and sends it again.
    await runDurableObjectAlarm(shard("once", "fra"));
    expect(await within(shard("once", "fra"), (sql) => readMessage(sql))).toBeNull();
    expect(exactSections(await sketchOf("once"))).toEqual(exactSections(mergeDirectly(sent.map(({ bundle }) => bundle))));
  });

  it("of a shard whose storage was wiped is not taken for one of before", async () => {
    await reshard("wiped", { tag: "site" });
    const [first] = fleet() as [Sent];
    await send("wiped", first);
    const message = await messageOf("wiped");
    await hubOf("wiped").receive(message);
    const again = { ...message, boot: "0123456789abcdef" };
    expect(await hubOf("wiped").receive(again)).toMatchObject({ stored: true });
    expect(timeless((await ask("wiped", REQUESTS, WINDOW)).data)).toEqual([{ value: 10 }]);
  });
});

describe("a change of the map", () => {
  it("holds from a minute to come for a tenant that has bundles, and is one at a time", async () => {
    const [one] = fleet() as [Sent];
    await send("change", one);
    const response = await reshard("change", { tag: "site" });
    const { from } = await response.json<{ from: string }>();
    expect(Date.parse(from) / 1000 - Date.now() / 1000).toBeGreaterThan(240);
    expect((await reshard("change", { tag: "role" })).status).toBe(409);
    expect(await send("change", one)).toMatchObject({ stored: false });
    expect(await within(hubOf("change"), (sql) => sql.exec("SELECT tags FROM groups").toArray())).toHaveLength(1);
  });

  it("leaves old minutes where they are, and questions see across it", async () => {
    const [newest, middle, oldest] = fleet().filter(({ edge }) => edge === "fra-web") as [Sent, Sent, Sent];
    await send("across", oldest);
    await send("across", middle);
    // The map's notice is over.
    await within(hubOf("across"), async (sql, hub) => {
      await hub.reshard({ tag: "site", keep: [] });
      sql.exec("UPDATE epochs SET from_minute = ?", MINUTE);
    });
    await abortAllDurableObjects();
    // The Worker of this test still has the map of before: the root tells it.
    expect(await send("across", newest)).toMatchObject({ stored: true });
    expect(await send("across", middle)).toMatchObject({ stored: false });
    expect(await send("across", newest)).toMatchObject({ stored: false });
    await seal("across", ["fra"]);
    const all = [newest, middle, oldest].map(({ bundle }) => bundle);
    expect(await sketchOf("across")).toEqual(mergeDirectly(all));
    expect(await sketchOf("across", "&where.site=fra")).toEqual(mergeDirectly(all));
    const total = timeless((await ask("across", REQUESTS, WINDOW)).data);
    expect(timeless((await ask("across", `${REQUESTS}&by=site`, WINDOW)).data)).toEqual([{ site: "fra", ...total[0] }]);
  });

  it("is refused in words where it makes no sense", async () => {
    const headers = { authorization: await bearer({ kind: "admin", tenant: "words", edge: "" }) };
    const put = (body: string) => call("/v1/shards", { method: "PUT", body, headers });
    expect(await put("{")).toMatchObject({ status: 400, error: "bad_json" });
    for (const body of [
      '{"tag":"Site"}',
      "[]",
      '{"tag":"site","keep":["site"]}',
      '{"tag":"site","keep":"role"}',
      '{"by":"site"}',
    ]) {
      expect(await put(body)).toMatchObject({ status: 400, error: "bad_shards" });
    }
    const reader = { authorization: await readKey("words") };
    expect(await call("/v1/shards", { method: "PUT", body: '{"tag":"site"}', headers: reader })).toMatchObject({ status: 403 });
  });
});
