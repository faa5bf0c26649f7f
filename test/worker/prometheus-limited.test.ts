/** A read key that is limited by tags sees through Prometheus' API what a tenant would that has those edges alone, and nothing else. */
import { runDurableObjectAlarm } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { sealMinute } from "../support/edge-minute";
import { bearer, hubOf, MINUTE, post, readKey } from "./support/client";

const SITES = ["kyoto", "fra", "oslo"];
const MINUTES = 6;
/** The end of the last minute, which shards were due to have sent up a while ago. */
const END = MINUTE - 60;
const FRA = [{ tag: "site", values: ["fra"], negated: false }];
const NOT_OTHERS = [{ tag: "site", values: ["kyoto", "oslo"], negated: true }];

/** The same of each site, wherever it goes; every name in it says of which site it is. */
async function fill(tenant: string, sites: readonly string[]): Promise<void> {
  const sent: Promise<{ status: number }>[] = [];
  for (const site of sites) {
    const net = SITES.indexOf(site);
    for (const role of ["db", `${site}-only`]) {
      for (let age = 0; age < MINUTES; age += 1) {
        const exchanges = Array.from({ length: 4 + net * 5 + age }, (_, index) => ({
          client: `10.${net}.0.${index}`,
          name: `host${index % 5}.${site}.example`,
          rcode: index % 4 === 0 ? 3 : 0,
          durationMs: 1 + index * 3,
        }));
        const bundle = sealMinute({ minute: END - 60 - age * 60, boot: 1n, exchanges });
        const tags = { "tallywire-tags": `site=${site},role=${role},of_${site}=yes` };
        sent.push(post(tenant, `${site}-${role}`, bundle, tags));
      }
    }
  }
  for (const { status } of await Promise.all(sent)) expect(status).toBe(200);
}

/** One request; all that its answer says. */
async function get(authorization: string, path: string): Promise<string> {
  const response = await exports.default.fetch(`http://hub${path}`, { headers: { authorization } });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${path}: ${text}`);
  return text;
}

beforeAll(async () => {
  for (const [tenant, body] of [
    ["lim-site", { tag: "site" }],
    ["lim-kept", { tag: "role", keep: ["site"] }],
  ] as const) {
    const authorization = await bearer({ kind: "admin", tenant, edge: "" });
    await exports.default.fetch("http://hub/v1/shards", {
      method: "PUT",
      body: JSON.stringify(body),
      headers: { authorization },
    });
    await fill(tenant, SITES);
  }
  await fill("lim-one", SITES);
  await fill("lim-fra", ["fra"]);
  for (const value of SITES) await runDurableObjectAlarm(env.HUB.getByName(`lim-site/shard/2/${value}`));
  for (const value of ["db", ...SITES.map((site) => `${site}-only`)]) {
    await runDurableObjectAlarm(env.HUB.getByName(`lim-kept/shard/2/${value}`));
  }
  for (const tenant of ["lim-site", "lim-kept", "lim-one", "lim-fra"]) await runDurableObjectAlarm(hubOf(tenant));
}, 120_000);

const api = (path: string) => `/prometheus/api/v1/${path}`;
const query = (text: string) => api(`query?query=${encodeURIComponent(text)}&time=${END}`);
const range = (text: string) => api(`query_range?query=${encodeURIComponent(text)}&start=${END - 240}&end=${END}&step=60`);
const window = `start=${END - 600}&end=${END}`;
const named = (selector: string) => `match[]=${encodeURIComponent(selector)}&${window}`;
const federate = (selector: string) => `/federate?match[]=${encodeURIComponent(selector)}&time=${END + 75}`;

const REQUESTS: [what: string, path: string][] = [
  ["a sum of all", query("sum(increase(dns_requests_total[5m]))")],
  ["every series", query("dns_requests_total")],
  ["sums by site", query("sum by (site, role) (increase(dns_requests_total[5m]))")],
  ["what matches anything", query('dns_requests_total{site=~".*"}')],
  ["what is not one's own", query('sum(increase(dns_requests_total{site!="fra"}[5m]))')],
  ["what is another's", query('sum(increase(dns_requests_total{site="kyoto"}[5m]))')],
  ["what is of no site", query('dns_requests_total{site=""}')],
  ["tops", query("topk(20, sum by (name) (sum_over_time(dns_top_names[5m])))")],
  ["distinct counts", query("dns_clients")],
  ["rates", range("sum(rate(dns_requests_total[2m]))")],
  ["rates by role", range("sum by (role) (rate(dns_requests_total[2m]))")],
  ["quantiles", range("histogram_quantile(0.9, sum by (le) (rate(dns_duration_seconds_bucket[3m])))")],
  ["series", api(`series?${named("dns_requests_total")}`)],
  ["series of another site", api(`series?${named('dns_requests_total{site=~"kyoto|oslo"}')}`)],
  ["names of labels", api(`labels?${window}`)],
  ["names of a metric's labels", api(`labels?${named("dns_requests_total")}`)],
  ...["site", "role", "status", "of_kyoto", "name", "__name__"].flatMap((label): [string, string][] => [
    [`values of ${label}`, api(`label/${label}/values?${window}`)],
    [`values of ${label} of a metric`, api(`label/${label}/values?${named("dns_top_names")}`)],
  ]),
  ["metadata", api("metadata")],
  ["a scrape", federate('{__name__=~"dns_(requests_total|clients|top_names|duration_seconds_.*)"}')],
  ["a scrape of all in DNS", federate('{__name__=~"dns_.*"}')],
];

describe.each([
  ["one object", "lim-one"],
  ["shards by the tag", "lim-site"],
  ["shards by another tag, whose root keeps this one apart", "lim-kept"],
])("of a tenant with %s", (_, tenant) => {
  it.each(REQUESTS)("%s are those of the edges that the key is for", async (_what, path) => {
    const alone = await get(await readKey("lim-fra"), path);
    for (const where of [FRA, NOT_OTHERS]) {
      const seen = await get(await bearer({ kind: "read", tenant, edge: "", where }), path);
      expect(seen).toEqual(alone);
      expect(seen).not.toMatch(/kyoto|oslo/);
    }
  });

  it("the whole is seen by a key of the whole, whoever asked before", async () => {
    const whole = await readKey(tenant);
    for (const path of [query("sum by (site) (increase(dns_requests_total[5m]))"), api(`label/site/values?${window}`)]) {
      for (const site of SITES) expect(await get(whole, path)).toContain(`"${site}"`);
    }
  });

  it("nothing is seen by a key of edges that are not there", async () => {
    const where = [{ tag: "site", values: ["rome"], negated: false }];
    const key = await bearer({ kind: "read", tenant, edge: "", where });
    const empty = { status: "success", data: { resultType: "vector", result: [] } };
    expect(JSON.parse(await get(key, query("dns_requests_total")))).toEqual(empty);
    expect(JSON.parse(await get(key, api(`label/site/values?${window}`)))).toEqual({ status: "success", data: [] });
    expect(await get(key, federate('{__name__=~"dns_.*"}'))).not.toMatch(/example|fra|kyoto|oslo/);
  });
});
