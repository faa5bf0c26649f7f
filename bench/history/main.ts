/**
 * What history costs: a tenant's minutes of a day, a week and a month, each posted to a hub of its own that takes minutes so late; what a minute
 * more costs them, asked of one after the other in turn, so that what the machine does meanwhile is the same for all; and what questions cost
 * over the month. Linux only (/proc).
 *
 * The word is the folder of a Worker whose limits let it. Prints one JSON object.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { deflateSync } from "node:zlib";
import { Pool } from "undici";
import { Core } from "../../engine/core";
import { type LocalHub, startLocalHub } from "../../shim/hub/local-hub";
import { modelledMinute } from "../../test/support/minute-model";
import { sealCapture, withMinute } from "../../test/support/seal-minute";
import { cpuMsOf } from "../lib/process";
import { request } from "../lib/request";

/** Requests of a quiet minute. */
const REQUESTS = 3_000;
const DIFFERENT_BUNDLES = 16;
const CONNECTIONS = 64;
const DAY_MINUTES = 1440;
const HISTORIES_DAYS = [1, 7, 30];
/** The same edges post minutes that they have not posted before to each of the hubs, so many times; medians count, and those of the ratios. */
const PROBES = 5;
const PROBE_EDGES = 60;
const PROBE_MINUTES = 10;
const ASKED_TIMES = 9;
/** An object that takes less CPU than this in a second has nothing to do. */
const IDLE_MS = 30;
const probeEdges = Array.from({ length: PROBE_EDGES }, (_, index) => `probe-${index}`);

const workerFolder = process.argv[2] ?? "build/hub";
const module = new WebAssembly.Module(readFileSync("build/core.wasm"));
const thisMinute = Math.floor(Date.now() / 60_000) * 60;
const bundles = Array.from({ length: DIFFERENT_BUNDLES }, (_, index) =>
  sealCapture(module, modelledMinute(REQUESTS, thisMinute), { bootId: BigInt(index + 1) }),
);

const median = (values: number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]!;

/** CPU of merging the sixty minutes of an hour into its tile, ms. */
function hourMs(): number {
  const core = new Core(module, { role: "hub", budgetBytes: 15 << 20 });
  const hour = Array.from({ length: 60 }, (_, index) => withMinute(bundles[index % bundles.length]!, thisMinute - index * 60));
  for (let round = 0; round < 3; round += 1) core.merge(hour, { known: true });
  const before = process.cpuUsage();
  for (let round = 0; round < 10; round += 1) core.merge(hour, { known: true });
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 10_000;
}

class Client {
  private readonly pool: Pool;

  constructor(private readonly hub: LocalHub) {
    this.pool = new Pool(hub.origin, { connections: CONNECTIONS });
  }

  /** Posts one bundle of each of these minutes by each of these edges. */
  async post(edges: readonly string[], minutes: readonly number[]): Promise<void> {
    const work = edges.flatMap((edge) => minutes.map((minute) => ({ edge, minute })));
    const keys = new Map<string, string>();
    for (const edge of edges) keys.set(edge, await this.hub.key({ kind: "write", tenant: "history", edge }));
    const poster = async () => {
      for (let one = work.pop(); one !== undefined; one = work.pop()) {
        const body = deflateSync(withMinute(bundles[(one.minute / 60) % bundles.length]!, one.minute));
        const headers = { authorization: `Bearer ${keys.get(one.edge)}`, "content-encoding": "deflate" };
        const { status, text } = await request(this.pool, { path: "/v1/ingest", method: "POST", headers, body });
        if (status === 503 || status === 429) {
          work.push(one);
          await sleep(200);
        } else if (status !== 200) throw new Error(text);
      }
    };
    await Promise.all(Array.from({ length: CONNECTIONS }, poster));
  }

  /** Waits until the hub has sealed and merged what there is. */
  async untilIdle(): Promise<void> {
    await sleep(3000);
    for (let quiet = 0; quiet < 3; ) {
      const before = cpuMsOf(this.hub.pid);
      await sleep(1000);
      quiet = cpuMsOf(this.hub.pid) - before < IDLE_MS ? quiet + 1 : 0;
    }
  }

  /** Median time of a question that was not asked before, ms; and how many tiles' seconds the longest tile has. */
  async ask(search: string): Promise<{ ms: number; rows: number; resolution: number }> {
    const authorization = `Bearer ${await this.hub.key({ kind: "read", tenant: "history", edge: "" })}`;
    const times: number[] = [];
    let rows = 0;
    let resolution = 0;
    for (let turn = 0; turn < ASKED_TIMES; turn += 1) {
      const from = performance.now();
      const path = `/v1/query?${search}&n=${turn + 1}`;
      const { status, text } = await request(this.pool, { path, method: "GET", headers: { authorization } });
      if (status !== 200) throw new Error(text);
      times.push(performance.now() - from);
      const answer = JSON.parse(text);
      rows = answer.data.length;
      resolution = answer.meta.resolution;
    }
    return { ms: median(times), rows, resolution };
  }

