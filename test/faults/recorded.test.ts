/** Talk of real servers with their clients, captured, then with segments missing: see bench/faults for every grade and seed. */
import { beforeAll, describe, expect, test } from "vitest";
import { demandsOf, WRONG_MOST } from "../support/faults";
import { judge } from "../support/faults/judge";
import { recordTalk } from "../support/faults/recorded";
import { REAL_SERVERS } from "../support/faults/servers";
import type { Talk } from "../support/faults/talk";
import { isHere } from "../support/servers/programs";

const CONNECTIONS = 50;
const EXCHANGES = 20;
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
      const verdict = judge(real, said, fault, 1);
      const told = JSON.stringify(verdict);
      expect(said.outcomes.size).toBeGreaterThanOrEqual(CONNECTIONS * EXCHANGES);
      expect(verdict.right / verdict.decidable, told).toBeGreaterThanOrEqual(rightLeast);
      expect((verdict.wrong + verdict.invented) / verdict.decidable, told).toBeLessThanOrEqual(WRONG_MOST);
    },
  );
});
