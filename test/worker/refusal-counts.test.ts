/** What is refused is counted, whoever refused it, and can be asked for. */
import { abortAllDurableObjects, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { REFUSALS_GATHERED_MS, REFUSALS_PER_HOUR_MAX, REFUSALS_SECONDS } from "../../worker/limits";
import { addRefusal, type RefusalCount, Refusals } from "../../worker/object/refusals";
import type { FlatRow } from "../../worker/query/flatten";
import { sealMinute } from "../support/edge-minute";
import { bearer, call, get, hubOf, MINUTE, post, readKey } from "./support/client";

const bundle = sealMinute({ minute: MINUTE, boot: 1n, exchanges: [{ client: "10.0.0.1", name: "a.example" }] });
const gathered = () => new Promise((done) => setTimeout(done, REFUSALS_GATHERED_MS + 200));
const HOUR = 3600;

async function rows(tenant: string, search = ""): Promise<FlatRow[]> {
  return (await get<{ data: FlatRow[] }>(tenant, `/v1/refusals?${search}`)).data;
}

const counted = (of: FlatRow[]) => of.map(({ edge, code, count }) => [edge, code, count]);

describe("refusals", () => {
  it("are counted by edge and code, in the Worker and in the object, before and after a seal and a crash", async () => {
    const hour = Math.floor(Date.now() / 1000 / HOUR) * HOUR;
    await post("counted", "a", "no bundle");
    await post("counted", "a", "no bundle either");
    await post("counted", "a", bundle, { "tallywire-tags": "site" });
    await post("counted", "b", bundle, { "content-encoding": "br" });
    await post("counted", "b", bundle, { "tallywire-clock": "noon" });
    await post("counted", "b", new Uint8Array(600_000));
    expect(await post("counted", "b", bundle)).toMatchObject({ stored: true });
    await gathered();
    const expected = [
      ["a", "bad_tags", 1],
      ["a", "not_a_bundle", 2],
      ["b", "bad_clock", 1],
      ["b", "bad_content_encoding", 1],
      ["b", "body_too_large", 1],
    ];
    const check = async () => expect(counted(await rows("counted", "from=-2h")).sort()).toEqual(expected);
    await check();
    await runDurableObjectAlarm(hubOf("counted"));
    await check();
    await abortAllDurableObjects();
    await check();
    await post("counted", "a", "nor is this");
    expect(counted(await rows("counted", "from=-2h&by=edge"))).toEqual([
      ["a", undefined, 4],
      ["b", undefined, 3],
    ]);
    const [most] = await rows("counted", "by=code");
    expect(most).toMatchObject({ code: "not_a_bundle", count: 3, reason: expect.stringContaining("not a bundle") });
    expect(Date.parse(String(most?.time)) / 1000 - hour).toBeLessThanOrEqual(HOUR);
    expect(await rows("counted", "from=-40h&to=-30h")).toEqual([]);
  });

  it("alone are written by an alarm too, as one row", async () => {
    for (let edge = 0; edge < 20; edge += 1) await post("alone", `e${edge}`, "no bundle");
    const written = async () =>
      runInDurableObject(hubOf("alone"), (_, { storage }) => storage.sql.exec("SELECT hour FROM refusals").toArray().length);
    expect(await written()).toBe(0);
    expect(await runDurableObjectAlarm(hubOf("alone"))).toBe(true);
    expect(await written()).toBe(1);
    await abortAllDurableObjects();
    expect((await rows("alone")).length).toBe(20);
  });

  it("of all shards are gathered", async () => {
    const authorization = await bearer({ kind: "admin", tenant: "shards", edge: "" });
    const body = JSON.stringify({ tag: "site" });
    await exports.default.fetch("http://hub/v1/shards", { method: "PUT", body, headers: { authorization } });
    for (const site of ["fra", "ams"]) {
      expect(await post("shards", "e", bundle, { "tallywire-tags": `site=${site}` })).toMatchObject({ stored: true });
      const stub = env.HUB.getByName(`shards/shard/2/${site}`);
      const count = { edge: "e", code: "too_late", count: 2, reason: "late", lastMs: Date.now() };
      await runInDurableObject(stub, (hub) => (hub as unknown as { noteRefusals(of: object[]): void }).noteRefusals([count]));
    }
    await post("shards", "e", "no bundle", { "tallywire-tags": "site=fra" });
    expect(counted(await rows("shards"))).toEqual([
      ["e", "too_late", 4],
      ["e", "not_a_bundle", 1],
    ]);
  });

  it("of a tenant are shown to no other, and to nobody without a read key", async () => {
    await post("theirs", "a", "no bundle");
    expect(await rows("ours")).toEqual([]);
    expect(await call("/v1/refusals")).toMatchObject({ status: 401 });
  });

  it("come as CSV and NDJSON too", async () => {
    await post("forms", "a", "no bundle");
    const as = async (accept: string) => {
      const headers = { authorization: await readKey("forms"), accept };
      return exports.default.fetch("http://hub/v1/refusals", { headers });
    };
    expect(await (await as("text/csv")).text()).toMatch(
      /^time,edge,code,count,last,reason\r\n[\dTZ:-]+,a,not_a_bundle,1,[\dTZ:-]+,"?the body is not a bundle/,
    );
    expect(JSON.parse(await (await as("application/x-ndjson")).text())).toMatchObject({ edge: "a", count: 1 });
    expect((await as("image/png")).status).toBe(406);
  });

  it.each([
    ["by=site", "by:"],
    ["step=60", "step: is no field"],
    ["from=now&to=-3h", "to: is not after"],
    ["from=noon", "RFC 3339"],
  ])("with %s say what to change", async (search, reason) => {
    const told = await call(`/v1/refusals?${search}`, { headers: { authorization: await readKey("words") } });
    expect([told.status, told.reason]).toEqual([400, expect.stringContaining(reason)]);
  });
});

describe("the refusals of an hour", () => {
  const one = (edge: string, count = 1): RefusalCount => ({ edge, code: "bad", count, reason: "x".repeat(1000), lastMs: 1e12 });

  it("are bounded: the busiest are kept, no count is lost", () => {
    const counts = new Map<string, RefusalCount>();
    let total = 0;
    const add = (of: RefusalCount) => {
      total += of.count;
      addRefusal(counts, of);
    };
    for (let edge = 0; edge < 5_000; edge += 1) {
      add(one(`rare-${edge}`));
      add(one(`often-${edge % 50}`, 3));
    }
    expect(counts.size).toBeLessThanOrEqual(REFUSALS_PER_HOUR_MAX + 1);
    const all = [...counts.values()];
    expect(all.reduce((sum, { count }) => sum + count, 0)).toBe(total);
    expect(all.filter(({ edge }) => edge?.startsWith("often"))).toHaveLength(50);
    expect(all.filter(({ count }) => count === 300)).toHaveLength(50);
    expect(all.find(({ edge }) => edge === null)).toMatchObject({ code: null });
    expect(JSON.stringify(all).length).toBeLessThan(500_000);
  });

  it("go after 48 hours", async () => {
    await post("old", "a", "no bundle");
    await runInDurableObject(hubOf("old"), (_, { storage }) => {
      const refusals = new Refusals(storage.sql);
      const nowMs = Date.now();
      refusals.note({ ...one("a"), lastMs: nowMs - REFUSALS_SECONDS * 1000 - 2 * HOUR * 1000 });
      refusals.note({ ...one("a"), lastMs: nowMs - REFUSALS_SECONDS * 1000 + HOUR * 1000 });
      refusals.save();
      refusals.saved();
      refusals.expire(nowMs / 1000);
      expect(refusals.list(0, nowMs)).toHaveLength(1);
    });
  });
});
