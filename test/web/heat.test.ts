/** Buckets over time become a grid that holds all of them. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { heatOf } from "../../web/hub/heat";

const SECONDS = [0, 60, 120];
const timeOf = (second: number) => new Date(second * 1000).toISOString();

test("every value is in the band that holds it, zeros in one of their own", () => {
  const buckets = fc.array(
    fc.record({
      second: fc.constantFrom(...SECONDS),
      number: fc.integer({ min: -640, max: 640 }),
      count: fc.integer({ min: 1, max: 1000 }),
      isZero: fc.boolean(),
    }),
    { maxLength: 50 },
  );
  fc.assert(
    fc.property(buckets, (buckets) => {
      const rows = buckets.map(({ second, number, count, isZero }) => {
        const bounds = isZero ? { lower: 0, upper: 0 } : { lower: 2 ** (number / 32), upper: 2 ** ((number + 1) / 32) };
        return { time: timeOf(second), count, ...bounds };
      });
      const { bands, counts, most } = heatOf(rows, SECONDS);
      const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);
      expect(sum(counts.flat())).toBe(sum(buckets.map(({ count }) => count)));
      expect(most).toBe(Math.max(0, ...counts.flat()));
      expect(bands.filter(({ upper }) => upper === 0)).toHaveLength(buckets.some(({ isZero }) => isZero) ? 1 : 0);
      for (const { time, lower, upper } of rows) {
        const column = SECONDS.findIndex((second) => timeOf(second) === time);
        const band = bands.findIndex((band) =>
          upper === 0 ? band.upper === 0 : band.lower <= lower * 1.0001 && upper <= band.upper * 1.0001,
        );
        expect(counts[band]![column]).toBeGreaterThan(0);
      }
    }),
  );
});

test("nothing is an empty grid", () => {
  expect(heatOf([], SECONDS)).toEqual({ seconds: SECONDS, bands: [], counts: [], most: 0 });
});
