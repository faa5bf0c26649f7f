/** Keys that see some edges alone, keys that are good no more, and bundles that are signed. */
import { abortAllDurableObjects, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeConditions, encodeConditions, type KeyCondition } from "../../engine/key-conditions";
import { deriveKey, importMaster, nameOfKey, parseKey } from "../../engine/keys";
import { importSigner, sign } from "../../engine/signature";
import { checkSignature } from "../../worker/authorize";
import type { Environment } from "../../worker/environment";
import { REVOKED_MAX } from "../../worker/limits";
import { forgetRevoked } from "../../worker/tree/revoked";
import { sealMinute, withSequence } from "../support/edge-minute";
import { ask, bearer, call, hubOf, MINUTE, post, readKey, timeless, writeKey } from "./support/client";
import { pack } from "./support/pack";

const WINDOW = `from=${MINUTE - 600}&to=${MINUTE + 60}`;
const REQUESTS = `/v1/query?${WINDOW}&metric=dns_requests_total&op=sum`;
const bundleOf = (requests: number, boot = 1n) =>
  sealMinute({
    minute: MINUTE,
    boot,
    exchanges: Array.from({ length: requests }, (_, index) => ({ client: `10.0.0.${index}`, name: `h${index}.example` })),
  });
const bundle = bundleOf(1);
const limited = (tenant: string, ...where: KeyCondition[]) => bearer({ kind: "read", tenant, edge: "", where });
const is = (tag: string, ...values: string[]): KeyCondition => ({ tag, values, negated: false });
const not = (tag: string, ...values: string[]): KeyCondition => ({ tag, values, negated: true });
const admin = (tenant: string) => bearer({ kind: "admin", tenant, edge: "" });

// biome-ignore lint/suspicious/noExplicitAny: answers of many routes
async function seen(authorization: string, path: string): Promise<any> {
  const response = await exports.default.fetch(`http://hub${path}`, { headers: { authorization } });
  if (!response.ok) throw new Error(await response.text());
  return response.json();
}

const SENT = [
  ["fra-web", "site=fra,role=web", 1],
  ["fra-db", "site=fra,role=db", 2],
  ["ams-web", "site=ams,role=web", 4],
  ["bare", "", 8],
] as const;

async function fill(tenant: string): Promise<void> {
  let boot = 10n;
  for (const [edge, tags, requests] of SENT) {
    boot += 1n;
    const headers: Record<string, string> = tags === "" ? {} : { "tallywire-tags": tags };
    expect(await post(tenant, edge, bundleOf(requests, boot), headers)).toMatchObject({ stored: true });
    await post(tenant, edge, "no bundle", headers);
  }
}

async function reshard(tenant: string, request: object): Promise<void> {
  const init = { method: "PUT", body: JSON.stringify(request), headers: { authorization: await admin(tenant) } };
  expect((await exports.default.fetch("http://hub/v1/shards", init)).status).toBe(200);
}

