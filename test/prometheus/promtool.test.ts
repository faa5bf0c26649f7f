/** What Debian's promtool reads of a hub, held against counts that were made by hand. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { LocalHub } from "../../shim/hub/local-hub";
import { END, hasProgram, Promtool, startHubWith, TENANT } from "../support/promtool";
import { counted, durations, MINUTES, minutes, SITES, startOf } from "../support/promtool-minutes";
import { ROOT } from "../support/repository";
import type { Exchange } from "../support/seal-minute";
import { programPath } from "../support/servers/programs";

const failed = (_: string, { rcode }: Exchange) => rcode === 3;

describe.runIf(hasProgram("promtool"))("promtool", () => {
  let folder: string;
  let hub: LocalHub;
  let promtool: Promtool;
  let authorization: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "tallywire-promtool-"));
    const module = new WebAssembly.Module(readFileSync(join(ROOT, "build/core.wasm")));
    hub = await startHubWith(folder, minutes, module);
    const key = await hub.key({ kind: "read", tenant: TENANT, edge: "" });
    authorization = `Bearer ${key}`;
    promtool = new Promtool(`${hub.origin}/prometheus`, key);
  });

  afterAll(async () => {
    await hub?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test("reads rates and increases that are exact", async () => {
    const increase = await promtool.instant("sum(increase(dns_requests_total[5m]))", END);
    expect(increase.get("{}")).toBe(counted(END - 300, END));
    const rates = await promtool.instant("sum by (site) (rate(dns_requests_total[4m]))", END - 60);
    for (const site of SITES) {
      expect(rates.get(`{site="${site}"}`)).toBe(counted(END - 300, END - 60, (one) => one === site) / 240);
    }
    const errors = await promtool.instant('increase(dns_requests_total{status="error",site="fra"}[10m])', END);
    expect([...errors.values()]).toEqual([counted(END - 600, END, (site, one) => site === "fra" && failed(site, one))]);
    const rate = 'sum(rate(dns_requests_total{status="error"}[5m])) / sum(rate(dns_requests_total[5m]))';
    const ratio = await promtool.instant(rate, END);
    expect(ratio.get("{}")).toBeCloseTo(counted(END - 300, END, failed) / counted(END - 300, END), 12);
  });

  test("reads counters as they stand, and figures of single minutes", async () => {
    const standing = await promtool.instant('dns_requests_total{status="ok",site="ams"}', END - 90);
    const ok = (one: string, exchange: Exchange) => one === "ams" && !failed(one, exchange);
    expect([...standing]).toEqual([
      [
        'dns_requests_total{direction="out", policy="default", site="ams", status="ok"}',
        counted(0, Math.floor((END - 90) / 60) * 60, ok),
      ],
    ]);
    const clients = await promtool.instant("sum by (site) (dns_clients)", END);
    expect([...clients]).toEqual(SITES.map((site) => [`{site="${site}"}`, 20]));
    const often = (_: string, { name }: Exchange) => name === "often.example";
    const top = await promtool.instant("topk(1, sum by (name) (dns_top_names))", END);
    expect([...top]).toEqual([['{name="often.example"}', counted(END - 60, END, often)]]);
    const hour = await promtool.instant("topk(1, sum by (name) (sum_over_time(dns_top_names[1h])))", END);
    expect([...hour]).toEqual([['{name="often.example"}', counted(END - 3600, END, often)]]);
  });

  test("reads quantiles that are within 2.2 % of the truth", async () => {
    const sorted = durations(END - 300, END);
    for (const quantile of [0.1, 0.5, 0.9, 0.99]) {
      const expression = `histogram_quantile(${quantile}, sum by (le) (rate(dns_duration_seconds_bucket[5m])))`;
      const value = (await promtool.instant(expression, END)).get("{}")!;
      const truth = sorted[Math.ceil(quantile * sorted.length) - 1]!;
      expect(Math.abs(value / truth - 1)).toBeLessThan(0.022);
    }
    const counts = await promtool.instant("sum by (le) (increase(dns_duration_seconds_bucket[5m]))", END);
    for (const [labels, count] of counts) {
      const le = Number(/le="(.*)"/.exec(labels)![1]!.replace("+Inf", "Infinity"));
      expect(count).toBe(sorted.filter((duration) => duration <= le).length);
    }
    expect(counts.size).toBeGreaterThan(40);
    expect((await promtool.instant("sum(increase(dns_duration_seconds_count[5m]))", END)).get("{}")).toBe(sorted.length);
    const sum = (await promtool.instant("sum(increase(dns_duration_seconds_sum[5m]))", END)).get("{}");
    expect(sum).toBeCloseTo(
      sorted.reduce((total, duration) => total + duration, 0),
      6,
    );
  });

  test("reads a range of points", async () => {
    const text = await promtool.range("sum by (site) (increase(dns_requests_total[2m]))", END - 480, END, "1m");
    for (const site of SITES) {
      const points = Array.from({ length: 9 }, (_, index) => END - 480 + index * 60);
      const lines = points.map((time) => `${counted(time - 120, time, (one) => one === site)} @[${time}]`);
      expect(text).toContain(`{site="${site}"} =>\n${lines.join("\n")}`);
    }
  });

  test("finds series, labels and their values", async () => {
    const series = await promtool.series('dns_requests_total{site="fra"}');
    expect(series).toEqual(
      ["error", "ok"].map(
        (status) => `{__name__="dns_requests_total", direction="out", policy="default", site="fra", status="${status}"}`,
      ),
    );
    expect(await promtool.labels("site")).toEqual(SITES);
    expect(await promtool.labels("__name__")).toContain("dns_duration_seconds_bucket");
    expect(await promtool.labels("transport")).toContain("udp");
  });

  test("is told what it cannot have, and why", async () => {
    const told = async (expression: string) =>
      promtool.instant(expression, END).catch((error: { stderr: string }) => error.stderr);
    expect(await told("predict_linear(dns_requests_total[5m], 60)")).toMatch(/does not answer predict_linear/);
    expect(await told("sum(")).toMatch(/bad_data.*parse error/);
    expect(await told("rate(dns_clients[5m])")).toMatch(/gauge of single minutes/);
  });

  test("finds nothing to object to in what is federated", async () => {
    const federate = `${hub.origin}/federate?match[]=${encodeURIComponent('{__name__=~"(dns|net|capture)_.+"}')}`;
    const text = await (await fetch(federate, { headers: { authorization } })).text();
    expect(text).toContain("# TYPE dns_duration_seconds histogram");
    const { status, stdout, stderr } = spawnSync(programPath("promtool")!, ["check", "metrics"], {
      input: text,
      encoding: "utf8",
    });
    expect([status, stdout + stderr]).toEqual([0, ""]);
    expect(MINUTES * SITES.length).toBe(minutes.length);
    expect(startOf(MINUTES)).toBe(END);
  });
});
