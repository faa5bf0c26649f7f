/** Operations on the sets of clients of two sites, against the sites' own lists. */
import { runDurableObjectAlarm } from "cloudflare:test";
import { exports } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { sealMinute } from "../support/edge-minute";
import { murmur3 } from "../support/murmur3";
import { type Answered, ask, bearer, call, hubOf, MINUTE, post, readKey } from "./support/client";

const WINDOW = `from=${MINUTE - 600}&to=${MINUTE + 60}`;
const QUERY = "metric=dns_clients_theta";

const address = (index: number) => `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`;
let boots = 0n;

/** Posts a minute of clients `from` to `to`, of an edge of a site. */
async function postClients(tenant: string, site: string, from: number, to: number, theta = true): Promise<void> {
  boots += 1n;
  const clients = Array.from({ length: to - from }, (_, index) => address(from + index));
  const exchanges = clients.map((client) => ({ client, name: "a.example" }));
  const bundle = sealMinute({ minute: MINUTE, boot: boots, exchanges, theta });
  const told = await post(tenant, `edge-${boots}`, bundle, { "tallywire-tags": `site=${site}` });
  expect(told).toMatchObject({ status: 200 });
}

const between = (op: string, fra1 = "where.site=fra1", ams2 = "with.site=ams2") => `${QUERY}&op=${op}&${fra1}&${ams2}`;
const figures = ({ data: [row] }: Answered) => [row!.lower, row!.value, row!.upper, row!.first, row!.second];

async function refusal(tenant: string, search: string) {
  const { status, error, reason } = await call(`/v1/query?${WINDOW}&${search}`, {
    headers: { authorization: await readKey(tenant) },
  });
  return { status, error, reason };
}

describe("clients of two sites", () => {
  it("are counted exactly while they are few, over edges, before and after a seal", async () => {
    await postClients("few", "fra1", 0, 300);
    await postClients("few", "fra1", 250, 400);
    await postClients("few", "ams2", 350, 1000);
    for (const sealed of [false, true]) {
      if (sealed) await runDurableObjectAlarm(hubOf("few"));
      expect(figures(await ask("few", between("intersect")))).toEqual([50, 50, 50, 400, 650]);
      expect(figures(await ask("few", between("union")))).toEqual([1000, 1000, 1000, 400, 650]);
      expect(figures(await ask("few", between("difference")))).toEqual([350, 350, 350, 400, 650]);
      expect(figures(await ask("few", between("difference", "where.site=ams2", "with.site=fra1"))).slice(0, 3)).toEqual([
        600, 600, 600,
      ]);
    }
    const { data, meta } = await ask("few", between("intersect"));
    expect(Object.keys(data[0]!)).toEqual(["time", "value", "lower", "upper", "first", "second"]);
    expect(meta).toMatchObject({ metric: "dns_clients_theta", op: "intersect", complete: true });
    expect(meta.error_bound).toEqual({ kind: "exact", bound: 0 });
  });

  it("lie within the bounds while they are many", async () => {
    await postClients("many", "fra1", 0, 9000);
    await postClients("many", "fra1", 8000, 20_000);
    await postClients("many", "ams2", 15_000, 27_000);
    for (const [op, truth] of [
      ["intersect", 5000],
      ["union", 27_000],
      ["difference", 15_000],
    ] as const) {
      const answer = await ask("many", between(op));
      const [lower, value, upper, first, second] = figures(answer) as number[];
      expect([lower! <= truth, truth <= upper!], `${op} ${lower} ${value} ${upper}`).toEqual([true, true]);
      // A standard error is at most that of 4,096 samples of the union, seen on the part that is asked for.
      expect(upper! - lower!).toBeLessThan(2 * 2 * 1.2 * Math.sqrt((27_000 * truth) / 4096));
      expect(Math.abs(first! / 20_000 - 1)).toBeLessThan(0.05);
      expect(Math.abs(second! / 12_000 - 1)).toBeLessThan(0.05);
      expect(answer.meta.error_bound).toEqual({ kind: "interval", bound: upper! - lower! });
    }
    const [row] = (await ask("many", `${QUERY}&op=distinct&by=site`)).data;
    expect([row!.site, Number(row!.lower) < 12_000, Number(row!.upper) > 12_000]).toEqual(["ams2", true, true]);
  });

  it("are asked for as JSON too, and with conditions on labels", async () => {
    await postClients("json", "fra1", 0, 30);
    await postClients("json", "ams2", 20, 40);
    const headers = { authorization: await readKey("json") };
    const body = { metric: "dns_clients_theta", op: "intersect", from: MINUTE, to: MINUTE + 60 };
    const run = async (where: object, others: object) => {
      const init = { method: "POST", body: JSON.stringify({ ...body, where, with: others }), headers };
      return (await (await exports.default.fetch("http://hub/v1/query", init)).json<Answered>()).data[0]!.value;
    };
    expect(await run({ site: "fra1" }, { site: "ams2" })).toBe(10);
    expect(await run({ site: ["fra1", "ams2"] }, { site: { not: "fra1" } })).toBe(20);
    const byDirection = await Promise.all(["in", "out", "unknown"].map((direction) => run({ direction }, { site: "ams2" })));
    expect(byDirection.toSorted()).toEqual([0, 0, 20]);
    expect(await run({ site: "nowhere" }, { site: "ams2" })).toBe(0);
  });

  it("are had in DataSketches' form, merged", async () => {
    await postClients("form", "fra1", 0, 30);
    await postClients("form", "ams2", 20, 40);
    const headers = { authorization: await readKey("form") };
    const response = await exports.default.fetch(`http://hub/v1/sketch?${WINDOW}&${QUERY}&form=theta`, { headers });
    const bytes = await response.bytes();
    expect([...bytes.slice(0, 16)]).toEqual([2, 3, 3, 0, 0, 0x1a, 0xcc, 0x93, 40, 0, 0, 0, 0, 0, 0, 0]);
    const hashes = Array.from(
      { length: 40 },
      (_, index) => murmur3(Uint8Array.from(address(index).split("."), Number), 9001n)[0] >> 1n,
    );
    expect([...new BigUint64Array(bytes.slice(16).buffer)]).toEqual(hashes.sort((a, b) => (a < b ? -1 : 1)));
    const none = await exports.default.fetch(`http://hub/v1/sketch?${WINDOW}&metric=http_clients_theta&form=theta`, { headers });
    expect([...(await none.bytes())]).toEqual([1, 3, 3, 0, 0, 0x1e, 0xcc, 0x93]);
  });
});

