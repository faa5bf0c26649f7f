/** When bundles are posted: each edge at its own second of the minute, and never later than it must. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { postingTime } from "../../shim/agent/posting-time";
import { Backoff } from "../../shim/post/backoff";
import { Delivery } from "../../shim/post/delivery";
import type { Verdict } from "../../shim/post/verdict";
import { bundleFileName, Spool } from "../../shim/spool/spool";

const nameOf = (minute: number) => bundleFileName({ minute, sequence: 0, bootId: "00000000000000aa", policy: { number: 0 } });

let folder: string;
let spool: Spool;
let said: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tallywire-delivery-"));
  spool = new Spool(folder);
  said = [];
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A delivery whose hub answers with these verdicts, the last one for ever; and what was posted. */
function deliveryTo(verdicts: Verdict[], options: { dueMs?(name: string): number; stopWhenHeld?: boolean } = {}) {
  const posted: number[] = [];
  const poster = {
    post: async (bytes: Uint8Array) => {
      posted.push(bytes[0]!);
      return verdicts.length > 1 ? verdicts.shift()! : verdicts[0]!;
    },
  };
  const given = { ...options, tagsOf: () => "site=fra", say: (line: string) => said.push(line) };
  return { delivery: new Delivery(spool, poster, given), posted };
}

const put = (minute: number) => spool.put(nameOf(minute), Uint8Array.of(minute));
const stored: Verdict = { kind: "stored", duplicate: false };

describe("a live minute", () => {
  test("is due between 5 and 50 s after its end, at its edge's own second", () => {
    const edges = Array.from({ length: 500 }, (_, index) => `edge-${index}`);
    const seconds = edges.map((edge) => postingTime(nameOf(100), edge) / 1000 - 101 * 60);
    expect(Math.min(...seconds)).toBe(5);
    expect(Math.max(...seconds)).toBe(49);
    expect(new Set(seconds).size).toBe(45);
    expect(postingTime(nameOf(101), "edge-1") - postingTime(nameOf(100), "edge-1")).toBe(60_000);
  });

  test("is due by the hub's clock, as far as an answer may show it changed", () => {
    const at = (offsetMs: number) => postingTime(nameOf(100), "edge-1", offsetMs) - postingTime(nameOf(100), "edge-1");
    expect([90_000, -90_000, 86_400_000, -86_400_000].map(at)).toEqual([90_000, -90_000, 600_000, -600_000]);
  });

  test("waits for its second, and others do not wait for it", async () => {
    await put(1);
    await put(2);
    const { delivery, posted } = deliveryTo([stored], { dueMs: (name) => (name === nameOf(1) ? Date.now() + 60_000 : 0) });
    delivery.start();
    while (spool.waitingCount > 1) await new Promise((done) => setTimeout(done, 5));
    expect(posted).toEqual([2]);
    await delivery.finish();
    expect(posted).toEqual([2, 1]);
    expect(delivery.counts).toEqual({ stored: 2, duplicates: 0, refused: 0 });
  });
});

test("one whose minute no clock has reached is set aside", async () => {
  const ahead = Math.floor(Date.now() / 60_000) + 60;
  await spool.put(nameOf(ahead), Uint8Array.of(1));
  const { delivery } = deliveryTo([{ kind: "early", reason: "422 clock_ahead" }]);
  delivery.start();
  await delivery.finish();
  expect(delivery.counts).toEqual({ stored: 0, duplicates: 0, refused: 1 });
  expect(said).toEqual([expect.stringContaining("422 clock_ahead; this host's clock is not there either")]);
  expect(readdirSync(join(folder, "refused")).sort()).toEqual([nameOf(ahead), `${nameOf(ahead)}.txt`]);
});

test("what is wrong is said once, though its words have the time", async () => {
  for (const minute of [1, 2, 3, 4]) await put(minute);
  const early = (time: string): Verdict => ({ kind: "early", reason: `422 clock_ahead ${time}` });
  const { delivery, posted } = deliveryTo([early("12:00"), early("12:01"), early("12:02"), early("12:03"), stored]);
  delivery.start();
  while (posted.length < 4) await new Promise((done) => setTimeout(done, 5));
  delivery.stop();
  await delivery.finish();
  expect(said).toEqual(["the hub's clock is behind this host's: 422 clock_ahead 12:00"]);
});

test("one that is early waits as long as the hub says", async () => {
  await put(1);
  const early: Verdict = { kind: "early", reason: "422 clock_ahead", afterMs: 250 };
  const { delivery, posted } = deliveryTo([early, stored]);
  const begunMs = Date.now();
  delivery.start();
  await delivery.finish();
  expect([posted, Date.now() - begunMs >= 250, delivery.counts.stored]).toEqual([[1, 1], true, 1]);
});

test("one whose minute the hub's clock has not reached does not stop the others", async () => {
  for (const minute of [1, 2, 3]) await put(minute);
  const { delivery, posted } = deliveryTo([{ kind: "early", reason: "422 clock_ahead" }, stored]);
  delivery.start();
  while (spool.waitingCount > 1) await new Promise((done) => setTimeout(done, 5));
  expect(posted.slice(0, 3).sort()).toEqual([1, 2, 3]);
  expect(said).toEqual(["the hub's clock is behind this host's: 422 clock_ahead"]);
  delivery.stop();
});

