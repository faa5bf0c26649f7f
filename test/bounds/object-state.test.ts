/**
 * What one object holds in memory, however much is asked of it. workerd does not say, and holds no object to a limit; so this one runs in a
 * workerd of its own whose inspector tells what is left after all garbage is collected: objects of V8 and the buffers that they own. What a
 * request takes for a moment is told as the process' peak.
 *
 * The tenant comes out of a backup written by hand, as an admin might: every table as full as the limits let it be.
 */
import { deflateSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  ASKED_MAX,
  CUTS_MAX,
  EDGES_MAX,
  GROUPS_MAX,
  MESSAGE_BYTES_MAX,
  MINUTE_BUNDLES_MAX,
  PENDING_BYTES_MAX,
  QUEUE_BYTES_MAX,
  REVOKED_MAX,
  SOURCES_MAX,
  STATE_BYTES_MAX,
  TAGS_MAX,
} from "../../worker/limits";
import { sealMinute } from "../support/edge-minute";
import { withMinute, withPolicy, withTop, withUnknownKind } from "../support/seal-minute";
import { backupOf, type Rows } from "./backup-writer";
import { edgeName, hostileTenant, listOf, POLICY, tagName, tagValue } from "./hostile-tenant";
import { MeasuredHub } from "./measured-hub";

/** Of an object's tables: what is older than the hub's is brought up to date, and what is written here is of this one. */
const FORMAT = 7;
const ATTEMPTS_MAX = 5;
const TENANT = "hostile";
const thisMinute = Math.floor(Date.now() / 60_000) * 60;
const exchanges = [{ client: "10.0.0.1", name: "a.example.com" }];
/** What may be unsealed beyond what an object waits for: a row, and a message behind it. */
const REST_BYTES = QUEUE_BYTES_MAX + MESSAGE_BYTES_MAX;
/** Minutes ago that are sealed. */
const TILED = listOf(21, (index) => 26 * 60 - index);
const bundle = withPolicy(sealMinute({ minute: thisMinute - 120, boot: 9_999n, exchanges }), POLICY);
const small = withTop(bundle, 5n);
const NOTHING = new Uint8Array(0);
/** A bundle of nearly as many bytes as may be, and how it stands in a message three times. */
const heavy = withUnknownKind(bundle, 900_000);
const heavyBody = deflateSync(heavy);
const heavyHead = {
  minute: 60,
  policy: POLICY,
  samplingRate: 1,
  tags: {},
  partial: false,
  setApart: 0,
  length: heavyBody.length,
};
const heavyData = Buffer.concat([heavyBody, heavyBody, heavyBody]);
let hub: MeasuredHub;
let before = 0;

beforeAll(async () => {
  const paces = { EDGE_BUNDLES_PER_MINUTE: "1000000", EDGE_BYTES_PER_MINUTE: String(2 ** 40) };
  // Nothing is sealed before it is asked for, so all that may wait does.
  hub = await MeasuredHub.start({ SEAL_PERIOD_SECONDS: "86400", MAX_TAG_VALUES: "1000", ...paces });
  // The Worker, its core, and an object with next to nothing, so that what is measured is what one object has more.
  expect((await request("write", "/v1/ingest", { method: "POST", body: small }, "small")).status).toBe(200);
  expect((await request("read", "/v1/query?metric=dns_requests_total&op=sum", {}, "small")).status).toBe(200);
  before = await heldBytes("small");
});

afterAll(() => hub.stop());

async function request(
  kind: "read" | "write" | "admin",
  path: string,
  init: RequestInit = {},
  tenant = TENANT,
  edge = edgeName(9_999),
) {
  const authorization = await hub.bearer({ kind, tenant, edge: kind === "write" ? edge : "" });
  const headers = { ...init.headers, authorization };
  for (let attempt = 1; ; attempt += 1) {
    try {
      const response = await fetch(`${hub.origin}${path}`, { ...init, headers });
      return { status: response.status, text: await response.text() };
    } catch (error) {
      // A connection on which the hub answered before it had read all is closed, maybe as the next request is written to it.
      if (attempt === ATTEMPTS_MAX) throw error;
    }
  }
}

