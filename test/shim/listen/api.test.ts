/** Windows, reloads and the level of a running agent's log, through its own HTTP. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { Row } from "../../../engine/rows";
import type { Summary } from "../../../engine/summary";
import type { WindowAnswer } from "../../../shim/listen/window";
import { AskedAgent, askSocket } from "../../support/agent-http";
import { tallywire } from "../../support/command";
import { manyMinutes } from "../../support/many-minutes";

const MINUTE_NS = 60_000_000_000n;
const MINUTES = 4;
const PER_MINUTE = 60;
const PCAP_HEAD_BYTES = 24;
/** What does not depend on minutes before. */
const COMPARED = ["dns_requests_total", "dns_duration_seconds", "dns_clients", "dns_top_names", "dns_responses_total"];

describe("a running agent", () => {
  const folder = mkdtempSync(join(tmpdir(), "tallywire-api-"));
  const configPath = join(folder, "agent.yaml");
  const startNs = BigInt(Math.floor(Date.now() / 60_000) - 10) * MINUTE_NS;
  const captureOf = (first: number, minutes: number) =>
    manyMinutes({
      startNs: startNs + BigInt(first) * MINUTE_NS,
      minutes,
      queriesPerMinute: PER_MINUTE,
      first: first * PER_MINUTE,
    });
  const configure = (text: string) => writeFileSync(configPath, text, { mode: 0o600 });
  let agent: AskedAgent;

  beforeAll(async () => {
    configure("spool: { sizeMiB: 64 }\n");
    agent = await AskedAgent.start(folder, ["--file", "-", "--config", configPath]);
    agent.child.stdin.write(captureOf(0, MINUTES));
    agent.child.stdin.write(captureOf(MINUTES, 1).subarray(PCAP_HEAD_BYTES));
    const arrived = async () => expect((await agent.json<WindowAnswer>("/api/v1/window/60")).value.minutes).toBe(MINUTES);
    await vi.waitFor(arrived, { timeout: 60_000, interval: 100 });
  }, 90_000);

  afterAll(async () => {
    agent?.child.stdin.end();
    await agent?.ended;
    rmSync(folder, { recursive: true });
  });

  test("adds the last minutes up as one reading of the same packets does", { timeout: 60_000 }, async () => {
    const { status, value } = await agent.json<WindowAnswer>("/api/v1/window/2");
    expect(status).toBe(200);
    expect([value.asked, value.minutes]).toEqual([2, 2]);
    expect(Date.parse(value.from!)).toBe(Number((startNs + 2n * MINUTE_NS) / 1_000_000n));
    expect(Date.parse(value.until!)).toBe(Number((startNs + 4n * MINUTE_NS) / 1_000_000n));
    const { stdout } = await tallywire(["read", "-", "--summary", "-o", "json"], { input: captureOf(2, 2) });
    const read = JSON.parse(stdout) as Summary;
    expect(value.packets).toBe(2 * 2 * PER_MINUTE);
    expect(value.packets).toBe(read.packets);
    for (const metric of COMPARED) {
      const rowsOf = (rows: Row[]) => rows.filter((row) => row.metric === metric && row.labels.direction === "unknown");
      expect(rowsOf(read.metrics).length, metric).toBeGreaterThan(0);
      expect(rowsOf(value.metrics), metric).toEqual(rowsOf(read.metrics));
    }
  });

  test("gives the metrics that are asked for, and refuses windows that there are not", async () => {
    const { value } = await agent.json<WindowAnswer>("/api/v1/window/60?metric=dns_requests_total,dns_top_names&items=3");
    expect(new Set(value.metrics.map(({ metric }) => metric))).toEqual(new Set(["dns_requests_total", "dns_top_names"]));
    expect(value.metrics.find(({ metric }) => metric === "dns_top_names")!.items).toHaveLength(3);
    for (const path of [
      "window/0",
      "window/61",
      "window/two",
      "window/",
      "window/1?items=-1",
      "window/1?metric=dns_request_total",
    ])
      expect((await agent.ask(`/api/v1/${path}`)).status, path).toBe(400);
    expect((await agent.ask("/api/v1/window/1/2")).status).toBe(404);
    expect((await askSocket(agent.socket, "/api/v1/window/1")).status).toBe(401);
  });

  test("reads its configuration again, and says what changed or why nothing did", async () => {
    const reload = (method = "POST") => agent.json("/api/v1/reload", { method });
    expect(await reload()).toEqual({ status: 200, value: { changed: [] } });
    configure("spool: { sizeMiB: 65 }\n");
    expect(await reload()).toEqual({ status: 200, value: { changed: ["spool.sizeMiB"] } });
    configure("spool: { sizeMiB: 66 }\nmemory: { budgetMiB: 32 }\n");
    const refused = await reload();
    expect(refused).toMatchObject({ status: 409, value: { refused: ["memory.budgetMiB"] } });
    configure("spool: { sizMiB: 66 }\n");
    const wrong = await reload();
    expect(wrong.status).toBe(409);
    expect(JSON.stringify(wrong.value)).toMatch(/sizeMiB/);
    configure("spool: { sizeMiB: 66 }\n");
    expect(await reload()).toEqual({ status: 200, value: { changed: ["spool.sizeMiB"] } });
    expect(agent.said).toMatch(/the configuration was read again: spool.sizeMiB changed\n/);
    expect((await agent.ask("/api/v1/reload")).status).toBe(405);
    expect((await askSocket(agent.socket, "/api/v1/reload", {}, "POST")).status).toBe(401);
  });

  test("says as much as its level wants", async () => {
    const level = (body?: string) => agent.json("/api/v1/log-level", body === undefined ? {} : { method: "PUT", body });
    expect(await level()).toEqual({ status: 200, value: { level: "info" } });
    expect(agent.said).not.toMatch(/GET \/metrics/);
    expect(await level("debug")).toEqual({ status: 200, value: { level: "debug" } });
    await agent.ask("/metrics?buckets=le");
    await expect.poll(() => agent.said).toMatch(/tallywire: GET \/metrics 200\n/);
    expect(await level('"error"\n')).toEqual({ status: 200, value: { level: "error" } });
    const before = agent.said;
    await agent.ask("/metrics");
    await agent.ask("/api/v1/reload", { method: "POST" });
    expect((await level("loud")).status).toBe(400);
    expect((await agent.ask("/api/v1/log-level", { method: "PUT", body: "x".repeat(1000) })).status).toBe(413);
    expect(await level("info")).toEqual({ status: 200, value: { level: "info" } });
    expect(agent.said).toBe(before);
  });

  test("takes its level from its configuration when that says another", async () => {
    const level = async () => (await agent.json<{ level: string }>("/api/v1/log-level")).value.level;
    const reload = async () => (await agent.json<{ changed: string[] }>("/api/v1/reload", { method: "POST" })).value.changed;
    configure("log: { level: debug }\n");
    expect(await reload()).toContain("log.level");
    expect(await level()).toBe("debug");
    await agent.ask("/api/v1/log-level", { method: "PUT", body: "error" });
    expect(await reload()).toEqual([]);
    expect(await level()).toBe("error");
    configure("");
    expect(await reload()).toEqual(["log.level"]);
    expect(await level()).toBe("info");
  });

  test("begins with the level that it is told", async () => {
    const words = (level: string) => ["agent", "--log-level", level, "--spool", join(folder, `spool-${level}`), "--file", "-"];
    const { stderr: little } = await tallywire(words("error"), { input: captureOf(0, 1) });
    expect(little).toBe("");
    const { stderr: much } = await tallywire(words("debug"), { input: captureOf(0, 1) });
    expect(much).toMatch(/minute \S+ is sealed: .* bytes\n/);
    expect((await tallywire(words("loud"))).stderr).toMatch(/error, info, debug/);
  });
});