describe.each(["plain", "sharded"])("a limited read key of a %s tenant", (tenant) => {
  it("sees its edges alone, in every answer", async () => {
    if (tenant === "sharded") await reshard(tenant, { tag: "site", keep: ["role"] });
    await fill(tenant);
    for (const site of ["fra", "ams", ""]) await runDurableObjectAlarm(env.HUB.getByName(`${tenant}/shard/2/${site}`));
    await runDurableObjectAlarm(hubOf(tenant));
    for (const [where, edges] of [
      [[is("site", "fra")], ["fra-db", "fra-web"]],
      [
        [is("site", "fra", "ams"), not("role", "db")],
        ["ams-web", "fra-web"],
      ],
      [[is("role", "web")], ["ams-web", "fra-web"]],
      [[is("site", "")], ["bare"]],
      [[is("site", "oslo")], []],
    ] as [KeyCondition[], string[]][]) {
      const key = await limited(tenant, ...where);
      const counts = SENT.filter(([edge]) => edges.includes(edge)).map(([, , requests]) => requests as number);
      const total = counts.reduce((sum, requests) => sum + requests, 0);
      const { data, meta } = await seen(key, REQUESTS);
      expect(timeless(data)).toEqual(total === 0 ? [] : [{ value: total }]);
      // Conditions of the question come on top of those of the key: none of them widens it.
      expect(timeless((await seen(key, `${REQUESTS}&where.site=!nowhere&where.role=!nothing`)).data)).toEqual(timeless(data));
      expect(
        (await seen(key, `${REQUESTS}&by=site`)).data
          .map((row: { value: number }) => row.value)
          .reduce((a: number, b: number) => a + b, 0),
      ).toBe(total);
      expect((await seen(key, `${REQUESTS}&per=dns_requests_total`)).data).toHaveLength(total === 0 ? 0 : 1);
      expect((await seen(key, "/v1/edges")).data.map(({ edge }: { edge: string }) => edge)).toEqual(edges);
      const tags = SENT.filter(([edge, text]) => edges.includes(edge) && text !== "").map(
        ([, text]) => /site=(\w+)/.exec(text)![1],
      );
      const sites = (await seen(key, "/v1/tags")).data.site ?? [];
      expect(sites.map(({ value }: { value: string }) => value)).toEqual([...new Set(tags)].sort());
      const refusals = (await seen(key, "/v1/refusals")).data;
      expect(refusals.map(({ edge }: { edge: string }) => edge).sort()).toEqual(edges);
      expect(JSON.stringify([data, meta, sites, refusals])).not.toContain(edges.includes("fra-db") ? "ams-web" : "fra-db");
      expect(JSON.stringify(meta)).not.toContain("/shard/");
    }
  });

  it("is given the sketch of its edges", async () => {
    const sketch = async (key: string, search = "") => {
      const response = await exports.default.fetch(`http://hub/v1/sketch?${WINDOW}${search}`, {
        headers: { authorization: key },
      });
      return new Uint8Array(await response.arrayBuffer());
    };
    const own = await sketch(await limited(tenant, is("site", "fra")));
    expect(own.length).toBeGreaterThan(100);
    expect(own).toEqual(await sketch(await readKey(tenant), "&where.site=fra"));
    expect(await sketch(await limited(tenant, is("site", "fra")), "&where.site=ams")).toHaveLength(0);
  });

  it("is refused where an answer is about the whole tenant", async () => {
    const told = await call("/v1/shards", { headers: { authorization: await limited(tenant, is("site", "fra")) } });
    expect(told).toMatchObject({ status: 403, error: "limited_key", reason: expect.stringContaining("site=fra alone") });
  });
});

it("a limited key does not learn which edges of others are missing", async () => {
  const older = (at: number, boot: bigint) =>
    sealMinute({ minute: at, boot, exchanges: [{ client: "10.0.0.1", name: "a.example" }] });
  for (const [edge, site] of [
    ["mine", "fra"],
    ["theirs", "ams"],
  ] as const) {
    await post("missing", edge, older(MINUTE - 120, 1n), { "tallywire-tags": `site=${site}` });
  }
  const path = `/v1/query?from=${MINUTE - 180}&to=${MINUTE}&metric=dns_requests_total&op=sum`;
  expect((await seen(await readKey("missing"), path)).meta.missing_edges).toEqual(["mine", "theirs"]);
  const { meta } = await seen(await limited("missing", is("site", "fra")), path);
  expect([meta.missing_edges, meta.missing_edges_count]).toEqual([["mine"], 1]);
});

