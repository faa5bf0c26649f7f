import { runInDurableObject } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { deriveKey, importMaster, type KeyHolder } from "../../engine/keys";
import { useCore } from "../../worker/core";
import { BUNDLE_BYTES_MAX, WIRE_BYTES_MAX } from "../../worker/limits";
import { DoubleCore, encode } from "./support/double";
import { pack } from "./support/pack";

const MINUTE = Math.floor(Date.now() / 60_000) * 60 - 120;
const NOW = Date.now() / 1000;

beforeAll(() => useCore(new DoubleCore()));

async function bearer(holder: KeyHolder, master = env.MASTER_KEY): Promise<string> {
  return `Bearer ${await deriveKey(await importMaster(master), holder)}`;
}
const write = (tenant: string, edge = "edge") => bearer({ kind: "write", tenant, edge });
const read = (tenant: string) => bearer({ kind: "read", tenant, edge: "" });

async function call(path: string, init: RequestInit = {}) {
  const response = await exports.default.fetch(`http://hub${path}`, init);
  const body = await response.json<Record<string, string>>();
  return { status: response.status, code: body.error, reason: body.reason };
}

async function post(tenant: string, body: BodyInit, headers: Record<string, string> = {}) {
  return call("/v1/ingest", { method: "POST", body, headers: { authorization: await write(tenant), ...headers } });
}

async function storedRows(tenant: string): Promise<number> {
  const count = "SELECT (SELECT COUNT(*) FROM batches) + (SELECT COUNT(*) FROM edges) + (SELECT COUNT(*) FROM groups) AS rows";
  return runInDurableObject(env.HUB.getByName(`${tenant}/root/1/0`), (_, state) =>
    Number(state.storage.sql.exec(count).one().rows),
  );
}

const good = (change: object = {}) =>
  encode({ minute: MINUTE, sequence: 1, boot: "00", counts: { in: 1 }, clients: [], ...change }) as Uint8Array<ArrayBuffer>;

const bomb = await pack("gzip", new Uint8Array(BUNDLE_BYTES_MAX * 20));
const broken = (await pack("gzip", good())).subarray(0, 20);

describe("a refused bundle", () => {
  it.each([
    ["no bundle", "not a bundle", {}, 422, "bad_bundle"],
    ["a part of a minute", good({ minute: MINUTE + 1 }), {}, 422, "bad_window"],
    ["a minute of last week", good({ minute: MINUTE - 7 * 86400 }), {}, 422, "too_late"],
    ["a minute of tomorrow", good({ minute: MINUTE + 86400 }), {}, 422, "clock_ahead"],
    ["a body that is too long", new Uint8Array(WIRE_BYTES_MAX + 1), {}, 413, "body_too_large"],
    ["a bomb", bomb, { "content-encoding": "gzip" }, 413, "bundle_too_large"],
    ["a broken gzip", broken, { "content-encoding": "gzip" }, 400, "bad_body"],
    ["an unknown encoding", good(), { "content-encoding": "br" }, 415, "bad_content_encoding"],
    ["a bad clock", good(), { "tallywire-clock": "noon" }, 400, "bad_clock"],
    ["tags without a value", good(), { "tallywire-tags": "site" }, 400, "bad_tags"],
    ["a reserved tag", good(), { "tallywire-tags": "value=1" }, 400, "bad_tags"],
    ["a tag twice", good(), { "tallywire-tags": "site=a,site=b" }, 400, "bad_tags"],
    ["a tag with a line feed", good(), { "tallywire-tags": "site=a%0Ab" }, 400, "bad_tags"],
    ["a tag named as no tag is", good(), { "tallywire-tags": "__proto__=a" }, 400, "bad_tags"],
    ["tags without end", good(), { "tallywire-tags": "abcdefghi".replace(/./g, "$&=1,") }, 422, "too_many_tags"],
  ])("%s gets a code and a reason, and leaves nothing", async (name, body, headers, status, code) => {
    const tenant = name.replaceAll(" ", "-");
    const answer = await post(tenant, body as BodyInit, headers as Record<string, string>);
    expect(answer).toMatchObject({ status, code, reason: expect.stringMatching(/.{10,}/) });
    expect(await storedRows(tenant)).toBe(0);
  });

  it("counts bytes while reading where no length is declared", async () => {
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 65536;
        controller.enqueue(new Uint8Array(65536));
      },
    });
    expect(await post("endless", body)).toMatchObject({ status: 413, code: "body_too_large" });
    expect(sent).toBeLessThan(WIRE_BYTES_MAX * 3);
  });

  it("is the only one that is refused: gzip and deflate of a good one are taken", async () => {
    for (const form of ["gzip", "deflate"] as const) {
      expect(await post("packed", await pack(form, good()), { "content-encoding": form })).toMatchObject({ status: 200 });
    }
  });
});