async function heldBytes(tenant = TENANT): Promise<number> {
  const { heap, buffers } = await hub.held(() => request("admin", "/v1/keys", {}, tenant));
  return heap + buffers;
}

/** Holds that the object has less than it may, were there so many bytes more; says how much. */
async function bounded(after: string, more = 0): Promise<number> {
  const peak = hub.peakResident();
  const held = (await heldBytes()) - before;
  console.log(`${after}: ${megabytes(held)} MB held, the process at ${megabytes(peak)} MB at the most`);
  hub.peakResident();
  expect(held + more, after).toBeLessThan(STATE_BYTES_MAX);
  return held;
}

const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);

async function restore(unsealedBytes: number): Promise<void> {
  const tiled = { bundle, minutes: TILED.map((ago) => thisMinute - ago * 60) };
  const body = backupOf(TENANT, FORMAT, hostileTenant(thisMinute, small, unsealedBytes, tiled));
  const told = await request("admin", "/v1/restore?force=true", { method: "POST", body });
  expect(told, told.text).toMatchObject({ status: 200 });
}

describe("an object as full as its limits let it be", { timeout: 240_000 }, () => {
  it("fits its memory with all unsealed that may be", async () => {
    await restore(PENDING_BYTES_MAX + REST_BYTES);
    const held = await bounded("restored");
    // What is measured is the object, and not one that is gone: its bundles alone take as much.
    expect(held).toBeGreaterThan(PENDING_BYTES_MAX);
    const told = await post(thisMinute - 60);
    expect(told, told.text).toMatchObject({ status: 503 });
  });

  it("fits it with all caches full, whatever is asked", async () => {
    const left = 1 << 20;
    await restore(PENDING_BYTES_MAX - left);
    const bound = (after: string) => bounded(after, left + REST_BYTES);
    for (const ago of [1, 2, 3]) expect((await post(thisMinute - ago * 60)).status).toBe(200);
    await bound("keys of full minutes");
    for (const path of [
      "/v1/edges",
      "/v1/shards",
      "/v1/tags",
      "/v1/refusals?from=-2d",
      "/v1/refusals?from=-12h",
      "/v1/events",
      "/federate?match[]=dns_requests_total",
    ]) {
      const { status, text } = await request("read", path);
      expect([200, 422], text.slice(0, 300)).toContain(status);
    }
    await bound("all lists");
    const window = (minutes: number) => `from=${thisMinute - TILED[0]! * 60}&to=${thisMinute - (TILED[0]! - minutes) * 60}`;
    const byTags = Array.from({ length: TAGS_MAX }, (_, tag) => tagName(tag)).join(",");
    for (const [minutes, times] of [
      [TILED.length, 1],
      [5, 2],
      [1, 6],
    ] as const) {
      for (let n = 1; n <= times; n += 1) {
        const search = `${window(minutes)}&step=60&policy=${POLICY}&by=${byTags}&n=${n}`;
        const { status, text } = await request("read", `/v1/query?metric=dns_requests_total&op=sum&${search}`);
        expect(status, text.slice(0, 300)).toBe(minutes === TILED.length ? 422 : 200);
        if (status === 200) expect(JSON.parse(text).data).toHaveLength(minutes * GROUPS_MAX);
      }
    }
    await bound("many and large answers");
    const expression = `query=${encodeURIComponent("sum by (status) (rate(dns_requests_total[5m]))")}`;
    const range = `start=${thisMinute - 3600}&end=${thisMinute}&step=60`;
    expect((await request("read", `/prometheus/api/v1/query_range?${expression}&${range}`)).status).toBe(200);
    await bound("PromQL");
    for (const action of ["drop", "release"]) {
      const { status, text } = await request("admin", `/v1/edges/${edgeName(action === "drop" ? 7 : 8)}/${action}`, {
        method: "POST",
      });
      expect([200, 503], text).toContain(status);
    }
    await bound("quarantine");
  });
});

