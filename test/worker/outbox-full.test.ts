/** A root that takes nothing for long: what waits for it in a shard stays within its bound, and what was acknowledged arrives once. */
import { abortAllDurableObjects, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { exports } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { OUTBOX_BYTES_FULL, OUTBOX_BYTES_MAX, OUTBOX_MESSAGES_FULL, OUTBOX_MESSAGES_MAX } from "../../worker/limits";
import { readSections } from "../support/bundle";
import { mergeDirectly } from "../support/edge-minute";
import { ask, bearer, hubOf, MINUTE, readKey, timeless, writeKey } from "./support/client";
import { minuteOf, type Sent, seal, send, shard } from "./support/fleet";

const REQUESTS = "metric=dns_requests_total&op=sum";
const EXACT_KINDS_MAX = 5;
const TOKEN = "the root is away";
const ROUNDS = 40;
const WINDOW = `from=${MINUTE - ROUNDS * 60}&to=${MINUTE + 60}`;

/** What a test reaches into: how much may wait. */
interface Insides {
  upstream: { full: { messages: number; bytes: number } };
}

/** And what it looks at. */
interface Watching {
  lookout: { watch: { watched: Map<string, unknown> } };
  edges: { states: Map<number, { lastSeenMs: number }> };
}

async function administer(tenant: string, path: string, method = "POST", body?: object): Promise<Response> {
  const headers = { authorization: await bearer({ kind: "admin", tenant, edge: "" }) };
  return exports.default.fetch(`http://hub${path}`, { method, headers, ...(body && { body: JSON.stringify(body) }) });
}

/** A tenant with one shard, whose root has some of it. */
async function tenantOf(tenant: string): Promise<Sent> {
  await administer(tenant, "/v1/shards", "PUT", { tag: "site" });
  const first = sentOf("a", 0);
  expect(await send(tenant, first)).toMatchObject({ stored: true });
  await seal(tenant, ["fra"]);
  return first;
}

function sentOf(edge: string, age: number): Sent {
  return { edge, tags: "site=fra,role=web", bundle: minuteOf(MINUTE - age * 60, 60 + age, age % 7) };
}

/** Lets so much wait, and no more. */
async function allow(tenant: string, full: Insides["upstream"]["full"]): Promise<void> {
  await runInDurableObject(shard(tenant, "fra"), (hub) => {
    (hub as unknown as Insides).upstream.full = full;
  });
}

/** The root refuses what comes from shards, for the next half minute. */
const sendAway = (tenant: string) => hubOf(tenant).hold(TOKEN, "deaf");

const waiting = (tenant: string) =>
  runInDurableObject(shard(tenant, "fra"), (_, { storage }) =>
    storage.sql
      .exec<{ messages: number; bytes: number }>(
        "SELECT COUNT(*) AS messages, COALESCE(SUM(length(data) + length(CAST(heads AS BLOB))), 0) AS bytes FROM outbox",
      )
      .one(),
  );

async function exactly(tenant: string, search = ""): Promise<string[]> {
  const headers = { authorization: await readKey(tenant) };
  const response = await exports.default.fetch(`http://hub/v1/sketch?${WINDOW}${search}`, { headers });
  return exactSections(new Uint8Array(await response.arrayBuffer()));
}

function exactSections(bundle: Uint8Array): string[] {
  return readSections(bundle)
    .sections.filter(({ kind }) => kind <= EXACT_KINDS_MAX)
    .map(({ metric, labels, payload }) => `${metric}/${labels.join("/")} ${payload.join()}`);
}

const merged = (sent: readonly Sent[]) => exactSections(mergeDirectly(sent.map(({ bundle }) => bundle)));

describe("a shard whose root takes nothing", () => {
  it("lets no more wait than may, loses nothing that it took, and brings it up once", async () => {
    const tenant = "away";
    const full = { messages: 1_000, bytes: 15_000 };
    const taken = [await tenantOf(tenant)];
    const atRoot = await exactly(tenant);
    const refused: Sent[] = [];
    const sizes: number[] = [];
    await allow(tenant, full);
    for (let age = 1; age < ROUNDS; age += 1) {
      expect(await sendAway(tenant)).toBe(true);
      for (const one of [sentOf("a", age), sentOf("b", age)]) {
        const told = await send(tenant, one);
        (told.stored ? taken : refused).push(one);
        if (!told.stored) expect(told).toMatchObject({ status: 503, error: "outbox_full" });
      }
      await runDurableObjectAlarm(shard(tenant, "fra"));
      sizes.push((await waiting(tenant)).bytes);
    }
    const steps = sizes.map((bytes, index) => bytes - (sizes[index - 1] ?? 0));
    expect(refused.length).toBeGreaterThan(ROUNDS / 2);
    expect(taken.length).toBeGreaterThan(10);
    expect(Math.max(...sizes)).toBeLessThan(full.bytes + Math.max(...steps));
    expect(new Set(sizes.slice(-refused.length / 2)).size).toBe(1);
    // What the shard took is in its answers; the root has what it had.
    expect(await exactly(tenant, "&where.site=fra")).toEqual(merged(taken));
    expect(await exactly(tenant)).toEqual(atRoot);

    await abortAllDurableObjects();
    await sendAway(tenant);
    await allow(tenant, full);
    const [first] = refused as [Sent];
    const headers = { authorization: await writeKey(tenant, first.edge), "tallywire-tags": first.tags };
    const told = await exports.default.fetch("http://hub/v1/ingest", { method: "POST", body: first.bundle, headers });
    expect([told.status, Number(told.headers.get("retry-after"))]).toEqual([503, expect.closeTo(30, -2)]);
    await runDurableObjectAlarm(shard(tenant, "fra"));
    expect((await waiting(tenant)).bytes).toBe(sizes.at(-1));

    expect(await hubOf(tenant).hold(TOKEN, "end")).toBe(true);
    await seal(tenant, ["fra"]);
    expect(await waiting(tenant)).toEqual({ messages: 0, bytes: 0 });
    expect(await exactly(tenant)).toEqual(merged(taken));
    for (const one of taken) expect(await send(tenant, one)).toMatchObject({ stored: false, status: 200 });
    await allow(tenant, { messages: OUTBOX_MESSAGES_FULL, bytes: OUTBOX_BYTES_FULL });
    for (const one of refused) expect(await send(tenant, one)).toMatchObject({ stored: true });
    await seal(tenant, ["fra"]);
    expect(await exactly(tenant)).toEqual(merged([...taken, ...refused]));
    expect(await exactly(tenant, "&where.site=fra")).toEqual(merged([...taken, ...refused]));
  });

  it("counts messages too, however small they are", async () => {
    const tenant = "away-quiet";
    await tenantOf(tenant);
    await allow(tenant, { messages: 3, bytes: OUTBOX_BYTES_FULL });
    for (let age = 1; age <= 6; age += 1) {
      await sendAway(tenant);
      expect((await send(tenant, sentOf("a", age))).status).toBe(age <= 3 ? 200 : 503);
      await runDurableObjectAlarm(shard(tenant, "fra"));
    }
    expect((await waiting(tenant)).messages).toBe(3);
  });

  it("neither makes minutes anew nor gives free what is kept apart while there is no room for it", async () => {
    const tenant = "away-apart";
    await tenantOf(tenant);
    const actions = { quarantine: { quarantined: true }, recut: { minutes: 0, not_recut: [expect.any(String)] } };
    const act = async (action: string) => {
      const response = await administer(tenant, `/v1/edges/a/${action}`);
      return { status: response.status, ...(await response.json<object>()) };
    };
    expect(await act("quarantine")).toMatchObject(actions.quarantine);
    await send(tenant, sentOf("a", 1));
    await allow(tenant, { messages: 0, bytes: 0 });
    expect(await act("recut")).toMatchObject(actions.recut);
    expect(await act("release")).toMatchObject({ status: 503, error: "outbox_full" });
    expect(await waiting(tenant)).toEqual({ messages: 0, bytes: 0 });
    await allow(tenant, { messages: OUTBOX_MESSAGES_FULL, bytes: OUTBOX_BYTES_FULL });
    expect(await act("release")).toMatchObject({ status: 200, released: 1 });
    await seal(tenant, ["fra"]);
    // Of age 0 and 1 there are 60 and 61 requests.
    expect(timeless((await ask(tenant, REQUESTS, WINDOW)).data)).toEqual([{ value: 121 }]);
  });

  it("does not call edges silent that it refuses", async () => {
    const tenant = "away-silent";
    await tenantOf(tenant);
    const fra = shard(tenant, "fra");
    const suspected = async () => {
      await runDurableObjectAlarm(fra);
      return runInDurableObject(fra, (hub) => [...(hub as unknown as Watching).lookout.watch.watched.keys()]);
    };
    await runInDurableObject(fra, (hub) => {
      for (const state of (hub as unknown as Watching).edges.states.values()) state.lastSeenMs -= 600_000;
    });
    await allow(tenant, { messages: 0, bytes: 0 });
    expect(await suspected()).toEqual([]);
    await allow(tenant, { messages: OUTBOX_MESSAGES_FULL, bytes: OUTBOX_BYTES_FULL });
    expect(await suspected()).toEqual(['["edge_silent","a"]']);
  });

  it("has less waiting than a restore takes", () => {
    expect(OUTBOX_BYTES_FULL).toBeLessThan(OUTBOX_BYTES_MAX);
    expect(OUTBOX_MESSAGES_FULL).toBeLessThan(OUTBOX_MESSAGES_MAX);
  });
});
