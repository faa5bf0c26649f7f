/** The Prometheus API as it is asked over HTTP: keys, forms, times, errors, and the requests that Grafana's data source sends. */
import { exports } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { sealMinute } from "../support/edge-minute";
import { bearer, MINUTE, post, readKey, writeKey } from "./support/client";

const TENANT = "prom";
/** The end of the last minute that was posted. */
const END = MINUTE + 60;

interface Envelope {
  status: string;
  data: { resultType: string; result: { metric: Record<string, string>; value: [number, string]; values: [number, string][] }[] };
  errorType?: string;
  error?: string;
  warnings?: string[];
}

async function fetchAs(authorization: string, path: string, init: RequestInit = {}): Promise<Response> {
  return exports.default.fetch(`http://hub${path}`, { ...init, headers: { ...init.headers, authorization } });
}

async function get<T = Envelope>(path: string, tenant = TENANT): Promise<T> {
  return (await fetchAs(await readKey(tenant), path)).json<T>();
}

const form = (fields: Record<string, string>): RequestInit => ({ method: "POST", body: new URLSearchParams(fields) });

async function ask<T = Envelope>(path: string, fields: Record<string, string>): Promise<T> {
  return (await fetchAs(await readKey(TENANT), path, form(fields))).json<T>();
}

const bundle = (boot: bigint, count: number, minute = MINUTE) =>
  sealMinute({
    minute,
    boot,
    exchanges: Array.from({ length: count }, (_, index) => ({ client: `10.0.0.${index % 9}`, name: `n${index % 4}.example` })),
  });

beforeAll(async () => {
  await post(TENANT, "a", bundle(1n, 20), { "tallywire-tags": "site=fra" });
  await post(TENANT, "b", bundle(2n, 30), { "tallywire-tags": "site=ams,direction=up,le=1" });
  await post("other", "b", bundle(2n, 500), { "tallywire-tags": "site=oslo" });
});

const QUERY = "/prometheus/api/v1/query";
const REQUESTS = encodeURIComponent("sum(increase(dns_requests_total[1m]))");

describe("who asks", () => {
  it("has a read key, as a bearer token or as basic auth's password", async () => {
    const key = (await readKey(TENANT)).replace("Bearer ", "");
    for (const authorization of [`Bearer ${key}`, `Basic ${btoa(`anyone:${key}`)}`, `basic ${btoa(`:${key}`)}`]) {
      const response = await fetchAs(authorization, `${QUERY}?query=${REQUESTS}&time=${END}`);
      expect(response.status).toBe(200);
      expect((await response.json<Envelope>()).data.result[0]!.value).toEqual([END, "50"]);
    }
  });

  it.each([
    ["no key", async () => "", 401],
    ["a wrong password", async () => `Basic ${btoa("anyone:secret")}`, 401],
    ["no base64", async () => "Basic ====", 401],
    [
      "another master's key",
      async () => bearer({ kind: "read", tenant: TENANT, edge: "" }, "another master key of some length"),
      401,
    ],
    ["a write key", async () => writeKey(TENANT), 403],
  ])("is told so with %s", async (_, authorization, status) => {
    for (const path of [`${QUERY}?query=1`, "/federate?match[]=dns_requests_total"]) {
      const response = await fetchAs(await authorization(), path);
      expect(response.status).toBe(status);
      expect(await response.json()).toEqual({
        status: "error",
        errorType: status === 401 ? "unauthorized" : "forbidden",
        error: expect.stringMatching(/.{10,}/),
      });
      expect(response.headers.get("www-authenticate")).toBe(status === 401 ? 'Basic realm="tallywire", Bearer' : null);
    }
  });

  it("sees their own tenant alone", async () => {
    const { data } = await get(`${QUERY}?query=${REQUESTS}&time=${END}`, "other");
    expect(data.result[0]!.value[1]).toBe("500");
    expect(await get("/prometheus/api/v1/label/site/values", "other")).toEqual({ status: "success", data: ["oslo"] });
    const unknown = await get(`${QUERY}?query=${REQUESTS}&time=${END}`, "nobody");
    expect(unknown).toEqual({ status: "success", data: { resultType: "vector", result: [] } });
  });
});

