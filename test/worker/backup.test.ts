/** A tenant as one file, and out of it again: it answers alike, knows what came before, and counts what was on its way once. */
import { abortAllDurableObjects, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { exports } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { Hub } from "../../worker/index";
import { hasMessages } from "../../worker/object/outbox";
import { readSections } from "../support/bundle";
import { mergeDirectly, withSequence } from "../support/edge-minute";
import { ask, bearer, call, get, hubOf, MINUTE, readKey, timeless } from "./support/client";
import { fleet, type Sent, SITES, seal, send, shard } from "./support/fleet";

const REQUESTS = "metric=dns_requests_total&op=sum";
const WINDOW = `from=${MINUTE - 3600}&to=${MINUTE + 60}`;
const QUESTIONS = [
  REQUESTS,
  `${REQUESTS}&by=site`,
  `${REQUESTS}&by=role,status`,
  `${REQUESTS}&by=site&step=60`,
  `${REQUESTS}&where.site=!fra`,
  `${REQUESTS}&where.role=db`,
  `${REQUESTS}&edge=fra-web&step=60`,
  "metric=dns_clients&op=distinct",
  "metric=dns_clients&op=distinct&by=role",
  "metric=dns_duration_seconds&op=quantile&q=0.1,0.5,0.99&by=site",
  "metric=dns_duration_seconds&op=histogram&where.role=web",
  "metric=dns_top_names&op=top&n=50",
  "metric=dns_top_names&op=top&n=50&by=role",
];
const EXACT_KINDS_MAX = 5;
const admin = async (tenant: string) => ({ authorization: await bearer({ kind: "admin", tenant, edge: "" }) });
const edgesOf = async (tenant: string) => (await get<{ data: Record<string, unknown>[] }>(tenant, "/v1/edges")).data;
const reshard = async (tenant: string) =>
  call("/v1/shards", { method: "PUT", body: '{"tag":"site","keep":["role"]}', headers: await admin(tenant) });

async function backup(tenant: string): Promise<Uint8Array<ArrayBuffer>> {
  const response = await exports.default.fetch("http://hub/v1/backup", { headers: await admin(tenant) });
  if (!response.ok) throw new Error(await response.text());
  return new Uint8Array(await response.arrayBuffer());
}

async function restore(tenant: string, body: BodyInit, search = "") {
  const init = { method: "POST", body, headers: await admin(tenant) };
  const response = await exports.default.fetch(`http://hub/v1/restore${search}`, init);
  return { status: response.status, ...(await response.json<Record<string, unknown>>()) };
}

async function answers(tenant: string): Promise<unknown[]> {
  const told: unknown[] = [];
  for (const question of QUESTIONS) {
    const { data, meta } = await ask(tenant, question, WINDOW);
    told.push({ question, data, revision: meta.revision, complete: meta.complete });
  }
  return told;
}

async function sketchOf(tenant: string): Promise<Uint8Array> {
  const response = await exports.default.fetch(`http://hub/v1/sketch?${WINDOW}`, {
    headers: { authorization: await readKey(tenant) },
  });
  if (!response.ok) throw new Error(await response.text());
  return new Uint8Array(await response.arrayBuffer());
}

function exactSections(bundle: Uint8Array): string[] {
  return readSections(bundle)
    .sections.filter(({ kind }) => kind <= EXACT_KINDS_MAX)
    .map(({ metric, labels, payload }) => `${metric}/${labels.join("/")} ${payload.join()}`);
}

/** Deletes all that an object has, as a hub that has never heard of the tenant. */
async function wipe(tenant: string): Promise<void> {
  for (const stub of [hubOf(tenant), ...SITES.map((site) => shard(tenant, site))]) {
    await runInDurableObject(stub, (_, { storage }) => storage.deleteAll());
  }
  await abortAllDurableObjects();
}

/** Seals a shard while its root takes nothing, so that what it sealed waits. */
const sealAlone = (stub: DurableObjectStub<Hub>) =>
  runInDurableObject(stub, async (instance, { storage }) => {
    const hub = instance as Hub;
    const upstream = (hub as unknown as { upstream: { deliver(untilMs: number): Promise<void> } }).upstream;
    const { deliver } = upstream;
    upstream.deliver = () => Promise.reject(new Error("the root is away"));
    await hub.alarm();
    upstream.deliver = deliver;
    return hasMessages(storage.sql);
  });

async function lines(bytes: Uint8Array<ArrayBuffer>): Promise<string[]> {
  const inflated = new Response(bytes).body!.pipeThrough(new DecompressionStream("gzip"));
  return (await new Response(inflated).text()).trimEnd().split("\n");
}

async function pack(text: string): Promise<Uint8Array<ArrayBuffer>> {
  const packed = new Response(text).body!.pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(packed).arrayBuffer());
}

