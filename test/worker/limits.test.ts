/** How much a key may send: each limit with its status, a reason that says what to change, and when to come again. */
import { abortAllDurableObjects, runInDurableObject } from "cloudflare:test";
import { exports } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { type Allowance, allowanceOf } from "../../worker/allowance";
import type { Environment } from "../../worker/environment";
import { PACES_MAX, WIRE_BYTES_MAX } from "../../worker/limits";
import { sealPeriodOf } from "../../worker/object/alarm-clock";
import { Paces } from "../../worker/object/pace";
import { sealMinute, withSequence } from "../support/edge-minute";
import { ask, hubOf, MINUTE, post, timeless, writeKey } from "./support/client";

const bundle = sealMinute({ minute: MINUTE, boot: 1n, exchanges: [{ client: "10.0.0.1", name: "a.example" }] });
const allowance: Allowance = allowanceOf({} as Environment);
const REQUESTS = "metric=dns_requests_total&op=sum";

/** Sets limits of one object, as its owner's settings would. */
async function limit(tenant: string, limits: Partial<Allowance>): Promise<void> {
  await runInDurableObject(hubOf(tenant), (hub) => {
    const parts = hub as unknown as { paces: unknown; registry: { allowance: Allowance } };
    parts.paces = new Paces({ ...allowance, ...limits });
    parts.registry.allowance = { ...allowance, ...limits };
  });
}

async function postTold(
  tenant: string,
  body: BodyInit,
  edge = "edge",
): Promise<[number, string | null, { error: string; reason: string }]> {
  const headers = { authorization: await writeKey(tenant, edge) };
  const response = await exports.default.fetch("http://hub/v1/ingest", { method: "POST", body, headers });
  return [response.status, response.headers.get("retry-after"), await response.json()];
}

describe("a pace", () => {
  const paces = (limits: Partial<Allowance>) => new Paces({ ...allowance, ...limits });

  it("lets through a minute's worth at once, and then as much as it says, in the end all", () => {
    const pace = paces({ edgeBundlesPerMinute: 60 });
    const taken: number[] = [];
    let refusals = 0;
    for (let nowMs = 1e12, left = 2_880; left > 0; ) {
      const refused = pace.take("a", 1000, nowMs);
      if (refused === null) {
        left -= 1;
        taken.push(nowMs);
        continue;
      }
      // The wait is the true one: a second less and it is refused again.
      const waitMs = refused.retryAfterSeconds! * 1000;
      expect(pace.take("a", 1000, nowMs + waitMs - 1000)?.status).toBe(429);
      refusals += 1;
      nowMs += waitMs;
    }
    expect(refusals).toBe(2_880 - 60);
    expect((taken.at(-1)! - taken[0]!) / 1000).toBe(2_880 - 60);
    // Never more than the bucket held and what it was filled by meanwhile.
    for (let index = 120; index < taken.length; index += 1) expect(taken[index]! - taken[index - 120]!).toBeGreaterThan(60_000);
  });

  it("counts bytes too, of each edge for itself", () => {
    const pace = paces({ edgeBytesPerMinute: WIRE_BYTES_MAX });
    expect(pace.take("a", WIRE_BYTES_MAX, 0)).toBeNull();
    const wait = pace.take("a", WIRE_BYTES_MAX / 2, 0);
    expect(wait).toMatchObject({ status: 429, code: "too_many_bytes", retryAfterSeconds: 30 });
    expect(wait?.reason).toContain(`edge a posted ${WIRE_BYTES_MAX} bytes`);
    expect(pace.take("b", WIRE_BYTES_MAX, 0)).toBeNull();
    expect(pace.take("a", WIRE_BYTES_MAX / 2, 30_000)).toBeNull();
  });

  it("holds nobody for longer when the clock is put back, and forgets who is quiet", () => {
    const pace = paces({ edgeBundlesPerMinute: 1 });
    expect(pace.take("a", 1, 1e12)).toBeNull();
    expect(pace.take("a", 1, 1e12 - 3_600_000)?.retryAfterSeconds).toBe(60);
    for (let edge = 0; edge < PACES_MAX + 10; edge += 1) pace.take(`e${edge}`, 1, 2e12);
    expect((pace as unknown as { used: Map<string, unknown> }).used.size).toBe(PACES_MAX);
  });
});

