/** What a refused bundle leaves in the registry: nothing, as numbers are given for good. */
import { runInDurableObject } from "cloudflare:test";
import { expect, it } from "vitest";
import { MINUTE_BUNDLES_MAX } from "../../worker/limits";
import type { Minutes } from "../../worker/object/minutes";
import type { Registry } from "../../worker/object/registry";
import { sealMinute, withTop } from "../support/edge-minute";
import { hubOf, MINUTE, post } from "./support/client";

interface Insides {
  registry: Registry;
  minutes: Minutes;
}

const bundleOf = (boot: number, minute = MINUTE) =>
  sealMinute({ minute, boot: BigInt(boot), exchanges: [{ client: "10.0.0.1", name: "a.example.com" }] });
const inside = <Result>(tenant: string, work: (insides: Insides) => Result) =>
  runInDurableObject(hubOf(tenant), (instance) => work(instance as unknown as Insides));
const numbers = (tenant: string) =>
  inside(tenant, ({ registry: { edges, groups, sources } }) => [edges.size, groups.size, sources.size]);

it("is nothing, whatever they are refused for", async () => {
  const tenant = "left-behind";
  for (let edge = 0; edge < 10; edge += 1) {
    const good = bundleOf(edge + 1);
    for (const [body, tags] of [
      [good.subarray(1), ""],
      [withTop(good, 2n ** 44n + 1n), ""],
      [bundleOf(edge + 1, MINUTE - 7 * 86_400), ""],
      [bundleOf(edge + 1, MINUTE + 86_400), ""],
      [good, "site"],
    ] as const) {
      expect((await post(tenant, `edge-${edge}`, body, { "tallywire-tags": tags })).status).toBeGreaterThanOrEqual(400);
    }
  }
  expect(await numbers(tenant)).toEqual([0, 0, 0]);
});

it("is nothing where their minute is full, and a duplicate is one still", async () => {
  const tenant = "full-minute";
  expect(await post(tenant, "edge", bundleOf(1))).toMatchObject({ stored: true });
  await inside(tenant, ({ minutes }) => {
    const keys = minutes.keys(MINUTE);
    for (let key = 1; keys.size < MINUTE_BUNDLES_MAX; key += 1) keys.add(1e9 + key);
  });
  for (let edge = 0; edge < 20; edge += 1) {
    const told = await post(tenant, `edge-${edge}`, bundleOf(edge + 2), { "tallywire-tags": `site=${edge}` });
    expect(told).toMatchObject({ status: 429, error: "too_many_bundles" });
  }
  expect(await numbers(tenant)).toEqual([1, 1, 1]);
  expect(await post(tenant, "edge", bundleOf(1))).toMatchObject({ stored: false });
});