describe("a request", () => {
  it("has its times as seconds or RFC 3339, its step as seconds or a span", async () => {
    const iso = new Date(END * 1000).toISOString();
    for (const time of [String(END), `${END}.000`, iso, iso.replace("Z", "+00:00")]) {
      const { data } = await ask(QUERY, { query: "sum(increase(dns_requests_total[1m]))", time });
      expect(data.result[0]!.value).toEqual([END, "50"]);
    }
    const range = { query: "sum(increase(dns_requests_total[1m]))", start: String(END), end: iso };
    for (const step of ["60", "60.0", "1m", "1m30s", "0.5"]) {
      const { data } = await ask("/prometheus/api/v1/query_range", { ...range, step });
      expect(data).toEqual({ resultType: "matrix", result: [{ metric: {}, values: [[END, "50"]] }] });
    }
    const constant = { query: "1.5", start: "10", end: "10.75", step: "0.25" };
    expect((await ask("/prometheus/api/v1/query_range", constant)).data).toEqual({
      resultType: "matrix",
      result: [{ metric: {}, values: [10, 10.25, 10.5, 10.75].map((time) => [time, "1.5"]) }],
    });
  });

  it.each([
    ["/query", {}, 400, '"query"'],
    ["/query", { query: "1", time: "noon" }, 400, '"time"'],
    ["/query", { query: "1", time: "1e30" }, 400, "out of range"],
    ["/query", { query: "1", time: "-5" }, 400, '"time"'],
    ["/query", { query: "sum(" }, 400, "parse error at character 5"],
    ["/query", { query: "deriv(x[5m])" }, 422, "does not answer deriv"],
    ["/query", { query: '{site="fra"}' }, 422, "metrics, more than"],
    ["/query", { query: 'rate({__name__=~"dns_request_bytes_(count|sum)"}[5m])' }, 422, "same labelset"],
    ["/query", { query: "increase(dns_clients[5m])" }, 422, "gauge of single minutes"],
    ["/query", { query: "sum_over_time(dns_requests_total[5m])" }, 422, "use increase"],
    ["/query", { query: "sum_over_time(dns_clients[5m])" }, 422, "cannot be added up"],
    ["/query", { query: "x".repeat(9000) }, 422, "characters"],
    ["/query_range", { query: "1", start: "5", end: "4", step: "1" }, 400, "end timestamp must not be before"],
    ["/query_range", { query: "1", start: "5", end: "6" }, 400, '"step"'],
    ["/query_range", { query: "1", start: "5", end: "6", step: "0" }, 400, '"step"'],
    ["/query_range", { query: "1", start: "5", end: "6", step: "-1" }, 400, '"step"'],
    ["/query_range", { query: "1", start: "5", end: "6", step: "Inf" }, 400, '"step"'],
    ["/query_range", { query: "1", start: "0", end: "11000", step: "1" }, 400, "exceeded maximum resolution of 11000 points"],
    ["/series", {}, 400, "match[]"],
    ["/series", { "match[]": "{}" }, 400, "at least one matcher"],
    ["/series", { "match[]": "dns_requests_total[5m]" }, 422, "a range by itself"],
    ["/labels", { limit: "many" }, 400, '"limit"'],
    ["/query_exemplars", { query: "x" }, 404, "docs/prometheus.md"],
  ])("%s with %j gets %s and says why", async (path, fields, status, reason) => {
    const response = await fetchAs(await readKey(TENANT), `/prometheus/api/v1${path}`, form(fields as Record<string, string>));
    expect(response.status).toBe(status);
    const errorType = { 400: "bad_data", 404: "not_found", 422: "execution" }[status];
    expect(await response.json()).toEqual({ status: "error", errorType, error: expect.stringContaining(reason) });
  });

  it("that is no form, or too long, is refused", async () => {
    const key = await readKey(TENANT);
    const json = await fetchAs(key, QUERY, { method: "POST", body: "{}", headers: { "content-type": "application/json" } });
    expect([json.status, await json.json()]).toMatchObject([415, { error: expect.stringContaining("x-www-form-urlencoded") }]);
    const long = await fetchAs(key, QUERY, form({ query: "x".repeat(100_000) }));
    expect([long.status, await long.json()]).toMatchObject([413, { errorType: "bad_data" }]);
  });

  it("of a metric that is not there has no series, and a word about it", async () => {
    expect(await get(`${QUERY}?query=nosuch_total`)).toEqual({
      status: "success",
      data: { resultType: "vector", result: [] },
      warnings: ['tallywire has no metric "nosuch_total"'],
    });
  });

  it("over minutes that an edge did not report is answered with a warning", async () => {
    await post("gone", "a", bundle(1n, 5, MINUTE - 120));
    await post("gone", "b", bundle(2n, 5, MINUTE - 120));
    await post("gone", "a", bundle(1n, 5, MINUTE - 60));
    const { data, warnings } = await get(
      `${QUERY}?query=${encodeURIComponent("sum(increase(dns_requests_total[3m]))")}&time=${MINUTE}`,
      "gone",
    );
    expect(data.result[0]!.value[1]).toBe("15");
    expect(warnings).toEqual(["incomplete: edges did not report every minute: b"]);
  });
});

