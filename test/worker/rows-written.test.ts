/** What an object writes, in rows, which is what storage is billed by: docs/cost.md calculates with these figures. */
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { expect, it } from "vitest";
import { COUNTS } from "../../scripts/docs/cost";
import type { Hub } from "../../worker/index";
import { COMMIT_QUIET_MS, COMMIT_WAIT_PER_EDGE_MS, PENDING_BYTES_MAX } from "../../worker/limits";
import { readNumber } from "../../worker/object/schema";
import { sealMinute } from "../support/edge-minute";
import { padded } from "../support/seal-minute";
import { bearer, hubOf, MINUTE, post } from "./support/client";
import { pack } from "./support/pack";

const EDGES = 60;
/** Setting the alarm counts as a row, which no statement shows. */
const ROWS_OF_ALARM = 1;

/** Rows of batches that there may be at the most: the first few wait only for as many edges as posted before them, later ones for quiet. */
const batchesMax = (elapsedMs: number) => Math.ceil(COMMIT_QUIET_MS / COMMIT_WAIT_PER_EDGE_MS + elapsedMs / COMMIT_QUIET_MS);

/** Rows that an object has written, from the moment that this is called. */
function countRows(stub: DurableObjectStub<Hub>): Promise<() => number> {
  return runInDurableObject(stub, (_, { storage }) => {
    const { sql } = storage;
    const exec = sql.exec.bind(sql);
    const cursors: SqlStorageCursor<Record<string, SqlStorageValue>>[] = [];
    sql.exec = ((query: string, ...values: unknown[]) => {
      const cursor = exec(query, ...values);
      cursors.push(cursor as (typeof cursors)[number]);
      return cursor;
    }) as typeof sql.exec;
    return () => cursors.splice(0).reduce((sum, { rowsWritten }) => sum + rowsWritten, 0);
  });
}

/** Posts a minute of every edge, side by side as they come in a fleet. */
async function postMinute(tenant: string, minute: number, groups: number): Promise<void> {
  const posts = Array.from({ length: EDGES }, (_, edge) => {
    const bundle = sealMinute({
      minute,
      boot: BigInt(edge + 1),
      exchanges: [{ client: `10.0.0.${edge}`, name: "a.example.com" }],
    });
    return post(tenant, `edge-${edge}`, bundle, { "tallywire-tags": `site=fra,role=role-${edge % groups}` });
  });
  for (const told of await Promise.all(posts)) expect(told).toMatchObject({ stored: true });
}

it.each([1, 4])("writes few rows a minute, however many edges there are, with %i sets of tags", async (groups) => {
  const tenant = `rows-${groups}`;
  const authorization = await bearer({ kind: "admin", tenant, edge: "" });
  const map = { method: "PUT", body: '{"tag":"site"}', headers: { authorization } };
  expect((await exports.default.fetch("http://hub/v1/shards", map)).status).toBe(200);
  const shard = env.HUB.getByName(`${tenant}/shard/2/fra`);
  const root = hubOf(tenant);
  // The first minute makes edges, sources and groups known, which later ones do not.
  await postMinute(tenant, MINUTE - 120, groups);
  await runDurableObjectAlarm(shard);
  await runDurableObjectAlarm(root);

  const ofShard = await countRows(shard);
  const ofRoot = await countRows(root);
  const from = Date.now();
  await postMinute(tenant, MINUTE - 60, groups);
  const elapsedMs = Date.now() - from;
  const batches = ofShard();
  await runDurableObjectAlarm(shard);
  await runDurableObjectAlarm(root);
  const seal = ofShard();
  const atRoot = ofRoot();
  console.log(`${groups} groups: ${batches} rows of batches in ${elapsedMs} ms, ${seal} of the seal; ${atRoot} at the root`);
  expect(batches).toBeLessThanOrEqual(batchesMax(elapsedMs) * COUNTS.rowsOfBatch);
  // The seal behind an hour's end writes the hour too.
  const hourOf = (seconds: number) => Math.floor(seconds / 3600);
  const tiles = hourOf(MINUTE - 120) === hourOf(Date.now() / 1000) ? 1 : 2;
  expect(seal).toBeLessThanOrEqual(COUNTS.rowsOfSeal - ROWS_OF_ALARM + tiles * groups * COUNTS.rowsOfTile);
  expect(atRoot).toBeLessThanOrEqual(COUNTS.rowsOfReceipt + COUNTS.rowsOfSeal - ROWS_OF_ALARM + tiles * COUNTS.rowsOfTile);
});

