/**
 * A real Prometheus that federates from a hub, asked the same as the hub itself. It scrapes through a door that puts the time of
 * the next minute into each scrape, so that a quarter of an hour passes in seconds; all else is as it comes.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { LocalHub } from "../../shim/hub/local-hub";
import { END, hasProgram, startHubWith, TENANT } from "../support/promtool";
import { counted, durations, MINUTES, minutes, startOf } from "../support/promtool-minutes";
import { ROOT } from "../support/repository";
import { freePort, Stage } from "../support/servers/stage";

const SCRAPE_MS = 400;
/** How ODD_NAME is shown: a space and a backslash by their codes. */
const SHOWN_NAME = "ho\"st\\032{5},\\092n='.example";
/** Seconds after a minute's end at which it is due. */
const DUE_SECONDS = 55;
const SELECTORS = [
  '{__name__=~"dns_(requests|responses)_total"}',
  '{__name__=~"dns_duration_seconds_.+"}',
  "dns_clients",
  "dns_top_names",
];

/** Passes scrapes on to a hub, the first as of the end of the first minute, each further one a minute later. */
async function startDoor(hub: LocalHub): Promise<{ server: Server; port: number; scrapes: () => number }> {
  let scrapes = 0;
  const server = createServer(async (request, response) => {
    const time = startOf(Math.min(scrapes, MINUTES - 1)) + 60 + DUE_SECONDS;
    scrapes += 1;
    const { authorization = "" } = request.headers;
    const answer = await fetch(`${hub.origin}${request.url}&time=${time}`, { headers: { authorization } });
    response.writeHead(answer.status, { "content-type": answer.headers.get("content-type") ?? "" });
    response.end(await answer.text());
  });
  const port = await freePort();
  server.listen(port, "127.0.0.1");
  return { server, port, scrapes: () => scrapes };
}

/** What an instant query gives: values by their series' labels, or what is wrong. */
interface Answer {
  values: Map<string, number>;
  error: string;
  reason: string;
}

/** A server that has Prometheus' API. */
interface Asked {
  (expression: string, time: number): Promise<Answer>;
  /** The points of each series that query_range gives. */
  matrix(form: Record<string, string>): Promise<Map<string, [time: number, value: string][]>>;
}

interface Envelope {
  data?: { resultType: string; result: [number, string] | { metric: Record<string, string>; value: [number, string] }[] };
  errorType?: string;
  error?: string;
}

interface Matrix {
  data: { result: { metric: Record<string, string>; values: [time: number, value: string][] }[] };
}

const numberOf = (text: string) => Number(text.replace("Inf", "Infinity"));

/** Asks a server that has Prometheus' API. */
function asked(address: string, key: string): Asked {
  const headers = { authorization: `Bearer ${key}` };
  const post = async (path: string, form: Record<string, string>): Promise<unknown> => {
    const response = await fetch(`${address}/api/v1/${path}`, { method: "POST", body: new URLSearchParams(form), headers });
    return response.json();
  };
  const instant = async (query: string, time: number): Promise<Answer> => {
    const { data, errorType = "", error = "" } = (await post("query", { query, time: String(time) })) as Envelope;
    const values = new Map<string, number>();
    if (data?.resultType === "scalar") values.set("", numberOf((data.result as [number, string])[1]));
    else if (data?.resultType === "vector") {
      for (const { metric, value } of data.result as { metric: Record<string, string>; value: [number, string] }[]) {
        values.set(keyOf(metric), numberOf(value[1]));
      }
    }
    return { values, error: errorType, reason: error };
  };
  const matrix = async (form: Record<string, string>) => {
    const { data } = (await post("query_range", form)) as Matrix;
    return new Map(data.result.map(({ metric, values }) => [keyOf(metric), values]));
  };
  return Object.assign(instant, { matrix });
}

const keyOf = (metric: Record<string, string>) => JSON.stringify(metric, Object.keys(metric).sort());

function isNear(a: number, b: number): boolean {
  if (Object.is(a, b) || a === b) return true;
  return Math.abs(a - b) <= 1e-9 * Math.max(Math.abs(a), Math.abs(b), 1e-6);
}