describe("series", () => {
  const query = async (expression: string) => {
    const { data } = await ask(QUERY, { query: expression, time: String(END) });
    return data.result.map(({ metric, value }): Record<string, string> => ({ ...metric, value: value[1] }));
  };

  it("have the metric's labels and the edge's tags, the metric's own before tags of the same name", async () => {
    expect(await query("sort")).toEqual([]);
    expect(await query('dns_requests_total{status="ok"}')).toEqual(
      ["ams", "fra"].map((site) => ({
        ...{ __name__: "dns_requests_total", direction: "out", policy: "default", site, status: "ok" },
        value: site === "fra" ? "20" : "30",
      })),
    );
    expect(await query('dns_requests_total{direction="up"}')).toEqual([]);
    expect(await query('dns_requests_total{policy="other"}')).toEqual([]);
    expect(await query('sum by (constructor, site) (dns_requests_total{toString="",site!~"a.*"})')).toEqual([
      { site: "fra", value: "20" },
    ]);
  });

  it("of tops have their keys, of histograms their bounds, of rates their greatest second", async () => {
    expect(await query('topk(2, dns_top_names{site="fra"})')).toMatchObject([
      { name: expect.stringMatching(/^n\d\.example$/), value: "5" },
      { name: expect.stringMatching(/^n\d\.example$/), value: "5" },
    ]);
    const buckets = await query('dns_duration_seconds_bucket{site="fra",le=~"0.0078125|0.015625|[+]Inf"}');
    expect(buckets.map(({ le, value }) => [le, value])).toEqual([
      ["0.0078125", "0"],
      ["0.015625", "20"],
      ["+Inf", "20"],
    ]);
    const [mean] = await query('dns_transactions_per_second{site="fra"}');
    expect(Number(mean!.value)).toBeCloseTo(20 / 60, 9);
    const [most] = await query('dns_transactions_per_second_max{site="fra"}');
    expect(Number(most!.value)).toBeCloseTo(20, 6);
    expect(await query('histogram_quantile(0.5, rate(dns_duration_seconds_bucket{site="fra"}[1m]))')).toMatchObject([
      { direction: "out", site: "fra", policy: "default" },
    ]);
  });
});

/**
 * What Grafana's Prometheus data source sends, by its public source: grafana/grafana, pkg/promlib/{client/client.go,healthcheck.go,
 * heuristics.go} and packages/grafana-prometheus/src/{metric_find_query.ts,resource_clients.ts} with their tests. Grafana itself
 * was not run. START and END stand for the dashboard's time range.
 */
