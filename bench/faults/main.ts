/**
 * What is told of captures with lost and late segments: 1,000 exchanges over 50 connections a protocol, three seeds.
 *
 * Prints a JSON array, a member for each protocol and fault.
 */
import { FAULTY, WRONG_MOST } from "../../test/support/faults";
import { judge, type Verdict } from "../../test/support/faults/judge";
import { talk } from "../../test/support/faults/talk";

const CONNECTIONS = 50;
const EXCHANGES = 20;
const SEEDS = [1, 2, 3];

const rows = FAULTY.flatMap(({ title, protocol, demands }) => {
  const said = talk(protocol, CONNECTIONS, EXCHANGES);
  return demands.map(({ what, fault, rightLeast }) => {
    const verdicts = SEEDS.map((seed) => judge(protocol, said, fault, seed));
    const sum = (key: keyof Verdict) => verdicts.reduce((total, verdict) => total + verdict[key], 0);
    const [decidable, right, unobserved, wrong, invented] = (
      ["decidable", "right", "unobserved", "wrong", "invented"] as const
    ).map(sum);
    return { title, what, rightLeast, wrongMost: WRONG_MOST, decidable, right, unobserved, wrong, invented };
  });
});
console.log(JSON.stringify(rows));