/** A backup with other lines, its end made to fit. */
async function forged(given: string[], change: (line: string) => string): Promise<Uint8Array<ArrayBuffer>> {
  const own = given.slice(0, -1).map(change);
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(own.map((line) => `${line}\n`).join("")));
  const sha256 = [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return pack([...own, JSON.stringify({ end: true, lines: own.length, sha256 }), ""].join("\n"));
}

describe("a restored tenant", () => {
  it("of one object answers alike, and goes on", async () => {
    const tenant = "one";
    const sent = fleet();
    const [late, ...most] = sent as [Sent, ...Sent[]];
    for (const one of most.slice(0, 9)) await send(tenant, one);
    await runDurableObjectAlarm(hubOf(tenant));
    for (const one of most.slice(9)) await send(tenant, one);
    const before = await answers(tenant);
    const edges = await edgesOf(tenant);
    const file = await backup(tenant);
    await wipe(tenant);
    expect(await edgesOf(tenant)).toEqual([]);
    expect(await restore(tenant, file)).toMatchObject({ status: 200, tenant, objects: 1 });
    const check = async () => {
      expect(await answers(tenant)).toEqual(before);
      const silent = ({ silent_seconds: _, ...edge }: Record<string, unknown>) => edge;
      expect((await edgesOf(tenant)).map(silent)).toEqual(edges.map(silent));
      for (const one of most) expect(await send(tenant, one)).toMatchObject({ stored: false });
    };
    await check();
    await abortAllDurableObjects();
    await check();
    expect(await send(tenant, late)).toMatchObject({ stored: true });
    await runDurableObjectAlarm(hubOf(tenant));
    expect(exactSections(await sketchOf(tenant))).toEqual(exactSections(mergeDirectly(sent.map(({ bundle }) => bundle))));
  });

  it("of a tree under load answers alike, and counts what was on its way once", async () => {
    const tenant = "tree";
    await reshard(tenant);
    const sent = fleet();
    for (const one of sent.slice(0, 12)) expect(await send(tenant, one)).toMatchObject({ stored: true });
    await seal(tenant);
    for (const one of sent.slice(12)) await send(tenant, one);
    // What fra sealed waits to be sent; the others have some that is not sealed.
    await send(tenant, { ...sent[0]!, bundle: withSequence(sent[0]!.bundle, 1) });
    expect(await sealAlone(shard(tenant, "fra"))).toBe(true);
    // Edges post, and shards seal and send, while it is read.
    let isOver = false;
    const during = fleet([5, 6, 7]);
    const load = (async () => {
      const stored: Sent[] = [];
      for (let index = 0; !isOver || index < during.length; index += 1) {
        const one = during[index % during.length]!;
        const { status, error } = await send(tenant, one);
        if (status === 200) stored.push(one);
        else expect(error).toBe("backing_up");
        if (index % 4 === 0) await runDurableObjectAlarm(shard(tenant, SITES[(index / 4) % 3]!));
        if (isOver && index >= during.length) break;
      }
      return stored;
    })();
    const file = await backup(tenant);
    isOver = true;
    await load;
    await wipe(tenant);
    expect(await restore(tenant, file)).toMatchObject({ status: 200, objects: 4 });
    await seal(tenant);
    await seal(tenant);
    // Which of those that came meanwhile are in it is told by posting all again: then each is there once.
    const again = { ...sent[0]!, bundle: withSequence(sent[0]!.bundle, 1) };
    const all = [...sent, again, ...during];
    for (const one of [...sent, again]) expect(await send(tenant, one)).toMatchObject({ stored: false });
    for (const one of during) expect(await send(tenant, one)).toMatchObject({ status: 200 });
    await seal(tenant);
    await seal(tenant);
    for (const one of all) expect(await send("tree-direct", one)).toMatchObject({ stored: true });
    await runDurableObjectAlarm(hubOf("tree-direct"));
    for (const question of QUESTIONS) {
      const told = (await ask(tenant, question, WINDOW)).data;
      expect({ question, told }).toEqual({ question, told: (await ask("tree-direct", question, WINDOW)).data });
    }
    expect(await sketchOf(tenant)).toEqual(mergeDirectly(all.map(({ bundle }) => bundle)));
  });

  it("has what is quarantined, and stands in the place of what there was where that is forced", async () => {
    const tenant = "forced";
    await reshard(tenant);
    const [first, second, third] = fleet().filter(({ edge }) => edge === "fra-web") as [Sent, Sent, Sent];
    await send(tenant, first);
    await call("/v1/edges/fra-web/quarantine", { method: "POST", headers: await admin(tenant) });
    await send(tenant, second);
    await seal(tenant);
    const before = await answers(tenant);
    const file = await backup(tenant);
    // Afterwards it is released, and another shard comes.
    await call("/v1/edges/fra-web/release", { method: "POST", headers: await admin(tenant) });
    await send(tenant, { ...third, tags: "site=oslo" });
    await seal(tenant);
    expect(timeless((await ask(tenant, REQUESTS, WINDOW)).data)).toEqual([{ value: 5 + 6 + 7 }]);
    expect(await restore(tenant, file)).toMatchObject({ status: 409, error: "not_empty" });
    expect(timeless((await ask(tenant, REQUESTS, WINDOW)).data)).toEqual([{ value: 5 + 6 + 7 }]);
    expect(await restore(tenant, file, "?force=true")).toMatchObject({ status: 200, objects: 2 });
    await seal(tenant);
    expect((await answers(tenant)).map((told) => (told as { data: unknown }).data)).toEqual(
      before.map((told) => (told as { data: unknown }).data),
    );
    expect(
      await runInDurableObject(shard(tenant, "oslo"), (_, { storage }) => storage.sql.exec("SELECT * FROM batches").toArray()),
    ).toEqual([]);
    expect(await send(tenant, second)).toMatchObject({ stored: false });
    await call("/v1/edges/fra-web/release", { method: "POST", headers: await admin(tenant) });
    await seal(tenant);
    expect(timeless((await ask(tenant, REQUESTS, WINDOW)).data)).toEqual([{ value: 5 + 6 }]);
  });
});

