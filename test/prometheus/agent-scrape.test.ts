/** A real Prometheus that scrapes a running agent, against what the clients counted and the times that tshark measured. */
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startCommand, untilSays } from "../support/command";
import { fixtureBytes, fixtureTruth } from "../support/fixtures";
import { hasProgram } from "../support/promtool";
import { freePort, Stage } from "../support/servers/stage";
import { HAS_TSHARK, tsharkFields } from "../support/tshark";

const FIXTURE = "dns_dnsperf_udp.pcap";
const HEAD_BYTES = 24;
const RECORD_BYTES = 16;
const MINUTE_SECONDS = 60;
const SCRAPE_MS = 300;
/** Of a distinct count (docs/metrics.md). */
const STANDARD_ERROR = 0.0119;
/** A native histogram of schema 5: the upper bound of a bucket is 2.2 % above the lower. */
const BUCKET_RATIO = 2 ** (1 / 32);

/** The records of a pcap whose packets lie within a second, from a second on that is given. */
function recordsFrom(file: Uint8Array, second: number): Uint8Array {
  const records = Uint8Array.from(file.subarray(HEAD_BYTES));
  const view = new DataView(records.buffer);
  const first = view.getUint32(0, true);
  for (let at = 0; at < records.length; at += RECORD_BYTES + view.getUint32(at + 8, true))
    view.setUint32(at, view.getUint32(at, true) - first + second, true);
  return records;
}

/** The smallest value that is no less than a share of all. */
function exactQuantile(sorted: readonly number[], share: number): number {
  return sorted[Math.ceil(share * sorted.length) - 1]!;
}

/** How often each of them is there. */
function countsOf(all: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const one of all) counts.set(one, (counts.get(one) ?? 0) + 1);
  return counts;
}

interface Vector {
  data: { result: { metric: Record<string, string>; value: [time: number, value: string] }[] };
}