/** Expressions over what is federated, with labels summed away that only a scrape adds. */
function expressions(): fc.Arbitrary<string> {
  const matcher = fc.constantFrom("", "{status='ok'}", "{site=~'f.*'}", "{status!='ok',site!='x'}", "{site='nowhere'}");
  const by = fc.constantFrom("site", "status", "site, status", "site, direction");
  const fold = fc.constantFrom("sum", "sum", "min", "max", "avg", "count");
  const minutes = fc.integer({ min: 1, max: 10 });
  const series = fc.oneof(
    fc.tuple(matcher).map(([where]) => `dns_requests_total${where}`),
    fc.tuple(matcher, minutes).map(([where, count]) => `increase(dns_requests_total${where}[${count}m])`),
    fc.tuple(matcher, minutes).map(([where, count]) => `rate(dns_requests_total${where}[${count}m] offset 2m)`),
  );
  const vector = fc.tuple(fold, by, series).map(([name, labels, inner]) => `${name} by (${labels}) (${inner})`);
  const number = fc.oneof(fc.integer({ min: 0, max: 300 }).map(String), fc.constantFrom("0.5", "1e2", "Inf", "NaN"));
  const operator = fc.constantFrom("+", "-", "*", "/", "%", "^", ">", "<", ">= bool", "== bool", "!=", "<=");
  const { whole } = fc.letrec<{ whole: string; part: string }>((tie) => ({
    part: fc.oneof(
      { depthSize: "small" },
      vector,
      number,
      tie("whole").map((inner) => `(${inner})`),
      tie("whole").map((inner) => `-(${inner})`),
    ),
    whole: fc.oneof(
      { depthSize: "small" },
      vector,
      fc.tuple(tie("part"), operator, tie("part")).map(([left, sign, right]) => `${left} ${sign} ${right}`),
      fc.tuple(vector, vector).map(([left, right]) => `${left} / on (site) sum by (site) (${right})`),
      fc.tuple(fold, vector).map(([name, inner]) => `${name}(${inner})`),
    ),
  }));
  return whole;
}

