/** Times and sums of the Prometheus API, held against plain counting: over the ends of months, and where only hours are kept. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EXPRESSION_ROWS_MAX, ROWS_MAX } from "../../worker/limits";
import type { Operand } from "../../worker/prometheus/binary";
import { catalogOf } from "../../worker/prometheus/catalog";
import { evaluate } from "../../worker/prometheus/evaluate";
import { expose } from "../../worker/prometheus/exposition";
import { parseExpression, parseSelector } from "../../worker/prometheus/parse";
import { Reader } from "../../worker/prometheus/reader";
import { select } from "../../worker/prometheus/select";
import { figuresOf } from "../../worker/prometheus/windows";
import type { Plan } from "../../worker/query/plan";
import { type Counted, METRICS, modelTenant, RETENTION } from "./support/model-tenant";

const DAY = 86_400;
/** The first of a month. */
const MONTH = Date.UTC(2026, 2, 1) / 1000;
const due = (now: number) => Math.floor((now - 55) / 60) * 60;

async function evaluateAt(
  counts: readonly Counted[],
  expression: string,
  now: number,
  steps = { start: now, step: 1, count: 1 },
  asked: Plan[] = [],
): Promise<{ operand: Operand; warnings: string[] }> {
  const reader = new Reader(modelTenant(counts, now, asked));
  const operand = await evaluate(reader, parseExpression(expression), steps);
  return { operand, warnings: [...reader.warnings] };
}

/** Each series' values as text, an empty one where there is none. */
function told(operand: Operand): Record<string, (number | null)[]> {
  if (operand instanceof Float64Array) return { "": [...operand] };
  return Object.fromEntries(
    operand.map(({ labels, values, present }) => [
      [...labels].map(([name, value]) => `${name}=${value}`).join(","),
      [...values].map((value, index) => (present[index] ? value : null)),
    ]),
  );
}

const total = (counts: readonly Counted[], from: number, to: number) =>
  counts.reduce((sum, { minute, count }) => (minute + 60 > from && minute + 60 <= to ? sum + count : sum), 0);

/** Counts of two sites in some of the minutes from `first` on. */
const countsFrom = (first: number, minutes: number) =>
  fc.array(
    fc.record({
      minute: fc.integer({ min: 0, max: minutes - 1 }).map((index) => first + index * 60),
      site: fc.constantFrom("fra", "ams"),
      status: fc.constantFrom("ok", "error"),
      count: fc.integer({ min: 1, max: 1000 }),
    }),
    { maxLength: 40 },
  );

describe("increase", () => {
  it("is the exact count of the whole minutes that ended within its range, whatever the step", async () => {
    const first = MONTH - 1800;
    const range = fc.integer({ min: 1, max: 20 });
    const step = fc.constantFrom(15, 30, 60, 90, 120, 300);
    const offset = fc.constantFrom(0, 60, 90, 600);
    await fc.assert(
      fc.asyncProperty(countsFrom(first, 60), range, step, offset, async (counts, minutes, stepSeconds, offsetSeconds) => {
        const steps = { start: first + 601, step: stepSeconds, count: 25 };
        const expression = `sum(increase(things_total[${minutes}m] offset ${offsetSeconds}s))`;
        const { operand } = await evaluateAt(counts, expression, first + 9000, steps);
        const values = Object.values(told(operand))[0] ?? Array(25).fill(0);
        const truth = Array.from({ length: 25 }, (_, index) => {
          const time = steps.start + index * stepSeconds - offsetSeconds;
          return total(counts, time - minutes * 60, time);
        });
        expect(values).toEqual(truth);
      }),
      { numRuns: 200 },
    );
  });

  it("holds at the right edge what was last due, for five minutes", async () => {
    const now = MONTH + 10 * DAY + 37;
    const counts = Array.from({ length: 20 }, (_, index) => ({
      minute: due(now) - 60 * (index + 1) + 300,
      site: "fra",
      status: "ok",
      count: index + 1,
    }));
    const steps = { start: due(now) - 60, step: 60, count: 9 };
    const { operand } = await evaluateAt(counts, "sum(increase(things_total[2m]))", now, steps);
    const last = total(counts, due(now) - 120, due(now));
    const before = total(counts, due(now) - 180, due(now) - 60);
    expect(told(operand)).toEqual({ "": [before, last, last, last, last, last, last, null, null] });
  });

  it("goes on with 0 for an hour after the last event, and then ends", async () => {
    const now = MONTH + 10 * DAY;
    const counts = [{ minute: now - 7200, site: "fra", status: "ok", count: 5 }];
    const at = async (time: number) =>
      told((await evaluateAt(counts, "sum(increase(things_total[1m]))", now, { start: time, step: 1, count: 1 })).operand);
    expect(await at(now - 7140)).toEqual({ "": [5] });
    expect(await at(now - 7080)).toEqual({ "": [0] });
    expect(await at(now - 3600)).toEqual({ "": [0] });
    expect(await at(now - 3300)).toEqual({});
  });

  it("takes a minute where a range is shorter, and says so", async () => {
    const now = MONTH + 10 * DAY;
    const counts = [{ minute: now - 660, site: "fra", status: "ok", count: 30 }];
    const { operand, warnings } = await evaluateAt(counts, "rate(things_total[15s])", now, {
      start: now - 590,
      step: 1,
      count: 1,
    });
    expect(Object.values(told(operand))).toEqual([[0.5]]);
    expect(warnings).toEqual([expect.stringContaining("one whole minute at the least")]);
  });
});

