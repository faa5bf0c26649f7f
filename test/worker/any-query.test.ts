/** Any query, any key, any body: a refusal that says what to change, or an answer; never a failure of the hub. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sealMinute } from "../support/edge-minute";
import { call, MINUTE, post, readKey, writeKey } from "./support/client";

const TENANT = "any-query";
const good = sealMinute({ minute: MINUTE, boot: 1n, exchanges: [{ client: "10.0.0.1", name: "a.example" }] });
const READ = await readKey(TENANT);
const REFUSALS = [400, 404, 405, 413, 415, 422];

const metric = fc.constantFrom("dns_requests_total", "dns_clients", "dns_top_names", "dns_duration_seconds", "dns_breakdown");
const operation = fc.constantFrom("sum", "rate", "distinct", "top", "quantile", "histogram", "breakdown", "last");
const word = fc.oneof(
  fc.string({ maxLength: 20 }),
  fc.string({ unit: "binary", maxLength: 8 }),
  fc.constantFrom("__proto__", "constructor", "toString", "hasOwnProperty", "site", "direction", "tag:site", "time", "value", ""),
);
const time = fc.oneof(
  word,
  fc.constantFrom("now", "-999999999w", "now-999999999w", "-0s", "-1h", "1970-01-01T00:00:00Z", "9999-99-99T00:00:00Z"),
  fc.integer().map(String),
  fc.double().map(String),
  fc.constant(String(MINUTE)),
);
/** Mostly what fits, so that what does not is reached behind it. */
const mostly = <T, U>(fits: fc.Arbitrary<T>, not: fc.Arbitrary<U>) =>
  fc.oneof({ weight: 4, arbitrary: fits }, { weight: 1, arbitrary: not });

async function isAnswered(path: string, init: RequestInit = {}): Promise<void> {
  const told = await call(path, { ...init, headers: { authorization: READ, ...init.headers } });
  if (told.status === 200) return;
  expect(REFUSALS, `${path} ${String(init.body)} ${told.reason}`).toContain(told.status);
  expect(told.error).toMatch(/^[a-z_]+$/);
  expect(told.reason?.length).toBeGreaterThan(9);
}

const search = fc
  .record(
    {
      metric: mostly(metric, word),
      op: mostly(operation, word),
      from: time,
      to: time,
      step: fc.oneof(time, fc.constantFrom("1m", "60", "1e9", "1e308", "-60", "999999999w")),
      by: fc.oneof(word, fc.array(word, { maxLength: 4 }).map(String)),
      n: word,
      q: word,
      key: word,
      policy: word,
      per: mostly(metric, word),
      compare: mostly(fc.constantFrom("previous", "1d", "60"), time),
      "where.site": word,
      "where.direction": word,
      "where.__proto__": word,
      other: word,
    },
    { requiredKeys: ["metric", "op"] },
  )
  .map((fields) => new URLSearchParams(Object.entries(fields)).toString());

const value = fc.oneof(word, fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<unknown>, time);
const body = fc.record(
  {
    metric: mostly(metric, value),
    op: mostly(operation, value),
    from: value,
    to: value,
    step: fc.oneof(value, fc.double(), fc.constantFrom(60, 1e300, { toString: 1, valueOf: 1 })),
    by: fc.oneof(value, fc.array(word, { maxLength: 3 })),
    where: fc.oneof(value, fc.dictionary(word, value, { maxKeys: 3 })),
    n: value,
    q: value,
    key: value,
    policy: value,
  },
  { requiredKeys: ["metric", "op"] },
);

