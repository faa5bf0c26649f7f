/** What a refused bundle leaves: nothing, in no table, nor in the registry, as numbers are given for good. */
import { abortAllDurableObjects, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { exports } from "cloudflare:workers";
import { expect, it } from "vitest";
import { importSigner, sign } from "../../engine/signature";
import { allowanceOf } from "../../worker/allowance";
import type { Environment } from "../../worker/environment";
import { BOOTS_PER_EDGE_MAX, GROUPS_MAX, MINUTE_BUNDLES_MAX, PENDING_BYTES_MAX } from "../../worker/limits";
import type { Minutes } from "../../worker/object/minutes";
import { Paces } from "../../worker/object/pace";
import type { Registry } from "../../worker/object/registry";
import { sealMinute, withSequence, withTop } from "../support/edge-minute";
import { ask, bearer, hubOf, MINUTE, post, writeKey } from "./support/client";

interface Insides {
  registry: Registry;
  minutes: Minutes;
  paces: Paces;
  pendingBytes: number;
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

const usual = allowanceOf({} as Environment);

/** Ways to be refused: what is done to the object first, what is posted then, and the code that it gets. */
const REFUSALS: readonly [code: string, prepare: (tenant: string) => unknown, tags?: string, send?: typeof post][] = [
  ["too_fast", (tenant) => inside(tenant, (insides) => setPace(insides, { edgeBundlesPerMinute: 0.001 }))],
  ["too_many_bytes", (tenant) => inside(tenant, (insides) => setPace(insides, { edgeBytesPerMinute: 1 }))],
  ["too_many_edges", (tenant) => inside(tenant, ({ registry }) => allow(registry, { edges: 1 }))],
  ["too_many_tag_names", (tenant) => inside(tenant, ({ registry }) => allow(registry, { tagNames: 1 })), "role=web"],
  ["too_many_tag_values", (tenant) => inside(tenant, ({ registry }) => allow(registry, { tagValues: 1 })), "site=ams"],
  [
    "too_many_groups",
    (tenant) => inside(tenant, ({ registry: { groups } }) => fill(groups as Map<number, unknown>, GROUPS_MAX)),
    "site=ams",
  ],
  ["too_many_starts", (tenant) => inside(tenant, fillStarts)],
  ["behind", (tenant) => inside(tenant, (insides) => (insides.pendingBytes = PENDING_BYTES_MAX + 1))],
  ["backing_up", (tenant) => hubOf(tenant).hold("for a test", "still")],
  [
    "not_stored",
    (tenant) => runInDurableObject(hubOf(tenant), (_, { storage }) => void Object.assign(storage, { transactionSync: fail })),
  ],
  ["revoked_key", (tenant) => revoke(tenant)],
  ["bad_signature", () => null, "site=fra", postSigned],
];

function fail(): never {
  throw new Error("for a test");
}

function setPace(insides: Insides, limits: Partial<typeof usual>): void {
  insides.paces = new Paces({ ...usual, ...limits });
  insides.paces.take("new", 1, Date.now());
}

function allow(registry: Registry, limits: Partial<typeof usual>): void {
  (registry as unknown as { allowance: typeof usual }).allowance = { ...usual, ...limits };
}

/** Pads a map with what stands for others. */
function fill(map: Map<number, unknown>, size: number): void {
  const [first] = map.values();
  for (let key = map.size; key < size; key += 1) map.set(key, first);
}

function fillStarts({ registry }: Insides): void {
  const { sourcesOf } = registry as unknown as { sourcesOf: Map<number, unknown[]> };
  sourcesOf.set(registry.edges.size, Array(BOOTS_PER_EDGE_MAX).fill({ boot: "", policy: "" }));
}

async function revoke(tenant: string): Promise<void> {
  const headers = { authorization: await bearer({ kind: "admin", tenant, edge: "" }) };
  const init = { method: "POST", body: '{"edge":"new"}', headers };
  expect((await exports.default.fetch("http://hub/v1/keys/revoke", init)).status).toBe(200);
}

async function postSigned(tenant: string, edge: string, body: BodyInit, headers: Record<string, string> = {}) {
  const key = (await writeKey(tenant, edge)).replace("Bearer ", "");
  const signature = await sign(await importSigner(key), { clock: "", tags: "", encoding: "" }, new Uint8Array(1));
  return post(tenant, edge, body, { ...headers, "tallywire-signature": signature });
}

/** All tables but those of what is refused and of keys, and but how far back tiles are kept, which the clock moves. */
const tablesOf = (tenant: string) =>
  runInDurableObject(hubOf(tenant), (_, { storage: { sql } }) => {
    const names = sql.exec<{ name: string }>(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '!_%' ESCAPE '!'",
    );
    const kept = names.toArray().filter(({ name }) => !["refusals", "revoked"].includes(name));
    const text = (_key: string, value: unknown) => (value instanceof ArrayBuffer ? [...new Uint8Array(value)].join() : value);
    return kept.flatMap(({ name }) => {
      const rows = sql.exec(`SELECT * FROM ${name}`).toArray();
      return rows.filter((row) => !/^kept_from_/.test(String(row.name))).map((row) => `${name} ${JSON.stringify(row, text)}`);
    });
  });

it.each(REFUSALS)(
  "is nothing where it is refused as %s, before and after a seal and a crash",
  async (code, prepare, tags = "site=fra", send = post) => {
    const tenant = `left-${code.replaceAll("_", "-")}`;
    expect(await post(tenant, "old", bundleOf(1), { "tallywire-tags": "site=fra" })).toMatchObject({ stored: true });
    await runDurableObjectAlarm(hubOf(tenant));
    // An alarm with nothing to do writes what an alarm writes.
    await runDurableObjectAlarm(hubOf(tenant));
    const before = await tablesOf(tenant);
    const known = await numbers(tenant);
    const answer = await ask(tenant, "metric=dns_requests_total&op=sum");
    await prepare(tenant);
    const padded = await numbers(tenant);
    for (let sequence = 0; sequence < 3; sequence += 1) {
      const bundle = withSequence(bundleOf(2), sequence);
      expect(await send(tenant, "new", bundle, { "tallywire-tags": tags })).toMatchObject({ error: code });
    }
    if (code !== "not_stored") expect(await numbers(tenant)).toEqual(padded);
    expect(await tablesOf(tenant)).toEqual(before);
    await abortAllDurableObjects();
    await runDurableObjectAlarm(hubOf(tenant));
    expect(await tablesOf(tenant)).toEqual(before);
    expect(await numbers(tenant)).toEqual(known);
    expect((await ask(tenant, "metric=dns_requests_total&op=sum")).data).toEqual(answer.data);
  },
);