describe("where minutes are not kept any more", () => {
  const now = MONTH + 20 * DAY + 1234;
  const days = Array.from({ length: 90 * 24 }, (_, index) => ({
    minute: Math.floor(now / 3600) * 3600 - index * 3600 - 1800,
    site: index % 2 === 0 ? "fra" : "ams",
    status: "ok",
    count: 1 + (index % 7),
  }));

  it.each([
    [10, 600, 15 * 60, 3600, "hour"],
    [40, 3600, 3600, DAY, "day"],
    [10, 3600, 2 * 3600, 3600, ""],
  ])(
    "%s days ago, a step of %s s and a range of %s s are answered from whole units of %s s",
    async (ago, step, range, unit, name) => {
      const steps = { start: now - ago * DAY, step, count: 20 };
      const { operand, warnings } = await evaluateAt(days, `sum(rate(things_total[${range}s]))`, now, steps);
      const floor = (time: number) => Math.floor(time / unit) * unit;
      const truth = Array.from({ length: 20 }, (_, index) => {
        const time = steps.start + index * step;
        const from = Math.min(floor(time - range), floor(time) - unit);
        return total(days, from, floor(time)) / (floor(time) - from);
      });
      expect(told(operand)[""]).toEqual(truth);
      expect(warnings).toEqual(name === "" ? [] : [expect.stringContaining(`one whole ${name}`)]);
    },
  );

  it("single minutes are hours and days", async () => {
    const steps = { start: now - 10 * DAY, step: 7200, count: 5 };
    const { operand } = await evaluateAt(days, 'topk(1, things_top{site="fra"})', now, steps);
    expect(Object.keys(told(operand))).toEqual(["__name__=things_top,policy=default,site=fra,status=ok,thing=thing-ok"]);
  });

  it("counters that began before days are kept are refused", async () => {
    const steps = { start: now - 420 * DAY, step: 1, count: 1 };
    await expect(evaluateAt(days, "things_total", now, steps)).rejects.toMatchObject({ status: 422, code: "not_kept" });
  });
});

/** What Prometheus makes of a counter's samples: their differences, and after a fall the new value whole. */
function increaseOf(samples: readonly number[]): number {
  return samples.reduce((sum, value, index) => {
    const before = samples[index - 1];
    if (before === undefined) return 0;
    return sum + (value < before ? value : value - before);
  }, 0);
}

