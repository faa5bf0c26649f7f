/**
 * A real Prometheus that federates from a hub, asked the same as the hub itself. It scrapes through a door that puts the time of
 * the next minute into each scrape, so that a quarter of an hour passes in seconds; all else is as it comes.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { LocalHub } from "../../shim/hub/local-hub";
import { END, hasProgram, Promtool, startHubWith, TENANT } from "../support/promtool";
import { counted, durations, MINUTES, minutes, startOf } from "../support/promtool-minutes";
import { ROOT } from "../support/repository";
import { freePort, Stage } from "../support/servers/stage";

const SCRAPE_MS = 400;
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

describe.runIf(hasProgram("prometheus") && hasProgram("promtool"))("a Prometheus that federates", () => {
  const folder = mkdtempSync(join(tmpdir(), "tallywire-federation-"));
  const stage = new Stage("prometheus");
  let hub: LocalHub;
  let door: Awaited<ReturnType<typeof startDoor>>;
  let ours: Promtool;
  let theirs: Promtool;

  beforeAll(async () => {
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
      ],
    };
    writeFileSync(stage.path("prometheus.yml"), JSON.stringify(config));
    const words = ["--config.file", stage.path("prometheus.yml"), "--storage.tsdb.path", stage.path("data")];
    const origin = `http://127.0.0.1:${port}`;
    const isUp = async () => (await fetch(`${origin}/-/ready`).catch(() => null))?.ok ?? false;
    await stage.serve("prometheus", [...words, "--web.listen-address", `127.0.0.1:${port}`], isUp);
    ours = new Promtool(`${hub.origin}/prometheus`, key);
    theirs = new Promtool(origin, "none");
    while (door.scrapes() < MINUTES + 2) await sleep(100);
  }, 120_000);

  afterAll(async () => {
    await stage.end();
    door?.server.close();
    await hub?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** The end of the last minute that counters are federated of: gauges are a minute ahead of them. */
  const LAST = END - 60;

  test("takes every scrape", async () => {
    expect([...(await theirs.instant("min_over_time(up[1m])", Date.now() / 1000)).values()]).toEqual([1]);
  });

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
  ])("answers %s as the hub does", async (expression) => {
    const own = await ours.instant(expression, LAST);
    const their = await theirs.instant(expression, LAST);
    expect(own.size).toBeGreaterThan(0);
    expect([...own.keys()].sort()).toEqual([...their.keys()].sort());
    for (const [labels, value] of own) expect(their.get(labels), labels).toBeCloseTo(value, 9);
  });

  test("counts what was there", async () => {
    const increase = await theirs.instant("sum(increase(dns_requests_total[10m]))", LAST);
    expect(increase.get("{}")).toBeCloseTo(counted(LAST - 600, LAST), 9);
  });

  test("has quantiles of rates as the hub does, within the width of its buckets", async () => {
    const sorted = durations(LAST - 300, LAST);
    for (const quantile of [0.5, 0.9, 0.99]) {
      const expression = `histogram_quantile(${quantile}, sum by (le) (rate(dns_duration_seconds_bucket[5m])))`;
      const truth = sorted[Math.ceil(quantile * sorted.length) - 1]!;
      const own = (await ours.instant(expression, LAST)).get("{}")!;
      const their = (await theirs.instant(expression, LAST)).get("{}")!;
      expect(Math.abs(own / truth - 1)).toBeLessThan(0.022);
      expect(their / truth).toBeGreaterThan(Math.SQRT1_2);
      expect(their / truth).toBeLessThan(Math.SQRT2);
    }
  });
});
