/** Talk of real servers with their clients, captured, then with segments missing: see bench/faults for every grade and seed. */
import { beforeAll, describe, expect, test } from "vitest";
import { demandsOf, WRONG_MOST } from "../support/faults";
import { judge, type Verdict } from "../support/faults/judge";
import { recordTalk } from "../support/faults/recorded";
import { REAL_SERVERS } from "../support/faults/servers";
import type { Talk } from "../support/faults/talk";
import { isHere } from "../support/servers/programs";

const CONNECTIONS = 50;
const EXCHANGES = 20;
const SEEDS = Array.from({ length: 10 }, (_, index) => index + 1);
const GRADES = ["none", "reorder 1 %", "loss 0.1 %", "loss 1 %", "loss 5 %"];

const here = REAL_SERVERS.filter(({ ends, programs }) => isHere(ends, programs));

describe.runIf(here.length > 0).each(here)("$name: $ends", (real) => {
  let said: Talk;

  beforeAll(async () => {
    said = await recordTalk(real, CONNECTIONS, EXCHANGES);
  }, 120_000);

  test.each(demandsOf(real.name).filter(({ what }) => GRADES.includes(what)))(
    "$what: at least $rightLeast of what can be decided is right",
    ({ fault, rightLeast }) => {
      // One lost segment that many streams share may be a tenth of what can be lost here: all seeds count together.
      const verdicts = SEEDS.map((seed) => judge(real, said, fault, seed));
      const told = JSON.stringify(verdicts);
      expect(said.outcomes.size).toBeGreaterThanOrEqual(CONNECTIONS * EXCHANGES);
      const sum = (of: (verdict: Verdict) => number) => verdicts.reduce((total, verdict) => total + of(verdict), 0);
      const share = (of: (verdict: Verdict) => number) => sum(of) / sum(({ decidable }) => decidable);
      expect(
        share(({ right }) => right),
        told,
      ).toBeGreaterThanOrEqual(rightLeast);
      expect(
        share(({ wrong, invented }) => wrong + invented),
        told,
      ).toBeLessThanOrEqual(WRONG_MOST);
    },
  );
});
