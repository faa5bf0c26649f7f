/** How many rows a minute of posts makes, by how many edges post and how they spread: by the queue's own clock, whatever the machine's speed. */
import { afterEach, expect, it, vi } from "vitest";
import { COUNTS } from "../../scripts/docs/cost";
import type { Entry } from "../../worker/object/batches";
import { CommitQueue } from "../../worker/object/commit-queue";
import { randomOf } from "../crash/random";

/** Edges post within so many seconds of each minute. */
const POSTING_MS = 45_000;

afterEach(() => {
  vi.useRealTimers();
});

/** Rows that posts at these milliseconds make. */
async function rowsOf(times: readonly number[]): Promise<number> {
  vi.useFakeTimers({ now: 1e12, toFake: ["setTimeout", "clearTimeout", "Date"] });
  let rows = 0;
  const queue = new CommitQueue(() => {
    rows += 1;
    return null;
  });
  let before = 0;
  for (const [edge, time] of [...times].sort((a, b) => a - b).entries()) {
    vi.advanceTimersByTime(time - before);
    before = time;
    const entry: Entry = {
      source: edge,
      group: 0,
      minute: 0,
      sequence: 0,
      receivedMs: 0,
      skewMs: null,
      version: "",
      bytes: new Uint8Array(70),
    };
    void queue.add(`${edge}`, edge, [{ entry, body: entry.bytes, encoding: "identity" }], Date.now());
  }
  vi.advanceTimersByTime(POSTING_MS);
  expect(queue.isEmpty).toBe(true);
  return rows;
}

it("writes few rows where posts trickle in, however many there are", async () => {
  const told: string[] = [];
  let most = 0;
  for (const edges of [30, 60, 120, 240, 450, 1_000, 3_000, 10_000]) {
    const random = randomOf(edges);
    const rows = await rowsOf(Array.from({ length: edges }, () => Math.floor(random() * POSTING_MS)));
    told.push(`${edges} edges: ${rows}`);
    most = Math.max(most, rows);
  }
  console.log(`rows of batches a minute, ${told.join(", ")}`);
  expect(most).toBeLessThanOrEqual(COUNTS.batchesOfTrickle);
  expect(most).toBeGreaterThan(COUNTS.batchesOfTrickle / 2);
});

it("writes one row for what comes within a second", async () => {
  expect(await rowsOf(Array.from({ length: 900 }, (_, index) => index))).toBeLessThanOrEqual(3);
});
