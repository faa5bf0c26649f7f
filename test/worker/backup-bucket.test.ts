/** A tenant in the hub's R2 bucket, and out of it again, shards and all; in parts, and whole or not at all. */

import { abortAllDurableObjects, createExecutionContext, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import app from "../../worker/index";
import { BUCKET_PART_BYTES } from "../../worker/limits";
import { sealMinute } from "../support/edge-minute";
import { ask, bearer, call, get, hubOf, MINUTE, post } from "./support/client";

const QUESTIONS = [
  "metric=dns_requests_total&op=sum",
  "metric=dns_requests_total&op=sum&by=site&step=60",
  "metric=dns_requests_total&op=sum&edge=edge-fra&step=60",
  "metric=dns_clients&op=distinct&by=site",
  "metric=dns_duration_seconds&op=quantile&q=0.1,0.5,0.99&by=site",
  "metric=dns_top_names&op=top&n=50",
];
const SITES = ["fra", "ams"];
let boots = 0n;

interface Stored {
  name: string;
  bytes: number;
}

const admin = async (tenant: string) => ({ authorization: await bearer({ kind: "admin", tenant, edge: "" }) });
const shard = (tenant: string, site: string) => env.HUB.getByName(`${tenant}/shard/2/${site}`);

function minuteOf(minute: number, requests: number) {
  boots += 1n;
  const exchanges = Array.from({ length: requests }, (_, index) => ({
    client: `10.${boots}.0.${index}`,
    name: `host${index % 7}.example`,
    durationMs: 1 + index,
  }));
  return sealMinute({ minute, boot: boots, exchanges });
}

/** One request with an admin key; settings stand in the place of the hub's. */
async function order<T>(
  tenant: string,
  method: string,
  path: string,
  settings = {},
): Promise<T & { status: number; error?: string }> {
  const request = new Request(`http://hub/v1/backups${path}`, { method, headers: await admin(tenant) });
  const response = await app.fetch(request, { ...env, ...settings }, createExecutionContext());
  return { ...(await response.json<T>()), status: response.status };
}

const store = (tenant: string, settings = {}) => order<Stored>(tenant, "POST", "", settings);
const list = async (tenant: string) => (await order<{ data: Stored[] }>(tenant, "GET", "")).data.map(({ name }) => name);

async function answers(tenant: string): Promise<unknown[]> {
  const told: unknown[] = [];
  for (const question of QUESTIONS) {
    const { data, meta } = await ask(tenant, question);
    told.push({ question, data, revision: meta.revision, complete: meta.complete });
  }
  return told;
}

/** A tenant with two shards: a minute in the root, one that waits in a shard, one that is not sealed. */
async function fill(tenant: string) {
  await call("/v1/shards", { method: "PUT", body: '{"tag":"site"}', headers: await admin(tenant) });
  const bundles = SITES.flatMap((site, index) =>
    [3, 2, 1].map((age) => ({ site, age, bundle: minuteOf(MINUTE - age * 60, 5 + index + age) })),
  );
  for (const age of [3, 2, 1]) {
    for (const { site, bundle } of bundles.filter((one) => one.age === age)) {
      await post(tenant, `edge-${site}`, bundle, { "tallywire-tags": `site=${site}` });
    }
    if (age === 1) break;
    for (const site of SITES) {
      if (age === 2) await runInDurableObject(shard(tenant, site), (hub) => (hub as unknown as { seal(): void }).seal());
      else await runDurableObjectAlarm(shard(tenant, site));
    }
    await runDurableObjectAlarm(hubOf(tenant));
  }
  return bundles;
}

async function wipe(tenant: string): Promise<void> {
  for (const stub of [hubOf(tenant), ...SITES.map((site) => shard(tenant, site))]) {
    await runInDurableObject(stub, (_, { storage }) => storage.deleteAll());
  }
  await abortAllDurableObjects();
}

describe("a tenant in the bucket", () => {
  it("comes out of it answering alike, with what waited in its shards, and goes on", async () => {
    const tenant = "bucket-tree";
    const bundles = await fill(tenant);
    const before = await answers(tenant);
    const { status, name, bytes } = await store(tenant);
    expect([status, await list(tenant)]).toEqual([200, [name]]);
    const object = await env.BACKUPS.get(`${tenant}/${name}.tallywire-backup.gz`);
    expect(object!.size).toBe(bytes);
    expect(await answers(tenant)).toEqual(before);
    expect(await order(tenant, "POST", `/${name}/restore`)).toMatchObject({ status: 409, error: "not_empty" });
    await wipe(tenant);
    expect(await order(tenant, "POST", `/${name}/restore`)).toMatchObject({ status: 200, tenant, objects: 3 });
    expect(await answers(tenant)).toEqual(before);
    for (const { site, bundle } of bundles) {
      expect(await post(tenant, `edge-${site}`, bundle, { "tallywire-tags": `site=${site}` })).toMatchObject({ stored: false });
    }
    for (const site of SITES) await runDurableObjectAlarm(shard(tenant, site));
    const [total] = (await ask(tenant, QUESTIONS[0]!)).data;
    const bySite = (await ask(tenant, "metric=dns_requests_total&op=sum&by=site")).data;
    expect(total!.value).toBe(bySite.reduce((sum, { value }) => sum + Number(value), 0));
    // The same file as a restore of /v1/restore takes.
    const init = { method: "POST", body: await object!.arrayBuffer(), headers: await admin(tenant) };
    expect((await exports.default.fetch("http://hub/v1/restore?force=true", init)).status).toBe(200);
    expect(await answers(tenant)).toEqual(before);
  });

  it("goes in parts of one length where it is large", { timeout: 120_000 }, async () => {
    const tenant = "bucket-parts";
    await post(tenant, "edge-fra", minuteOf(MINUTE, 9), { "tallywire-tags": "site=fra" });
    const paddings = Array.from({ length: 32 }, () => {
      const bytes = new Uint8Array(375_000);
      for (let at = 0; at < bytes.length; at += 50_000) crypto.getRandomValues(bytes.subarray(at, at + 50_000));
      return bytes;
    });
    // Sealed batches that hold no bundle: nothing reads them into memory.
    const insert = "INSERT INTO batches (id, received_ms, bytes, entries, data) VALUES (?, ?, ?, '[]', ?)";
    await runInDurableObject(hubOf(tenant), (_, { storage }) => {
      for (const [index, bytes] of paddings.entries())
        storage.sql.exec(insert, index - paddings.length, Date.now(), bytes.length, bytes);
    });
    const lengths: number[] = [];
    const BACKUPS = watched((part) => lengths.push(part.byteLength));
    const { name, bytes } = await store(tenant, { BACKUPS });
    expect(bytes).toBeGreaterThan(BUCKET_PART_BYTES);
    expect(lengths).toEqual([BUCKET_PART_BYTES, bytes - BUCKET_PART_BYTES]);
    const before = await answers(tenant);
    await wipe(tenant);
    expect(await order(tenant, "POST", `/${name}/restore`)).toMatchObject({ status: 200, objects: 1 });
    expect(await answers(tenant)).toEqual(before);
    const kept = await runInDurableObject(hubOf(tenant), (_, { storage }) =>
      storage.sql.exec<{ data: ArrayBuffer }>("SELECT data FROM batches WHERE id < 0 ORDER BY id").toArray(),
    );
    const digest = async (bytes: BufferSource) => [...new Uint8Array(await crypto.subtle.digest("SHA-256", bytes))].join(" ");
    const digests = (all: BufferSource[]) => Promise.all(all.map(digest));
    expect(await digests(kept.map(({ data }) => data))).toEqual(await digests(paddings));
  });

  it("is not there where it broke off, and can be taken again", async () => {
    const tenant = "bucket-broken";
    await fill(tenant);
    const full = watched(() => {
      throw new Error("the bucket is full");
    });
    expect(await store(tenant, { BACKUPS: full })).toMatchObject({ status: 503, error: "not_stored" });
    // As if an object had not held still to the end.
    await runInDurableObject(shard(tenant, "ams"), (hub) => {
      (hub as unknown as { archive: { letGo(): boolean } }).archive.letGo = () => false;
    });
    expect(await store(tenant)).toMatchObject({ status: 503, error: "not_stored" });
    expect(await list(tenant)).toEqual([]);
    await abortAllDurableObjects();
    const { status, name } = await store(tenant);
    expect([status, await list(tenant)]).toEqual([200, [name]]);
  });

  it("is its own alone, and the newest come first", async () => {
    await post("bucket-a", "a", minuteOf(MINUTE, 9));
    const { name } = await store("bucket-a");
    await env.BACKUPS.put("bucket-a/notes.txt", "not a backup");
    await env.BACKUPS.put("bucket-a/20260131T120000Z-0123abcd.tallywire-backup.gz", "an older one");
    expect(await list("bucket-a")).toEqual([name, "20260131T120000Z-0123abcd"]);
    expect(await list("bucket")).toEqual([]);
    for (const other of [name, `..%2Fbucket-a%2F${name}`, encodeURIComponent(`../bucket-a/${name}`), "notes.txt"]) {
      expect(await order("bucket-b", "POST", `/${other}/restore`), other).toMatchObject({ status: 404, error: "unknown_backup" });
    }
    expect(await order("bucket-a", "POST", "/20260131T120000Z-0123abcd/restore?force=true")).toMatchObject({
      error: "bad_backup",
    });
    const { data } = await get<{ data: unknown[] }>("bucket-b", "/v1/edges");
    expect(data).toEqual([]);
  });
});

/** The bucket, with a look at each part before it is written. */
function watched(look: (part: Uint8Array) => void): Pick<R2Bucket, "createMultipartUpload"> {
  return {
    createMultipartUpload: async (key, options) => {
      const upload = await env.BACKUPS.createMultipartUpload(key, options);
      return {
        key: upload.key,
        uploadId: upload.uploadId,
        uploadPart: (number, part) => {
          look(part as Uint8Array);
          return upload.uploadPart(number, part);
        },
        complete: (parts) => upload.complete(parts),
        abort: () => upload.abort(),
      };
    },
  };
}