describe("a file that is no whole backup", () => {
  it("leaves nothing behind, and says what is wrong", async () => {
    const tenant = "broken";
    await reshard(tenant);
    for (const one of fleet([0])) await send(tenant, one);
    await seal(tenant);
    const file = await backup(tenant);
    const text = await lines(file);
    await wipe(tenant);
    const isRefused = async (body: BodyInit, reason: string) => {
      expect(await restore(tenant, body)).toMatchObject({
        status: 422,
        error: "bad_backup",
        reason: expect.stringContaining(reason),
      });
      expect(await edgesOf(tenant)).toEqual([]);
      expect(await get(tenant, "/v1/shards")).toEqual({ data: [], map: [] });
    };
    await isRefused(file.slice(0, file.length - 20), "cannot be read to its end");
    await isRefused(await pack(`${text.slice(0, -1).join("\n")}\n`), "its end is missing");
    await isRefused(await pack(`${text.join("\n").replace('"taken":"2', '"taken":"1')}\n`), "SHA-256");
    await isRefused(await pack(`${text.join("\n")}\n{"object":"x"}\n`), "something follows");
    await isRefused(await pack("[]\n"), "does not begin like a backup");
    await isRefused("no gzip", "cannot be read");
    await isRefused(
      await forged(text, (line) => line.replace('"tallywire_backup":1', '"tallywire_backup":2')),
      "run a newer one",
    );
    await isRefused(await forged(text, (line) => line.replace('"tenant":"broken"', '"tenant":"other"')), 'of tenant "other"');
    await isRefused(
      await forged(text, (line) => line.replaceAll("broken/shard/2/ams", "other/shard/2/ams")),
      "does not name its objects",
    );
    await isRefused(
      await forged(text, (line) => line.replace('"table":"stale"', '"table":"sqlite_master"')),
      "has not the columns",
    );
    await isRefused(
      await forged(text, (line) => line.replace('"columns":["tile"]', '"columns":["tile) --"]')),
      "has not the columns",
    );
    // Rows by which an object would send to another tenant, ask its shards, or speak in its name.
    const of = (table: string, from: string, to: string) => (line: string) =>
      line.startsWith(`{"table":"${table}"`) ? line.replaceAll(from, to) : line;
    for (const root of ["other/root/1/0", "broken/shard/2/fra", "broken"]) {
      await isRefused(await forged(text, of("texts", "broken/root/1/0", root)), "another place in the tree");
    }
    await isRefused(await forged(text, of("texts", "broken/shard/2/ams", "other/shard/2/ams")), "another place in the tree");
    await isRefused(await forged(text, of("edges", "broken/shard/2/ams", "other/shard/2/ams")), "is no shard of tenant broken");
    await isRefused(await forged(text, of("edges", '"broken/shard/2/ams"', `{"base64":"${btoa("x")}"}`)), "does not hold");
    // A tile that is no bundle: the core merges what an object has without looking at it again.
    const evil = btoa("not a bundle at all");
    const tiles = (line: string) =>
      line.startsWith('{"table":"tiles"') ? line.replace(/"base64":"[^"]+"/, `"base64":"${evil}"`) : line;
    await isRefused(await forged(text, tiles), "a bundle in it is none");
    const batches = (line: string) =>
      line.startsWith('{"table":"batches"') ? line.replace(/"base64":"[^"]+"/, `"base64":"${evil}"`) : line;
    await isRefused(await forged(text, batches), "");
    // Rows that no object can be made of.
    await isRefused(
      await forged(text, (line) => (line.startsWith('{"table":"edge_states"') ? line.replace(/"\[\[/, '"[[[') : line)),
      "does not hold",
    );
    expect(await restore(tenant, file)).toMatchObject({ status: 200, objects: 4 });
  });

  it("that was left in the middle is undone", async () => {
    const tenant = "left";
    const token = "left";
    await send(tenant, fleet([0])[0]!);
    const hub = hubOf(tenant);
    expect(await hub.restore(token, { step: "begin", format: 1, isForced: false })).toMatchObject({ code: "not_empty" });
    expect(await hub.restore(token, { step: "begin", format: 1, isForced: true })).toBeNull();
    expect(await hub.restore("other", { step: "begin", format: 1, isForced: true })).toMatchObject({ code: "restoring" });
    expect((await send(tenant, fleet([0])[0]!)).status).toBe(503);
    await abortAllDurableObjects();
    expect(await hubOf(tenant).restore(token, { step: "end" })).toMatchObject({ code: "restore_lapsed" });
    expect(await edgesOf(tenant)).toEqual([]);
    expect(await send(tenant, fleet([0])[0]!)).toMatchObject({ stored: true });
  });

  it("is for an admin", async () => {
    const reader = { authorization: await readKey("rights") };
    expect(await call("/v1/backup", { headers: reader })).toMatchObject({ status: 403 });
    expect(await call("/v1/restore", { method: "POST", body: "x", headers: reader })).toMatchObject({ status: 403 });
  });
});

describe("an object that is backed up", () => {
  it("takes nothing meanwhile, and tells a backup that comes too late", async () => {
    const tenant = "still";
    const [first, second] = fleet([0]) as [Sent, Sent];
    await send(tenant, first);
    const hub = hubOf(tenant);
    expect(await hub.hold("one", "still")).toBe(true);
    expect(await hub.hold("two", "still")).toBe(false);
    expect(await send(tenant, second)).toMatchObject({ status: 503, error: "backing_up" });
    expect(await reshard(tenant)).toMatchObject({ status: 503, error: "backing_up" });
    await runDurableObjectAlarm(hub);
    const rows = await runInDurableObject(hub, (_, { storage }) => storage.sql.exec("SELECT * FROM tiles").toArray());
    expect(rows).toEqual([]);
    const headers = await admin(tenant);
    expect(await call("/v1/backup", { headers })).toMatchObject({ status: 409, error: "backing_up" });
    await abortAllDurableObjects();
    expect(await hubOf(tenant).backupPage("one", { table: 0, after: [] })).toBeNull();
    expect(await send(tenant, second)).toMatchObject({ stored: true });
  });
});
