/** The ceiling of CPU: what it makes of measured use, with a load that is made up and a clock that stands still. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { CpuCeiling } from "../../shim/agent/cpu-ceiling";

const TURN_MS = 1000;

/** A process that uses so many percent where it looks at everything, and so many whatever it looks at. */
interface Load {
  all: number;
  always: number;
}

const percentOf = ({ all, always }: Load, share: number) => always + (all - always) * share;

/** Runs a load for some turns, and gives the share and the percent of each. */
function run(ceiling: CpuCeiling, load: Load, turns: number): { share: number; percent: number }[] {
  return Array.from({ length: turns }, () => {
    const percent = percentOf(load, ceiling.share);
    ceiling.note((percent / 100) * TURN_MS, TURN_MS);
    return { share: ceiling.share, percent };
  });
}

test("looks at everything as long as the load is below the ceiling", () => {
  expect(run(new CpuCeiling(50), { all: 49, always: 5 }, 100).every(({ share }) => share === 1)).toBe(true);
});

test("brings any load that can be cut below the ceiling, and keeps it there", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 5, max: 400 }),
      fc.double({ min: 1.01, max: 50, noNaN: true }),
      fc.double({ min: 0, max: 0.6, noNaN: true }),
      (max, times, base) => {
        const load = { all: max * times, always: max * base };
        const turns = run(new CpuCeiling(max), load, 200);
        const settled = turns.slice(40);
        expect(settled.every(({ percent }) => percent <= max)).toBe(true);
        expect(settled.every(({ share }) => share < 1)).toBe(true);
        // What can be looked at is looked at.
        const most = Math.min(1, (max - load.always) / (load.all - load.always));
        expect(settled.at(-1)!.share).toBeGreaterThan(most * 0.4);
        // It does not go up and down.
        expect(new Set(settled.map(({ share }) => share)).size).toBeLessThan(12);
      },
    ),
    { numRuns: 300 },
  );
});

test("goes back to everything when the load goes, step by step", () => {
  const ceiling = new CpuCeiling(20);
  run(ceiling, { all: 90, always: 2 }, 30);
  expect(ceiling.share).toBeLessThan(0.3);
  const shares = run(ceiling, { all: 5, always: 2 }, 200).map(({ share }) => share);
  expect(shares.every((share, index) => index === 0 || share >= shares[index - 1]!)).toBe(true);
  expect(shares.at(-1)).toBe(1);
});

test("takes no turn by itself for a load", () => {
  const ceiling = new CpuCeiling(40);
  for (let turn = 0; turn < 50; turn++) {
    ceiling.note(700, TURN_MS);
    ceiling.note(50, TURN_MS);
  }
  expect(ceiling.share).toBe(1);
});

test("goes down to almost nothing where taking packets alone is above the ceiling, and no further", () => {
  const turns = run(new CpuCeiling(10), { all: 100, always: 30 }, 100);
  expect(turns.at(-1)!.share).toBe(1 / 1024);
});

test("counts turns by the time they took", () => {
  const ceiling = new CpuCeiling(50);
  for (let turn = 0; turn < 100; turn++) ceiling.note(40, 100);
  expect(ceiling.share).toBe(1);
  for (let turn = 0; turn < 100; turn++) ceiling.note(90, 100);
  expect(ceiling.share).toBeLessThan(1);
});
