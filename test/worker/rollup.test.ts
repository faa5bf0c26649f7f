/** Hours out of minutes and days out of hours: no answer changes by it, whatever is late, and none is made of half. */
import { abortAllDurableObjects, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Environment } from "../../worker/environment";
import { expireTiles } from "../../worker/object/expiry";
import { migrate } from "../../worker/object/schema";
import { listStale, startOf } from "../../worker/object/stale";
import { LEVEL_SECONDS, listTiles } from "../../worker/object/tiles";
import { retentionOf } from "../../worker/retention";
import { formatTime } from "../../worker/time";
import { type Exchange, sealMinute } from "../support/edge-minute";
import { ask, hubOf, MINUTE, post } from "./support/client";
import { undoTo } from "./support/undo";

const RETENTION = retentionOf({} as Environment);
const HOUR_SECONDS = 3600;
const DAY_SECONDS = 86_400;
/** An hour that ended long enough ago, and yesterday. */
const HOUR = startOf(1, MINUTE - 3 * HOUR_SECONDS);
const YESTERDAY = startOf(2, MINUTE) - DAY_SECONDS;
/** Hours of yesterday that bundles are still taken for. */
const FIRST = Math.max(YESTERDAY, startOf(1, MINUTE - 47 * HOUR_SECONDS));

const REQUESTS = "metric=dns_requests_total&op=sum";
const QUESTIONS = [
  REQUESTS,
  `${REQUESTS}&by=site,status`,
  "metric=dns_requests_total&op=rate",
  "metric=dns_clients&op=distinct&by=site",
  "metric=dns_duration_seconds&op=quantile&q=0.1,0.5,0.99",
  "metric=dns_duration_seconds&op=histogram",
  "metric=dns_top_names&op=top&n=50",
  "metric=capture_packets_total&op=sum&where.site=fra",
];

let boots = 0n;

/** A minute of so many requests, of an agent of its own. */
function minuteOf(at: number, requests: number): Uint8Array<ArrayBuffer> {
  const exchanges = Array.from(
    { length: requests },
    (_, index): Exchange => ({
      client: `10.0.${(at / 60) % 7}.${index % 250}`,
      name: `host${index % 9}.example.com`,
      rcode: index % 10 === 0 ? 3 : 0,
      durationMs: 1 + ((index + at / 60) % 20),
    }),
  );
  boots += 1n;
  return sealMinute({ minute: at, boot: boots, exchanges });
}

async function send(tenant: string, at: number, requests: number, site = "fra"): Promise<void> {
  const told = await post(tenant, `edge-${site}`, minuteOf(at, requests), { "tallywire-tags": `site=${site}` });
  expect(told).toMatchObject({ stored: true });
}

const alarm = (tenant: string) => runDurableObjectAlarm(hubOf(tenant));
const inObject = <T>(tenant: string, run: (sql: SqlStorage, storage: DurableObjectStorage) => T) =>
  runInDurableObject(hubOf(tenant), (_, { storage }) => run(storage.sql, storage));
const tilesOf = (tenant: string, level: number) => inObject(tenant, (sql) => [...listTiles(sql, level, 0, MINUTE + DAY_SECONDS)]);

async function rowsOf(tenant: string, window: string, questions = QUESTIONS): Promise<unknown[]> {
  const rows: unknown[] = [];
  for (const question of questions) rows.push((await ask(tenant, question, window)).data);
  return rows;
}

async function total(tenant: string, from: number, to: number): Promise<number> {
  const { data } = await ask(tenant, REQUESTS, `from=${from}&to=${to}`);
  return data.reduce((sum, row) => sum + Number(row.value), 0);
}

