/** What tiles take over history, as an operator sees it: held against the rows themselves. */
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { exports } from "cloudflare:workers";
import { expect, it } from "vitest";
import { TILE_ROW_BYTES_MAX } from "../../worker/limits";
import { writeTile } from "../../worker/object/tiles";
import { sealMinute } from "../support/edge-minute";
import { bearer, call, get, hubOf, MINUTE, post, readKey } from "./support/client";

interface Told {
  data: { time: string; tiles: number; bytes: number; largest_bytes: number }[];
  meta: { object: string; resolution: number };
}

const timeOf = (seconds: number) => new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
const minuteOf = (at: number, requests: number) => {
  const exchanges = Array.from({ length: requests }, (_, index) => ({ client: "10.0.0.1", name: `host${index}.example.com` }));
  return sealMinute({ minute: at, boot: 1n, exchanges });
};

it("is told for each minute with tiles: how many, of what size, and the largest", async () => {
  for (const [edge, requests] of [1, 40].entries()) {
    const headers = { "tallywire-tags": `site=s${edge}` };
    await post("sizes", `edge${edge}`, minuteOf(MINUTE, requests), headers);
    await post("sizes", `edge${edge}`, minuteOf(MINUTE - 180, requests + 3), headers);
  }
  expect((await get<Told>("sizes", "/v1/tiles?resolution=minutes")).data).toEqual([]);
  await runDurableObjectAlarm(hubOf("sizes"));
  const truth = await runInDurableObject(hubOf("sizes"), (_, { storage }) =>
    storage.sql
      .exec<{ id: number; data: ArrayBuffer }>("SELECT id, data FROM tiles WHERE id < 1125899906842624 ORDER BY id")
      .toArray(),
  );
  const sizesOf = (at: number) =>
    truth.filter(({ id }) => Math.floor(id / 2 ** 22) === at / 60).map(({ data }) => data.byteLength);
  const { data, meta } = await get<Told>("sizes", "/v1/tiles?resolution=minutes");
  const rowOf = (at: number) => {
    const sizes = sizesOf(at);
    return { time: timeOf(at), tiles: 2, bytes: sizes[0]! + sizes[1]!, largest_bytes: Math.max(...sizes) };
  };
  expect(data).toEqual([rowOf(MINUTE - 180), rowOf(MINUTE)]);
  expect(meta).toMatchObject({ object: "sizes/root/1/0", resolution: 60 });
  const one = await get<Told>("sizes", `/v1/tiles?resolution=minutes&from=${MINUTE - 60}`);
  expect(one.data).toEqual([rowOf(MINUTE)]);
});

it("of a tile that lies in several rows is that of all, by hours and days too", async () => {
  const hour = Math.floor(MINUTE / 3600) * 3600 - 7200;
  const day = Math.floor(MINUTE / 86_400) * 86_400 - 86_400;
  const part = new Uint8Array(TILE_ROW_BYTES_MAX + 7);
  await runInDurableObject(hubOf("large"), (_, { storage }) => {
    writeTile(storage.sql, { level: 1, start: hour, group: 999 }, [part, part.subarray(0, 5)], 1);
    writeTile(storage.sql, { level: 1, start: hour, group: 0 }, [part.subarray(0, 3)], 1);
    writeTile(storage.sql, { level: 2, start: day, group: 1 }, [part], 1);
  });
  const total = TILE_ROW_BYTES_MAX + 12;
  expect((await get<Told>("large", "/v1/tiles")).data).toEqual([
    { time: timeOf(hour), tiles: 2, bytes: total + 3, largest_bytes: total },
  ]);
  expect((await get<Told>("large", "/v1/tiles?resolution=days")).data).toEqual([
    { time: timeOf(day), tiles: 1, bytes: TILE_ROW_BYTES_MAX + 7, largest_bytes: TILE_ROW_BYTES_MAX + 7 },
  ]);
  const headers = { authorization: await readKey("large"), accept: "text/csv" };
  const csv = await (await exports.default.fetch("http://hub/v1/tiles", { headers })).text();
  expect(csv.split("\r\n").slice(0, 1)).toEqual(["time,tiles,bytes,largest_bytes"]);
});

it("is told of the tenant's own objects alone, to who may read all of it", async () => {
  const authorization = await readKey("sizes");
  const told = (search: string, key = authorization) => call(`/v1/tiles${search}`, { headers: { authorization: key } });
  for (const object of ["large/root/1/0", "sizes/shard/2/fra", "sizes", ""]) {
    expect(await told(`?object=${encodeURIComponent(object)}`)).toMatchObject({ status: 404, error: "unknown_object" });
  }
  expect(await told("?object=sizes/root/1/0")).toMatchObject({ status: 200 });
  expect(await told("?resolution=weeks")).toMatchObject({ status: 400, error: "bad_query" });
  expect(await told("?step=60")).toMatchObject({ status: 400, error: "bad_query" });
  expect(await told("?from=now&to=-1h")).toMatchObject({ status: 400, error: "bad_query" });
  expect(await told("", "Bearer nothing")).toMatchObject({ status: 401 });
  const limited = await bearer({
    kind: "read",
    tenant: "sizes",
    edge: "",
    where: [{ tag: "site", values: ["s1"], negated: false }],
  });
  expect(await told("", limited)).toMatchObject({ status: 403 });
});
