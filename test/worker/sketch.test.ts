/** `/v1/sketch` in forms of Apache DataSketches: what a reader of that library finds in them is what was posted. */
import { runDurableObjectAlarm } from "cloudflare:test";
import { exports } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { readSections } from "../support/bundle";
import { type Exchange, sealMinute } from "../support/edge-minute";
import { murmur3 } from "../support/murmur3";
import { call, hubOf, MINUTE, post, readKey } from "./support/client";

const WINDOW = `from=${MINUTE - 600}&to=${MINUTE + 60}`;

async function get(tenant: string, search: string): Promise<Response> {
  const headers = { authorization: await readKey(tenant) };
  return exports.default.fetch(`http://hub/v1/sketch?${WINDOW}&${search}`, { headers });
}

async function bytesOf(tenant: string, search: string): Promise<Uint8Array> {
  const response = await get(tenant, search);
  if (!response.ok) throw new Error(await response.text());
  return response.bytes();
}

/** What is wrong with a question. */
async function refusal(search: string): Promise<string> {
  const told = await call(`/v1/sketch?${search}`, { headers: { authorization: await readKey("refused") } });
  expect([told.status, told.error]).toEqual([400, "bad_query"]);
  return told.reason!;
}

const address = (index: number) => `10.0.${index >> 8}.${index & 255}`;
const exchanges = (from: number, to: number): Exchange[] =>
  Array.from({ length: to - from }, (_, index) => ({ client: address(from + index), name: `host${index % 7}.example.com` }));

/** Posts clients `from` to `to` as one edge's minute. */
async function postClients(tenant: string, edge: string, from: number, to: number, site: string): Promise<void> {
  const boot = BigInt(from + 1);
  const bundle = sealMinute({ minute: MINUTE, boot, exchanges: exchanges(from, to) });
  expect(await post(tenant, edge, bundle, { "tallywire-tags": `site=${site}` })).toMatchObject({ status: 200 });
}

/** The largest values of the coupons of addresses, by slot, as DataSketches takes them from the hash. */
function slotsOf(addresses: readonly string[], lgK: number): Uint8Array {
  const slots = new Uint8Array(1 << lgK);
  for (const text of addresses) {
    const [low, high] = murmur3(Uint8Array.from(text.split("."), Number), 9001n);
    const slot = Number(low & BigInt((1 << lgK) - 1));
    slots[slot] = Math.max(slots[slot]!, 65 - high.toString(2).length);
  }
  return slots;
}

/** The slots of an HLL_4 without coupons beside them. */
function halves(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from({ length: (bytes.length - 40) * 2 }, (_, slot) => (bytes[40 + (slot >> 1)]! >> (4 * (slot & 1))) & 15);
}

describe("a distinct count", () => {
  it("is what DataSketches has of the same addresses, over edges, before and after a seal", async () => {
    for (const [edge, [from, to]] of [
      [0, 300],
      [200, 500],
      [499, 620],
    ].entries()) {
      await postClients("hll", `edge-${edge}`, from!, to!, edge === 2 ? "ams2" : "fra1");
    }
    const all = Array.from({ length: 620 }, (_, index) => address(index));
    for (const sealed of [false, true]) {
      if (sealed) await runDurableObjectAlarm(hubOf("hll"));
      const hll8 = await bytesOf("hll", "metric=dns_clients&form=hll_8");
      expect([...hll8.slice(0, 8)]).toEqual([10, 1, 7, 14, 0, 24, 0, 10]);
      expect(hll8.slice(40)).toEqual(slotsOf(all, 14));
      expect(halves(await bytesOf("hll", "metric=dns_clients&form=hll_4"))).toEqual(slotsOf(all, 14));
      const fra1 = await bytesOf("hll", "metric=dns_clients&form=hll_8&where.site=fra1");
      expect(fra1.slice(40)).toEqual(slotsOf(all.slice(0, 500), 14));
    }
  });

  it("is of the labels that are named", async () => {
    await postClients("labels", "a", 0, 5, "fra1");
    const one = async (search: string) => (await bytesOf("labels", `metric=dns_clients&form=hll_8&${search}`))[6];
    expect(await one("")).toBe(5);
    const byLabel = await Promise.all(["in", "out", "unknown"].map((name) => one(`where.direction=${name}`)));
    expect(byLabel.toSorted()).toEqual([0, 0, 5]);
    expect(await one("where.direction=in&where.direction=out&where.direction=unknown")).toBe(5);
  });

  it("says what it is", async () => {
    const response = await get("hll", "metric=dns_clients&form=hll_8");
    expect(response.headers.get("content-type")).toBe("application/octet-stream");
    const time = (seconds: number) => new Date(seconds * 1000).toISOString().replace(".000", "");
    expect(JSON.parse(response.headers.get("tallywire-meta")!)).toEqual({
      form: "hll_8",
      metric: "dns_clients",
      from: time(MINUTE - 600),
      to: time(MINUTE + 60),
    });
  });
});

