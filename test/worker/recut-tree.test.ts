/** A recut in a tree: shard and root end without the edge, once, whatever breaks off in the middle; or neither does, and it is said. */
import { abortAllDurableObjects, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { core } from "../../worker/core";
import type { Hub } from "../../worker/index";
import { minutesAsked } from "../../worker/object/asked";
import { expireBatches } from "../../worker/object/batches";
import { type Replacement, readMessage } from "../../worker/object/outbox";
import { rollUp } from "../../worker/object/rollup";
import { readNumber, readText, writeNumber } from "../../worker/object/schema";
import { startOf } from "../../worker/object/stale";
import { formatTime } from "../../worker/time";
import { readSections } from "../support/bundle";
import { mergeDirectly, sealMinute, withSequence } from "../support/edge-minute";
import { ask, bearer, call, get, hubOf, MINUTE, post, readKey, timeless } from "./support/client";

const REQUESTS = "metric=dns_requests_total&op=sum";
const WINDOW = `from=${MINUTE - 600}&to=${MINUTE + 60}`;
const DAY_SECONDS = 86_400;
const EXACT_KINDS_MAX = 5;
const SITES = ["fra", "ams"];
let boots = 0n;

type Bundle = Uint8Array<ArrayBuffer>;

const at = (age: number) => MINUTE - age * 60;
const shard = (tenant: string, site: string) => env.HUB.getByName(`${tenant}/shard/2/${site}`);
const admin = async (tenant: string) => ({ authorization: await bearer({ kind: "admin", tenant, edge: "" }) });

function minuteOf(minute: number, requests: number, net: number): Bundle {
  boots += 1n;
  const exchanges = Array.from({ length: requests }, (_, index) => ({
    client: `10.${net}.0.${index}`,
    name: `host${(index + net) % 7}.example`,
    durationMs: 1 + index,
  }));
  return sealMinute({ minute, boot: boots, exchanges });
}

interface Ordered {
  status: number;
  waiting?: string[];
}

async function order(tenant: string, edge: string, action: string): Promise<Ordered> {
  const init = { method: "POST", headers: await admin(tenant) };
  const response = await exports.default.fetch(`http://hub/v1/edges/${edge}/${action}`, init);
  return { ...(await response.json<object>()), status: response.status };
}

async function sendTo(tenant: string, edge: string, site: string, bundle: Bundle): Promise<boolean> {
  const told = await post(tenant, edge, bundle, { "tallywire-tags": `site=${site},role=web` });
  if (told.status !== 200) throw new Error(told.reason);
  return told.stored === true;
}

/** Seals the shards, and then the root. */
async function seal(tenant: string): Promise<void> {
  for (const site of SITES) await runDurableObjectAlarm(shard(tenant, site));
  await runDurableObjectAlarm(hubOf(tenant));
}

function exactSections(bundle: Uint8Array): string[] {
  return readSections(bundle)
    .sections.filter(({ kind }) => kind <= EXACT_KINDS_MAX)
    .map(({ metric, labels, payload }) => `${metric}/${labels.join("/")} ${payload.join()}`);
}

async function sketchOf(tenant: string, search = "", window = WINDOW): Promise<string[]> {
  const headers = { authorization: await readKey(tenant) };
  const response = await exports.default.fetch(`http://hub/v1/sketch?${window}${search}`, { headers });
  if (!response.ok) throw new Error(await response.text());
  const bytes = new Uint8Array(await response.arrayBuffer());
  return bytes.byteLength === 0 ? [] : exactSections(bytes);
}

/** Root, shards and what is asked of all of them have what these bundles come to, by site. */
async function expectAll(tenant: string, bySite: Record<string, Bundle[]>, window = WINDOW): Promise<void> {
  const all = Object.values(bySite).flat();
  const directly = (bundles: Bundle[]) => (bundles.length === 0 ? [] : exactSections(mergeDirectly(bundles)));
  expect(await sketchOf(tenant, "", window), "root").toEqual(directly(all));
  for (const [site, own] of Object.entries(bySite)) {
    expect(await sketchOf(tenant, `&where.site=${site}`, window), site).toEqual(directly(own));
  }
}

/** Tops of a tenant are those of one object that took the same: of few keys nothing is cut. */
async function topsOf(tenant: string) {
  return timeless((await ask(tenant, "metric=dns_top_names&op=top&n=50")).data);
}

interface Told {
  bad: Bundle[];
  late: Bundle;
  good: Bundle[];
  ams: Bundle[];
}

/** A tenant with two sites: of `bad` three minutes in fra, others beside it in two of them, and in ams too; one minute of `good` comes late. */
async function tenantOf(tenant: string): Promise<Told> {
  await call("/v1/shards", { method: "PUT", body: '{"tag":"site","keep":["role"]}', headers: await admin(tenant) });
  const bad = [minuteOf(at(3), 5, 1), minuteOf(at(2), 7, 1), minuteOf(at(1), 9, 1)];
  const good = [minuteOf(at(3), 100, 2), minuteOf(at(2), 40, 3)];
  const ams = [minuteOf(at(3), 30, 4), minuteOf(at(2), 20, 4), minuteOf(at(1), 10, 4)];
  await sendTo(tenant, "bad", "fra", bad[0]!);
  await sendTo(tenant, "good", "fra", good[0]!);
  await sendTo(tenant, "ams", "ams", ams[0]!);
  await seal(tenant);
  for (const one of bad.slice(1)) await sendTo(tenant, "bad", "fra", one);
  await sendTo(tenant, "good", "fra", good[1]!);
  for (const one of ams.slice(1)) await sendTo(tenant, "ams", "ams", one);
  await seal(tenant);
  const late = minuteOf(at(3), 12, 5);
  await sendTo(tenant, "good", "fra", late);
  await seal(tenant);
  await expectAll(tenant, { fra: [...bad, ...good, late], ams });
  return { bad, good, late, ams };
}

const within = <T>(stub: DurableObjectStub<Hub>, run: (sql: SqlStorage, hub: Hub) => T | Promise<T>) =>
  runInDurableObject(stub, (hub, { storage }) => run(storage.sql, hub as Hub));

/** Lets a shard's way up fail, or work again. */
async function cut(tenant: string, isCut: boolean): Promise<void> {
  await within(shard(tenant, "fra"), (_, hub) => {
    const { upstream } = hub as unknown as { upstream: { deliver?: unknown } };
    if (isCut) upstream.deliver = () => Promise.reject(new Error("the root is away"));
    else delete upstream.deliver;
  });
}

const waitingOf = (tenant: string) =>
  within(shard(tenant, "fra"), (sql): Replacement => {
    const { number, bundles, recut } = readMessage(sql)!;
    const bodies = bundles.map((bundle) => ({ ...bundle, body: bundle.body.slice() }));
    return { shard: `${tenant}/shard/2/fra`, boot: readText(sql, "boot")!, number, bundles: bodies, recut: recut! };
  });

describe("a recut in a tree", () => {
  it("goes from minutes to days, at the shard and at the root, and back when it is released", async () => {
    const tenant = "cut";
    const { bad, good, late, ams } = await tenantOf(tenant);
    const later = MINUTE + 2 * DAY_SECONDS;
    const roll = async () => {
      for (const stub of [shard(tenant, "fra"), shard(tenant, "ams"), hubOf(tenant)]) {
        await runInDurableObject(stub, (_, { storage }) => void rollUp(core(), storage, later));
      }
    };
    const wide = `from=${startOf(2, at(3))}&to=${startOf(2, MINUTE) + DAY_SECONDS}`;
    await roll();
    const { revision } = (await ask(tenant, REQUESTS)).meta;
    await order(tenant, "bad", "quarantine");
    expect(await order(tenant, "bad", "recut")).toMatchObject({
      ...{ status: 200, minutes: 3, bundles: 3, waiting: [], not_recut: [] },
    });
    const without = { fra: [...good, late], ams };
    await expectAll(tenant, without);
    await expectAll(tenant, without, wide);
    expect((await ask(tenant, REQUESTS)).meta.revision).toBeGreaterThan(revision);
    await abortAllDurableObjects();
    await roll();
    await expectAll(tenant, without, wide);
    expect(await order(tenant, "bad", "recut")).toMatchObject({ minutes: 0, bundles: 0, waiting: [], not_recut: [] });
    // Its minute with nobody else in it is empty there, and takes what comes.
    expect((await ask(tenant, `${REQUESTS}&where.site=fra`, `from=${at(1)}&to=${at(0)}`)).data).toEqual([]);
    const more = [minuteOf(at(1), 11, 6), minuteOf(at(3), 13, 6)];
    for (const one of more) await sendTo(tenant, "good", "fra", one);
    await seal(tenant);
    await expectAll(tenant, { fra: [...good, late, ...more], ams });
    for (const one of bad) expect(await sendTo(tenant, "bad", "fra", one)).toBe(false);
    expect(await order(tenant, "bad", "release")).toMatchObject({ status: 200, released: 3, lost: 0 });
    await seal(tenant);
    await roll();
    const whole = { fra: [...bad, ...good, late, ...more], ams };
    await expectAll(tenant, whole);
    await expectAll(tenant, whole, wide);
    // And out again, of the batches that it was released into, with the others' late ones among them.
    await order(tenant, "bad", "quarantine");
    expect(await order(tenant, "bad", "recut")).toMatchObject({ minutes: 3, bundles: 3 });
    expect(await order(tenant, "bad", "drop")).toMatchObject({ dropped: 3 });
    await expectAll(tenant, { fra: [...good, late, ...more], ams });
    const single = "cut-single";
    for (const one of [...good, late, ...more]) await sendTo(single, "good", "fra", one);
    for (const one of ams) await sendTo(single, "ams", "ams", one);
    expect(await topsOf(tenant)).toEqual(await topsOf(single));
  });

  it("takes two edges of one shard out, and one of another, each once", async () => {
    const tenant = "cut-more";
    const { bad, good, late, ams } = await tenantOf(tenant);
    const worse = minuteOf(at(2), 17, 7);
    await sendTo(tenant, "worse", "fra", worse);
    await seal(tenant);
    for (const edge of ["bad", "worse", "ams"]) {
      await order(tenant, edge, "quarantine");
      expect(await order(tenant, edge, "recut")).toMatchObject({ status: 200, waiting: [], not_recut: [] });
    }
    await expectAll(tenant, { fra: [...good, late], ams: [] });
    await abortAllDurableObjects();
    await order(tenant, "worse", "release");
    await order(tenant, "ams", "release");
    await seal(tenant);
    await expectAll(tenant, { fra: [...good, late, worse], ams });
    await order(tenant, "bad", "release");
    await seal(tenant);
    await expectAll(tenant, { fra: [...good, late, worse, ...bad], ams });
  });

  it("tells the root that the shard's minute misses an edge, and how many bundles came", async () => {
    const tenant = "cut-told";
    await tenantOf(tenant);
    const meta = async () => (await ask(tenant, REQUESTS, `from=${at(2)}&to=${at(1)}`)).meta;
    const shards = () => get<{ data: { value: string; bundles: number }[] }>(tenant, "/v1/shards");
    expect(await meta()).toMatchObject({ complete: true });
    expect((await shards()).data).toMatchObject([{ bundles: 4 }, { bundles: 3 }]);
    await order(tenant, "bad", "quarantine");
    const init = { method: "POST", headers: await admin(tenant), body: `{"from":${at(2)}}` };
    const response = await exports.default.fetch("http://hub/v1/edges/bad/recut", init);
    expect(await response.json()).toMatchObject({ minutes: 2, bundles: 2 });
    expect(await meta()).toMatchObject({ complete: false, missing_edges: [`${tenant}/shard/2/fra`] });
    // Of four messages two are replaced, one by nothing.
    expect((await shards()).data).toMatchObject([{ bundles: 3 }, { bundles: 3 }]);
    await order(tenant, "bad", "release");
    await seal(tenant);
    expect(await meta()).toMatchObject({ complete: true });
  });
});

describe("a recut that breaks off", () => {
  it("before the root has heard of it goes on when it can, also past a crash, and is settled before anything else", async () => {
    const tenant = "cut-away";
    const { bad, good, late, ams } = await tenantOf(tenant);
    await order(tenant, "bad", "quarantine");
    await cut(tenant, true);
    const minutes = [at(3), at(2), at(1)].map(formatTime);
    expect(await order(tenant, "bad", "recut")).toMatchObject({ minutes: 0, bundles: 0, waiting: minutes, not_recut: [] });
    // Until the root has it, the shard has what the root has.
    await expectAll(tenant, { fra: [...bad, ...good, late], ams });
    expect(await order(tenant, "bad", "release")).toMatchObject({ status: 503, error: "recut_under_way" });
    await order(tenant, "bad", "quarantine");
    const more = [minuteOf(at(2), 21, 6), withSequence(good[0]!, 1)];
    for (const one of more) await sendTo(tenant, "good", "fra", one);
    await abortAllDurableObjects();
    await seal(tenant);
    const without = { fra: [...good, late, ...more], ams };
    await expectAll(tenant, without);
    expect(await order(tenant, "bad", "recut")).toMatchObject({ minutes: 0, waiting: [], not_recut: [] });
    for (const one of bad) expect(await sendTo(tenant, "bad", "fra", one)).toBe(false);
    await order(tenant, "bad", "release");
    await seal(tenant);
    await expectAll(tenant, { fra: [...bad, ...good, late, ...more], ams });
  });

  it("between root and shard is told the same again, and done once", async () => {
    const tenant = "cut-between";
    const { bad, good, late, ams } = await tenantOf(tenant);
    await order(tenant, "bad", "quarantine");
    await cut(tenant, true);
    await order(tenant, "bad", "recut");
    const message = await waitingOf(tenant);
    expect(message.recut.minute).toBe(at(3));
    expect(await hubOf(tenant).replace(message)).toMatchObject({ stored: true, replaced: true });
    expect(await hubOf(tenant).replace(message)).toMatchObject({ stored: false, replaced: true });
    await abortAllDurableObjects();
    expect(await hubOf(tenant).replace(message)).toMatchObject({ stored: false, replaced: true });
    // The root is ahead of the shard by one minute, and the shard catches up.
    const others = [...good, late];
    expect(await sketchOf(tenant)).toEqual(exactSections(mergeDirectly([...bad.slice(1), ...others, ...ams])));
    expect(await sketchOf(tenant, "&where.site=fra")).toEqual(exactSections(mergeDirectly([...bad, ...others])));
    expect(await order(tenant, "bad", "recut")).toMatchObject({ minutes: 3, bundles: 3, waiting: [], not_recut: [] });
    await expectAll(tenant, { fra: others, ams });
    await abortAllDurableObjects();
    await seal(tenant);
    await expectAll(tenant, { fra: others, ams });
    await order(tenant, "bad", "release");
    await seal(tenant);
    await expectAll(tenant, { fra: [...bad, ...others], ams });
  });

  it("in a transaction of root or shard leaves both as they were, and is done when it is asked for again", async () => {
    const tenant = "cut-broken";
    const { bad, good, late, ams } = await tenantOf(tenant);
    await order(tenant, "bad", "quarantine");
    const breaking = (stub: DurableObjectStub<Hub>, table: string, isBroken: boolean) =>
      within(stub, (sql) => {
        if (isBroken) sql.exec(`CREATE TRIGGER broken BEFORE INSERT ON ${table} BEGIN SELECT RAISE(ABORT, 'full'); END`);
        else sql.exec("DROP TRIGGER broken");
      });
    const before = { fra: [...bad, ...good, late], ams };
    for (const table of ["decisions", "cuts", "tiles", "batches"]) {
      await breaking(hubOf(tenant), table, true);
      expect((await order(tenant, "bad", "recut")).waiting, table).toHaveLength(3);
      await expectAll(tenant, before);
      await breaking(hubOf(tenant), table, false);
    }
    await breaking(shard(tenant, "fra"), "cuts", true);
    expect((await order(tenant, "bad", "recut")).waiting).toHaveLength(3);
    expect(await sketchOf(tenant, "&where.site=fra")).toEqual(exactSections(mergeDirectly(before.fra)));
    await breaking(shard(tenant, "fra"), "cuts", false);
    expect(await order(tenant, "bad", "recut")).toMatchObject({ minutes: 3, bundles: 3, waiting: [] });
    await expectAll(tenant, { fra: [...good, late], ams });
    const { data } = await get<{ data: { edge: string; bundles: number; quarantine: { bundles: number } | null }[] }>(
      tenant,
      "/v1/edges",
    );
    expect(data.find(({ edge }) => edge === "bad")).toMatchObject({ bundles: 0, quarantine: { bundles: 3 } });
    expect(data.find(({ edge }) => edge === "good")).toMatchObject({ bundles: 3 });
  });
});

describe("what batches hold of a minute that is asked for", () => {
  it("stays until the root has said something, however long that takes", async () => {
    const tenant = "cut-held";
    const { bad, good, late, ams } = await tenantOf(tenant);
    await order(tenant, "bad", "quarantine");
    await sendTo(tenant, "good", "fra", minuteOf(at(5), 4, 8));
    await seal(tenant);
    await cut(tenant, true);
    await order(tenant, "bad", "recut");
    const count = (sql: SqlStorage) => Number(sql.exec("SELECT COUNT(*) AS n FROM batches").one().n);
    const expire = () =>
      within(shard(tenant, "fra"), (sql) => {
        const before = count(sql);
        expireBatches(sql, readNumber(sql, "sealed"), Date.now() + 3 * 3_600_000, minutesAsked(sql));
        return [before, count(sql)];
      });
    // The one of five minutes ago goes, those of the minutes that are asked for stay.
    const [before, after] = await expire();
    expect([before! - 1, after]).toEqual([after, after]);
    await abortAllDurableObjects();
    await seal(tenant);
    const window = `from=${at(3)}&to=${MINUTE + 60}`;
    await expectAll(tenant, { fra: [...good, late], ams }, window);
    expect((await expire())[1]).toBe(0);
    await order(tenant, "bad", "release");
    await seal(tenant);
    await expectAll(tenant, { fra: [...bad, ...good, late], ams }, window);
  });
});

describe("a minute that the root has not all parts of", () => {
  it("stays as it is at the shard too, and is named; what is released later counts once", async () => {
    const tenant = "cut-gone";
    const { bad, good, late, ams } = await tenantOf(tenant);
    await within(hubOf(tenant), (sql) => writeNumber(sql, "batches_gone_ms", (at(2) - 121) * 1000));
    await order(tenant, "bad", "quarantine");
    const kept = minuteOf(at(0), 3, 1);
    await sendTo(tenant, "bad", "fra", kept);
    const gone = [formatTime(at(3))];
    expect(await order(tenant, "bad", "recut")).toMatchObject({ minutes: 2, bundles: 2, waiting: [], not_recut: gone });
    const half = { fra: [bad[0]!, ...good, late], ams };
    await expectAll(tenant, half);
    await abortAllDurableObjects();
    await seal(tenant);
    await expectAll(tenant, half);
    expect(await order(tenant, "bad", "recut")).toMatchObject({ minutes: 0, bundles: 0, waiting: [], not_recut: gone });
    await expectAll(tenant, half);
    expect(await order(tenant, "bad", "release")).toMatchObject({ status: 200, released: 3 });
    await seal(tenant);
    await expectAll(tenant, { fra: [...bad, ...good, late, kept], ams });
    const asked = await within(shard(tenant, "fra"), (sql) => [
      sql.exec("SELECT minute FROM asked").toArray(),
      readNumber(sql, "format"),
    ]);
    expect(asked[0]).toEqual([{ minute: at(3) }]);
  });

  it("that comes in several messages is taken whole or not at all", async () => {
    const tenant = "cut-parts";
    const { bad, good, late, ams } = await tenantOf(tenant);
    await order(tenant, "bad", "quarantine");
    await cut(tenant, true);
    await order(tenant, "bad", "recut");
    const whole = await waitingOf(tenant);
    expect(whole.bundles).toHaveLength(1);
    // As if the minute's bundles had not found room in one message.
    const second: Replacement = { ...whole, number: whole.number + 1 };
    const root = hubOf(tenant);
    expect(await root.replace({ ...whole, bundles: [] })).toMatchObject({ stored: true, replaced: true });
    expect(await root.replace(second)).toMatchObject({ stored: true, replaced: true });
    expect(await root.replace(second)).toMatchObject({ stored: false, replaced: true });
    expect(await sketchOf(tenant)).toEqual(exactSections(mergeDirectly([...bad.slice(1), ...good, late, ...ams])));
    // And one whose first message was not taken.
    await within(root, (sql) => writeNumber(sql, "batches_gone_ms", Date.now()));
    const third: Replacement = { ...second, number: second.number + 1, recut: { ...second.recut, first: second.number + 1 } };
    expect(await root.replace(third)).toMatchObject({ stored: true, replaced: false });
    expect(await root.replace({ ...third, number: third.number + 1 })).toMatchObject({ stored: true, replaced: false });
    expect(await root.replace(third)).toMatchObject({ stored: false, replaced: false });
    expect(await sketchOf(tenant)).toEqual(exactSections(mergeDirectly([...bad.slice(1), ...good, late, ...ams])));
  });
});