describe("the form of a key", () => {
  it("has its conditions under the MAC: any other text is no key", async () => {
    const key = await limited("forge", is("site", "fra"));
    const [head, where, mac] = key.split(".") as [string, string, string];
    expect(decodeConditions(where)).toEqual([is("site", "fra")]);
    const wider = encodeConditions([is("site", "fra", "ams")]);
    for (const forged of [`${head}.${mac}`, `${head}.${wider}.${mac}`, `${head}.${where}=.${mac}`, `${head}.${where}.`]) {
      expect(await call("/v1/edges", { headers: { authorization: forged } })).toMatchObject({ status: 401, error: "bad_key" });
    }
    // What an edge is called is no condition, and the reverse.
    const write = await writeKey("forge", where);
    expect(await call("/v1/edges", { headers: { authorization: write.replace("tw_w_", "tw_r_") } })).toMatchObject({
      status: 401,
    });
  });

  it("is as it was before there were conditions", async () => {
    const master = await importMaster("a master key that never changes, of a test");
    const made = await deriveKey(master, { kind: "read", tenant: "acme", edge: "" });
    const hmac = await crypto.subtle.sign("HMAC", master, new TextEncoder().encode("tallywire-key-1\nread\nacme\n"));
    const text = btoa(String.fromCharCode(...new Uint8Array(hmac)))
      .replaceAll("+", "-")
      .replaceAll("/", "_")
      .replaceAll("=", "");
    expect(made).toBe(`tw_r_acme.${text}`);
  });

  it("takes any conditions that it can hold, and gives them back", () => {
    const word = fc.oneof(fc.string({ maxLength: 12 }), fc.constantFrom("", "a,b", "!", "a;b=c", "ä", "%2C"));
    const condition = fc.record({
      tag: fc.stringMatching(/^[a-z][a-z0-9_]{0,7}$/),
      values: fc.array(word, { minLength: 1, maxLength: 3 }),
      negated: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.uniqueArray(condition, { selector: ({ tag }) => tag, minLength: 1, maxLength: 3 }), (given) => {
        const back = decodeConditions(encodeConditions(given));
        expect(back).toEqual([...given].sort((a, b) => (a.tag < b.tag ? -1 : 1)));
      }),
      { numRuns: 300 },
    );
    for (const wrong of [[is("Site", "a")], [is("site")], [is("a", "1"), is("a", "2")], [is("a", "x".repeat(800))]]) {
      expect(() => encodeConditions(wrong)).toThrow(RangeError);
    }
    fc.assert(
      fc.property(fc.string({ maxLength: 40 }), (text) => {
        const conditions = decodeConditions(text);
        if (conditions !== null) expect(encodeConditions(conditions)).toBe(text);
      }),
      { numRuns: 500 },
    );
  });
});