describe("a limit", () => {
  it("of bundles a minute is told with the true wait, and a bundle it held back counts once", async () => {
    expect(await post("fast", "edge", bundle)).toMatchObject({ stored: true });
    await limit("fast", { edgeBundlesPerMinute: 30 });
    const told = [];
    for (let sequence = 1; sequence <= 33; sequence += 1) told.push(await postTold("fast", withSequence(bundle, sequence)));
    const [status, retryAfter, { error, reason }] = told.find(([one]) => one !== 200)!;
    expect([status, retryAfter, error]).toEqual([429, expect.stringMatching(/^[12]$/), "too_fast"]);
    expect(reason).toBe(`edge edge posted 30 bundles within a minute, which is as much as it may; post again in ${retryAfter} s`);
    const stored = told.filter(([one]) => one === 200).length;
    expect(stored).toBeLessThan(33);
    expect(timeless((await ask("fast", REQUESTS)).data)).toEqual([{ value: stored + 1 }]);
    // Another edge is not held back; nor is this one by an object that has lost its memory.
    expect(await post("fast", "other", bundle)).toMatchObject({ stored: true });
    await abortAllDurableObjects();
    for (let sequence = 1; sequence <= 33; sequence += 1) await postTold("fast", withSequence(bundle, sequence));
    expect(timeless((await ask("fast", REQUESTS)).data)).toEqual([{ value: 35 }]);
  });

  it("of edges holds for new ones alone", async () => {
    expect(await post("edges", "a", bundle)).toMatchObject({ stored: true });
    await limit("edges", { edges: 1 });
    const [status, retryAfter, { error, reason }] = await postTold("edges", bundle, "b");
    expect([status, retryAfter, error]).toEqual([429, "300", "too_many_edges"]);
    expect(reason).toMatch(/has 1 edges.*raise MAX_EDGES/);
    expect(await post("edges", "a", withSequence(bundle, 1))).toMatchObject({ stored: true });
  });

  it("of a tag's values names the tag, before and after a restart, and leaves nothing", async () => {
    const tags = (host: number) => ({ "tallywire-tags": `site=fra,host=h${host}` });
    for (const host of [1, 2]) expect(await post("values", `e${host}`, bundle, tags(host))).toMatchObject({ stored: true });
    for (const again of [false, true]) {
      if (again) await abortAllDurableObjects();
      await limit("values", { tagValues: 2 });
      const told = await post("values", "e3", bundle, tags(3));
      expect(told).toMatchObject({ status: 422, error: "too_many_tag_values" });
      expect(told.reason).toMatch(/^tag host has 2 values in this hub object, and "h3" would be one more; leave host out of/);
    }
    expect(await post("values", "e1", withSequence(bundle, 1), tags(2))).toMatchObject({ stored: true });
    expect(timeless((await ask("values", `${REQUESTS}&by=host`)).data)).toEqual([
      { host: "h1", value: 1 },
      { host: "h2", value: 2 },
    ]);
  });

  it("of names of tags says which are too many", async () => {
    expect(await post("names", "a", bundle, { "tallywire-tags": "a=1,b=1" })).toMatchObject({ stored: true });
    await limit("names", { tagNames: 3 });
    expect(await post("names", "b", bundle, { "tallywire-tags": "a=1,c=1" })).toMatchObject({ stored: true });
    const told = await post("names", "c", bundle, { "tallywire-tags": "a=1,d=1,e=1" });
    expect(told).toMatchObject({
      status: 422,
      error: "too_many_tag_names",
      reason: expect.stringContaining("d, e would be more than 3"),
    });
  });

  it("is listed in /v1/hello", async () => {
    const { limits } = await (await exports.default.fetch("http://hub/v1/hello")).json<{ limits: unknown }>();
    expect(limits).toMatchObject({
      edge_bundles_per_minute: 300,
      edge_bytes_per_minute: 32 << 20,
      edges: 10_000,
      tag_names: 32,
      tag_values: 500,
      body_bytes: WIRE_BYTES_MAX,
    });
  });
});

describe("a setting", () => {
  const of = (settings: Partial<Environment>) => allowanceOf(settings as Environment);

  it("is as set", () => {
    expect(of({ EDGE_BUNDLES_PER_MINUTE: "5", MAX_TAG_VALUES: "9" })).toEqual({
      ...allowance,
      edgeBundlesPerMinute: 5,
      tagValues: 9,
    });
  });

  it.each([
    [{ EDGE_BUNDLES_PER_MINUTE: "0" }, /EDGE_BUNDLES_PER_MINUTE is "0": set a whole number from 1 to/],
    [{ EDGE_BYTES_PER_MINUTE: "1000" }, new RegExp(`from ${WIRE_BYTES_MAX} to`)],
    [{ MAX_EDGES: "many" }, /MAX_EDGES is "many"/],
    [{ MAX_TAG_VALUES: "" }, /MAX_TAG_VALUES/],
    [{ MAX_TAG_NAMES: "1e9" }, /MAX_TAG_NAMES/],
  ])("%j is refused", (settings, reason) => {
    expect(() => of(settings)).toThrow(reason);
  });

  it.each(["0", "-1", "1.5", "never", "86401"])("a period of %s between seals is refused", (period) => {
    const set = { SEAL_PERIOD_SECONDS: period } as Environment;
    expect(() => sealPeriodOf(set)).toThrow(`SEAL_PERIOD_SECONDS is "${period}": set a whole number from 1 to 86400`);
    expect(sealPeriodOf({} as Environment)).toBe(60);
  });
});
