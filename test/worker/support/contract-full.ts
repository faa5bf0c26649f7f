/** Answers about more than an answer may be about, as docs/openapi.yaml describes them: of shards, changes of the shard map, tiles. */
import { abortAllDurableObjects, runInDurableObject } from "cloudflare:test";
import { expect, it } from "vitest";
import type { Hub } from "../../../worker/index";
import { FAN_OUT_OBJECTS_MAX, ROWS_MAX, SHARD_MAP_EPOCHS_MAX } from "../../../worker/limits";
import { tileId } from "../../../worker/object/tiles";
import { hubOf } from "./client";
import { admin, limited, readerOf, request } from "./contract";

/** Numbers from 1 to `count`, as a table `numbers` of one column `n`. */
const numbersTo = (count: number) =>
  `WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${count})`;

/** The tests of it. */
export function tooMuchIsDescribed(): void {
  it("of shards is refused, and nothing is begun", async () => {
    const tenant = "contract-wide";
    const map = { method: "PUT", body: '{"tag":"site"}', headers: await admin(tenant) };
    expect((await request("/v1/shards", map)).status).toBe(200);
    const enroll = (index: number) =>
      runInDurableObject(hubOf(tenant), (hub) => (hub as Hub).enroll(`${tenant}/shard/2/s${index}`));
    for (let index = 0; index <= FAN_OUT_OBJECTS_MAX; index += 1) await enroll(index);
    const [reader, some, administrator] = [await readerOf(tenant), await limited(tenant), await admin(tenant)];
    const asked: [path: string, init: RequestInit][] = [
      ["/v1/query?metric=dns_requests_total&op=sum&by=site", { headers: reader }],
      ...["/v1/tags", "/v1/events", "/v1/refusals"].flatMap((path): [string, RequestInit][] => [
        [path, { headers: reader }],
        [path, { headers: some }],
      ]),
      ["/federate?match[]=dns_clients", { headers: some }],
      ...["quarantine", "release", "drop", "recut"].map((action): [string, RequestInit] => [
        `/v1/edges/a/${action}`,
        { method: "POST", headers: administrator },
      ]),
    ];
    for (const [path, init] of asked) {
      const response = await request(path, init);
      expect([path, response.status, await response.text()]).toEqual([path, 422, expect.stringMatching(/ \d{4} shards/)]);
    }
    expect(await enroll(0)).toEqual({ version: 0, edges: [] });
    expect((await request("/v1/edges?objects=2", { headers: some })).status).toBe(200);
  });

  it("of changes of a shard map is refused", async () => {
    const tenant = "contract-epochs";
    await runInDurableObject(hubOf(tenant), (_, { storage }) => {
      const changes = "SELECT n + 1, n, 'site', '[]' FROM numbers";
      storage.sql.exec(`INSERT INTO epochs (epoch, from_minute, tag, keep) ${numbersTo(SHARD_MAP_EPOCHS_MAX)} ${changes}`);
    });
    await abortAllDurableObjects();
    const init = { method: "PUT", body: '{"tag":"role"}', headers: await admin(tenant) };
    expect((await request("/v1/shards", init)).status).toBe(422);
  });

  it("of tiles is refused", async () => {
    const tenant = "contract-tiles";
    await runInDurableObject(hubOf(tenant), (_, { storage }) => {
      const first = tileId(0, Date.now() / 1000, 0);
      const tiles = `SELECT ${first} - n * ${tileId(0, 60, 0)}, 1, x'00' FROM numbers`;
      storage.sql.exec(`INSERT INTO tiles (id, revision, data) ${numbersTo(ROWS_MAX + 1)} ${tiles}`);
    });
    expect((await request("/v1/tiles?resolution=minutes&from=-20d", { headers: await readerOf(tenant) })).status).toBe(422);
  });
}
