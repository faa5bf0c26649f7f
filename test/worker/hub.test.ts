import { abortAllDurableObjects, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { deriveKey, importMaster } from "../../engine/keys";
import { useCore } from "../../worker/core";
import { type DoubleBundle, DoubleCore, encode } from "./support/double";

const MASTER = "a master key that is for tests only";
const MINUTE = Math.floor(Date.now() / 60_000) * 60 - 120;

beforeAll(() => useCore(new DoubleCore()));

async function keyOf(tenant: string, edge: string): Promise<string> {
  return deriveKey(await importMaster(MASTER), { kind: edge === "" ? "read" : "write", tenant, edge });
}

async function post(tenant: string, edge: string, bundle: Partial<DoubleBundle>, tags = "") {
  const body = encode({ minute: MINUTE, sequence: 1, boot: "00", counts: { in: 1 }, clients: [edge], ...bundle });
  const authorization = `Bearer ${await keyOf(tenant, edge)}`;
  const headers: Record<string, string> = { authorization, ...(tags === "" ? {} : { "tallywire-tags": tags }) };
  const response = await exports.default.fetch("http://hub/v1/ingest", { method: "POST", body, headers });
  return { status: response.status, ...(await response.json<Record<string, unknown>>()) };
}

async function ask(tenant: string, query: string) {
  const headers = { authorization: `Bearer ${await keyOf(tenant, "")}` };
  const response = await exports.default.fetch(`http://hub/v1/query?${query}`, { headers });
  // biome-ignore lint/suspicious/noExplicitAny: the shape is what is tested
  return { status: response.status, ...(await response.json<any>()) };
}

const hubOf = (tenant: string) => env.HUB.getByName(`${tenant}/root/1/0`);

describe("the hub's object", () => {
  it("keeps a bundle once and shows it at once", async () => {
    expect(await post("once", "a", { counts: { in: 5 } })).toMatchObject({ status: "stored" });
    expect(await post("once", "a", { counts: { in: 5 } })).toMatchObject({ status: "duplicate" });
    const { data, meta } = await ask("once", `metric=net_packets_total&op=sum&from=${MINUTE}&to=${MINUTE + 60}`);
    expect(data).toEqual([{ time: new Date(MINUTE * 1000).toISOString().replace(".000", ""), value: 5 }]);
    expect(meta).toMatchObject({ complete: true, resolution: 60, missing_edges: [] });
  });

  it("counts the same before and after the seal, an abort, and a late bundle", async () => {
    const query = `metric=net_packets_total&op=sum&from=-10m`;
    for (let sequence = 0; sequence < 20; sequence += 1) await post("seal", `e${sequence % 4}`, { sequence, counts: { in: 1 } });
    expect((await ask("seal", query)).data[0].value).toBe(20);
    await abortAllDurableObjects();
    const before = await ask("seal", query);
    expect(before.data[0].value).toBe(20);
    expect(await runDurableObjectAlarm(hubOf("seal"))).toBe(true);
    const sealed = await ask("seal", query);
    expect(sealed.data[0].value).toBe(20);
    expect(await post("seal", "e1", { sequence: 1 })).toMatchObject({ status: "duplicate" });
    await post("seal", "e1", { sequence: 100, counts: { out: 3 } });
    const late = await ask("seal", query);
    expect(late.data[0].value).toBe(23);
    await abortAllDurableObjects();
    await runDurableObjectAlarm(hubOf("seal"));
    const again = await ask("seal", query);
    expect(again.data[0].value).toBe(23);
    expect(again.meta.revision).toBeGreaterThan(sealed.meta.revision);
  });

  it("groups and filters by tags and labels", async () => {
    await post("tags", "a", { counts: { in: 1, out: 2 } }, "site=fra,role=web");
    await post("tags", "b", { counts: { in: 10, out: 20 } }, "site=ams,role=web");
    await runDurableObjectAlarm(hubOf("tags"));
    await post("tags", "c", { counts: { in: 100, out: 200 } }, "site=ams,role=db");
    const window = `metric=net_packets_total&op=sum&from=${MINUTE}&to=${MINUTE + 60}`;
    const values = async (query: string) =>
      (await ask("tags", `${window}&${query}`)).data.map(({ time: _, ...row }: Record<string, unknown>) => row);
    expect(await values("by=site")).toEqual([
      { site: "ams", value: 330 },
      { site: "fra", value: 3 },
    ]);
    expect(await values("where.role=web&by=direction")).toEqual([
      { direction: "in", value: 11 },
      { direction: "out", value: 22 },
    ]);
    expect(await values("where.site=!fra&where.direction=out")).toEqual([{ value: 220 }]);
    expect(await values("where.site=fra&where.site=ams&where.role=db")).toEqual([{ value: 300 }]);
  });

  it("writes many bundles as one row", async () => {
    await Promise.all(Array.from({ length: 30 }, (_, index) => post("group", `e${index}`, {})));
    const rows = await runInDurableObject(
      hubOf("group"),
      (_, state) => [...state.storage.sql.exec("SELECT id FROM batches")].length,
    );
    expect(rows).toBeLessThanOrEqual(3);
  });

  it("knows which edges are missing", async () => {
    await post("gone", "a", { minute: MINUTE - 120 });
    await post("gone", "b", { minute: MINUTE - 120 });
    await post("gone", "a", { minute: MINUTE - 60, sequence: 2 });
    const { meta } = await ask("gone", `metric=net_clients&op=distinct&from=-15m&to=${MINUTE}`);
    expect(meta).toMatchObject({ complete: false, missing_edges: ["b"], missing_edges_count: 1 });
  });

  it("reports how edges are doing", async () => {
    await post("health", "a", { minute: MINUTE - 600, sequence: 0 }, "site=fra");
    await post("health", "a", { minute: MINUTE - 600, sequence: 1 }, "site=fra");
    await post("health", "a", { minute: MINUTE - 480, sequence: 0 }, "site=fra");
    await runDurableObjectAlarm(hubOf("health"));
    await abortAllDurableObjects();
    await post("health", "a", { minute: MINUTE - 300, sequence: 0, boot: "01" }, "site=ams");
    const headers = { authorization: `Bearer ${await keyOf("health", "")}` };
    const listed = async (what: string) =>
      (await exports.default.fetch(`http://hub/v1/${what}`, { headers })).json<{ data: unknown }>();
    const figures = {
      edge: "a",
      tags: { site: "ams" },
      bundles: 4,
      lost_minutes: 1,
      down_minutes: 2,
      starts: 2,
      skew_seconds: null,
    };
    expect((await listed("edges")).data).toMatchObject([figures]);
    expect((await listed("tags")).data).toEqual({
      site: [
        { value: "ams", edges: 1 },
        { value: "fra", edges: 0 },
      ],
    });
  });
});