describe("keys", () => {
  it.each([
    ["none", async () => "", 401],
    ["no bearer", async () => "Basic Zm9v", 401],
    ["nonsense", async () => "Bearer tw_w_", 401],
    ["another master's", async () => bearer({ kind: "write", tenant: "a", edge: "e" }, "another master key of some length"), 401],
    ["another tenant's MAC", async () => (await write("a")).replace("tw_w_a.", "tw_w_b."), 401],
    ["another edge's MAC", async () => (await write("a", "e")).replace(".e.", ".f."), 401],
    ["a read key", async () => read("a"), 403],
    ["a flipped bit", async () => (await write("a")).replace(/.$/, (last) => (last === "A" ? "E" : "A")), 401],
  ])("refuses to write with %s", async (_, authorization, status) => {
    const headers = { authorization: await authorization() };
    expect(await call("/v1/ingest", { method: "POST", body: good(), headers })).toMatchObject({ status });
  });

  it.each(["/v1/query?metric=net_clients&op=distinct", "/v1/edges", "/v1/tags"])(
    "refuses %s without a read key",
    async (path) => {
      expect(await call(path)).toMatchObject({ status: 401, code: "no_key" });
      expect(await call(path, { headers: { authorization: await write("a") } })).toMatchObject({
        status: 403,
        code: "wrong_kind",
      });
      const admin = await bearer({ kind: "admin", tenant: "a", edge: "" });
      expect(await call(path, { headers: { authorization: admin } })).toMatchObject({ status: 200 });
    },
  );

  it("shows a tenant nothing of another", async () => {
    await post("mine", good({ counts: { in: 7 } }));
    const query = "/v1/query?metric=net_packets_total&op=sum";
    const ask = async (tenant: string) =>
      (await exports.default.fetch(`http://hub${query}`, { headers: { authorization: await read(tenant) } })).json<{
        data: unknown[];
      }>();
    expect((await ask("mine")).data).toHaveLength(1);
    expect((await ask("other")).data).toHaveLength(0);
  });
});

describe("a refused query", () => {
  it.each([
    ["", "metric"],
    ["metric=nope&op=sum", "metric"],
    ["metric=net_packets_total", "sum, rate"],
    ["metric=net_packets_total&op=top", "sum, rate"],
    ["metric=net_packets_total&op=fold", "histogram"],
    ["metric=net_packets_total&op=sum&from=yesterday", "RFC 3339"],
    ["metric=net_packets_total&op=sum&from=1767182400000", "milliseconds"],
    ["metric=net_packets_total&op=sum&from=now&to=-1h", "after from"],
    ["metric=net_packets_total&op=sum&step=90", "step"],
    ["metric=net_packets_total&op=sum&from=0&step=60", "longer step"],
    ["metric=net_packets_total&op=sum&limit=3", "limit"],
    ["metric=net_packets_total&op=sum&n=0", "1 to"],
    ["metric=net_packets_total&op=sum&q=2", "0 to 1"],
    ["metric=net_packets_total&op=sum&where.direction=up", "in, out, unknown"],
    ["metric=net_packets_total&op=sum&where.site=!a&where.site=b", "!"],
    ["metric=net_packets_total&op=sum&op=sum", "once"],
  ])("%s says what to change", async (search, hint) => {
    const answer = await call(`/v1/query?${search}`, { headers: { authorization: await read("a") } });
    expect(answer).toMatchObject({ status: 400, reason: expect.stringContaining(hint) });
  });

  it.each(["", "[]", "{", '"x"', '{"metric":1,"op":"sum"}', '{"metric":"net_clients","op":"distinct","where":[]}', "\u00ff"])(
    "a body of %s says what to change",
    async (body) => {
      const init = { method: "POST", body, headers: { authorization: await read("a") } };
      expect(await call("/v1/query", init)).toMatchObject({ status: 400, reason: expect.stringMatching(/.{10,}/) });
    },
  );

  it("a wrong path or method says which there are", async () => {
    expect(await call("/v1/ingest")).toMatchObject({ status: 405, reason: expect.stringContaining("POST") });
    expect(await call("/v1/other")).toMatchObject({ status: 404, reason: expect.stringContaining("/v1/query") });
    expect(await call("/other")).toMatchObject({ status: 404 });
  });
});

describe("times", () => {
  it("are RFC 3339, unix seconds, or relative", async () => {
    await post("times", good());
    const at = (seconds: number) => new Date(seconds * 1000).toISOString();
    for (const from of [at(NOW - 600), String(Math.floor(NOW - 600)), "-10m", "now-10m", "-600s", "-600"]) {
      const headers = { authorization: await read("times") };
      const path = `http://hub/v1/query?metric=net_packets_total&op=sum&from=${encodeURIComponent(from)}`;
      const answer = await (await exports.default.fetch(path, { headers })).json<{ data: { value: number }[] }>();
      expect(
        answer.data.map((row) => row.value),
        from,
      ).toEqual([1]);
    }
  });
});