describe("/federate", () => {
  const scrape = async (counts: readonly Counted[], now: number) => {
    const text = await expose(new Reader(modelTenant(counts, now)), [parseSelector("things_total")], now);
    const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
    return new Map(
      lines.map((line): [string, [number, number]] => {
        const [, labels = "", value = "", time = ""] = /^(.*) (\S+) (\d+)$/.exec(line)!;
        return [labels, [Number(value), Number(time) / 1000]];
      }),
    );
  };

  /** What every series has in time in the new month: of one that begins with what is late, nobody could have seen the beginning. */
  const beginnings = ["fra", "ams"].flatMap((site) =>
    ["ok", "error"].map((status) => ({ minute: MONTH, site, status, count: 2 })),
  );

  it("loses nothing to new series, to the end of a month, nor to what comes late within it", async () => {
    const first = MONTH - 900;
    await fc.assert(
      fc.asyncProperty(countsFrom(first, 30), fc.integer({ min: 0, max: 10 }), async (some, lateMinutes) => {
        const counts = [...some, ...beginnings];
        const samples = new Map<string, number[]>();
        for (let index = 0; index <= 33; index += 1) {
          const now = first + index * 60 + 60 + 55;
          // What is of the new month may come late; what was late in the old one came before its end.
          const there = counts.filter(({ minute, count }) => {
            const isLate = minute >= MONTH && count % 2 === 1;
            return minute + 60 + (isLate ? lateMinutes * 60 : 0) <= due(now);
          });
          for (const [labels, [value, time]] of await scrape(there, now)) {
            expect(time).toBe(due(now) - 60);
            samples.set(labels, [...(samples.get(labels) ?? []), value]);
          }
        }
        const seen = [...samples.values()].reduce((sum, values) => sum + increaseOf(values), 0);
        const late = counts.filter(
          ({ minute, count }) => minute >= MONTH && count % 2 === 1 && minute + 60 + lateMinutes * 60 > first + 34 * 60,
        );
        expect(seen).toBe(total(counts, 0, MONTH * 2) - late.reduce((sum, { count }) => sum + count, 0));
      }),
      { numRuns: 100 },
    );
  });

  it("counts from the start of the day where days are kept less than a month", async () => {
    const now = MONTH + 10 * DAY + 7200;
    const asked: Plan[] = [];
    const tenant = modelTenant([], now, asked, [2 * DAY, 3 * DAY, 4 * DAY]);
    await expose(new Reader(tenant), [parseSelector("things_total")], now);
    expect(Math.min(...asked.map(({ from }) => from))).toBe(MONTH + 10 * DAY);
    const monthly: Plan[] = [];
    await expose(new Reader(modelTenant([], now, monthly, RETENTION)), [parseSelector("things_total")], now);
    expect(Math.min(...monthly.map(({ from }) => from))).toBe(MONTH);
  });
});

describe("what would be too much", () => {
  const now = MONTH + 10 * DAY;
  const wide = Array.from({ length: 40 * 1440 }, (_, index) => ({
    minute: now - 86_400 + (index % 1440) * 60,
    site: `site-${index % 40}`,
    status: "ok",
    count: 1,
  }));
  const steps = { start: now - 82_800, step: 60, count: 1300 };

  it("is read in parts where an answer cannot hold it", async () => {
    const some = wide.filter(({ site }) => Number(site.slice(5)) % 2 === 0 || site === "site-1");
    expect(some.length).toBeGreaterThan(ROWS_MAX);
    const { operand } = await evaluateAt(some, "max(rate(things_total[1m]))", now, steps);
    expect(told(operand)[""]).toHaveLength(1300);
  });

  it("is refused with what to change", async () => {
    const many = { ...steps, step: 6, count: 10_999 };
    await expect(evaluateAt(wide, "max(rate(things_total[1m]))", now, many)).rejects.toMatchObject({
      ...{ status: 422, code: "too_much" },
      reason: expect.stringContaining("take sum by (...)"),
    });
    const long = { start: now - 40 * 3600, step: 13, count: 10_999 };
    const all = Array.from({ length: 4 }, () => METRICS[0]!.name).join(" + ");
    await expect(evaluateAt(wide.slice(0, EXPRESSION_ROWS_MAX), all, now, long)).rejects.toMatchObject({ status: 422 });
  });

  it("is merged by the hub where only sums are wanted", async () => {
    const asked: Plan[] = [];
    await evaluateAt(wide, 'sum by (status) (rate(things_total{site=~"site-1.*"}[5m]))', now, steps, asked);
    expect(asked.every(({ byTags, byLabels }) => byTags.length === 0 && byLabels === 1)).toBe(true);
    // 1,300 points of overlapping windows: a first part of the grid, the rest of it, and the hour before.
    expect(asked.length).toBe(3);
    expect(asked[0]!.tagConditions).toEqual([
      { tag: "site", values: ["site-1", ...Array.from({ length: 10 }, (_, index) => `site-1${index}`)], negated: false },
    ]);
  });
});

describe("keys of bytes that are no text", () => {
  it("look alike: their counts add up, and of their quantiles the greatest stands", () => {
    const catalog = catalogOf(METRICS);
    const figure = (name: string) => {
      const selection = select(catalog.get(name)!, [], new Map(), null)!;
      // As the hub writes both: with a mark in place of what it cannot write.
      const key = Object.fromEntries(selection.columns.map(({ column }) => [column, "/\ufffd"]));
      const rows = [10, 3].map((requests) => ({ bucket: 0, row: { ...key, requests, p50: requests / 10 } }));
      return [...figuresOf(selection, rows).values()].map(({ byBucket }) => byBucket.get(0));
    };
    expect(figure("things_calls_requests")).toEqual([13]);
    expect(figure("things_calls_duration_seconds")).toEqual([1]);
  });
});