const GRAFANA: readonly [what: string, method: string, path: string, form: Record<string, string> | null, data: unknown][] = [
  ["health check", "POST", "/api/v1/query", { query: "1+1", time: "4" }, { resultType: "scalar", result: [4, "2"] }],
  ["kind of server", "GET", "/api/v1/status/buildinfo", null, expect.objectContaining({ version: expect.any(String) })],
  [
    "panel, POST",
    "POST",
    "/api/v1/query_range",
    { query: "sum by (site) (rate(dns_requests_total[4m]))", start: "START", end: "END", step: "60", timeout: "60s" },
    expect.objectContaining({
      resultType: "matrix",
      result: [expect.objectContaining({ metric: { site: "ams" } }), expect.anything()],
    }),
  ],
  [
    "panel, GET",
    "GET",
    "/api/v1/query_range?end=END&query=sum(rate(dns_requests_total%5B4m%5D))&start=START&step=15&timeout=60s",
    null,
    expect.objectContaining({ resultType: "matrix" }),
  ],
  [
    "table",
    "POST",
    "/api/v1/query",
    { query: "topk(10, sum by (name) (sum_over_time(dns_top_names[1h])))", time: "END" },
    expect.objectContaining({
      resultType: "vector",
      result: expect.arrayContaining([expect.objectContaining({ metric: { name: "n0.example" } })]),
    }),
  ],
  [
    "label_names()",
    "GET",
    "/api/v1/labels?start=START&end=END",
    null,
    expect.arrayContaining(["__name__", "site", "status", "le"]),
  ],
  [
    "label keys",
    "POST",
    "/api/v1/labels",
    { limit: "40000", start: "START", end: "END", "match[]": "dns_top_names" },
    ["__name__", "direction", "name", "policy", "site"],
  ],
  ["label_values(site)", "GET", "/api/v1/label/site/values?start=START&end=END", null, ["ams", "fra"]],
  [
    "label_values(metric, status)",
    "GET",
    "/api/v1/label/status/values?match%5B%5D=dns_requests_total&start=START&end=END",
    null,
    ["ok"],
  ],
  [
    "label_values(metric{...}, site)",
    "GET",
    "/api/v1/label/site/values?match%5B%5D=dns_requests_total%7Bstatus%3D%22ok%22%2Csite%3D~%22f.%2B%22%7D&start=START&end=END",
    null,
    ["fra"],
  ],
  [
    "label_values(top, name)",
    "GET",
    "/api/v1/label/name/values?match%5B%5D=dns_top_names&start=START&end=END&limit=2",
    null,
    ["n0.example", "n1.example"],
  ],
  [
    "metrics(.*)",
    "GET",
    "/api/v1/label/__name__/values?start=START&end=END",
    null,
    expect.arrayContaining(["dns_requests_total", "http_routes_errors"]),
  ],
  ["query_result(1+1)", "GET", "/api/v1/query?query=1%2B1&time=END", null, { resultType: "scalar", result: [END, "2"] }],
  [
    "series, GET",
    "GET",
    "/api/v1/series?match%5B%5D=dns_requests_total%7Bsite%3D%22fra%22%2C%20status%3D%22ok%22%7D&start=START&end=END",
    null,
    [{ __name__: "dns_requests_total", direction: "out", policy: "default", site: "fra", status: "ok" }],
  ],
  [
    "series of older versions",
    "POST",
    "/api/v1/series",
    { "match[]": '{__name__="dns_requests_total",site!=""}', start: "START", end: "END", limit: "40000" },
    [expect.objectContaining({ site: "ams" }), expect.objectContaining({ site: "fra" })],
  ],
  [
    "metric metadata",
    "GET",
    "/api/v1/metadata?metric=dns_duration_seconds",
    null,
    { dns_duration_seconds: [{ type: "histogram", help: "Time from query to response.", unit: "seconds" }] },
  ],
];

describe("Grafana's data source", () => {
  it.each(GRAFANA)("%s", async (_, method, path, fields, data) => {
    const inRange = (text: string) => text.replaceAll("START", String(END - 3600)).replaceAll("END", String(END));
    const sent = Object.fromEntries(Object.entries(fields ?? {}).map(([name, value]) => [name, inRange(value)]));
    const init: RequestInit = method === "POST" ? form(sent) : {};
    const response = await fetchAs(await readKey(TENANT), `/prometheus${inRange(path)}`, init);
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "application/json"]);
    expect(await response.json()).toMatchObject({ status: "success", data });
  });
});

describe("/federate", () => {
  const scrape = async (...names: string[]) => {
    const selectors = names.map((name) => `match[]=${encodeURIComponent(name)}`).join("&");
    // Counters are of the minute before the last that was due, gauges of that one.
    return fetchAs(await readKey(TENANT), `/federate?${selectors}&time=${END + 55}`);
  };

  it("gives each metric under its head, as text that says when it was", async () => {
    const response = await scrape("dns_requests_total", "dns_clients");
    expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect((await response.text()).split("\n")).toEqual([
      "# HELP dns_requests_total Queries whose outcome is decided, by outcome.",
      "# TYPE dns_requests_total counter",
      `dns_requests_total{direction="out",policy="default",site="ams",status="ok"} 0 ${MINUTE}000`,
      `dns_requests_total{direction="out",policy="default",site="fra",status="ok"} 0 ${MINUTE}000`,
      "# HELP dns_clients Distinct clients. In a minute; estimated.",
      "# TYPE dns_clients gauge",
      `dns_clients{direction="out",policy="default",site="ams"} 9 ${END}000`,
      `dns_clients{direction="out",policy="default",site="fra"} 9 ${END}000`,
      "",
    ]);
  });

  it("gives a series once, however many selectors mean it, and nothing where none does", async () => {
    const text = await (await scrape('dns_clients{site="fra"}', '{__name__=~"dns_clients|dns_servers"}', "nosuch")).text();
    expect(text.split("\n").filter((line) => line.startsWith("dns_clients{")).length).toBe(2);
    expect(await (await scrape("nosuch")).text()).toBe("");
  });

  it("wants to be told what", async () => {
    const response = await fetchAs(await readKey(TENANT), "/federate");
    expect([response.status, await response.json()]).toMatchObject([400, { errorType: "bad_data" }]);
  });
});
