/** What each edge's captures lost and what was malformed, by the headers of its bundles: once a bundle, through crashes, and out with a recut. */
import { abortAllDurableObjects, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { expect, it } from "vitest";
import module from "../../build/core.wasm";
import { readBundleHeader } from "../../engine/bundle";
import { readSections } from "../support/bundle";
import { ethernet, ipv4, join, number, Pcapng, udp } from "../support/pcap-builder";
import { sealCapture, withLaterMetric } from "../support/seal-minute";
import { bearer, get, hubOf, MINUTE, post, readKey } from "./support/client";

const INTERFACE_STATISTICS = 5;
/** Option isb_osdrop. */
const OS_DROPS = 7;
const WRONG_CHECKSUM = 0x1234;
let boots = 0n;

/** A minute in which the capture lost so many packets, and so many were malformed. */
function minuteOf(minute: number, dropped: number, malformed: number): Uint8Array<ArrayBuffer> {
  boots += 1n;
  const ng = new Pcapng();
  const option = join(number(OS_DROPS, 2, true), number(8, 2, true), number(dropped, 8, true), new Uint8Array(4));
  const packet = (checksum?: number) => {
    const datagram = udp("x", { sourcePort: 3333, destinationPort: 4444, ...(checksum === undefined ? {} : { checksum }) });
    return ng.packet({ timeNs: BigInt(minute) * 1_000_000_000n, bytes: ethernet(ipv4(datagram)) });
  };
  const wrong = Array.from({ length: malformed }, () => packet(WRONG_CHECKSUM));
  const statistics = ng.block(INTERFACE_STATISTICS, new Uint8Array(12), option);
  const capture = join(ng.section(), ng.interface({ linkType: 1 }), packet(), ...wrong, statistics);
  const bundle = sealCapture(module, capture, { bootId: boots });
  expect(readBundleHeader(bundle)).toMatchObject({ dropped, malformed });
  return bundle;
}

const send = (tenant: string, edge: string, bundle: Uint8Array<ArrayBuffer>) =>
  post(tenant, edge, bundle, { "tallywire-tags": "site=fra" });

async function order(tenant: string, action: string): Promise<void> {
  const headers = { authorization: await bearer({ kind: "admin", tenant, edge: "" }) };
  const response = await exports.default.fetch(`http://hub/v1/edges/a/${action}`, { method: "POST", headers });
  if (!response.ok) throw new Error(await response.text());
}

/** Dropped and malformed of an edge. */
async function lossesOf(tenant: string, name: string): Promise<number[]> {
  const { data } = await get<{ data: { edge: string; dropped: number; malformed: number }[] }>(tenant, "/v1/edges");
  const { dropped, malformed } = data.find(({ edge }) => edge === name)!;
  return [dropped, malformed];
}

it.each(["losses", "losses-tree"])("of %s are in /v1/edges", async (tenant) => {
  const isTree = tenant.endsWith("tree");
  if (isTree) {
    const authorization = await bearer({ kind: "admin", tenant, edge: "" });
    await exports.default.fetch("http://hub/v1/shards", { method: "PUT", body: '{"tag":"site"}', headers: { authorization } });
  }
  const own = () => (isTree ? env.HUB.getByName(`${tenant}/shard/2/fra`) : hubOf(tenant));
  const bundles = [minuteOf(MINUTE - 120, 5, 2), minuteOf(MINUTE - 60, 70_000, 0), minuteOf(MINUTE, 0, 3)];
  for (const bundle of bundles) await send(tenant, "a", bundle);
  await send(tenant, "b", minuteOf(MINUTE, 0, 0));
  await send(tenant, "a", bundles[0]!);
  const check = async (expected: number[]) => {
    expect(await lossesOf(tenant, "a")).toEqual(expected);
    expect(await lossesOf(tenant, "b")).toEqual([0, 0]);
    await abortAllDurableObjects();
    expect(await lossesOf(tenant, "a")).toEqual(expected);
  };
  await check([70_005, 5]);
  await runDurableObjectAlarm(own());
  await check([70_005, 5]);
  await order(tenant, "quarantine");
  await send(tenant, "a", minuteOf(MINUTE - 180, 100, 100));
  await check([70_005, 5]);
  await order(tenant, "recut");
  await check([0, 0]);
  await order(tenant, "release");
  await check([70_105, 105]);
  await runDurableObjectAlarm(own());
  await check([70_105, 105]);
});

it("sections of a later build are kept, and each edge's are counted", async () => {
  const tenant = "losses-later";
  const of = async () => {
    const { data } = await get<{ data: { edge: string; unknown_sections: number }[] }>(tenant, "/v1/edges");
    return Object.fromEntries(data.map(({ edge, unknown_sections: unknown }) => [edge, unknown]));
  };
  await send(tenant, "old", minuteOf(MINUTE, 1, 0));
  for (const minute of [MINUTE - 60, MINUTE]) await send(tenant, "new", withLaterMetric(minuteOf(minute, 0, 0)));
  expect(await of()).toEqual({ old: 0, new: 2 });
  await runDurableObjectAlarm(hubOf(tenant));
  await abortAllDurableObjects();
  expect(await of()).toEqual({ old: 0, new: 2 });
  const authorization = await readKey(tenant);
  const response = await exports.default.fetch(`http://hub/v1/sketch?from=${MINUTE}&to=${MINUTE + 60}`, {
    headers: { authorization },
  });
  const sections = readSections(new Uint8Array(await response.arrayBuffer())).sections.filter(({ metric }) => metric === 60_000);
  expect(sections.map(({ payload }) => [...payload])).toEqual([[7]]);
});

it("start at nothing where an older hub kept no count, and go on from there", async () => {
  const tenant = "losses-old";
  await send(tenant, "a", minuteOf(MINUTE - 60, 5, 2));
  await send(tenant, "b", minuteOf(MINUTE - 60, 0, 0));
  await runDurableObjectAlarm(hubOf(tenant));
  const rewrite = (change: (fields: unknown[]) => unknown[]) =>
    runInDurableObject(hubOf(tenant), (_, { storage: { sql } }) => {
      for (const [table, key, column] of [
        ["edge_states", "part", "data"],
        ["batches", "id", "entries"],
      ]) {
        for (const row of sql.exec(`SELECT ${key} AS id, ${column} AS text FROM ${table}`).toArray()) {
          const text = JSON.stringify((JSON.parse(String(row.text)) as unknown[][]).map(change));
          sql.exec(`UPDATE ${table} SET ${column} = ? WHERE ${key} = ?`, text, row.id);
        }
      }
    });
  // What rows had before: an edge's state ended with its sources, a bundle with its encoding.
  await rewrite((fields) => (fields.length > 11 ? fields.slice(0, 10) : fields.slice(0, 9)));
  await abortAllDurableObjects();
  expect(await lossesOf(tenant, "a")).toEqual([0, 0]);
  await send(tenant, "a", minuteOf(MINUTE, 7, 1));
  await runDurableObjectAlarm(hubOf(tenant));
  await abortAllDurableObjects();
  expect(await lossesOf(tenant, "a")).toEqual([7, 1]);
});
