/** Round trips of a running agent as they are decided, through its own HTTP, against what tshark reads of the same packets. */
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { RoundTrip } from "../../../engine/round-trip";
import { AskedAgent, type Asking, askSocket } from "../../support/agent-http";
import { fixtureBytes, fixtureTruth } from "../../support/fixtures";
import { manyMinutes } from "../../support/many-minutes";

const FIXTURE = "dns_dnsperf_udp.pcap";
const PCAP_HEAD_BYTES = 24;
const MINUTE_NS = 60_000_000_000n;

const QUERIES = 20_000;

type Line = RoundTrip & { end?: string; told?: number; lost?: number };

/** The lines of a stream of JSON. */
async function linesOf(text: AsyncIterable<string>): Promise<Line[]> {
  const lines: Line[] = [];
  for await (const line of text) lines.push(JSON.parse(line));
  return lines;
}

describe("watching a running agent", () => {
  const file = fixtureBytes(FIXTURE);
  const truth = fixtureTruth(FIXTURE);
  let folder: string;
  let agent: AskedAgent;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "tallywire-watch-"));
    agent = await AskedAgent.start(folder, ["--file", "-"]);
    agent.child.stdin.write(file.subarray(0, PCAP_HEAD_BYTES));
  });
  afterEach(async () => {
    agent.child.stdin.end();
    await agent.ended;
    rmSync(folder, { recursive: true });
  });

  const watch = async (query: Record<string, string>, asking?: Asking) => {
    const response = await agent.open(`/api/v1/watch?${new URLSearchParams(query)}`, asking);
    return { response, lines: () => linesOf(createInterface({ input: response })) };
  };
  const feed = () => agent.child.stdin.write(file.subarray(PCAP_HEAD_BYTES));

  test("each sees what it wants of what the client did, to the end of the agent", async () => {
    const queries = truth.sent.queries!;
    const all = await watch({});
    const missing = await watch({ filter: "dns.rcodeName == NXDOMAIN" });
    const few = await watch({ filter: "protocol == dns", max: "7" });
    expect(all.response.headers["content-type"]).toBe("application/x-ndjson");
    const [seen, unknown, some] = [all.lines(), missing.lines(), few.lines()];
    feed();
    const first = await some;
    expect(first.length).toBe(8);
    expect(first.at(-1)).toEqual({ end: "max", told: 7, lost: 0 });
    await sleep(300);
    agent.child.stdin.end();
    const trips = await seen;
    expect(trips.at(-1)).toEqual({ end: "agent", told: queries, lost: 0 });
    expect(trips.filter(({ protocol }) => protocol === "dns").length).toBe(queries);
    const names = (await unknown).slice(0, -1);
    expect(names.length).toBe(truth.got!.NXDOMAIN);
    expect(new Set(names.map(({ response }) => response!.rcodeName))).toEqual(new Set(["NXDOMAIN"]));
  });

  test("a browser's EventSource gets events", async () => {
    const { response } = await watch({ max: "3" }, { headers: { accept: "text/event-stream" } });
    expect(response.headers["content-type"]).toBe("text/event-stream");
    feed();
    let text = "";
    for await (const more of response.setEncoding("utf8")) text += more;
    const events = text.split("\n\n").slice(0, -1);
    expect(events.length).toBe(4);
    for (const event of events.slice(0, 3)) expect(JSON.parse(event.replace(/^data: /, "")).protocol).toBe("dns");
    expect(events[3]).toBe('event: end\ndata: {"end":"max","told":3,"lost":0}');
  });

  test("a time that is over ends it, and nothing was watched before or behind", async () => {
    feed();
    await sleep(300);
    const { lines } = await watch({ timeout: "1" });
    expect(await lines()).toEqual([{ end: "timeout", told: 0, lost: 0 }]);
  });

  test("what cannot be is refused, with the column of what is wrong in a filter", async () => {
    const asked = (query: string) => agent.json(`/api/v1/watch${query}`);
    const filter = encodeURIComponent("protocol == dns and dns.nmae == 'a'");
    expect(await asked(`?filter=${filter}`)).toMatchObject({ status: 400, value: { column: 21, error: /dns\.name/ } });
    for (const query of ["?max=0", "?max=-1", "?timeout=0", "?timeout=3601", "?timeout=x", "?filter=dns.name~/a?b&max=0"])
      expect((await asked(query)).status).toBe(400);
    const misspelt = { error: "there is no parameter filtr; did you mean filter?" };
    expect(await asked("?max=3&filtr=dns")).toMatchObject({ status: 400, value: misspelt });
    const unlike = { error: "there is no parameter x; there are filter, max, timeout" };
    expect(await asked("?max=0&x=1")).toMatchObject({ status: 400, value: unlike });
    expect((await askSocket(agent.socket, "/api/v1/watch")).status).toBe(401);
    const eight = await Promise.all(Array.from({ length: 8 }, () => watch({ timeout: "60" })));
    expect((await asked("")).status).toBe(503);
    for (const { response } of eight) response.destroy();
    await expect.poll(async () => (await watch({ timeout: "1" })).response.statusCode, { timeout: 10_000 }).toBe(200);
  });

  test("a reader that is slow loses what it does not take, which is counted, and holds nobody up", {
    timeout: 60_000,
  }, async () => {
    const slow = await watch({ timeout: "600" });
    const quick = await watch({ timeout: "600" });
    const seen = quick.lines();
    // Nothing of the slow one's answer is read: so many round trips of some 500 bytes are more than may wait for it.
    const startNs = BigInt(Math.floor(Date.now() / 60_000) - 10) * MINUTE_NS;
    const capture = manyMinutes({ startNs, minutes: 1, queriesPerMinute: QUERIES }).subarray(PCAP_HEAD_BYTES);
    if (!agent.child.stdin.write(capture)) await once(agent.child.stdin, "drain");
    agent.child.stdin.end();
    const took = await seen;
    const late = await slow.lines();
    for (const lines of [took, late]) {
      const end = lines.at(-1)!;
      const trips = lines.filter(({ protocol }) => protocol === "dns").length;
      const lost = lines.slice(0, -1).reduce((sum, line) => sum + (line.lost ?? 0), 0);
      expect([end.end, end.told, end.lost]).toEqual(["agent", trips, lost]);
      expect(trips + lost).toBe(QUERIES);
    }
    expect(late.at(-1)!.lost).toBeGreaterThan(0);
  });
});