describe.runIf(hasProgram("prometheus") && HAS_TSHARK)("a Prometheus that scrapes an agent", () => {
  const file = fixtureBytes(FIXTURE);
  const truth = fixtureTruth(FIXTURE) as { sent: { queries: number }; got: Record<string, number> };
  const queries = truth.sent.queries;
  const startSecond = (Math.floor(Date.now() / 60_000) - 10) * MINUTE_SECONDS;
  let stage: Stage;
  let agent: ChildProcessWithoutNullStreams;
  let origin: string;

  /** What the client did in the first minutes, again in each further one; the last of them stays open. */
  const feed = (minutes: readonly number[]) => {
    for (const minute of minutes) agent.stdin.write(recordsFrom(file, startSecond + minute * MINUTE_SECONDS + 30));
  };
  const config = (mebibytes: number) =>
    writeFileSync(stage.path("agent.yaml"), `spool: { sizeMiB: ${mebibytes} }\n`, { mode: 0o600 });

  const ask = async (query: string): Promise<Map<string, number>> => {
    const response = await fetch(`${origin}/api/v1/query`, { method: "POST", body: new URLSearchParams({ query }) });
    const { data } = (await response.json()) as Vector;
    return new Map(data.result.map(({ metric, value }) => [Object.values(metric).join(), Number(value[1])]));
  };
  const one = async (query: string) => [...(await ask(query)).values()][0];
  const until = (query: string, value: number) => expect.poll(() => one(query), { timeout: 30_000, interval: 100 }).toBe(value);

  beforeAll(async () => {
    stage = new Stage("agent-scrape");
    config(64);
    const [agentPort, port] = [await freePort(), await freePort()];
    const words = [
      "agent",
      "--file",
      "-",
      "--spool",
      stage.path("spool"),
      "--edge",
      "here",
      "--config",
      stage.path("agent.yaml"),
    ];
    agent = startCommand([...words, "--listen", `127.0.0.1:${agentPort}`]);
    const said = await untilSays(agent, /metrics are at .*\n/);
    const [, token = ""] = /the token is in (.*)\n/.exec(said)!;
    agent.stdin.write(file.subarray(0, HEAD_BYTES));
    const job = {
      scrape_interval: `${SCRAPE_MS}ms`,
      scrape_timeout: `${SCRAPE_MS}ms`,
      authorization: { credentials_file: token },
      static_configs: [{ targets: [`127.0.0.1:${agentPort}`] }],
    };
    const only = (name: string) => [
      { target_label: "__name__", replacement: `${name}_$1`, regex: "(.+)", source_labels: ["__name__"] },
    ];
    const jobs = [
      { ...job, job_name: "native" },
      { ...job, job_name: "ranges", params: { buckets: ["vmrange"] }, metric_relabel_configs: only("ranges") },
    ];
    writeFileSync(stage.path("prometheus.yml"), JSON.stringify({ scrape_configs: jobs }));
    origin = `http://127.0.0.1:${port}`;
    const isUp = async () => (await fetch(`${origin}/-/ready`).catch(() => null))?.ok ?? false;
    const flags = ["--enable-feature=native-histograms", "--web.listen-address", `127.0.0.1:${port}`];
    const storage = ["--config.file", stage.path("prometheus.yml"), "--storage.tsdb.path", stage.path("data")];
    await stage.serve("prometheus", [...storage, ...flags], isUp);
  }, 120_000);

  afterAll(async () => {
    agent?.stdin.end();
    if (agent?.exitCode === null) await once(agent, "exit");
    await stage?.end();
  });

  test("counts what the client counted, minute by minute and through a reload", { timeout: 120_000 }, async () => {
    feed([0, 1]);
    await until("sum(dns_requests_total)", queries);
    const again = untilSays(agent, /the configuration was read again: spool.sizeMiB changed/);
    config(65);
    agent.kill("SIGHUP");
    await again;
    feed([2, 3, 4]);
    await until("sum(dns_requests_total)", 4 * queries);
    expect(await one("max(resets(dns_requests_total[5m]))")).toBe(0);
    expect(await one("min(min_over_time(up[5m]))")).toBe(1);
    expect(await one("tallywire_counted_until_timestamp_seconds")).toBe(startSecond + 4 * MINUTE_SECONDS);
    const codes = await ask("sum by (rcode) (dns_responses_total)");
    const got = Object.fromEntries([...codes].map(([code, count]) => [code.toUpperCase(), count]));
    for (const [code, count] of Object.entries(truth.got)) expect(got[code], code).toBe(4 * count);
  });

  test("tells of the last minute what tshark counts in it", { timeout: 60_000 }, async () => {
    const shown = ["frame.time_epoch", "dns.flags.response", "dns.qry.name", "ip.src"];
    const packets = tsharkFields(file, shown, ["-d", "udp.port==5300,dns", "-Y", "dns"]);
    const asked = packets.filter(([, isResponse]) => isResponse === "0" || isResponse === "False");
    expect(asked.length).toBe(queries);
    const names = countsOf(asked.map(([, , name]) => name!.toLowerCase().replace(/\.?$/, ".")));
    const busiest = [...names.values()].sort((a, b) => b - a).slice(0, 10);
    const top = await ask("sum by (name) (dns_top_names)");
    expect([...top.values()].sort((a, b) => b - a)).toEqual(busiest);
    for (const [name, count] of top) expect(names.get(name.replace(/\.?$/, ".")), name).toBe(count);
    const distinct = (await one("sum(dns_names)"))!;
    expect(Math.abs(distinct / names.size - 1), `${distinct} of ${names.size}`).toBeLessThan(3 * STANDARD_ERROR);
    const seconds = countsOf(packets.map(([time]) => String(Math.floor(Number(time)))));
    expect(await one("sum(net_packets_per_second_max)")).toBe(Math.max(...seconds.values()));
    expect(await one("sum(net_packets_per_second)")).toBeCloseTo(packets.length / MINUTE_SECONDS, 6);
  });

  test("has native histograms with the times that tshark measured", { timeout: 60_000 }, async () => {
    const fields = tsharkFields(file, ["dns.time"], ["-d", "udp.port==5300,dns", "-Y", "dns.time"]);
    const times = fields.map(([time]) => Number(time)).sort((a, b) => a - b);
    expect(times.length).toBe(queries);
    expect(await one("histogram_count(sum(dns_duration_seconds))")).toBe(4 * queries);
    const sum = times.reduce((total, time) => total + time, 0);
    expect(await one("histogram_sum(sum(dns_duration_seconds))")).toBeCloseTo(4 * sum, 6);
    for (const share of [0.1, 0.5, 0.9, 0.99]) {
      const exact = exactQuantile(times, share);
      const told = await one(`histogram_quantile(${share}, sum(dns_duration_seconds))`);
      expect(told! / exact, `${share}: ${told} and ${exact}`).toBeGreaterThan(1 / BUCKET_RATIO);
      expect(told! / exact, `${share}: ${told} and ${exact}`).toBeLessThan(BUCKET_RATIO);
    }
    // All ranges together hold each value once, and no classic bucket is there beside native ones.
    expect(await one("sum(ranges_dns_duration_seconds_bucket)")).toBe(4 * queries);
    expect((await ask("dns_duration_seconds_bucket")).size).toBe(0);
    const inside = times.filter((time) => time <= 2 ** -12).length;
    const ranges = await ask("sum by (vmrange) (ranges_dns_duration_seconds_bucket)");
    const below = [...ranges].filter(([range]) => Number(range.split("...")[1]) <= 2.442e-4);
    expect(below.reduce((total, [, count]) => total + count, 0)).toBe(4 * inside);
  });
});