describe("a revoked key", () => {
  const set = async (tenant: string, what: "revoke" | "restore", body: unknown, authorization?: string) =>
    call(`/v1/keys/${what}`, {
      method: "POST",
      body: JSON.stringify(body),
      headers: { authorization: authorization ?? (await admin(tenant)) },
    });
  const revoked = async (tenant: string) => (await seen(await admin(tenant), "/v1/keys")).data;

  it("of an edge posts no more until it is restored, and is counted as refused", async () => {
    expect(await post("revoke", "a", bundle)).toMatchObject({ stored: true });
    expect(await set("revoke", "revoke", { edge: "a" })).toMatchObject({ status: 200 });
    const told = await post("revoke", "a", withSequence(bundle, 1));
    expect(told).toMatchObject({ status: 401, error: "revoked_key" });
    expect(await post("revoke", "b", bundle)).toMatchObject({ stored: true });
    await abortAllDurableObjects();
    forgetRevoked("revoke");
    expect(await post("revoke", "a", withSequence(bundle, 1))).toMatchObject({ status: 401, error: "revoked_key" });
    expect(await revoked("revoke")).toEqual([{ edge: "a", revoked: expect.stringMatching(/Z$/) }]);
    expect(await set("revoke", "restore", { edge: "a" })).toMatchObject({ status: 200 });
    expect(await post("revoke", "a", withSequence(bundle, 1))).toMatchObject({ stored: true });
    expect(timeless((await ask("revoke", "metric=dns_requests_total&op=sum")).data)).toEqual([{ value: 3 }]);
    await new Promise((done) => setTimeout(done, 1_300));
    const { data } = await seen(await readKey("revoke"), "/v1/refusals");
    expect(data).toMatchObject([{ edge: "a", code: "revoked_key", count: 2 }]);
  });

  it("is that one alone: others of its tenant, and limited ones, stay", async () => {
    const mine = await limited("one", is("site", "fra"));
    const whole = await readKey("one");
    expect(await set("one", "revoke", { key: mine.replace("Bearer ", "") })).toMatchObject({ status: 200 });
    expect(await call("/v1/edges", { headers: { authorization: mine } })).toMatchObject({ status: 401, error: "revoked_key" });
    expect(await call("/v1/edges", { headers: { authorization: whole } })).toMatchObject({ status: 200 });
    expect(JSON.stringify(await revoked("one"))).not.toContain(mine.slice(-20));
  });

  it.each([
    [{}, 400, "bad_key_request"],
    [{ edge: "a", key: "b" }, 400, "bad_key_request"],
    [{ edge: "a/b" }, 400, "bad_key_request"],
    [{ key: "secret" }, 400, "bad_key_request"],
    [[], 400, "bad_key_request"],
    [{ edge: "a", more: 1 }, 400, "bad_key_request"],
  ])("is asked for in words: %j", async (body, status, error) => {
    expect(await set("words", "revoke", body)).toMatchObject({ status, error, reason: expect.stringMatching(/.{10,}/) });
  });

  it("takes an admin key of the same tenant, which cannot revoke itself", async () => {
    expect(await set("who", "revoke", { edge: "a" }, await readKey("who"))).toMatchObject({ status: 403 });
    const other = (await readKey("other")).replace("Bearer ", "");
    expect(await set("who", "revoke", { key: other })).toMatchObject({ status: 403, error: "other_tenant" });
    const own = (await admin("who")).replace("Bearer ", "");
    expect(await set("who", "revoke", { key: own })).toMatchObject({ status: 422, error: "own_key" });
    expect(await call("/v1/keys", { headers: { authorization: await readKey("who") } })).toMatchObject({ status: 403 });
  });

  it("is one of a bounded list", async () => {
    await runInDurableObject(hubOf("many"), (_, { storage }) => {
      const insert = "INSERT INTO revoked (name, since_ms) VALUES (?, 0)";
      storage.transactionSync(() => {
        for (let index = 0; index < REVOKED_MAX; index += 1) storage.sql.exec(insert, `edge:e${index}`);
      });
    });
    expect(await set("many", "revoke", { edge: "one-more" })).toMatchObject({ status: 422, error: "too_many_revoked" });
    forgetRevoked("many");
    expect(await post("many", "e77", bundle)).toMatchObject({ status: 401 });
    expect(await post("many", "one-more", bundle)).toMatchObject({ stored: true });
  });
});