/** Bundles of this many bytes, inflated, are posted one after the other: more than an object holds unsealed, three times. */
const LARGE_BYTES = 900_000;
const LARGE_BUNDLES = 36;

it("seals out of turn no more often than it must, and writes as few rows each time", async () => {
  const tenant = "rows-busy";
  const stub = hubOf(tenant);
  const bundleOf = (edge: number) => {
    const exchanges = [{ client: "10.0.0.1", name: "a.example.com" }];
    return pack("deflate", padded(sealMinute({ minute: MINUTE, boot: BigInt(edge), exchanges }), LARGE_BYTES));
  };
  const headers = { "content-encoding": "deflate", "tallywire-tags": "site=fra" };
  for (let edge = 1; edge <= 2; edge += 1) await post(tenant, `edge-${edge}`, await bundleOf(edge + 100), headers);
  await runDurableObjectAlarm(stub);
  const rows = await countRows(stub);
  const revision = () => runInDurableObject(stub, (_, { storage }) => readNumber(storage.sql, "sealed"));
  let seals = 0;
  let sealed = await revision();
  for (let index = 0; index < LARGE_BUNDLES; index += 1) {
    expect(await post(tenant, `edge-${(index % 2) + 1}`, await bundleOf(index + 1), headers)).toMatchObject({ stored: true });
    const now = await revision();
    if (now !== sealed) seals += 1;
    sealed = now;
  }
  const written = rows();
  console.log(`${seals} early seals of ${LARGE_BUNDLES} MB, ${written} rows`);
  expect(seals).toBe(Math.floor((LARGE_BUNDLES * LARGE_BYTES) / PENDING_BYTES_MAX));
  expect(COUNTS.unsealedBytes).toBe(PENDING_BYTES_MAX);
  // Each bundle is a source of its own here, and a row of its own, as the next comes after it is stored.
  const rowsOfBundles = LARGE_BUNDLES * (COUNTS.rowsOfBatch + 1);
  expect(written).toBeLessThanOrEqual(rowsOfBundles + seals * (COUNTS.rowsOfSeal + COUNTS.rowsOfTile));
});

it("writes rows by time and not by bundle where edges trickle in", async () => {
  const tenant = "rows-trickle";
  const stub = hubOf(tenant);
  const bundleOf = (edge: number, minute: number) =>
    sealMinute({ minute, boot: BigInt(edge + 1), exchanges: [{ client: `10.0.0.${edge}`, name: "a.example.com" }] });
  const trickle = async (minute: number) => {
    const posts: Promise<unknown>[] = [];
    for (let edge = 0; edge < EDGES; edge += 1) {
      posts.push(post(tenant, `edge-${edge}`, bundleOf(edge, minute)));
      await scheduler.wait(COMMIT_QUIET_MS / 4);
    }
    await Promise.all(posts);
  };
  await trickle(MINUTE - 120);
  const rows = await countRows(stub);
  const from = Date.now();
  await trickle(MINUTE - 60);
  const elapsedMs = Date.now() - from;
  const batches = rows();
  console.log(`${EDGES} edges that trickle in: ${batches} rows in ${elapsedMs} ms`);
  expect(batches).toBeLessThanOrEqual(batchesMax(elapsedMs) + ROWS_OF_ALARM);
});
