/** Captures with lost and late segments: what can be decided is told rightly, and nothing is invented. */
import { describe, expect, test } from "vitest";
import { FAULTY, WRONG_MOST } from "../support/faults";
import { judge } from "../support/faults/judge";
import { talk } from "../support/faults/talk";

const CONNECTIONS = 50;
const EXCHANGES = 20;
const SEEDS = [1, 2, 3];

describe.each(FAULTY)("$title", ({ protocol, demands }) => {
  const said = talk(protocol, CONNECTIONS, EXCHANGES);

  test.each(demands)("$what: at least $rightLeast of what can be decided is right", ({ fault, rightLeast }) => {
    const verdicts = SEEDS.map((seed) => judge(protocol, said, fault, seed));
    const sum = (key: keyof (typeof verdicts)[number]) => verdicts.reduce((total, verdict) => total + verdict[key], 0);
    const told = JSON.stringify(verdicts);
    expect(sum("decidable"), told).toBeGreaterThan(CONNECTIONS * EXCHANGES);
    expect(sum("right") / sum("decidable"), told).toBeGreaterThanOrEqual(rightLeast);
    expect((sum("wrong") + sum("invented")) / sum("decidable"), told).toBeLessThanOrEqual(WRONG_MOST);
  });
});
