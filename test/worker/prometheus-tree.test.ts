/** The Prometheus API of a tenant with shards: each answer is that of a tenant with one object that took the same. */
import { runDurableObjectAlarm } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { sealMinute } from "../support/edge-minute";
import { bearer, hubOf, MINUTE, post, readKey } from "./support/client";

const SITES = ["ams", "fra", "oslo"];
const MINUTES = 6;
/** The end of the last minute, which shards were due to have sent up a while ago. */
const END = MINUTE - 60;

async function fill(tenant: string): Promise<void> {
  for (const [net, site] of SITES.entries()) {
    for (const role of ["db", "web"]) {
      for (let age = 0; age < MINUTES; age += 1) {
        const exchanges = Array.from({ length: 4 + net * 5 + age }, (_, index) => ({
          client: `10.${net}.0.${index}`,
          name: `host${index % 5}.example`,
          rcode: index % 4 === 0 ? 3 : 0,
          durationMs: 1 + index * 3,
        }));
        const bundle = sealMinute({ minute: END - 60 - age * 60, boot: 1n, exchanges });
        const told = await post(tenant, `${site}-${role}`, bundle, { "tallywire-tags": `site=${site},role=${role}` });
        expect(told.status).toBe(200);
      }
    }
  }
}

async function get(tenant: string, path: string): Promise<string> {
  const response = await exports.default.fetch(`http://hub${path}`, { headers: { authorization: await readKey(tenant) } });
  expect(response.status).toBe(200);
  return response.text();
}

beforeAll(async () => {
  const authorization = await bearer({ kind: "admin", tenant: "prom-tree", edge: "" });
  const body = JSON.stringify({ tag: "site", keep: ["role"] });
  await exports.default.fetch("http://hub/v1/shards", { method: "PUT", body, headers: { authorization } });
  await fill("prom-tree");
  await fill("prom-one");
  for (const site of SITES) await runDurableObjectAlarm(env.HUB.getByName(`prom-tree/shard/2/${site}`));
  for (const tenant of ["prom-tree", "prom-one"]) await runDurableObjectAlarm(hubOf(tenant));
});

const query = (text: string) => `/prometheus/api/v1/query?query=${encodeURIComponent(text)}&time=${END}`;
const range = (text: string) =>
  `/prometheus/api/v1/query_range?query=${encodeURIComponent(text)}&start=${END - 240}&end=${END}&step=60`;
const federate = (selector: string) => `/federate?match[]=${encodeURIComponent(selector)}&time=${END + 75}`;
const discover = (path: string) => `/prometheus/api/v1/${path}match[]=dns_requests_total&start=${END - 600}&end=${END}`;

describe("a tenant with shards", () => {
  it.each([
    ["what the root knows", query("sum by (status) (increase(dns_requests_total[5m]))")],
    ["what shards know", query("sum by (site) (increase(dns_requests_total[5m]))")],
    ["what the root keeps apart", range("sum by (role) (rate(dns_requests_total[2m]))")],
    ["a condition on the shards' tag", range('sum(rate(dns_requests_total{site=~"f.*|ams"}[2m]))')],
    ["every series", query("dns_requests_total")],
    ["distinct counts", query("dns_clients")],
    ["tops", query("topk by (site) (2, sum by (site, name) (sum_over_time(dns_top_names[5m])))")],
    ["quantiles of rates", range("histogram_quantile(0.9, sum by (le, site) (rate(dns_duration_seconds_bucket[3m])))")],
    ["buckets", query('dns_duration_seconds_bucket{role="db"}')],
    ["series", discover("series?")],
    ["values of a label", discover("label/site/values?")],
    ["a scrape", federate('{__name__=~"dns_(requests_total|clients|duration_seconds_.*)"}')],
  ])("answers %s as one object does", async (_, path) => {
    const one = await get("prom-one", path);
    expect(one.length).toBeGreaterThan(40);
    expect(await get("prom-tree", path)).toEqual(one);
  });
});