describe("an hour", () => {
  const window = `from=${HOUR}&to=${HOUR + HOUR_SECONDS}`;

  it("answers as its minutes did, and from one tile a group", async () => {
    for (let minute = 0; minute < 60; minute += 7) {
      await send("hour", HOUR + minute * 60, 30);
      await send("hour", HOUR + minute * 60, 20, "ams");
    }
    const before = await rowsOf("hour", window);
    expect((await ask("hour", REQUESTS, window)).meta.resolution).toBe(60);
    await alarm("hour");
    expect(await rowsOf("hour", window)).toEqual(before);
    expect((await ask("hour", REQUESTS, window)).meta.resolution).toBe(HOUR_SECONDS);
    expect((await tilesOf("hour", 1)).map(({ start }) => start)).toEqual([HOUR, HOUR]);
    await abortAllDurableObjects();
    expect(await rowsOf("hour", window)).toEqual(before);
  });

  it("is not cut: a window or a step that lies across it takes its minutes", async () => {
    for (const minute of [0, 10, 59]) await send("cut", HOUR + minute * 60, 10 + minute);
    await alarm("cut");
    const step = await ask("cut", REQUESTS, `${window}&step=600`);
    expect(step.data.map((row) => row.value)).toEqual([10, 20, 69]);
    expect(step.meta.resolution).toBe(60);
    expect(await total("cut", HOUR + 60, HOUR + HOUR_SECONDS)).toBe(89);
    expect(await total("cut", HOUR, HOUR + 59 * 60)).toBe(30);
  });

  it("has what is late at once, and is made anew", async () => {
    await send("late", HOUR, 40);
    await send("late", HOUR, 5, "ams");
    await alarm("late");
    const { revision } = (await ask("late", REQUESTS, window)).meta;
    await send("late", HOUR + 120, 2);
    expect(await total("late", HOUR, HOUR + HOUR_SECONDS)).toBe(47);
    await alarm("late");
    expect(await total("late", HOUR, HOUR + HOUR_SECONDS)).toBe(47);
    const after = await ask("late", REQUESTS, window);
    expect(after.meta.resolution).toBe(HOUR_SECONDS);
    expect(after.meta.revision).toBeGreaterThan(revision);
    expect(await inObject("late", (sql) => listStale(sql, 1, 0, MINUTE))).toEqual([]);
  });

  it("that has not ended stays minutes", async () => {
    await send("open", MINUTE, 3);
    await alarm("open");
    expect(await tilesOf("open", 1)).toEqual([]);
    expect(await total("open", startOf(1, MINUTE), MINUTE + 60)).toBe(3);
  });
});

describe("a day", () => {
  it("is made of hours once all of them are, and answers alike", async () => {
    const hours = [0, 5, 23].map((hour) => Math.max(FIRST, YESTERDAY + hour * HOUR_SECONDS));
    for (const [index, hour] of hours.entries()) await send("day", hour + 60 * index, 10 + index);
    const window = `from=${YESTERDAY}&to=${YESTERDAY + DAY_SECONDS}`;
    const before = await rowsOf("day", window);
    await alarm("day");
    const days = await tilesOf("day", 2);
    // A day settles for a quarter of an hour.
    const isSettled = Date.now() / 1000 > YESTERDAY + DAY_SECONDS + 900;
    expect(days.map(({ start }) => start)).toEqual(isSettled ? [YESTERDAY] : []);
    expect(await rowsOf("day", window)).toEqual(before);
    expect((await ask("day", REQUESTS, window)).meta.resolution).toBe(isSettled ? DAY_SECONDS : HOUR_SECONDS);
    await send("day", hours[2]! + 600, 100);
    await alarm("day");
    expect(await total("day", YESTERDAY, YESTERDAY + DAY_SECONDS)).toBe(133);
  });
});