describe("a signed bundle", () => {
  const clock = String(Date.now() / 1000);
  const tags = "site=fra";
  async function signed(tenant: string, body: Uint8Array, encoding = "", edge = "edge"): Promise<Record<string, string>> {
    const key = (await writeKey(tenant, edge)).replace("Bearer ", "");
    const signature = await sign(await importSigner(key), { clock, tags, encoding }, body);
    return {
      authorization: `Bearer ${key}`,
      "tallywire-clock": clock,
      "tallywire-tags": tags,
      "tallywire-signature": signature,
      ...(encoding !== "" && { "content-encoding": encoding }),
    };
  }
  const send = (body: BodyInit, headers: Record<string, string>) => call("/v1/ingest", { method: "POST", body, headers });
  const nameOnly = (headers: Record<string, string>): Record<string, string> => {
    const key = parseKey(headers.authorization!.replace("Bearer ", ""))!;
    return { ...headers, authorization: `Bearer ${nameOfKey(key)}` };
  };

  it("is taken as it was signed, and as nothing else", async () => {
    const packed = await pack("gzip", bundle);
    const headers = await signed("signed", packed, "gzip");
    const other = await pack("gzip", bundleOf(5, 9n));
    const bad = { status: 401, error: "bad_signature" };
    expect(await send(other, headers)).toMatchObject(bad);
    expect(await send(packed, { ...headers, "tallywire-tags": "site=ams" })).toMatchObject(bad);
    expect(await send(packed, { ...headers, "tallywire-clock": String(Number(clock) + 1) })).toMatchObject(bad);
    for (const wrong of ["", "sha256=", "sha256=00", `sha256=${"0".repeat(64)}`, "md5=0", `${headers["tallywire-signature"]}0`]) {
      expect(await send(packed, { ...headers, "tallywire-signature": wrong })).toMatchObject(bad);
    }
    expect(await send(packed, { ...headers, authorization: await writeKey("signed", "other") })).toMatchObject(bad);
    expect(await send(packed, headers)).toMatchObject({ stored: true });
    // Replayed as it is, it is a duplicate.
    expect(await send(packed, headers)).toMatchObject({ stored: false });
    expect(timeless((await ask("signed", "metric=dns_requests_total&op=sum")).data)).toEqual([{ value: 1 }]);
  });

  it("whose body goes with another's signature is refused, and so is the other", async () => {
    const [one, other] = [bundleOf(2, 5n), bundleOf(3, 6n)];
    const [ofOne, ofOther] = [await signed("swapped", one), await signed("swapped", other)];
    for (const [body, headers] of [
      [one, ofOther],
      [other, ofOne],
    ] as const) {
      expect(await send(body, headers)).toMatchObject({ status: 401, error: "bad_signature" });
    }
    const rows = "SELECT (SELECT COUNT(*) FROM batches) + (SELECT COUNT(*) FROM edges) AS rows";
    expect(await runInDurableObject(hubOf("swapped"), (_, { storage }) => storage.sql.exec(rows).one().rows)).toBe(0);
    for (const [body, headers] of [
      [one, ofOne],
      [other, ofOther],
    ] as const) {
      expect(await send(body, headers)).toMatchObject({ stored: true });
    }
  });

  it("needs no key beside it but the key's name", async () => {
    const headers = nameOnly(await signed("named", bundle));
    expect(headers.authorization).toBe("Bearer tw_w_named.edge");
    expect(await send(bundle, headers)).toMatchObject({ stored: true });
    const { "tallywire-signature": _, ...bare } = headers;
    expect(await send(bundle, bare)).toMatchObject({ status: 401, error: "no_signature" });
    expect(await send(bundleOf(3, 8n), headers)).toMatchObject({ status: 401, error: "bad_signature" });
    expect(await send(bundle, { ...headers, authorization: "Bearer tw_w_named.other" })).toMatchObject({ status: 401 });
    await hubOf("named").setRevoked("edge:edge", false);
    forgetRevoked("named");
    expect(await send(bundle, headers)).toMatchObject({ status: 401, error: "revoked_key" });
  });

  it("is the only one that is taken where a setting says so", async () => {
    const key = "tw_w_a.b.c";
    const who = { tenant: "a", edge: "b", keys: async () => [key] };
    const environment = (REQUIRE_SIGNATURE?: string) => ({ ...env, REQUIRE_SIGNATURE }) as Environment;
    const headers = { clock, tags, encoding: "" };
    const check = (required: string | undefined, signature?: string) =>
      checkSignature(who, environment(required), signature, headers, bundle);
    await expect(check("yes")).rejects.toMatchObject({ code: "no_signature" });
    await expect(check("perhaps")).rejects.toMatchObject({ code: "bad_setting" });
    await check("no");
    await check(undefined);
    await check("yes", await sign(await importSigner(key), headers, bundle));
  });
});