  /** Bytes of the largest tile of each level, of all that there is. */
  async largestTiles(): Promise<Record<string, number>> {
    const authorization = `Bearer ${await this.hub.key({ kind: "read", tenant: "history", edge: "" })}`;
    const largest: Record<string, number> = {};
    for (const [resolution, from] of [
      ["minutes", "-10d"],
      ["hours", "-60d"],
      ["days", "-60d"],
    ] as const) {
      const path = `/v1/tiles?resolution=${resolution}&from=${from}`;
      const { status, text } = await request(this.pool, { path, method: "GET", headers: { authorization } });
      if (status !== 200) throw new Error(text);
      const rows = JSON.parse(text).data as { largest_bytes: number }[];
      largest[resolution] = Math.max(0, ...rows.map((row) => row.largest_bytes));
    }
    return largest;
  }

  close(): Promise<void> {
    return this.pool.close();
  }
}

/** A hub with so many days of history. */
class History {
  private minute = thisMinute;
  /** CPU of each probe so far, ms a bundle. */
  readonly costs: number[] = [];

  private constructor(
    readonly days: number,
    private readonly dataFolder: string,
    private readonly hub: LocalHub,
    readonly client: Client,
  ) {}

  static async of(days: number): Promise<History> {
    const dataFolder = mkdtempSync(join(tmpdir(), "tallywire-history-"));
    const pace = { EDGE_BUNDLES_PER_MINUTE: "1000000", EDGE_BYTES_PER_MINUTE: String(2 ** 40) };
    const variables = { SEAL_PERIOD_SECONDS: "1", KEEP_MINUTES: "60d", KEEP_HOURS: "60d", ...pace };
    const hub = await startLocalHub({ dataFolder, workerFolder, variables });
    const history = new History(days, dataFolder, hub, new Client(hub));
    const minutes = Array.from({ length: days * DAY_MINUTES }, (_, index) => thisMinute - (index + 1) * 60);
    await history.client.post(["edge"], minutes);
    await history.client.untilIdle();
    return history;
  }

  /** Posts minutes, and notes what they cost. */
  async probe(): Promise<void> {
    const minutes = Array.from({ length: PROBE_MINUTES }, () => (this.minute -= 60));
    const before = cpuMsOf(this.hub.pid);
    await this.client.post(probeEdges, minutes);
    await this.client.untilIdle();
    this.costs.push((cpuMsOf(this.hub.pid) - before) / (PROBE_EDGES * PROBE_MINUTES));
  }

  async end(): Promise<void> {
    await this.client.close();
    await this.hub.stop();
    rmSync(this.dataFolder, { recursive: true });
  }
}

/** Probes each history in turn; the first round, in which much is compiled, does not count. */
async function probeAll(histories: readonly History[]): Promise<{ days: number; cpuMs: number; ratio: number }[]> {
  for (let round = 0; round <= PROBES; round += 1) for (const history of histories) await history.probe();
  const [first] = histories.map(({ costs }) => costs.slice(1));
  return histories.map(({ days, costs }) => {
    const own = costs.slice(1);
    return { days, cpuMs: median(own), ratio: median(own.map((cost, round) => cost / first![round]!)) };
  });
}

async function main(): Promise<void> {
  const histories: History[] = [];
  for (const days of HISTORIES_DAYS) histories.push(await History.of(days));
  const growth = await probeAll(histories);
  const { client } = histories.at(-1)!;
  const day = Math.floor(thisMinute / 86_400) * 86_400;
  const month = `from=${day - 29 * 86_400 + 3600 + 60}&to=${thisMinute - 120}`;
  const lastDay = `from=${thisMinute - 86_400}&to=${thisMinute}&step=60`;
  const questions = {
    month: await client.ask(`metric=dns_requests_total&op=sum&${month}`),
    monthQuantiles: await client.ask(`metric=dns_duration_seconds&op=quantile&${month}`),
    monthDistinct: await client.ask(`metric=dns_clients&op=distinct&${month}`),
    monthTop: await client.ask(`metric=dns_top_names&op=top&${month}`),
    dayByMinute: await client.ask(`metric=dns_duration_seconds&op=quantile&${lastDay}`),
    dayByMinuteTop: await client.ask(`metric=dns_top_names&op=top&${lastDay}`),
  };
  const largestTiles = await client.largestTiles();
  for (const history of histories) await history.end();
  console.log(JSON.stringify({ growth, questions, largestTiles, hourMs: hourMs() }));
}

await main();