describe.runIf(hasProgram("prometheus") && hasProgram("promtool"))("a Prometheus that federates", () => {
  let folder: string;
  let stage: Stage;
  let hub: LocalHub;
  let door: Awaited<ReturnType<typeof startDoor>>;
  let ours: Asked;
  let theirs: Asked;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "tallywire-federation-"));
    stage = new Stage("prometheus");
    const module = new WebAssembly.Module(readFileSync(join(ROOT, "build/core.wasm")));
    hub = await startHubWith(folder, minutes, module);
    const key = await hub.key({ kind: "read", tenant: TENANT, edge: "" });
    door = await startDoor(hub);
    const port = await freePort();
    const config = {
      scrape_configs: [
        {
          job_name: "tallywire",
          honor_labels: true,
          metrics_path: "/federate",
          params: { "match[]": SELECTORS },
          authorization: { credentials: key },
          scrape_interval: `${SCRAPE_MS}ms`,
          scrape_timeout: `${SCRAPE_MS}ms`,
          static_configs: [{ targets: [`127.0.0.1:${door.port}`] }],
        },
        {
          job_name: "direct",
          metrics_path: "/federate",
          params: { "match[]": ["dns_requests_total"] },
          basic_auth: { username: "reader", password: key },
          scrape_interval: "1s",
          scrape_timeout: "1s",
          metric_relabel_configs: [{ target_label: "__name__", replacement: "direct_total" }],
          static_configs: [{ targets: [hub.origin.replace("http://", "")] }],
        },
      ],
    };
    writeFileSync(stage.path("prometheus.yml"), JSON.stringify(config));
    const words = ["--config.file", stage.path("prometheus.yml"), "--storage.tsdb.path", stage.path("data")];
    const origin = `http://127.0.0.1:${port}`;
    const isUp = async () => (await fetch(`${origin}/-/ready`).catch(() => null))?.ok ?? false;
    await stage.serve("prometheus", [...words, "--web.listen-address", `127.0.0.1:${port}`], isUp);
    ours = asked(`${hub.origin}/prometheus`, key);
    theirs = asked(origin, "none");
    while (door.scrapes() < MINUTES + 2) await sleep(100);
  }, 120_000);

  afterAll(async () => {
    await stage?.end();
    door?.server.close();
    await hub?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** The end of the last minute that counters are federated of: gauges are a minute ahead of them. */
  const LAST = END - 60;

  test("takes every scrape", async () => {
    const now = Date.now() / 1000;
    expect([...(await theirs("min_over_time(up[1m])", now)).values.values()]).toEqual([1, 1]);
    // Straight from the hub, at the time that it is; the sample says of when.
    const [time] = (await theirs("max(timestamp(direct_total))", now)).values.values();
    const own = await ours("sum by (site, status) (dns_requests_total)", time!);
    expect((await theirs("sum by (site, status) (direct_total)", now)).values).toEqual(own.values);
  });

  test("has a name as the hub has it, whatever letters it has", async () => {
    const { values } = await compare("sum by (name) (dns_top_names{name=~'ho.*st.*[{].*'})");
    expect([...values.keys()].map((text) => (JSON.parse(text) as { name: string }).name)).toEqual([SHOWN_NAME]);
  });

  /** Holds the answers of both against each other. */
  async function compare(expression: string, time = LAST): Promise<Answer> {
    const own = await ours(expression, time);
    const their = await theirs(expression, time);
    expect([own.error, [...own.values.keys()].sort()]).toEqual([their.error, [...their.values.keys()].sort()]);
    for (const [labels, value] of own.values) expect(isNear(value, their.values.get(labels)!), `${labels} ${value}`).toBe(true);
    return own;
  }

  test.each([
    ["sum by (site, status, direction) (increase(dns_requests_total[5m]))"],
    ["sum by (site, rcode) (rate(dns_responses_total[7m]))"],
    ["sum by (site) (increase(dns_requests_total[10m]))"],
    ["sum by (site, status) (dns_requests_total)"],
    ["sum by (le) (increase(dns_duration_seconds_bucket[5m]))"],
    ["histogram_quantile(0.9, sum by (le, site) (dns_duration_seconds_bucket))"],
    ["sum(rate(dns_duration_seconds_sum[5m])) / sum(rate(dns_duration_seconds_count[5m]))"],
    ['sum by (site) (rate(dns_requests_total{status="error"}[5m])) / sum by (site) (rate(dns_requests_total[5m]))'],
    ["sum by (site, direction) (dns_clients)"],
    ["topk(3, sum by (name) (dns_top_names))"],
    ["sum by (name) (sum_over_time(dns_top_names[4m30s]))"],
    ["sum by (site) (increase(dns_requests_total[5m] offset 3m))"],
    ["sum without (job, instance, policy, direction) (increase(dns_requests_total[5m]))"],
    ["avg by (site) (increase(dns_requests_total[5m]))"],
    ["count by (site) (dns_requests_total)"],
    ["min(dns_requests_total) - max(dns_requests_total)"],
    ["topk(1, sum by (site) (dns_requests_total))"],
    ["topk by (site) (1, sum by (site, status) (dns_requests_total))"],
    ["max by (site) (sum by (site, status) (dns_requests_total))"],
    ["bottomk by (site) (1, sum by (site, status) (dns_requests_total))"],
    ["sum by (site, status) (dns_requests_total) > 100"],
    ["sum by (site, status) (dns_requests_total) > bool 100"],
    ["100 < sum by (site, status) (dns_requests_total)"],
    ["sum by (site) (dns_requests_total) / on (site) sum by (site) (dns_requests_total{status='ok'}) > 1.01"],
    ["sum by (site) (dns_requests_total) == on (site) sum by (site) (dns_requests_total)"],
    ["sum by (site) (dns_requests_total) >= ignoring (nothing) sum by (site) (dns_requests_total)"],
    [
      "sum by (site) (dns_requests_total{status='ok'}) / ignoring (status) sum by (site, status) (dns_requests_total{status='error'})",
    ],
    ["-sum by (site) (dns_requests_total) ^ 2 % 1000"],
    ["sum by (site) (dns_requests_total{site=~'f.a|x', status!~'tim.*', policy='default'})"],
    ["sum by (site) (dns_requests_total{site!='fra', nothing='', status=~'.+'})"],
    ["sum by (name) (dns_top_names{name=~'host[0-3]\\\\.example'})"],
    ["sum by (name) (dns_top_names{name='often.example'})"],
    ["sum by (le) (dns_duration_seconds_bucket{le=~'0.03125|.Inf'})"],
    ["histogram_quantile(0.5, sum by (le) (dns_duration_seconds_bucket) / 2)"],
    ["histogram_quantile(2, sum by (le) (dns_duration_seconds_bucket))"],
    ["histogram_quantile(NaN, sum by (le) (dns_duration_seconds_bucket))"],
  ])("answers %s as the hub does", async (expression) => {
    expect((await compare(expression)).values.size).toBeGreaterThan(0);
  });

  test.each([
    ...["1+1", "2^3^2", "-2^2", "2^-1", "7%3*2", "-7%3", "1/0", "-1/0", "0/0", "2 > bool 1", "1e3 - .5", "0x1F", "Inf - 1"],
    ...["(1+2)*3", "5 - -3", "1 == bool 1 == bool 1", "2 * 3 > bool 5 + 1", "NaN == bool NaN", "10 - 2 - 3", "100 / 10 / 2"],
  ])("reckons %s as the hub does", async (expression) => {
    expect((await compare(expression)).values.size).toBe(1);
  });

  test.each([
    ...["", "sum(", "dns_requests_total{", 'dns_requests_total{site="fra}', "dns_requests_total[5m", "rate(dns_requests_total)"],
    ...[
      "rate(dns_requests_total[5])",
      "nosuch(dns_requests_total)",
      "{}",
      '{site=~".*"}',
      "1 ++",
      "sum by site (x)",
      "topk(x, x)",
    ],
    ...[
      "1 > 2",
      "x == == x",
      "x{a=b}",
      "x{a~'b'}",
      'x{a=~"("}',
      "sum(1)",
      "x offset",
      "1 on (a) 2",
      "rate(x[-5m])",
      "x{a='b' c='d'}",
      "sum(x) offset 5m",
    ],
  ])("takes %s for no expression, as the hub does", async (expression) => {
    expect((await theirs(expression, LAST)).error).toBe("bad_data");
    expect((await ours(expression, LAST)).error).toBe("bad_data");
  });

  test.each([
    ...["sum(x) or vector(1)", "x and y", "x unless y", "max_over_time(dns_clients[5m])", "rate(x[5m:1m])", "x[5m]", "x @ 100"],
    ...["sum(x) / on (a) group_left () y", "absent(x)", "label_replace(x, 'a', '$1', 'b', '(.*)')", "irate(x[5m])", "time()"],
    ...["stddev(x)", "quantile(0.5, x)", "x atan2 y", "clamp(x, 1, 2)", "'text'"],
  ])("answers %s, which the hub says it does not", async (expression) => {
    expect((await theirs(expression, LAST)).error).toBe("");
    const { error, reason } = await ours(expression, LAST);
    expect([error, reason]).toEqual(["execution", expect.stringMatching(/^tallywire does not answer /)]);
  });

  test("answers whatever else it is asked as the hub does", async () => {
    const time = fc.integer({ min: 0, max: 4 }).map((minutes) => LAST - minutes * 60);
    const property = fc.asyncProperty(expressions(), time, async (expression, at) => {
      await compare(expression, at);
    });
    await fc.assert(property, { numRuns: 200 });
  }, 60_000);

  test.each([
    "sum by (site) (increase(dns_requests_total[3m]))",
    "sum by (site) (dns_requests_total)",
    "sum by (site) (dns_clients)",
    "histogram_quantile(0.5, sum by (le) (dns_duration_seconds_bucket))",
    "sum(rate(dns_duration_seconds_sum[2m])) / 2",
    "1 / 3",
  ])("gives the points of %s as the hub does", async (query) => {
    const form = { query, start: String(LAST - 360), end: String(LAST), step: "60" };
    const [own, their] = await Promise.all([ours.matrix(form), theirs.matrix(form)]);
    expect([...own.keys()].sort()).toEqual([...their.keys()].sort());
    for (const [labels, points] of own) {
      const others = their.get(labels)!;
      expect(points.map(([time]) => time)).toEqual(others.map(([time]) => time));
      for (const [index, [, value]] of points.entries()) expect(isNear(Number(value), Number(others[index]![1]))).toBe(true);
      expect(points.length).toBe(7);
    }
  });

  test("counts what was there", async () => {
    const increase = await theirs("sum(increase(dns_requests_total[10m]))", LAST);
    expect(increase.values.get("{}")).toBeCloseTo(counted(LAST - 600, LAST), 9);
  });

  test("has quantiles of rates as the hub does, within the width of its buckets", async () => {
    const sorted = durations(LAST - 300, LAST);
    for (const quantile of [0.5, 0.9, 0.99]) {
      const expression = `histogram_quantile(${quantile}, sum by (le) (rate(dns_duration_seconds_bucket[5m])))`;
      const truth = sorted[Math.ceil(quantile * sorted.length) - 1]!;
      const own = (await ours(expression, LAST)).values.get("{}")!;
      const their = (await theirs(expression, LAST)).values.get("{}")!;
      expect(Math.abs(own / truth - 1)).toBeLessThan(0.022);
      expect(their / truth).toBeGreaterThan(Math.SQRT1_2);
      expect(their / truth).toBeLessThan(Math.SQRT2);
    }
  });
});
