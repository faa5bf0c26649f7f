/** What one edge posted: kept for two hours beside the tiles, asked for by its name. */
import { abortAllDurableObjects, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { EDGE_MINUTES_SECONDS } from "../../worker/limits";
import { expireBatches } from "../../worker/object/batches";
import { keptWholeFrom } from "../../worker/object/kept";
import { readNumber } from "../../worker/object/schema";
import { formatTime } from "../../worker/time";
import { mergeDirectly, sealMinute } from "../support/edge-minute";
import { ask, bearer, call, hubOf, MINUTE, post, readKey, timeless } from "./support/client";

const REQUESTS = "metric=dns_requests_total&op=sum";
let boots = 0n;

function minuteOf(at: number, requests: number, name = "a.example"): Uint8Array<ArrayBuffer> {
  boots += 1n;
  const exchanges = Array.from({ length: requests }, (_, index) => ({ client: `10.0.0.${index}`, name: `${index % 3}.${name}` }));
  return sealMinute({ minute: at, boot: boots, exchanges });
}

const send = (tenant: string, edge: string, bundle: Uint8Array<ArrayBuffer>, tags = "site=fra") =>
  post(tenant, edge, bundle, { "tallywire-tags": tags });

async function sketchOf(tenant: string, search: string): Promise<Uint8Array> {
  const headers = { authorization: await readKey(tenant) };
  const window = `from=${MINUTE - 600}&to=${MINUTE + 60}`;
  const response = await exports.default.fetch(`http://hub/v1/sketch?${window}&${search}`, { headers });
  if (!response.ok) throw new Error(await response.text());
  return new Uint8Array(await response.arrayBuffer());
}

async function isRefused(tenant: string, search: string) {
  return call(`/v1/query?${REQUESTS}&${search}`, { headers: { authorization: await readKey(tenant) } });
}

describe("one edge", () => {
  it("is answered from what it posted, sealed or not, also after a crash", async () => {
    const tenant = "one-edge";
    const own = [minuteOf(MINUTE - 120, 5), minuteOf(MINUTE - 60, 7), minuteOf(MINUTE, 9)];
    await send(tenant, "a", own[0]!);
    await send(tenant, "b", minuteOf(MINUTE - 120, 11));
    await runDurableObjectAlarm(hubOf(tenant));
    await send(tenant, "a", own[1]!);
    await runDurableObjectAlarm(hubOf(tenant));
    await send(tenant, "a", own[2]!, "site=ams");
    await send(tenant, "b", minuteOf(MINUTE, 13));
    const check = async () => {
      const { data, meta } = await ask(tenant, `${REQUESTS}&edge=a`);
      expect(timeless(data)).toEqual([{ value: 21 }]);
      expect(meta).toMatchObject({ edge: "a", edge_minutes_from: null, complete: true, missing_edges: [], resolution: 60 });
      expect(timeless((await ask(tenant, `${REQUESTS}&edge=a&step=60`)).data)).toEqual([
        { value: 5 },
        { value: 7 },
        { value: 9 },
      ]);
      const bySite = timeless((await ask(tenant, `${REQUESTS}&edge=a&by=site`)).data);
      expect(bySite.sort((x, y) => Number(x.value) - Number(y.value))).toEqual([
        { site: "ams", value: 9 },
        { site: "fra", value: 12 },
      ]);
      expect(timeless((await ask(tenant, `${REQUESTS}&edge=a&where.site=fra`)).data)).toEqual([{ value: 12 }]);
      expect(timeless((await ask(tenant, "metric=dns_top_names&op=top&key=0.a.example&edge=a")).data)).toMatchObject([
        { value: 2 + 3 + 3, total: 21 },
      ]);
      expect(await sketchOf(tenant, "edge=a")).toEqual(mergeDirectly(own));
      expect(timeless((await ask(tenant, REQUESTS)).data)).toEqual([{ value: 45 }]);
    };
    await check();
    await abortAllDurableObjects();
    await check();
    await runDurableObjectAlarm(hubOf(tenant));
    await check();
    expect((await ask(tenant, `${REQUESTS}&edge=b`)).meta).toMatchObject({ complete: false, missing_edges: ["b"] });
  });

  it("that never posted, or is a shard, is unknown", async () => {
    await send("nobody", "a", minuteOf(MINUTE, 1));
    expect(await isRefused("nobody", "edge=c")).toMatchObject({ status: 404, error: "unknown_edge" });
    expect(await isRefused("nobody", "edge=__proto__")).toMatchObject({ status: 404, error: "unknown_edge" });
    expect(await isRefused("nobody", "edge=")).toMatchObject({ status: 400, error: "bad_query" });
  });

  it("is refused where the window begins before what is kept", async () => {
    const tenant = "kept-edge";
    const bundles = [minuteOf(MINUTE - 120, 5), minuteOf(MINUTE - 60, 7)];
    await send(tenant, "a", bundles[0]!);
    await runDurableObjectAlarm(hubOf(tenant));
    // As if the first batch had come so early that it is just too old.
    const keptFrom = await runInDurableObject(hubOf(tenant), (_, { storage }) => {
      const sql = storage.sql;
      sql.exec("UPDATE batches SET received_ms = ?", (MINUTE - 300) * 1000);
      expireBatches(sql, readNumber(sql, "sealed"), (MINUTE - 300 + EDGE_MINUTES_SECONDS + 301) * 1000, new Set());
      return keptWholeFrom(sql);
    });
    expect(keptFrom).toBe(MINUTE - 120);
    await send(tenant, "a", bundles[1]!);
    await runDurableObjectAlarm(hubOf(tenant));
    const told = await isRefused(tenant, `edge=a&from=${MINUTE - 180}&to=${MINUTE + 60}`);
    expect(told).toMatchObject({ status: 422, error: "edge_minutes_gone" });
    expect(told.reason).toContain(`from ${formatTime(keptFrom)} on`);
    const { data, meta } = await ask(tenant, `${REQUESTS}&edge=a`, `from=${keptFrom}&to=${MINUTE + 60}`);
    // The minute of the batch that is gone ends before the bound by what the clock allows, in truth: only its time was moved.
    expect(timeless(data)).toEqual([{ value: 7 }]);
    expect(meta.edge_minutes_from).toBe(formatTime(keptFrom));
    expect(timeless((await ask(tenant, REQUESTS)).data)).toEqual([{ value: 12 }]);
  });

  it("of a tree is found in its shards, in each that it posted to", async () => {
    const tenant = "edge-tree";
    const admin = { authorization: await bearer({ kind: "admin", tenant, edge: "" }) };
    expect(await call("/v1/shards", { method: "PUT", body: '{"tag":"site"}', headers: admin })).toMatchObject({ status: 200 });
    await send(tenant, "a", minuteOf(MINUTE - 60, 3));
    await send(tenant, "b", minuteOf(MINUTE - 60, 4));
    await send(tenant, "c", minuteOf(MINUTE - 60, 100), "site=ams");
    for (const site of ["fra", "ams"]) await runDurableObjectAlarm(env.HUB.getByName(`${tenant}/shard/2/${site}`));
    await runDurableObjectAlarm(hubOf(tenant));
    const { data, meta } = await ask(tenant, `${REQUESTS}&edge=a`);
    expect(timeless(data)).toEqual([{ value: 3 }]);
    expect(meta).toMatchObject({ edge: "a", missing_edges: ["a"] });
    await send(tenant, "a", minuteOf(MINUTE, 5), "site=ams");
    expect(timeless((await ask(tenant, `${REQUESTS}&edge=a`)).data)).toEqual([{ value: 8 }]);
    expect(timeless((await ask(tenant, `${REQUESTS}&edge=a&step=60&by=site`)).data)).toEqual([
      { site: "fra", value: 3 },
      { site: "ams", value: 5 },
    ]);
    expect(await isRefused(tenant, "edge=nobody")).toMatchObject({ status: 404 });
    expect(await isRefused(tenant, `edge=${encodeURIComponent(`${tenant}/shard/2/fra`)}`)).toMatchObject({ status: 404 });
  });
});