describe("any query", () => {
  it("as a search is answered or refused", async () => {
    expect(await post(TENANT, "edge", good)).toMatchObject({ status: 200 });
    await fc.assert(
      fc.asyncProperty(fc.constantFrom("/v1/query", "/v1/sketch"), search, (path, fields) =>
        path === "/v1/query" ? isAnswered(`${path}?${fields}`) : isRefused(`${path}?${fields}`),
      ),
      { numRuns: 100 },
    );
  });

  it("as JSON is answered or refused", async () => {
    const json = fc.oneof(
      { weight: 4, arbitrary: body.map((fields) => JSON.stringify(fields)) },
      { weight: 1, arbitrary: fc.json() },
    );
    await fc.assert(
      fc.asyncProperty(json, (text) => isAnswered("/v1/query", { method: "POST", body: text })),
      { numRuns: 120 },
    );
  });

  it("of any bytes is refused", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), (bytes) =>
        isAnswered("/v1/query", { method: "POST", body: bytes.slice() }),
      ),
      { numRuns: 40 },
    );
  });

  it.each([
    ["a span from before all time", "from=-999999999w", "bad_time"],
    ["a tag that can be none", "by=__proto__", "bad_query"],
    ["a condition on what can be no tag", "where.__proto__=x", "bad_query"],
    ["a field that there is not", "__proto__=x", "bad_query"],
    ["a tag named as every object has one", "by=constructor,has_own", undefined],
  ])("%s", async (_, fields, error) => {
    const init = { headers: { authorization: await readKey(TENANT) } };
    const told = await call(`/v1/query?metric=dns_requests_total&op=sum&${fields}`, init);
    expect([told.status, told.error]).toEqual(error === undefined ? [200, undefined] : [400, error]);
  });

  it("fields that nest deeper than can be written", async () => {
    const deep = `${"[".repeat(30_000)}${"]".repeat(30_000)}`;
    for (const field of ["from", "to", "step", "metric", "op", "by", "where", "q", "n", "key", "policy", "compare", "other"]) {
      const body = `{"metric":"dns_requests_total","op":"sum","${field}":${deep}}`;
      const told = await call("/v1/query", { method: "POST", body, headers: { authorization: await readKey("any") } });
      expect(told, field).toMatchObject({ status: 400 });
    }
  });

  it("a step that is an object which cannot be text", async () => {
    const body = JSON.stringify({ metric: "dns_requests_total", op: "sum", step: { toString: 1, valueOf: 1 } });
    const init = { method: "POST", body, headers: { authorization: await readKey(TENANT) } };
    expect(await call("/v1/query", init)).toMatchObject({ status: 400, error: "bad_query" });
  });
});

/** `/v1/sketch` gives bytes where it gives anything: only its refusals are JSON. */
async function isRefused(path: string): Promise<void> {
  await isAnswered(`${path}&no-field-of-it=1`);
}

describe("any bundle, header and key", () => {
  it("is taken or refused", async () => {
    const text = fc.string({ maxLength: 60 });
    const header = fc.record(
      {
        "content-encoding": fc.oneof(fc.constantFrom("gzip", "deflate", "x-gzip", "identity"), text),
        "tallywire-tags": fc.oneof(text, fc.constantFrom("site=%", "a=b", "a=%00", "constructor=1", "a=%ff")),
        "tallywire-clock": fc.oneof(text, fc.double().map(String)),
      },
      { requiredKeys: [] },
    );
    const flipped = fc.tuple(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 })).map(([at, bits]) => {
      const copy = good.slice();
      copy[at]! ^= bits;
      return copy;
    });
    const bytes = fc.oneof(flipped, fc.uint8Array({ maxLength: 100 }), fc.constant(good));
    const authorization = await writeKey(TENANT);
    await fc.assert(
      fc.asyncProperty(bytes, header, async (body, headers) => {
        const told = await call("/v1/ingest", { method: "POST", body: body.slice(), headers: { authorization, ...headers } });
        expect([200, ...REFUSALS], told.reason).toContain(told.status);
      }),
      { numRuns: 40 },
    );
  });

  it("that is no key is refused as such", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ maxLength: 80 }), async (text) => {
        const told = await call("/v1/edges", { headers: { authorization: `Bearer ${text}` } });
        expect([told.status, told.error]).toEqual([401, expect.stringMatching(/^(no|bad)_key$/)]);
      }),
      { numRuns: 40 },
    );
  });
});