describe("what is too old", () => {
  it("goes from minutes and stays in hours, which are not cut", async () => {
    await send("old", HOUR + 60, 8);
    await send("old", HOUR + 120, 4);
    await alarm("old");
    await inObject("old", (sql) => expireTiles(sql, RETENTION, HOUR + HOUR_SECONDS + LEVEL_SECONDS[2]! * 2));
    expect(await tilesOf("old", 0)).toEqual([]);
    expect(await total("old", HOUR, HOUR + HOUR_SECONDS)).toBe(12);
    expect(await total("old", HOUR - 5 * HOUR_SECONDS, HOUR + 2 * HOUR_SECONDS)).toBe(12);
    const step = ask("old", REQUESTS, `from=${HOUR}&to=${HOUR + HOUR_SECONDS}&step=60`);
    await expect(step).rejects.toThrow(/too_fine.*let from, to and step be whole hours/);
    // Where there never was anything, nothing is missing.
    expect(await total("old", HOUR - 5 * HOUR_SECONDS + 60, HOUR - HOUR_SECONDS)).toBe(0);
  });

  it("is answered by whole hours around what is asked for, which the answer says", async () => {
    await send("wide", HOUR - HOUR_SECONDS + 60, 4);
    await send("wide", HOUR + 60, 8);
    await alarm("wide");
    await inObject("wide", (sql) => expireTiles(sql, RETENTION, HOUR + HOUR_SECONDS + LEVEL_SECONDS[2]! * 2));
    const times = (from: number, to: number) => ({ from: formatTime(from), to: formatTime(to) });
    const half = await ask("wide", REQUESTS, `from=${HOUR}&to=${HOUR + 1800}`);
    expect(half.data).toMatchObject([{ value: 8 }]);
    expect(half.meta).toMatchObject({ ...times(HOUR, HOUR + HOUR_SECONDS), step: 3600, asked: times(HOUR, HOUR + 1800) });
    const early = await ask("wide", REQUESTS, `from=${HOUR - 1800}&to=${HOUR + 48 * HOUR_SECONDS + 60}`);
    expect(early.data).toMatchObject([{ value: 12 }]);
    // The end needs no widening.
    expect(early.meta).toMatchObject(times(HOUR - HOUR_SECONDS, HOUR + 48 * HOUR_SECONDS + 60));
    const whole = await ask("wide", REQUESTS, `from=${HOUR}&to=${HOUR + HOUR_SECONDS}`);
    expect(whole.meta).not.toHaveProperty("asked");
    const before = await ask("wide", `${REQUESTS}&compare=previous`, `from=${HOUR + 60}&to=${HOUR + 1800}`);
    expect(before.data).toMatchObject([{ value: 8, before: 4 }]);
    const several = await ask(
      "wide",
      "metric=dns_requests_total,dns_responses_total&op=sum",
      `from=${HOUR + 60}&to=${HOUR + 120}`,
    );
    expect(several.meta).toMatchObject({ ...times(HOUR, HOUR + HOUR_SECONDS), asked: times(HOUR + 60, HOUR + 120) });
  });

  it("stays in minutes as long as its hour is behind", async () => {
    await send("behind", HOUR + 60, 8);
    await alarm("behind");
    await send("behind", HOUR + 180, 1);
    await inObject("behind", (sql) => {
      sql.exec("INSERT INTO stale (tile) SELECT id FROM tiles WHERE id >= ? AND id < ?", 2 ** 50, 2 ** 51);
      expireTiles(sql, RETENTION, HOUR + 10 * DAY_SECONDS);
    });
    await alarm("behind");
    expect(await total("behind", HOUR, HOUR + HOUR_SECONDS)).toBe(9);
  });
});

describe("an object of before", () => {
  it("finds the hours and days of the minutes that it has", async () => {
    await send("before", HOUR + 60, 6);
    await send("before", HOUR + 60, 5, "ams");
    await send("before", MINUTE, 1);
    await alarm("before");
    const listed = await inObject("before", (sql, storage) => {
      sql.exec("DELETE FROM tiles WHERE id >= ?", 2 ** 50);
      undoTo(sql, 2);
      migrate(storage);
      return [1, 2].map((level) => listStale(sql, level, 0, MINUTE + DAY_SECONDS).map(({ start, group }) => [start, group]));
    });
    const slots = (level: number) => {
      const own = [
        [startOf(level, HOUR), 0],
        [startOf(level, HOUR), 1],
        [startOf(level, MINUTE), 0],
      ];
      return [...new Set(own.map((slot) => slot.join()))].map((slot) => slot.split(",").map(Number));
    };
    expect(listed).toEqual([slots(1), slots(2)]);
    await alarm("before");
    expect(await total("before", HOUR, HOUR + HOUR_SECONDS)).toBe(11);
    expect((await tilesOf("before", 1)).length).toBe(2);
  });
});

