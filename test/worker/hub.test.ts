import { abortAllDurableObjects, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { exports } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { writeTile } from "../../worker/object/tiles";
import { readSections } from "../support/bundle";
import { type Exchange, mergeDirectly, sealMinute, withSequence, withTop } from "../support/edge-minute";
import { ask, get, hubOf, MINUTE, post, readKey, timeless } from "./support/client";

const exchanges = (count: number, net = 0): Exchange[] =>
  Array.from({ length: count }, (_, index) => ({
    client: `10.0.${net}.${index % 250}`,
    name: `host${index % 40}.example.com`,
    rcode: index % 10 === 0 ? 3 : 0,
    durationMs: 1 + (index % 20),
  }));

const minute = (count: number, { at = MINUTE, boot = 1n, net = 0 } = {}) =>
  sealMinute({ minute: at, boot, exchanges: exchanges(count, net) });

const REQUESTS = "metric=dns_requests_total&op=sum";

async function sketch(tenant: string): Promise<Uint8Array> {
  const headers = { authorization: await readKey(tenant) };
  const window = `from=${MINUTE - 600}&to=${MINUTE + 60}`;
  return (await exports.default.fetch(`http://hub/v1/sketch?${window}`, { headers })).bytes();
}

describe("the hub's object", () => {
  it("keeps a bundle once and shows it at once", async () => {
    const bundle = minute(25);
    expect(await post("once", "a", bundle)).toMatchObject({ status: 200, stored: true });
    expect(await post("once", "a", bundle)).toMatchObject({ status: 200, stored: false });
    expect(await post("once", "b", bundle)).toMatchObject({ status: 200, stored: true });
    const { data, meta } = await ask("once", REQUESTS);
    expect(timeless(data)).toEqual([{ value: 50 }]);
    expect(meta).toMatchObject({ complete: true, resolution: 60, missing_edges: [], error_bound: { kind: "exact" } });
  });

  it("counts two deliveries of one bundle at the same moment once", async () => {
    const bundle = minute(3);
    const told = await Promise.all(Array.from({ length: 8 }, () => post("twice", "a", bundle)));
    expect(told.filter(({ stored }) => stored)).toHaveLength(1);
    expect(timeless((await ask("twice", REQUESTS)).data)).toEqual([{ value: 3 }]);
  });

  it("says the same before and after a seal, an abort, and with late bundles", async () => {
    const posted: Uint8Array[] = [];
    const send = async (edge: string, bundle: Uint8Array<ArrayBuffer>) => {
      posted.push(bundle);
      expect(await post("seal", edge, bundle)).toMatchObject({ stored: true });
    };
    const check = async () => {
      expect(await sketch("seal")).toEqual(mergeDirectly(posted));
      const total = timeless((await ask("seal", REQUESTS)).data)[0]?.value;
      expect(total).toBe(posted.length * 20);
    };
    for (let edge = 0; edge < 6; edge++) await send(`e${edge}`, minute(20, { net: edge }));
    await check();
    await abortAllDurableObjects();
    await check();
    expect(await runDurableObjectAlarm(hubOf("seal"))).toBe(true);
    await check();
    const before = await ask("seal", REQUESTS);
    expect(await post("seal", "e1", posted[1] as Uint8Array<ArrayBuffer>)).toMatchObject({ stored: false });
    await send("e1", withSequence(minute(20, { net: 7 }), 1));
    await send("e2", minute(20, { net: 8, at: MINUTE - 300 }));
    await check();
    await abortAllDurableObjects();
    await runDurableObjectAlarm(hubOf("seal"));
    await check();
    expect(await post("seal", "e1", posted[6] as Uint8Array<ArrayBuffer>)).toMatchObject({ stored: false });
    expect((await ask("seal", REQUESTS)).meta.revision).toBeGreaterThan(before.meta.revision);
  });

  it("groups and filters by tags and labels", async () => {
    await post("tags", "a", minute(1), { "tallywire-tags": "site=fra,role=web" });
    await post("tags", "b", minute(10, { net: 1 }), { "tallywire-tags": "role=web,site=ams" });
    await runDurableObjectAlarm(hubOf("tags"));
    await post("tags", "c", minute(100, { net: 2 }), { "tallywire-tags": "site=ams,role=db" });
    const rows = async (search: string) => timeless((await ask("tags", `${REQUESTS}&${search}`)).data);
    expect(await rows("by=site")).toEqual([
      { site: "ams", value: 110 },
      { site: "fra", value: 1 },
    ]);
    expect(await rows("where.role=web")).toEqual([{ value: 11 }]);
    expect(await rows("where.site=!fra&where.status=error")).toEqual([{ value: 11 }]);
    expect(await rows("where.site=fra&where.site=ams&where.role=db")).toEqual([{ value: 100 }]);
    expect(await rows("where.site=oslo")).toEqual([]);
    expect(await rows("by=site,status&where.role=web")).toEqual([
      { site: "ams", status: "ok", value: 9 },
      { site: "ams", status: "error", value: 1 },
      { site: "fra", status: "error", value: 1 },
    ]);
  });

  it("answers every operation", async () => {
    await post("ops", "a", minute(200));
    await runDurableObjectAlarm(hubOf("ops"));
    await post("ops", "b", minute(200, { net: 1 }));
    const rows = async (search: string) => timeless((await ask("ops", search, `from=${MINUTE}&to=${MINUTE + 60}`)).data);
    expect(await rows("metric=dns_requests_total&op=rate")).toEqual([{ value: 400 / 60 }]);
    const [clients] = await rows("metric=dns_clients&op=distinct");
    expect(Math.abs(Number(clients?.value) - 400)).toBeLessThan(20);
    expect(Number(clients?.lower)).toBeLessThanOrEqual(400);
    expect(Number(clients?.upper)).toBeGreaterThanOrEqual(400);
    const top = await rows("metric=dns_top_names&op=top&n=3");
    expect(top).toHaveLength(3);
    expect(top[0]).toMatchObject({ lower: 10, value: 10, upper: 10, total: 400 });
    const one = await rows("metric=dns_top_names&op=top&key=host7.example.com");
    expect(one).toEqual([{ key: "host7.example.com", lower: 10, value: 10, upper: 10, total: 400 }]);
    expect(await rows("metric=dns_top_names&op=top&key=nobody.example.com")).toMatchObject([{ lower: 0, upper: 0 }]);
    const quantiles = await rows("metric=dns_duration_seconds&op=quantile&q=0.5,1");
    expect(quantiles).toMatchObject([
      { q: 0.5, count: 400 },
      { q: 1, count: 400 },
    ]);
    expect(Number(quantiles[0]?.value)).toBeCloseTo(0.01, 3);
    const buckets = await rows("metric=dns_duration_seconds&op=histogram");
    expect(buckets.reduce((sum, bucket) => sum + Number(bucket.count), 0)).toBe(400);
    expect(await rows("metric=dns_transactions_per_second&op=rate&q=0.5")).toMatchObject([
      { value: 400 / 60, p50: expect.any(Number) },
    ]);
  });

  it("cuts a window into steps", async () => {
    for (const [index, at] of [MINUTE - 300, MINUTE - 240, MINUTE].entries()) {
      await post("steps", "a", minute(index + 1, { at }));
    }
    const { data } = await ask("steps", `${REQUESTS}&step=2m`, `from=${MINUTE - 300}&to=${MINUTE + 60}`);
    const time = (seconds: number) => new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
    expect(data).toEqual([
      { time: time(MINUTE - 300), value: 3 },
      { time: time(MINUTE - 60), value: 3 },
    ]);
  });

  it("writes many bundles as one row", async () => {
    const bundle = minute(2);
    await Promise.all(Array.from({ length: 30 }, (_, index) => post("group", `e${index}`, bundle)));
    const rows = await runInDurableObject(
      hubOf("group"),
      (_, state) => [...state.storage.sql.exec("SELECT id FROM batches")].length,
    );
    expect(rows).toBeLessThanOrEqual(3);
  });

  it("acknowledges nothing that it could not write, and counts it once when it comes again", async () => {
    const bundle = minute(4);
    await post("full", "a", minute(1, { at: MINUTE - 60 }));
    await runInDurableObject(hubOf("full"), (_, { storage }) => {
      Object.assign(storage, {
        transactionSync: () => {
          throw new Error("database or disk is full");
        },
      });
    });
    const told = await Promise.all([post("full", "a", bundle), post("full", "a", bundle), post("full", "b", bundle)]);
    expect(told).toMatchObject(told.map(() => ({ status: 503, error: "not_stored" })));
    expect(timeless((await ask("full", REQUESTS)).data)).toEqual([{ value: 1 }]);
    await runInDurableObject(hubOf("full"), (_, { storage }) => {
      Reflect.deleteProperty(storage, "transactionSync");
    });
    expect(await post("full", "a", bundle)).toMatchObject({ stored: true });
    expect(await post("full", "b", bundle)).toMatchObject({ stored: true });
    await abortAllDurableObjects();
    expect(await post("full", "b", bundle)).toMatchObject({ stored: false });
    expect(timeless((await ask("full", REQUESTS)).data)).toEqual([{ value: 9 }]);
  });

  it("knows which edges are missing", async () => {
    await post("gone", "a", minute(1, { at: MINUTE - 120 }));
    await post("gone", "b", minute(1, { at: MINUTE - 120 }));
    await post("gone", "a", minute(1, { at: MINUTE - 60 }));
    const { meta } = await ask("gone", REQUESTS, `from=-15m&to=${MINUTE}`);
    expect(meta).toMatchObject({ complete: false, missing_edges: ["b"], missing_edges_count: 1 });
  });

  it("reports how edges are doing", async () => {
    const fra = { "tallywire-tags": "site=fra" };
    await post("health", "a", minute(1, { at: MINUTE - 540 }), fra);
    await post("health", "a", withSequence(minute(2, { at: MINUTE - 540 }), 1), fra);
    await post("health", "a", minute(1, { at: MINUTE - 420 }), fra);
    await runDurableObjectAlarm(hubOf("health"));
    await abortAllDurableObjects();
    const headers = {
      "tallywire-tags": "site=ams",
      "tallywire-clock": String(Date.now() / 1000 + 30),
      "user-agent": "tallywire/0.1.0",
    };
    await post("health", "a", minute(1, { at: MINUTE - 240, boot: 2n }), headers);
    const { data: edges } = await get<{ data: Record<string, unknown>[] }>("health", "/v1/edges");
    const figures = { edge: "a", tags: { site: "ams" }, bundles: 4, lost_minutes: 1, down_minutes: 2, starts: 2 };
    expect(edges).toMatchObject([{ ...figures, version: "tallywire/0.1.0" }]);
    expect(Number(edges[0]?.skew_seconds)).toBeCloseTo(30, 0);
    const { data: tags } = await get<{ data: unknown }>("health", "/v1/tags");
    expect(tags).toEqual({
      site: [
        { value: "ams", edges: 1 },
        { value: "fra", edges: 0 },
      ],
    });
  });
});

describe("how edges are doing", () => {
  /** Expires, as an alarm does after it has sealed: by then more may have come. */
  const expire = (tenant: string) => runInDurableObject(hubOf(tenant), (hub) => (hub as unknown as { expire(): void }).expire());
  const bundlesOf = async (tenant: string) => {
    const { data } = await get<{ data: { bundles: number; starts: number }[] }>(tenant, "/v1/edges");
    return data.map(({ bundles, starts }) => [bundles, starts]);
  };

  it("counts what was not sealed once, though an expiry came between it and a crash", async () => {
    await post("expiry", "a", minute(5));
    await runDurableObjectAlarm(hubOf("expiry"));
    await post("expiry", "a", withSequence(minute(5), 1));
    await expire("expiry");
    expect(await bundlesOf("expiry")).toEqual([[2, 1]]);
    await abortAllDurableObjects();
    expect(await bundlesOf("expiry")).toEqual([[2, 1]]);
  });

  it("and though a start was forgotten by it", async () => {
    await post("forgotten", "a", minute(5, { boot: 3n }));
    await runDurableObjectAlarm(hubOf("forgotten"));
    const old = MINUTE - 60 * 60 * 60;
    await runInDurableObject(hubOf("forgotten"), (_, { storage }) => {
      const states = storage.sql.exec<{ data: string }>("SELECT data FROM edge_states").one().data;
      storage.sql.exec("UPDATE edge_states SET data = ?", states.replaceAll(String(MINUTE), String(old)));
    });
    await abortAllDurableObjects();
    await post("forgotten", "a", minute(5, { boot: 4n }));
    expect(await bundlesOf("forgotten")).toEqual([[2, 2]]);
    await expire("forgotten");
    expect(await bundlesOf("forgotten")).toEqual([[2, 1]]);
    await abortAllDurableObjects();
    expect(await bundlesOf("forgotten")).toEqual([[2, 1]]);
    expect(timeless((await ask("forgotten", REQUESTS)).data)).toEqual([{ value: 10 }]);
  });
});

describe("bundles that do not merge", () => {
  it("are set apart and counted; the rest answers, and is sealed", async () => {
    const bundle = minute(20);
    await post("forged", "a", bundle);
    const forged = withTop(bundle, 2n ** 62n - 2n ** 40n);
    const place = { level: 0, start: MINUTE, group: 0 };
    await runInDurableObject(hubOf("forged"), (_, { storage }) => {
      place.group = Number(storage.sql.exec("SELECT id FROM groups").one().id);
      writeTile(storage.sql, place, [forged, forged, forged], 1);
    });
    const [section] = readSections(forged).sections;
    const { data: metrics } = await get<{ data: { id: number; name: string }[] }>("forged", "/v1/metrics");
    const top = `metric=${metrics.find(({ id }) => id === section!.metric)!.name}&op=sum`;
    const check = async (setApart: number) => {
      const { data, meta } = await ask("forged", top);
      expect(Number(data[0]!.value)).toBeGreaterThanOrEqual(2 ** 62 - 2 ** 40);
      expect(meta).toMatchObject({ set_apart: setApart, complete: false });
      const requests = await ask("forged", REQUESTS);
      expect([timeless(requests.data), requests.meta.set_apart, requests.meta.complete]).toEqual([[{ value: 20 }], 0, true]);
    };
    await check(2);
    expect(await runDurableObjectAlarm(hubOf("forged"))).toBe(true);
    // The last of them was sealed together with the good one.
    await check(3);
    await post("forged", "a", withSequence(bundle, 1));
    expect(timeless((await ask("forged", REQUESTS)).data)).toEqual([{ value: 40 }]);
  });
});
