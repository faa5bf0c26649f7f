/**
 * What an object holds for a moment, in the middle of one request: the Worker is stopped where most is held, its garbage is collected, and what is
 * left is counted. The tenant is a tree that comes out of a backup, with as much in one minute as makes a request heavy.
 */
import { deflateSync } from "node:zlib";
import { afterAll, beforeAll, expect, it } from "vitest";
import module from "../../build/core.wasm";
import { Core } from "../../engine/core";
import { STATE_BYTES_MAX } from "../../worker/limits";
import { mergeDirectly, sealMinute } from "../support/edge-minute";
import { withMinute, withTop } from "../support/seal-minute";
import { backupOfTree, type ObjectRows, type Rows } from "./backup-writer";
import { listOf } from "./hostile-tenant";
import { MeasuredHub, type Stop } from "./measured-hub";

const FORMAT = 7;
const ATTEMPTS_MAX = 5;
const MINUTE_SECONDS = 60;
const thisMinute = Math.floor(Date.now() / 60_000) * 60;
/** The minute that is much, and one that is not sealed yet. */
const sealed = thisMinute - 20 * MINUTE_SECONDS;
const unsealed = thisMinute - 5 * MINUTE_SECONDS;
const GROUPS = 900;
const SOURCES = 900;
/** Batches of small bundles of the minute, all of one set of tags. */
const BATCHES = 60;
const BUNDLES_PER_BATCH = 1_000;
/** Minutes of which each set of tags has a sketch in each share. */
const SHARE_MINUTES = 3;
/** As many sites as may be asked at a time. */
const SITES = ["ams", "fra", "oslo", "rome", "wien", "york"];

const small = withTop(sealMinute({ minute: sealed, boot: 1n, exchanges: [{ client: "10.0.0.1", name: "a.example.com" }] }), 5n);
const busy = (boot: number, minute: number) =>
  sealMinute({
    minute,
    boot: BigInt(boot),
    exchanges: listOf(1_000, (index) => ({
      client: `10.${boot}.${index >> 8}.${index & 255}`,
      name: `host${boot * 1_000 + index}.example.com`,
    })),
    pages: listOf(300, (index) => ({
      client: `10.${boot}.${index >> 8}.${index & 255}`,
      path: `/${boot}-${index}/list`,
      status: 200,
    })),
  });
const large = mergeDirectly(listOf(40, (boot) => busy(boot + 1, sealed)));
const core = new Core(module, { role: "hub", budgetBytes: 15 << 20 });
const clients = core.schema.metrics.find(({ name }) => name === "dns_clients")!;
/** The same with nothing in it but one sketch. */
const sketch = core.merge([large], { known: true, metric: clients.id });

let hub: MeasuredHub;
/** What the Worker and its core hold, and an object with next to nothing. */
let empty = 0;

beforeAll(async () => {
  hub = await MeasuredHub.start({ SEAL_PERIOD_SECONDS: "86400", MAX_TAG_VALUES: "1000" });
  expect((await request("write", "/v1/ingest", { method: "POST", body: small }, "small")).status).toBe(200);
  expect((await request("read", "/v1/query?metric=dns_requests_total&op=sum", {}, "small")).status).toBe(200);
  empty = await heldBytes("small");
});

afterAll(() => hub.stop());

async function request(kind: "read" | "write" | "admin", path: string, init: RequestInit, tenant: string) {
  const authorization = await hub.bearer({ kind, tenant, edge: kind === "write" ? "edge-1" : "" });
  for (let attempt = 1; ; attempt += 1) {
    try {
      const response = await fetch(`${hub.origin}${path}`, { ...init, headers: { ...init.headers, authorization } });
      return { status: response.status, text: await response.text() };
    } catch (error) {
      // A connection that was not used for a while is closed, maybe as the next request is written to it.
      if (attempt === ATTEMPTS_MAX) throw error;
    }
  }
}

async function restore(tenant: string, objects: readonly ObjectRows[]): Promise<void> {
  const body = backupOfTree(tenant, FORMAT, objects);
  const told = await request("admin", "/v1/restore", { method: "POST", body }, tenant);
  expect(told, told.text).toMatchObject({ status: 200 });
}

/** What is held of a tenant, by an object that was just asked. */
async function heldBytes(tenant: string): Promise<number> {
  const { heap, buffers } = await hub.held(() => request("admin", "/v1/keys", {}, tenant));
  return heap + buffers;
}

/** Holds that a request never has more in memory than an object may; says how much, and what was held before. */
async function bounded(what: string, tenant: string, stops: readonly Stop[], work: () => Promise<unknown>): Promise<void> {
  const before = await heldBytes(tenant);
  const { bytes, times } = await hub.most(stops, work);
  const [held, most] = [before - empty, bytes - empty].map((some) => (some / 1e6).toFixed(1));
  console.log(`${what}: ${held} MB before, ${most} MB at the most, of ${times} times`);
  expect(times, what).toBeGreaterThan(2);
  expect(bytes - empty, what).toBeLessThan(STATE_BYTES_MAX);
}

const root = (tenant: string): ObjectRows => ({
  name: `${tenant}/root/1/0`,
  tables: [
    { table: "numbers", columns: ["name", "value"], rows: [["revision", 1]] },
    { table: "epochs", columns: ["epoch", "from_minute", "tag", "keep"], rows: [[2, 0, "site", '["role"]']] },
    { table: "edges", columns: ["id", "name"], rows: SITES.map((site, id) => [id, `${tenant}/shard/2/${site}`]) },
  ],
});