describe("a top", () => {
  it("has the names with their weights", async () => {
    await postClients("items", "a", 0, 70, "fra1");
    await postClients("items", "b", 70, 100, "fra1");
    const bytes = await bytesOf("items", "metric=dns_top_names&form=frequent_items");
    const view = new DataView(bytes.buffer);
    expect([...bytes.slice(0, 8)]).toEqual([4, 1, 10, 11, 4, 0, 0, 0]);
    expect([view.getUint32(8, true), view.getBigUint64(16, true), view.getBigUint64(24, true)]).toEqual([7, 100n, 0n]);
    const weights: Record<string, number> = {};
    let at = 32 + 7 * 8;
    for (let index = 0; index < 7; index++) {
      const length = view.getUint32(at, true);
      const name = new TextDecoder().decode(bytes.slice(at + 4, at + 4 + length));
      weights[name] = Number(view.getBigUint64(32 + 8 * index, true));
      at += 4 + length;
    }
    const wanted = Array.from({ length: 7 }, (_, name) => [
      `host${name}.example.com`,
      [...Array(70).keys(), ...Array(30).keys()].filter((index) => index % 7 === name).length,
    ]);
    expect(weights).toEqual(Object.fromEntries(wanted));
  });

  it("has more keys than a bundle leaves its edge with", async () => {
    for (const edge of [0, 1, 2]) {
      const names = Array.from({ length: 60 }, (_, index) => ({ client: address(edge), name: `e${edge}n${index}.example` }));
      const many = names.flatMap((exchange) => [exchange, exchange]);
      await post("many", `e${edge}`, sealMinute({ minute: MINUTE, boot: BigInt(edge + 1), exchanges: many }));
    }
    const bytes = await bytesOf("many", "metric=dns_top_names&form=frequent_items");
    expect(new DataView(bytes.buffer).getUint32(8, true)).toBe(180);
  });
});

describe("raw", () => {
  it("is all, or the sections of one metric", async () => {
    await postClients("raw", "a", 0, 50, "fra1");
    const metrics = async (search: string) =>
      new Set(readSections(await bytesOf("raw", search)).sections.map(({ metric }) => metric));
    expect((await metrics("")).size).toBeGreaterThan(10);
    expect((await metrics("form=raw&metric=dns_clients")).size).toBe(1);
  });
});

describe("where there is nothing", () => {
  it.each([
    ["form=raw", []],
    ["form=hll_8&metric=http_clients", [2, 1, 7, 14, 3, 12, 0, 8]],
    ["form=hll_4&metric=http_servers", [2, 1, 7, 12, 3, 12, 0, 0]],
    ["form=frequent_items&metric=http_top_paths", [1, 1, 10, 11, 3, 5, 0, 0]],
  ])("%s is a sketch of nothing", async (search, wanted) => {
    expect([...(await bytesOf("nothing", search))]).toEqual(wanted);
    if (search === "form=raw") return;
    // Sections of others are there, and none of this one's.
    await postClients("others", "a", 0, 3, "fra1");
    expect([...(await bytesOf("others", search))]).toEqual(wanted);
  });
});

describe("a question that cannot be answered is refused in words", () => {
  it.each([
    ["form=hll", 'form: "hll" is not known; use raw, hll_8, hll_4, frequent_items'],
    ["form=hll_8", "form: hll_8 wants a metric; name one distinct, such as "],
    ["form=hll_8&metric=dns_top_names", "form: hll_8 does not fit dns_top_names, a top; name one distinct, such as "],
    [
      "form=frequent_items&metric=dns_clients",
      "form: frequent_items does not fit dns_clients, a distinct; name one top, such as ",
    ],
    ["form=hll_4&metric=dns_clients,dns_servers", "metric: names more than one; a sketch is of one"],
    ["form=hll_4&metric=nothing_like_it", 'metric: "nothing_like_it" is not known; '],
    ["metric=dns_clients&where.direction=in", "where: names a label, and raw holds all of them; "],
    ["form=hll_8&metric=dns_clients&where.direction=up", 'where: direction has no value "up"; dns_clients has in, out, unknown'],
    ["form=hll_8&metric=dns_clients&op=distinct", "op: is no field of this; use from, to, where, policy, edge, metric, form"],
    ["form=hll_8&form=hll_4&metric=dns_clients", "form: is given more than once; give it once"],
    ["to=-1h&from=now", "to: is not after from; widen the window"],
  ])("%s", async (search, reason) => {
    expect(await refusal(search)).toContain(reason);
  });
});