test.each([
  ["is refused", () => {}],
  ["is gone", (path: string) => rmSync(path)],
  ["cannot be read", (path: string) => [rmSync(path), mkdirSync(path)]],
  ["made room for others", () => spool.remove(nameOf(1))],
] as const)(
  "that the hub takes bundles again is said where what was early %s, and what is wrong then once more",
  async (_, happens) => {
    const asked = new Map<number, number>();
    const post = async ([minute = 0]: Uint8Array): Promise<Verdict> => {
      asked.set(minute, (asked.get(minute) ?? 0) + 1);
      if (minute === 1 && asked.get(1) === 2) return { kind: "refused", reason: "422" };
      return minute !== 2 && asked.get(minute) === 1 ? { kind: "early", reason: "422 clock_ahead", afterMs: 200 } : stored;
    };
    const says = () => said.filter((line) => !/which is/.test(line));
    const delivery = new Delivery(spool, { post }, { tagsOf: () => "", say: (line) => said.push(line) });
    const behind = "the hub's clock is behind this host's: 422 clock_ahead";
    await put(1);
    delivery.start();
    await expect.poll(says).toEqual([behind]);
    await happens(join(folder, nameOf(1)));
    await sleep(250);
    for (const minute of [2, 3]) {
      await put(minute);
      delivery.wake();
      await expect.poll(says).toEqual([behind, "the hub takes bundles again", behind].slice(0, minute));
    }
    await delivery.finish();
    expect(says()).toEqual([behind, "the hub takes bundles again", behind, "the hub takes bundles again"]);
  },
);

test("a key that is refused ends it where nobody will mend it, and loses nothing", async () => {
  await put(1);
  const { delivery } = deliveryTo([{ kind: "held", reason: "401 bad_key" }], { stopWhenHeld: true });
  delivery.start();
  await delivery.finish();
  expect(spool.names).toEqual([nameOf(1)]);
  expect(said).toEqual([`the hub takes nothing from this edge: 401 bad_key; bundles wait in ${folder}`]);
});

test("a hub that sets a pace is obeyed: one bundle at a time, none lost, and said once", async () => {
  for (let minute = 1; minute <= 8; minute++) await put(minute);
  const paced: Verdict = { kind: "paced", reason: "429 too_fast", afterMs: 40 };
  // Four at once, of which one is taken; then one taken and one not, in turn.
  const verdicts = [stored, paced, paced, paced, ...Array.from({ length: 6 }, () => [stored, paced]).flat(), stored];
  const { delivery, posted } = deliveryTo(verdicts);
  const begunMs = Date.now();
  delivery.start();
  await delivery.finish();
  expect([...new Set(posted)].sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  expect(posted).toHaveLength(17);
  expect(Date.now() - begunMs).toBeGreaterThanOrEqual(7 * 40);
  expect(delivery.counts).toEqual({ stored: 8, duplicates: 0, refused: 0 });
  expect(said).toEqual([expect.stringContaining("the hub takes no more for now: 429 too_fast; bundles wait in ")]);
});

test("a hub that is down is asked with one bundle at a time, less and less often", async () => {
  for (let minute = 1; minute <= 9; minute++) await put(minute);
  const { delivery, posted } = deliveryTo([{ kind: "later", reason: "nothing listens there" }]);
  delivery.start();
  await new Promise((done) => setTimeout(done, 1200));
  delivery.stop();
  await delivery.finish();
  expect(posted.length).toBeLessThanOrEqual(7);
  expect(said).toHaveLength(1);
  expect(spool.waitingCount).toBe(9);
});

test("waits double up to a minute, each between half and whole", () => {
  const backoff = new Backoff();
  const waits = Array.from({ length: 12 }, () => backoff.next());
  waits.forEach((wait, index) => {
    const whole = Math.min(60_000, 500 * 2 ** index);
    expect(wait >= whole / 2 && wait <= whole).toBe(true);
  });
  backoff.reset();
  expect(backoff.next()).toBeLessThanOrEqual(500);
});

test("what the system has not for a moment stops what waits, and loses none of it", async () => {
  for (let minute = 1; minute <= 6; minute++) await put(minute);
  const { delivery, posted } = deliveryTo([stored]);
  const read = spool.read.bind(spool);
  let faults = 3;
  spool.read = async (name) => {
    if (faults-- > 0) throw Object.assign(new Error("EMFILE: too many open files"), { code: "EMFILE" });
    return await read(name);
  };
  delivery.start();
  await delivery.finish();
  expect(posted.sort()).toEqual([1, 2, 3, 4, 5, 6]);
  expect(said).toEqual([
    expect.stringMatching(/^cannot deliver what waits in .*; it is tried again$/),
    "the hub takes bundles again",
  ]);
});

test("a bundle that cannot be set aside for a moment is set aside later, and counted once", async () => {
  await put(1);
  const { delivery } = deliveryTo([{ kind: "refused", reason: "400 bad_bundle" }]);
  const setAside = spool.setAside.bind(spool);
  let faults = 2;
  spool.setAside = async (name, reason) => {
    if (faults-- > 0) throw Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" });
    await setAside(name, reason);
  };
  delivery.start();
  await delivery.finish();
  expect(delivery.counts).toMatchObject({ refused: 1 });
  expect(readdirSync(join(folder, "refused"))).toContain(nameOf(1));
});