function shard(tenant: string, site: string, tables: readonly Rows[], revision: number, lastSealed: number): ObjectRows {
  const name = `${tenant}/shard/2/${site}`;
  const standing = JSON.stringify({ name, parent: `${tenant}/root/1/0`, keep: ["role"] });
  const groups = listOf(GROUPS, (group) => [group, "default", 1, JSON.stringify({ site, role: `role-${group}` }), 0]);
  return {
    name,
    tables: [
      {
        table: "numbers",
        columns: ["name", "value"],
        rows: [
          ["revision", revision],
          ["sealed", lastSealed],
        ],
      },
      {
        table: "texts",
        columns: ["name", "value"],
        rows: [
          ["standing", standing],
          ["boot", "00000000000000aa"],
        ],
      },
      { table: "groups", columns: ["id", "policy", "sampling", "tags", "received"], rows: groups },
      ...tables,
    ],
  };
}

/** A tile of each group in some minutes, of so many parts that are alike. */
function tiles(minutes: readonly number[], bundle: Uint8Array, parts: number): Rows {
  const id = (minute: number, group: number, part: number) => ((minute / 60) * 4096 + group) * 1024 + part;
  const rows = minutes.flatMap((minute) =>
    listOf(GROUPS, (group) => listOf(parts, (part) => [id(minute, group, part), 1, bundle])).flat(),
  );
  return { table: "tiles", columns: ["id", "revision", "data"], rows };
}

/** A batch: bundles of one minute, each of the next source, and of the group that `groupOf` says. */
function batch(id: number, bundle: Uint8Array, minute: number, count: number, groupOf: (index: number) => number) {
  const body = deflateSync(bundle);
  const entries = listOf(count, (index) => {
    const number = id * BUNDLES_PER_BATCH + index;
    const [source, sequence] = [(number % SOURCES) + 1, Math.floor(number / SOURCES)];
    return [source, groupOf(index), minute, sequence, Date.now(), 1.5, "v".repeat(64), body.length, 2];
  });
  return [id, Date.now(), body.length * count, JSON.stringify(entries), Buffer.concat(listOf(count, () => body))] as const;
}

/** Edges of which each has an agent that started once; many bundles of one minute, sealed, and much of another, not sealed. */
function edgesAndBatches(): Rows[] {
  const many = withMinute(busy(1, sealed), unsealed);
  const perRow = 300;
  const late = listOf(GROUPS / perRow, (row) =>
    batch(BATCHES + 1 + row, many, unsealed, perRow, (index) => row * perRow + index),
  );
  return [
    { table: "edges", columns: ["id", "name"], rows: listOf(SOURCES, (edge) => [edge, `edge-${edge}`]) },
    {
      table: "sources",
      columns: ["id", "edge", "boot", "policy"],
      rows: listOf(SOURCES, (edge) => [edge + 1, edge, `${edge}`, "default"]),
    },
    {
      table: "batches",
      columns: ["id", "received_ms", "bytes", "entries", "data"],
      rows: [...listOf(BATCHES, (index) => batch(index + 1, small, sealed, BUNDLES_PER_BATCH, () => 0)), ...late],
    },
  ];
}

it("a shard of many sets of tags seals, takes an edge out of a full minute and sends both up", { timeout: 300_000 }, async () => {
  const tenant = "recut";
  const tables = [...edgesAndBatches(), tiles([sealed], large, 2)];
  await restore(tenant, [root(tenant), shard(tenant, "ams", tables, BATCHES + 3, BATCHES)]);
  const edge = "/v1/edges/edge-7";
  const admin = (path: string) => request("admin", path, { method: "POST" }, tenant);
  expect(await admin(`${edge}/quarantine`)).toMatchObject({ status: 200 });
  const stops = [
    { text: "INSERT INTO outbox (number", every: 1 },
    { text: "INSERT OR REPLACE INTO cuts", every: 20 },
    { text: "const refused = transact(() => {", every: 1 },
  ];
  await bounded("seal, recut and delivery", tenant, stops, async () => {
    const told = await admin(`${edge}/recut`);
    expect(told, told.text).toMatchObject({ status: 200 });
    expect(JSON.parse(told.text).bundles).toBeGreaterThan(50);
  });
});

it("six shards give large shares of one answer", { timeout: 300_000 }, async () => {
  const tenant = "fan-out";
  const tables = [
    tiles(
      listOf(SHARE_MINUTES, (index) => sealed + index * MINUTE_SECONDS),
      sketch,
      1,
    ),
  ];
  const sealedOnly = SITES.map((site) => shard(tenant, site, tables, 1, 0));
  await restore(tenant, [root(tenant), ...sealedOnly]);
  // A window that has not ended, so that no object keeps its share.
  const search = `metric=dns_clients&op=distinct&from=${sealed}&to=${thisMinute + 120}&step=60&by=role&where.site=!none`;
  const stops = [
    { text: "this.cells.at(start, nameOf(", every: 200 },
    { text: "cells.push({ ...cell", every: 200 },
  ];
  await bounded("six shares", tenant, stops, async () => {
    const { status, text } = await request("read", `/v1/query?${search}`, {}, tenant);
    expect(status, text.slice(0, 300)).toBe(200);
    expect(JSON.parse(text).data).toHaveLength(GROUPS * SHARE_MINUTES);
    expect(JSON.parse(text).data[0].value).toBeGreaterThan(30_000);
  });
});
