/** A host that no packet comes to: what the capture itself says of its minutes is in them. */
import { expect, test } from "vitest";
import { readBundleHeader } from "../../engine/bundle";
import { Core } from "../../engine/core";
import { MinuteSum } from "../../engine/summary";
import { coreModule } from "../support/round-trips";

const BASE = 29_000_000 * 60;

/** Drops and lost minutes of each minute that was sealed. */
function told(run: (core: Core) => void): [minute: number, dropped: number, lost: number][] {
  const core = new Core(coreModule(), { bootId: 7n });
  const bundles: Uint8Array[] = [];
  core.drainTo({ bundle: (bytes) => bundles.push(bytes.slice()) });
  run(core);
  core.flush();
  return bundles.map((bundle) => {
    const sum = new MinuteSum(new Core(coreModule(), { role: "hub", budgetBytes: 32 << 20 }));
    sum.add(bundle);
    const { metrics, dropped } = sum.summary();
    const { minute, dropped: inHeader } = readBundleHeader(bundle);
    expect(inHeader).toBe(dropped);
    return [minute - BASE / 60, dropped, metrics.find(({ metric }) => metric === "capture_lost_minutes_total")?.value ?? 0];
  });
}

test("minutes that were lost before are told in the first one", () => {
  const tell = (core: Core) => {
    core.lostMinutes(2);
    core.tick(BASE + 30, 0);
    core.tick(BASE + 70, 0);
  };
  expect(told(tell)).toEqual([
    [0, 0, 2],
    [1, 0, 0],
  ]);
});

test("drops are told in the minute in which they were heard of", () => {
  const drop = (core: Core) => {
    for (let second = 0; second < 180; second++) {
      core.tick(BASE + second, 0);
      if (second % 60 === 30) core.dropped(second);
    }
  };
  expect(told(drop)).toEqual([
    [0, 30, 0],
    [1, 90, 0],
    [2, 150, 0],
  ]);
});
