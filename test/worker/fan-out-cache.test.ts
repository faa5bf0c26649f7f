/** What several objects answer together is read of tiles once, as long as nothing in the window changes; and never once it does. */
import { abortAllDurableObjects, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { beforeEach, expect, it } from "vitest";
import { sealMinute } from "../support/edge-minute";
import { type Answered, bearer, hubOf, MINUTE, post, readKey } from "./support/client";

const SITES = ["fra", "ams"];
const QUESTIONS = [
  "metric=dns_requests_total&op=sum&by=site",
  "metric=dns_requests_total&op=sum&by=site&step=60",
  "metric=dns_clients&op=distinct&by=site",
  "metric=dns_top_names&op=top&n=5&where.site=!oslo",
  "metric=dns_duration_seconds&op=quantile&q=0.5,0.99&by=site",
];
const WINDOW = `from=${MINUTE - 600}&to=${MINUTE + 60}`;
const TILE_READ = /SELECT data FROM tiles/;
let boots = 0n;

const shard = (tenant: string, site: string) => env.HUB.getByName(`${tenant}/shard/2/${site}`);
const objectsOf = (tenant: string) => [hubOf(tenant), ...SITES.map((site) => shard(tenant, site))];
const admin = async (tenant: string) => ({ authorization: await bearer({ kind: "admin", tenant, edge: "" }) });

async function send(tenant: string, site: string, minute: number, requests: number): Promise<void> {
  boots += 1n;
  const exchanges = Array.from({ length: requests }, (_, index) => ({
    client: `10.${boots}.0.${index}`,
    name: `host${index}.example`,
  }));
  const told = await post(tenant, `edge-${site}`, sealMinute({ minute, boot: boots, exchanges }), {
    "tallywire-tags": `site=${site}`,
  });
  expect(told.stored).toBe(true);
}

async function seal(tenant: string): Promise<void> {
  for (const site of SITES) await runDurableObjectAlarm(shard(tenant, site));
  await runDurableObjectAlarm(hubOf(tenant));
}

/** Lets objects count from now on how often they read tiles; gives what tells the counts of root and shards, and begins anew. */
async function watchTiles(tenant: string): Promise<() => number[]> {
  const counts = [0, 0, 0];
  for (const [index, stub] of objectsOf(tenant).entries()) {
    await runInDurableObject(stub, (hub) => {
      const object = hub as unknown as { sql: SqlStorage };
      const { sql } = object;
      const exec: SqlStorage["exec"] = (query, ...values) => {
        if (TILE_READ.test(query)) counts[index]! += 1;
        return sql.exec(query, ...values);
      };
      object.sql = new Proxy(sql, { get: (target, name) => (name === "exec" ? exec : Reflect.get(target, name)) });
    });
  }
  return () => counts.splice(0, counts.length, 0, 0, 0);
}

interface Said {
  text: string;
  etag: string;
}

async function ask(tenant: string, question: string, headers: Record<string, string> = {}) {
  const authorization = await readKey(tenant);
  return exports.default.fetch(`http://hub/v1/query?${WINDOW}&${question}`, { headers: { authorization, ...headers } });
}

async function askAll(tenant: string): Promise<Said[]> {
  const said: Said[] = [];
  for (const question of QUESTIONS) {
    const response = await ask(tenant, question);
    expect(response.status).toBe(200);
    said.push({ text: await response.text(), etag: response.headers.get("etag")! });
  }
  return said;
}

/** Sums by site. */
async function sums(tenant: string): Promise<Record<string, unknown>> {
  const { data } = await (await ask(tenant, QUESTIONS[0]!)).json<Answered>();
  return Object.fromEntries(data.map(({ site, value }) => [site, value]));
}

let tenant: string;
beforeEach(async () => {
  boots += 1n;
  tenant = `cached-${boots}`;
  const init = { method: "PUT", body: '{"tag":"site"}', headers: await admin(tenant) };
  await exports.default.fetch("http://hub/v1/shards", init);
  for (const [index, site] of SITES.entries())
    for (const age of [2, 1]) await send(tenant, site, MINUTE - age * 60, 5 + index + age);
  await seal(tenant);
});

it("a repeated question reads no tile, and is not sent again to who has the answer", async () => {
  const reads = await watchTiles(tenant);
  const first = await askAll(tenant);
  const counts = reads();
  expect(counts[1]).toBeGreaterThan(0);
  expect(counts[2]).toBeGreaterThan(0);
  expect(await askAll(tenant)).toEqual(first);
  expect(reads()).toEqual([0, 0, 0]);
  for (const [index, question] of QUESTIONS.entries()) {
    const response = await ask(tenant, question, { "if-none-match": first[index]!.etag });
    expect([response.status, await response.text()]).toEqual([304, ""]);
  }
  expect(reads()).toEqual([0, 0, 0]);
});

it("late data is in the next answer, before it is sealed and after, and only its shard reads tiles", async () => {
  const before = await askAll(tenant);
  const reads = await watchTiles(tenant);
  await send(tenant, "ams", MINUTE - 120, 100);
  expect(await sums(tenant)).toEqual({ fra: 13, ams: 115 });
  expect(reads()[1]).toBe(0);
  for (const [index, said] of (await askAll(tenant)).entries()) expect(said.etag).not.toBe(before[index]!.etag);
  await seal(tenant);
  reads();
  expect(await sums(tenant)).toEqual({ fra: 13, ams: 115 });
  expect(reads()).toEqual([0, 0, expect.any(Number)]);
  const after = await askAll(tenant);
  reads();
  expect(await askAll(tenant)).toEqual(after);
  expect(reads()).toEqual([0, 0, 0]);
  // Of another minute than any before.
  await send(tenant, "fra", MINUTE - 300, 1000);
  await seal(tenant);
  expect(await sums(tenant)).toEqual({ fra: 1013, ams: 115 });
  await abortAllDurableObjects();
  expect(await sums(tenant)).toEqual({ fra: 1013, ams: 115 });
});

it("what is recut, released and kept apart is in the next answer", async () => {
  const order = async (action: string) => {
    const init = { method: "POST", headers: await admin(tenant) };
    expect((await exports.default.fetch(`http://hub/v1/edges/edge-fra/${action}`, init)).status).toBe(200);
  };
  const before = await askAll(tenant);
  expect(await sums(tenant)).toEqual({ fra: 13, ams: 15 });
  await order("quarantine");
  await order("recut");
  expect(await sums(tenant)).toEqual({ ams: 15 });
  const reads = await watchTiles(tenant);
  const without = await askAll(tenant);
  expect(without.every(({ etag }, index) => etag !== before[index]!.etag)).toBe(true);
  reads();
  expect(await askAll(tenant)).toEqual(without);
  expect(reads()).toEqual([0, 0, 0]);
  await order("release");
  expect(await sums(tenant)).toEqual({ fra: 13, ams: 15 });
  await seal(tenant);
  expect(await sums(tenant)).toEqual({ fra: 13, ams: 15 });
});

it("readers of some edges have their own answers", async () => {
  await askAll(tenant);
  const where = [{ tag: "site", values: ["ams"], negated: false }];
  const authorization = await bearer({ kind: "read", tenant, edge: "", where });
  const seen = async () => (await ask(tenant, QUESTIONS[0]!, { authorization })).json<Answered>();
  const first = await seen();
  expect(first.data.map(({ site, value }) => [site, value])).toEqual([["ams", 15]]);
  const reads = await watchTiles(tenant);
  expect(await seen()).toEqual(first);
  expect(reads()).toEqual([0, 0, 0]);
  expect(await sums(tenant)).toEqual({ fra: 13, ams: 15 });
});