describe("a backup that holds more than an object may", () => {
  it.each<[string, Rows]>([
    ["edges", { table: "edges", columns: ["id", "name"], rows: listOf(EDGES_MAX + 1, (edge) => [edge, `edge-${edge}`]) }],
    [
      "starts",
      { table: "sources", columns: ["id", "edge", "boot", "policy"], rows: listOf(SOURCES_MAX + 1, (id) => [id, 0, "1", "all"]) },
    ],
    [
      "runs",
      {
        table: "edge_states",
        columns: ["part", "data"],
        rows: listOf(9, (part) => [part, JSON.stringify([[0, 0, "", 0, 0, 0, 0, 0, 0, listOf(20_000, (id) => [id, 0, 0, 0])]])]),
      },
    ],
    ["messages", { table: "outbox", columns: ["number", "heads", "data"], rows: listOf(100_001, (id) => [id, "[]", NOTHING]) }],
    [
      "a message",
      {
        table: "outbox",
        columns: ["number", "heads", "data"],
        rows: [[1, JSON.stringify(listOf(3, () => heavyHead)), heavyData]],
      },
    ],
    ["cuts", { table: "cuts", columns: ["source", "minute", "through"], rows: listOf(CUTS_MAX + 1_000, (id) => [id, 60, 1]) }],
    [
      "minutes asked for",
      {
        table: "asked",
        columns: ["number", "edge", "minute", "through", "bundles"],
        rows: listOf(ASKED_MAX + 1, (id) => [id, 0, 60, 1, 1]),
      },
    ],
    [
      "revoked keys",
      { table: "revoked", columns: ["name", "since_ms"], rows: listOf(REVOKED_MAX + 1, (id) => [`key:${id}`, 1]) },
    ],
    ["names of revoked keys", { table: "revoked", columns: ["name", "since_ms"], rows: [["x".repeat(3_000_000), 1]] }],
    ["events", { table: "events", columns: ["id", "time_ms", "sent", "data"], rows: listOf(1_001, (id) => [id, 1, 1, "{}"]) }],
    [
      "text of events",
      { table: "events", columns: ["id", "time_ms", "sent", "data"], rows: listOf(10, (id) => [id, 1, 1, "x".repeat(900_000)]) },
    ],
    ["parts of a tile", { table: "tiles", columns: ["id", "revision", "data"], rows: listOf(10, (part) => [part, 1, heavy]) }],
    [
      "keys of a minute",
      {
        table: "minutes",
        columns: ["minute", "revision", "edges", "keys"],
        rows: [[60, 1, NOTHING, new Uint8Array(16 * MINUTE_BUNDLES_MAX + 8)]],
      },
    ],
    ["text", { table: "texts", columns: ["name", "value"], rows: [["watch", JSON.stringify(["x".repeat(1_500_000)])]] }],
  ])("is refused: %s", async (_, rows) => {
    const body = backupOf("more", FORMAT, [rows]);
    const { status, text } = await request("admin", "/v1/restore", { method: "POST", body }, "more");
    expect(status, text).toBe(422);
    expect(JSON.parse(text)).toMatchObject({ error: "bad_backup" });
    expect((await request("read", "/v1/edges", {}, "more")).text).toBe('{"data":[]}');
    expect((await request("admin", "/v1/keys", {}, "more")).text).toBe('{"data":[]}');
  });

  it("is refused: unsealed bundles that inflate to more", async () => {
    const bytes = PENDING_BYTES_MAX + REST_BYTES + (1 << 20);
    const rows = hostileTenant(thisMinute, small, bytes, { bundle, minutes: [] });
    const { status, text } = await request(
      "admin",
      "/v1/restore",
      { method: "POST", body: backupOf("more", FORMAT, rows) },
      "more",
    );
    expect(status, text).toBe(422);
    expect(text).toContain("not sealed");
  });
});

function post(minute: number) {
  const headers = { "tallywire-tags": tags(9_999 % GROUPS_MAX) };
  return request("write", "/v1/ingest", { method: "POST", body: withMinute(small, minute), headers });
}

function tags(group: number): string {
  return listOf(TAGS_MAX, (tag) => `${tagName(tag)}=${encodeURIComponent(tagValue(group))}`).join(",");
}
