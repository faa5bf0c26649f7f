/** A quarantined edge is acknowledged and kept apart; what is kept apart counts once it is released, and never once it is dropped. */
import { abortAllDurableObjects, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { core } from "../../worker/core";
import { EDGE_MINUTES_SECONDS, QUARANTINE_BYTES_MAX } from "../../worker/limits";
import { keptWholeFrom } from "../../worker/object/kept";
import { rollUp } from "../../worker/object/rollup";
import { writeNumber } from "../../worker/object/schema";
import { listStale, startOf } from "../../worker/object/stale";
import { readTile } from "../../worker/object/tiles";
import { readSections } from "../support/bundle";
import { mergeDirectly, sealMinute, withSequence } from "../support/edge-minute";
import { ask, bearer, call, get, hubOf, MINUTE, post, readKey, timeless } from "./support/client";

const REQUESTS = "metric=dns_requests_total&op=sum";
const WINDOW = `from=${MINUTE - 600}&to=${MINUTE + 60}`;
const DAY_SECONDS = 86_400;
const EXACT_KINDS_MAX = 5;
let boots = 0n;

function minuteOf(at: number, requests: number, net = 0): Uint8Array<ArrayBuffer> {
  boots += 1n;
  const exchanges = Array.from({ length: requests }, (_, index) => ({
    client: `10.${net}.0.${index}`,
    name: `host${index % 7}.example`,
    durationMs: 1 + index,
  }));
  return sealMinute({ minute: at, boot: boots, exchanges });
}

const send = (tenant: string, edge: string, bundle: Uint8Array<ArrayBuffer>, tags = "site=fra") =>
  post(tenant, edge, bundle, { "tallywire-tags": tags });
const admin = async (tenant: string) => ({ authorization: await bearer({ kind: "admin", tenant, edge: "" }) });

async function order<T = Record<string, unknown>>(tenant: string, edge: string, action: string, body?: string) {
  const init = { method: "POST", headers: await admin(tenant), ...(body === undefined ? {} : { body }) };
  const response = await exports.default.fetch(`http://hub/v1/edges/${edge}/${action}`, init);
  return { status: response.status, ...(await response.json<T & { error?: string; reason?: string }>()) };
}

/** What posting says in its own word. */
async function told(tenant: string, edge: string, bundle: Uint8Array<ArrayBuffer>): Promise<string> {
  const authorization = await bearer({ kind: "write", tenant, edge });
  const headers = { authorization, "tallywire-tags": "site=fra" };
  const response = await exports.default.fetch("http://hub/v1/ingest", { method: "POST", body: bundle, headers });
  return (await response.json<{ status: string }>()).status;
}

async function sketchOf(tenant: string, window = WINDOW): Promise<Uint8Array> {
  const response = await exports.default.fetch(`http://hub/v1/sketch?${window}`, {
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

async function totalOf(tenant: string, search = "", window = WINDOW): Promise<number> {
  const [row] = timeless((await ask(tenant, `${REQUESTS}${search}`, window)).data);
  return Number(row?.value ?? 0);
}

async function edgeOf(tenant: string, name: string) {
  const { data } = await get<{ data: Record<string, unknown>[] }>(tenant, "/v1/edges");
  return data.find(({ edge }) => edge === name);
}

describe("a quarantined edge", () => {
  it("is acknowledged, once, and in no answer", async () => {
    const tenant = "apart";
    const before = minuteOf(MINUTE - 120, 5);
    await send(tenant, "bad", before);
    await send(tenant, "good", minuteOf(MINUTE - 120, 100, 1));
    expect(await order(tenant, "bad", "quarantine")).toMatchObject({ status: 200, quarantined: true, kept_apart: 0 });
    const bundle = minuteOf(MINUTE, 7);
    expect(await told(tenant, "bad", bundle)).toBe("quarantined");
    expect(await told(tenant, "bad", bundle)).toBe("duplicate");
    expect(await told(tenant, "bad", before)).toBe("duplicate");
    expect(await told(tenant, "good", minuteOf(MINUTE, 200, 1))).toBe("stored");
    const check = async () => {
      expect(await totalOf(tenant)).toBe(305);
      expect(await totalOf(tenant, "&edge=bad")).toBe(5);
      expect(await told(tenant, "bad", bundle)).toBe("duplicate");
      expect(await edgeOf(tenant, "bad")).toMatchObject({
        quarantine: { bundles: 1, lost: 0 },
        bundles: 1,
        tags: { site: "fra" },
      });
    };
    await check();
    await abortAllDurableObjects();
    await check();
    await runDurableObjectAlarm(hubOf(tenant));
    await abortAllDurableObjects();
    await check();
    expect(await edgeOf(tenant, "good")).toMatchObject({ quarantine: null });
  });

  it("counts when it is released, as if it came late", async () => {
    const tenant = "released";
    const kept = [minuteOf(MINUTE - 60, 7), minuteOf(MINUTE, 9)];
    const good = minuteOf(MINUTE - 60, 100, 1);
    await send(tenant, "bad", minuteOf(MINUTE - 120, 5));
    await send(tenant, "good", good);
    await order(tenant, "bad", "quarantine");
    for (const one of kept) await told(tenant, "bad", one);
    await runDurableObjectAlarm(hubOf(tenant));
    const hour = startOf(1, MINUTE - 60);
    const later = MINUTE + 2 * DAY_SECONDS;
    await runInDurableObject(hubOf(tenant), (_, { storage }) => void rollUp(core(), storage, later));
    const revision = (await ask(tenant, REQUESTS)).meta.revision;
    expect(await totalOf(tenant)).toBe(105);
    expect(await order(tenant, "bad", "release")).toMatchObject({ status: 200, quarantined: false, released: 2, lost: 0 });
    expect(await totalOf(tenant)).toBe(121);
    await abortAllDurableObjects();
    expect(await totalOf(tenant)).toBe(121);
    await runDurableObjectAlarm(hubOf(tenant));
    expect((await ask(tenant, REQUESTS)).meta.revision).toBeGreaterThan(revision);
    const stale = await runInDurableObject(hubOf(tenant), (_, { storage }) => {
      const listed = listStale(storage.sql, 1, hour, hour + 3600).length;
      rollUp(core(), storage, later);
      return listed;
    });
    expect(stale).toBe(1);
    expect(await totalOf(tenant, "", `from=${startOf(1, MINUTE - 120)}&to=${startOf(1, MINUTE) + 3600}`)).toBe(121);
    for (const one of kept) expect(await told(tenant, "bad", one)).toBe("duplicate");
    expect(await told(tenant, "bad", withSequence(kept[0]!, 1))).toBe("stored");
    expect(await order(tenant, "bad", "release")).toMatchObject({ status: 200, released: 0 });
    expect(await edgeOf(tenant, "bad")).toMatchObject({ quarantine: null, bundles: 4, lost_minutes: 0 });
  });

  it("is forgotten when it is dropped, but not that it came", async () => {
    const tenant = "dropped";
    const kept = minuteOf(MINUTE, 9);
    await send(tenant, "bad", minuteOf(MINUTE - 120, 5));
    await order(tenant, "bad", "quarantine");
    await told(tenant, "bad", kept);
    expect(await order(tenant, "bad", "drop")).toMatchObject({ status: 200, quarantined: false, dropped: 1 });
    await abortAllDurableObjects();
    expect(await told(tenant, "bad", kept)).toBe("duplicate");
    await runDurableObjectAlarm(hubOf(tenant));
    await abortAllDurableObjects();
    expect(await told(tenant, "bad", kept)).toBe("duplicate");
    expect(await told(tenant, "bad", withSequence(kept, 1))).toBe("stored");
    expect(await totalOf(tenant)).toBe(14);
    const meta = (await ask(tenant, REQUESTS, `from=${MINUTE - 120}&to=${MINUTE - 60}`)).meta;
    expect(meta).toMatchObject({ complete: true });
  });

  it("keeps so many bytes, for so long, and tells what it lost", async () => {
    const tenant = "bounded";
    const kept = [minuteOf(MINUTE - 60, 7), minuteOf(MINUTE, 9)];
    await send(tenant, "bad", minuteOf(MINUTE - 120, 5));
    await order(tenant, "bad", "quarantine");
    for (const one of kept) await told(tenant, "bad", one);
    // As if the first had come two hours before.
    await runInDurableObject(hubOf(tenant), (_, { storage }) => {
      const [{ id }] = storage.sql.exec<{ id: number }>("SELECT id FROM apart ORDER BY id").toArray() as [{ id: number }];
      storage.sql.exec("UPDATE apart SET received_ms = received_ms - ? WHERE id = ?", EDGE_MINUTES_SECONDS * 1000, id);
    });
    await runDurableObjectAlarm(hubOf(tenant));
    expect(await edgeOf(tenant, "bad")).toMatchObject({ quarantine: { bundles: 1, lost: 1 } });
    await abortAllDurableObjects();
    for (const one of kept) expect(await told(tenant, "bad", one)).toBe("duplicate");
    // As if the other filled the room: the next pushes it out.
    await runInDurableObject(hubOf(tenant), (_, { storage }) => {
      storage.sql.exec("UPDATE apart SET body = zeroblob(2000000)");
      for (let id = 1000; id * 2_000_000 < 1000 * 2_000_000 + QUARANTINE_BYTES_MAX - 2_000_000; id += 1) {
        storage.sql.exec(
          `INSERT INTO apart SELECT ${id}, edge, minute, source, ${id}, received_ms, entry, body FROM apart ORDER BY id LIMIT 1`,
        );
      }
    });
    await abortAllDurableObjects();
    const next = minuteOf(MINUTE - 180, 3);
    expect(await told(tenant, "bad", next)).toBe("quarantined");
    const { quarantine } = (await edgeOf(tenant, "bad")) as { quarantine: { bytes: number; lost: number } };
    expect(quarantine.bytes).toBeLessThanOrEqual(QUARANTINE_BYTES_MAX);
    expect(quarantine.lost).toBe(2);
    for (const one of [...kept, next]) expect(await told(tenant, "bad", one)).toBe("duplicate");
  });

  it("is one wherever it posts in a tree, and travels up once when it is released", async () => {
    const tenant = "apart-tree";
    await call("/v1/shards", { method: "PUT", body: '{"tag":"site"}', headers: await admin(tenant) });
    const shard = (site: string) => env.HUB.getByName(`${tenant}/shard/2/${site}`);
    const seal = async () => {
      for (const site of ["fra", "ams", "oslo"]) await runDurableObjectAlarm(shard(site));
      await runDurableObjectAlarm(hubOf(tenant));
    };
    await send(tenant, "bad", minuteOf(MINUTE - 120, 5));
    await send(tenant, "good", minuteOf(MINUTE - 120, 100, 1), "site=ams");
    await order(tenant, "bad", "quarantine");
    // To its shard, to another one that knows it not, and to one that is new.
    const kept = [minuteOf(MINUTE, 1), minuteOf(MINUTE, 20), minuteOf(MINUTE, 300)];
    for (const [index, site] of ["fra", "ams", "oslo"].entries()) await send(tenant, "bad", kept[index]!, `site=${site}`);
    await seal();
    expect(await totalOf(tenant)).toBe(105);
    expect(await edgeOf(tenant, "bad")).toMatchObject({ quarantine: { bundles: 3 } });
    expect(await order(tenant, "bad", "release")).toMatchObject({ released: 3 });
    await seal();
    expect(await totalOf(tenant)).toBe(426);
    await abortAllDurableObjects();
    await seal();
    expect(await totalOf(tenant)).toBe(426);
    expect(await totalOf(tenant, "&by=site&where.site=oslo")).toBe(300);
    for (const [index, site] of ["fra", "ams", "oslo"].entries()) {
      expect(await send(tenant, "bad", kept[index]!, `site=${site}`)).toMatchObject({ stored: false });
    }
  });

  it("is changed by an admin alone, and must have posted", async () => {
    const tenant = "rights";
    await send(tenant, "a", minuteOf(MINUTE, 1));
    const reader = { authorization: await readKey(tenant) };
    expect(await call("/v1/edges/a/quarantine", { method: "POST", headers: reader })).toMatchObject({ status: 403 });
    expect(await order(tenant, "b", "quarantine")).toMatchObject({ status: 404, error: "unknown_edge" });
    expect(await order(tenant, "a", "burn")).toMatchObject({ status: 404, error: "not_found" });
    expect(await order(tenant, "a", "recut")).toMatchObject({ status: 409, error: "not_quarantined" });
    await order(tenant, "a", "quarantine");
    expect(await order(tenant, "a", "recut", '{"to":1}')).toMatchObject({ status: 400, error: "bad_recut" });
    expect(await order(tenant, "a", "recut", '{"from":"-9h"}')).toMatchObject({ status: 422, error: "edge_minutes_gone" });
  });
});

describe("recut", () => {
  it("makes tiles anew without what the edge posted, hours and days too, and keeps it apart", async () => {
    const tenant = "recut";
    const at = (age: number) => MINUTE - age * 60;
    const good = [minuteOf(at(3), 100, 1), minuteOf(at(2), 50, 1), minuteOf(at(2), 25, 2)];
    const bad = [minuteOf(at(3), 5), minuteOf(at(2), 7), minuteOf(at(1), 9)];
    for (const [index, one] of good.entries()) await send(tenant, `good-${index}`, one);
    await send(tenant, "bad", bad[0]!);
    await runDurableObjectAlarm(hubOf(tenant));
    await send(tenant, "bad", bad[1]!);
    await send(tenant, "bad", bad[2]!, "site=ams");
    await runDurableObjectAlarm(hubOf(tenant));
    const later = MINUTE + 2 * DAY_SECONDS;
    const roll = () => runInDurableObject(hubOf(tenant), (_, { storage }) => rollUp(core(), storage, later));
    await roll();
    const wide = `from=${startOf(2, at(3))}&to=${startOf(2, MINUTE) + DAY_SECONDS}`;
    expect(await totalOf(tenant, "", wide)).toBe(196);
    const before = (await ask(tenant, REQUESTS)).meta.revision;
    await order(tenant, "bad", "quarantine");
    expect(await order(tenant, "bad", "recut")).toMatchObject({ status: 200, minutes: 3, bundles: 3 });
    const check = async () => {
      expect(exactSections(await sketchOf(tenant))).toEqual(exactSections(mergeDirectly(good)));
      expect(await totalOf(tenant)).toBe(175);
      expect(await totalOf(tenant, "", wide)).toBe(175);
      expect((await ask(tenant, `${REQUESTS}&where.site=ams`)).data).toEqual([]);
      expect((await ask(tenant, `${REQUESTS}&edge=bad`)).data).toEqual([]);
      expect((await ask(tenant, REQUESTS)).meta.revision).toBeGreaterThan(before);
      for (const one of bad) expect(await told(tenant, "bad", one)).toBe("duplicate");
      expect(await edgeOf(tenant, "bad")).toMatchObject({ quarantine: { bundles: 3, lost: 0 }, bundles: 0 });
    };
    await check();
    await abortAllDurableObjects();
    await check();
    expect(await roll()).toBeGreaterThan(0);
    await check();
    expect((await ask(tenant, `${REQUESTS}&where.site=ams`, wide)).data).toEqual([]);
    // Once more finds nothing; what comes to an empty tile is in it; what is released is where it was.
    expect(await order(tenant, "bad", "recut")).toMatchObject({ minutes: 0, bundles: 0 });
    const ams = minuteOf(at(1), 11, 3);
    await send(tenant, "good-0", ams, "site=ams");
    await runDurableObjectAlarm(hubOf(tenant));
    expect(await totalOf(tenant, "&where.site=ams")).toBe(11);
    expect(await order(tenant, "bad", "release")).toMatchObject({ released: 3 });
    await runDurableObjectAlarm(hubOf(tenant));
    await roll();
    expect(exactSections(await sketchOf(tenant))).toEqual(exactSections(mergeDirectly([...good, ...bad, ams])));
    expect(await totalOf(tenant, "", wide)).toBe(207);
    expect(await totalOf(tenant, "&edge=bad")).toBe(21);
    expect(await edgeOf(tenant, "bad")).toMatchObject({ quarantine: null, bundles: 3, lost_minutes: 0 });
    // And out again, of the batch that it was released into.
    await order(tenant, "bad", "quarantine");
    expect(await order(tenant, "bad", "recut")).toMatchObject({ minutes: 3, bundles: 3 });
    expect(await order(tenant, "bad", "drop")).toMatchObject({ dropped: 3 });
    expect(exactSections(await sketchOf(tenant))).toEqual(exactSections(mergeDirectly([...good, ams])));
    for (const one of bad) expect(await told(tenant, "bad", one)).toBe("duplicate");
  });

  it("goes no further back than batches are whole", async () => {
    const tenant = "recut-old";
    const at = (age: number) => MINUTE - age * 60;
    for (const age of [3, 2, 1]) await send(tenant, "bad", minuteOf(at(age), age));
    await runDurableObjectAlarm(hubOf(tenant));
    const keptFrom = await runInDurableObject(hubOf(tenant), (_, { storage }) => {
      writeNumber(storage.sql, "batches_gone_ms", (at(2) - 121) * 1000);
      return keptWholeFrom(storage.sql);
    });
    expect(keptFrom).toBe(at(2));
    await order(tenant, "bad", "quarantine");
    expect(await order(tenant, "bad", "recut", `{"from":${at(3)}}`)).toMatchObject({ status: 422, error: "edge_minutes_gone" });
    expect(await order(tenant, "bad", "recut")).toMatchObject({ minutes: 2, bundles: 2 });
    expect(await totalOf(tenant)).toBe(3);
    const empty = await runInDurableObject(hubOf(tenant), (_, { storage }) =>
      readTile(storage.sql, { level: 0, start: at(1), group: 0 }),
    );
    expect(empty).toEqual([]);
  });
});
