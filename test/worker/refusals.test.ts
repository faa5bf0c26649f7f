import { runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import type { Environment } from "../../worker/environment";
import { BUNDLE_BYTES_MAX, WIRE_BYTES_MAX } from "../../worker/limits";
import { retentionOf } from "../../worker/retention";
import { mergeDirectly, sealMinute, withSequence, withTop } from "../support/edge-minute";
import { ask, bearer, call, hubOf, MINUTE, post as postAs, readKey, writeKey } from "./support/client";
import { pack } from "./support/pack";

const good = sealMinute({ minute: MINUTE, boot: 1n, exchanges: [{ client: "10.0.0.1", name: "a.example" }] });
const at = (minute: number) => sealMinute({ minute, boot: 1n, exchanges: [{ client: "10.0.0.1", name: "a.example" }] });
const post = (tenant: string, body: BodyInit, headers: Record<string, string> = {}) => postAs(tenant, "edge", body, headers);

async function storedRows(tenant: string): Promise<number> {
  const count = "SELECT (SELECT COUNT(*) FROM batches) + (SELECT COUNT(*) FROM edges) + (SELECT COUNT(*) FROM groups) AS rows";
  return runInDurableObject(hubOf(tenant), (_, state) => Number(state.storage.sql.exec(count).one().rows));
}

const bomb = await pack("gzip", new Uint8Array(BUNDLE_BYTES_MAX * 20));
const broken = (await pack("gzip", good)).subarray(0, 20);

describe("a refused bundle", () => {
  it.each([
    ["no bundle", "not a bundle", {}, 422, "not_a_bundle"],
    ["an empty body", "", {}, 422, "not_a_bundle"],
    ["a cut bundle", good.subarray(0, good.length - 1), {}, 422, "bad_checksum"],
    ["a flipped bit", good.map((byte, index) => (index === 100 ? byte ^ 1 : byte)), {}, 422, "bad_checksum"],
    ["a bundle of another format", good.map((byte, index) => (index === 8 ? 9 : byte)), {}, 422, "bad_checksum"],
    ["a forged total", withTop(good, 2n ** 44n + 1n), {}, 422, "bad_total"],
    ["a merged bundle", mergeDirectly([good, withSequence(good, 1)]), {}, 422, "merged"],
    ["a minute of last week", at(MINUTE - 7 * 86400), {}, 422, "too_late"],
    ["a minute of tomorrow", at(MINUTE + 86400), {}, 422, "clock_ahead"],
    ["a body that is too long", new Uint8Array(WIRE_BYTES_MAX + 1), {}, 413, "body_too_large"],
    ["a bomb", bomb, { "content-encoding": "gzip" }, 413, "bundle_too_large"],
    ["a broken gzip", broken, { "content-encoding": "gzip" }, 400, "bad_body"],
    ["an unknown encoding", good, { "content-encoding": "br" }, 415, "bad_content_encoding"],
    ["a bad clock", good, { "tallywire-clock": "noon" }, 400, "bad_clock"],
    ["tags without a value", good, { "tallywire-tags": "site" }, 400, "bad_tags"],
    ["a reserved tag", good, { "tallywire-tags": "value=1" }, 400, "bad_tags"],
    ["a tag twice", good, { "tallywire-tags": "site=a,site=b" }, 400, "bad_tags"],
    ["a tag with a line feed", good, { "tallywire-tags": "site=a%0Ab" }, 400, "bad_tags"],
    ["a tag named as no tag is", good, { "tallywire-tags": "__proto__=a" }, 400, "bad_tags"],
    ["tags without end", good, { "tallywire-tags": "abcdefghi".replace(/./g, "$&=1,") }, 422, "too_many_tags"],
  ])("%s gets a code and a reason, and leaves nothing", async (name, body, headers, status, code) => {
    const tenant = name.replaceAll(" ", "-");
    const answer = await post(tenant, body as BodyInit, headers as Record<string, string>);
    expect(answer).toMatchObject({ status, error: code, reason: expect.stringMatching(/.{10,}/) });
    expect(await storedRows(tenant)).toBe(0);
  });

  it("is not one whose totals an edge can have counted", async () => {
    expect(await post("great-totals", withTop(good, 2n ** 44n))).toMatchObject({ status: 200 });
  });

  it("counts bytes while reading where no length is declared", async () => {
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 65536;
        controller.enqueue(new Uint8Array(65536));
      },
    });
    expect(await post("endless", body)).toMatchObject({ status: 413, error: "body_too_large" });
    expect(sent).toBeLessThan(WIRE_BYTES_MAX * 3);
  });

  it("is the only one that is refused: gzip and deflate of a good one are taken", async () => {
    for (const form of ["gzip", "deflate"] as const) {
      expect(await post("packed", await pack(form, good), { "content-encoding": form })).toMatchObject({ status: 200 });
    }
  });
});