describe("a tenant with shards", () => {
  it("has its sites compared, and its sketches merged, over their objects", async () => {
    const authorization = await bearer({ kind: "admin", tenant: "sharded", edge: "" });
    const map = { method: "PUT", body: JSON.stringify({ tag: "site" }), headers: { authorization } };
    expect((await exports.default.fetch("http://hub/v1/shards", map)).status).toBe(200);
    await postClients("sharded", "fra1", 0, 300);
    await postClients("sharded", "ams2", 250, 400);
    // What shards have not sent up yet is in answers by their tag.
    expect(figures(await ask("sharded", between("intersect")))).toEqual([50, 50, 50, 300, 150]);
    expect(figures(await ask("sharded", between("union", "where.site=!none")))).toEqual([400, 400, 400, 400, 150]);
    const headers = { authorization: await readKey("sharded") };
    const sketch = `/v1/sketch?${WINDOW}&metric=dns_clients&form=hll_8&where.site=fra1&where.site=ams2`;
    const bytes = await (await exports.default.fetch(`http://hub${sketch}`, { headers })).bytes();
    const slots = new Set(
      Array.from({ length: 400 }, (_, index) => murmur3(Uint8Array.from(address(index).split("."), Number), 9001n)[0] & 16383n),
    );
    expect(bytes.slice(40).filter((value) => value > 0)).toHaveLength(slots.size);
  });
});

describe("sets that are not there", () => {
  it("are refused where no agent makes them, and where only some do", async () => {
    await postClients("off", "fra1", 0, 300, false);
    await postClients("off", "ams2", 0, 300, true);
    const told = await refusal("off", between("intersect"));
    expect([told.status, told.error]).toEqual([422, "theta_off"]);
    expect(told.reason).toMatch(
      /^dns_clients counts at least 29\d in the set of where, and dns_clients_theta at most 0: not all of/,
    );
    expect((await refusal("off", between("union", "where.site=ams2", "with.site=fra1"))).reason).toContain("in the set of with");
    await postClients("off", "ams2", 300, 600, false);
    expect(await refusal("off", between("difference", "where.site=ams2", "with.site=none"))).toMatchObject({
      error: "theta_off",
    });
  });

  it("are nothing where nothing was seen", async () => {
    expect(figures(await ask("never", between("intersect")))).toEqual([0, 0, 0, 0, 0]);
  });
});

describe("a bundle without sets", () => {
  it("is the same as one with them, less their sections", () => {
    const exchanges = Array.from({ length: 100 }, (_, index) => ({ client: address(index), name: "a.example" }));
    const sizes = [false, true].map((theta) => sealMinute({ minute: MINUTE, boot: 1n, exchanges, theta }).length);
    expect(sizes[1]! - sizes[0]!).toBeGreaterThan(100 * 7);
    expect(sizes[1]! - sizes[0]!).toBeLessThan(100 * 9 + 20);
  });
});

describe("a question about sets that cannot be answered is refused in words", () => {
  it.each([
    [
      "metric=dns_clients&op=intersect&with.site=a",
      "op: intersect does not fit dns_clients, a distinct; ask dns_clients_theta, ",
    ],
    [
      "metric=dns_names&op=union&with.site=a",
      'op: union does not fit dns_names, a distinct; it is asked of sets, such as "dns_clients_theta"',
    ],
    [`${QUERY}&op=intersect&where.site=a`, "with: is missing; intersect is of two sets, the other of which it says like where"],
    [`${QUERY}&op=intersect&with.site=a&by=site`, "by: is no field of this; use metric, op, from, to, where, with, policy"],
    [`${QUERY}&op=intersect&with.site=a&with.site=!b`, 'with: with.site has values with and without "!"'],
    [`${QUERY}&op=intersect&with.direction=up`, 'with: direction has no value "up"'],
    [`${QUERY},http_clients_theta&op=intersect&with.site=a`, "metric: names more than one; intersect is of two sets of one"],
    [`${QUERY}&op=distinct&with.site=a`, "with: is no field of this; use "],
    [`${QUERY}&op=symmetric`, 'op: "symmetric" is not known; use sum, rate, '],
  ])("%s", async (search, reason) => {
    const told = await refusal("refused", search);
    expect([told.status, told.error]).toEqual([400, "bad_query"]);
    expect(told.reason).toContain(reason);
  });
});