describe("a time beyond what tiles are numbered by", () => {
  it("is refused, and is never taken for the hour or the day whose number it would have", async () => {
    await send("beyond", HOUR + 60, 8);
    await alarm("beyond");
    for (const level of [1, 2]) {
      const beyond = HOUR + level * 2 ** 28 * 60;
      const window = `from=${beyond}&to=${beyond + HOUR_SECONDS}&step=60`;
      await expect(ask("beyond", REQUESTS, window)).rejects.toThrow(/bad_time/);
    }
    expect(await total("beyond", HOUR, HOUR + HOUR_SECONDS)).toBe(8);
  });
});

describe("any window", () => {
  const SPAN_HOURS = 46;
  const SPAN_MINUTES = SPAN_HOURS * 60;
  const START = startOf(1, MINUTE) - SPAN_HOURS * HOUR_SECONDS;
  /** Minutes count from START here. */
  interface Sent {
    minute: number;
    requests: number;
    site: string;
  }
  interface Asked {
    from: number;
    length: number;
    step?: number;
    site?: string;
  }
  const wholeHours = (least: number) => fc.integer({ min: least, max: SPAN_HOURS }).map((hours) => hours * 60);
  const sent = fc.record({
    minute: fc.nat(SPAN_MINUTES - 1),
    requests: fc.integer({ min: 1, max: 9 }),
    site: fc.constantFrom("fra", "ams"),
  });
  const asked = fc.record({
    from: fc.oneof(wholeHours(0), fc.nat(SPAN_MINUTES)),
    length: fc.oneof(wholeHours(1), fc.integer({ min: 1, max: SPAN_MINUTES })),
    step: fc.constantFrom(undefined, 60, 120, 1440, 37),
    site: fc.constantFrom(undefined, "fra"),
  });
  const round = fc.record({
    sents: fc.array(sent, { minLength: 1, maxLength: 8 }),
    askeds: fc.array(asked, { minLength: 1, maxLength: 3 }),
  });

  /** Requests by the first minute of their bucket. */
  function exactly(all: readonly Sent[], { from, length, step = length, site }: Asked): [number, number][] {
    const buckets = new Map<number, number>();
    for (const one of all) {
      if (one.minute < from || one.minute >= from + length || (site ?? one.site) !== one.site) continue;
      const bucket = from + Math.floor((one.minute - from) / step) * step;
      buckets.set(bucket, (buckets.get(bucket) ?? 0) + one.requests);
    }
    return [...buckets].sort(([a], [b]) => a - b);
  }

  async function asTold(tenant: string, { from, length, step, site }: Asked): Promise<[number, number][]> {
    const window = `from=${START + from * 60}&to=${START + (from + length) * 60}`;
    const rest = `${step === undefined ? "" : `&step=${step * 60}`}${site === undefined ? "" : `&where.site=${site}`}`;
    const { data } = await ask(tenant, `${REQUESTS}${rest}`, window);
    return data.map((row) => [(Date.parse(String(row.time)) / 1000 - START) / 60, Number(row.value)]);
  }

  it("says what an exact count says, before and after each seal", async () => {
    let runs = 0;
    const property = fc.asyncProperty(fc.array(round, { minLength: 1, maxLength: 3 }), async (rounds) => {
      const tenant = `any-${runs++}`;
      const all: Sent[] = [];
      for (const { sents, askeds } of rounds) {
        for (const one of sents) await send(tenant, START + one.minute * 60, one.requests, one.site);
        all.push(...sents);
        for (const one of askeds) expect(await asTold(tenant, one)).toEqual(exactly(all, one));
        await alarm(tenant);
        for (const one of askeds) expect(await asTold(tenant, one)).toEqual(exactly(all, one));
      }
    });
    await fc.assert(property, { numRuns: 8 });
  }, 120_000);
});