describe("keys", () => {
  it.each([
    ["none", async () => "", 401],
    ["no bearer", async () => "Basic Zm9v", 401],
    ["nonsense", async () => "Bearer tw_w_", 401],
    ["another master's", async () => bearer({ kind: "write", tenant: "a", edge: "e" }, "another master key of some length"), 401],
    ["another tenant's MAC", async () => (await writeKey("a")).replace("tw_w_a.", "tw_w_b."), 401],
    ["another edge's MAC", async () => (await writeKey("a", "e")).replace(".e.", ".f."), 401],
    ["a read key", async () => readKey("a"), 403],
    ["a flipped bit", async () => (await writeKey("a")).replace(/.$/, (last) => (last === "A" ? "E" : "A")), 401],
  ])("refuses to write with %s", async (_, authorization, status) => {
    const headers = { authorization: await authorization() };
    expect(await call("/v1/ingest", { method: "POST", body: good, headers })).toMatchObject({ status });
  });

  it.each(["/v1/query?metric=dns_clients&op=distinct", "/v1/edges", "/v1/tags"])(
    "refuses %s without a read key",
    async (path) => {
      expect(await call(path)).toMatchObject({ status: 401, error: "no_key" });
      expect(await call(path, { headers: { authorization: await writeKey("a") } })).toMatchObject({
        status: 403,
        error: "wrong_kind",
      });
      const admin = await bearer({ kind: "admin", tenant: "a", edge: "" });
      expect(await call(path, { headers: { authorization: admin } })).toMatchObject({ status: 200 });
    },
  );

  it("shows a tenant nothing of another", async () => {
    await post("mine", good);
    expect((await ask("mine", "metric=dns_requests_total&op=sum")).data).toHaveLength(1);
    expect((await ask("other", "metric=dns_requests_total&op=sum")).data).toHaveLength(0);
  });
});

describe("a refused query", () => {
  it.each([
    ["", "metric"],
    ["metric=nope&op=sum", "metric"],
    ["metric=dns_messages_total", "sum, rate"],
    ["metric=dns_messages_total&op=top", "sum, rate"],
    ["metric=dns_messages_total&op=fold", "histogram"],
    ["metric=dns_messages_total&op=sum&from=yesterday", "RFC 3339"],
    ["metric=__proto__&op=sum", "not known; /v1/metrics lists them"],
    ["metric=dns_messages_total&op=sum&from=2026-02-31T00:00:00Z", "RFC 3339"],
    ["metric=dns_messages_total&op=sum&from=2026-04-31T00:00:00Z", "RFC 3339"],
    ["metric=dns_messages_total&op=sum&from=1767182400000", "milliseconds"],
    ["metric=dns_messages_total&op=sum&from=now&to=-1h", "after from"],
    ["metric=dns_messages_total&op=sum&step=90", "step"],
    ["metric=dns_messages_total&op=sum&from=0&step=60", "longer step"],
    ["metric=dns_messages_total&op=sum&limit=3", "limit"],
    ["metric=dns_messages_total&op=sum&n=0", "1 to"],
    ["metric=dns_messages_total&op=sum&q=2", "0 to 1"],
    ["metric=dns_messages_total&op=sum&where.direction=up", "unknown"],
    ["metric=dns_messages_total&op=sum&where.site=!a&where.site=b", "!"],
    ["metric=dns_messages_total&op=sum&op=sum", "once"],
  ])("%s says what to change", async (search, hint) => {
    const answer = await call(`/v1/query?${search}`, { headers: { authorization: await readKey("a") } });
    expect(answer).toMatchObject({ status: 400, reason: expect.stringContaining(hint) });
  });

  it.each(["", "[]", "{", '"x"', '{"metric":1,"op":"sum"}', '{"metric":"dns_clients","op":"distinct","where":[]}', "\u00ff"])(
    "a body of %s says what to change",
    async (body) => {
      const init = { method: "POST", body, headers: { authorization: await readKey("a") } };
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
    await post("times", withSequence(good, 1));
    const seconds = Math.floor(Date.now() / 1000 - 600);
    for (const from of [new Date(seconds * 1000).toISOString(), String(seconds), "-10m", "now-10m", "-600s", "-600"]) {
      const { data } = await ask("times", "metric=dns_requests_total&op=sum", `from=${encodeURIComponent(from)}`);
      expect(
        data.map((row) => row.value),
        from,
      ).toEqual([1]);
    }
  });
});

describe("how long what is kept", () => {
  const of = (settings: Partial<Environment>) => retentionOf(settings as Environment);

  it("is as set, and as usual where it is not", () => {
    expect(of({})).toEqual([48 * 3600, 30 * 86_400, 400 * 86_400]);
    expect(of({ KEEP_MINUTES: "72h", KEEP_DAYS: "730d" })).toEqual([72 * 3600, 30 * 86_400, 730 * 86_400]);
  });

  it.each([
    [{ KEEP_MINUTES: "47h" }, /KEEP_MINUTES is "47h": minutes are kept 2d to 3660d/],
    [{ KEEP_HOURS: "1d" }, /KEEP_HOURS is "1d": hours are kept 2d to 3660d/],
    [{ KEEP_HOURS: "500d" }, /KEEP_DAYS is "400d": days are kept 500d/],
    [{ KEEP_DAYS: "20000d" }, /KEEP_DAYS/],
    [{ KEEP_DAYS: "for ever" }, /"for ever".*set it like 400d/],
  ])("%j is refused", (settings, reason) => {
    expect(() => of(settings)).toThrow(reason);
  });
});
