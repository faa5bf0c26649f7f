/**
 * What is told of captures with lost and late segments: 1,000 exchanges over 50 connections a protocol, three seeds; talk made by
 * hand for every protocol, and recorded of the real servers that are installed.
 *
 * Prints a JSON array, a member for each talk and fault.
 */
import { type Demand, demandsOf, FAULTY, WRONG_MOST } from "../../test/support/faults";
import { judge, type Verdict } from "../../test/support/faults/judge";
import { recordTalk, withTables } from "../../test/support/faults/recorded";
import { REAL_SERVERS } from "../../test/support/faults/servers";
import { type Talk, type Told, talk } from "../../test/support/faults/talk";
import { isHere } from "../../test/support/servers/programs";

const CONNECTIONS = 50;
const EXCHANGES = 20;
const SEEDS = [1, 2, 3];

/** One talk under each of its faults, all seeds together. */
function rowsOf(told: Told, title: string, said: Talk, demands: Demand[]) {
  return demands.map(({ what, fault, rightLeast }) => {
    const verdicts = SEEDS.map((seed) => judge(told, said, fault, seed));
    const sum = (key: keyof Verdict) => verdicts.reduce((total, verdict) => total + verdict[key], 0);
    const [decidable, right, unobserved, wrong, invented] = (
      ["decidable", "right", "unobserved", "wrong", "invented"] as const
    ).map(sum);
    return { title, what, rightLeast, wrongMost: WRONG_MOST, decidable, right, unobserved, wrong, invented };
  });
}

const rows = FAULTY.flatMap(({ title, protocol, demands }) =>
  rowsOf(protocol, `${title} (by hand)`, talk(protocol, CONNECTIONS, EXCHANGES), demands),
);
for (const real of REAL_SERVERS.filter(({ ends, programs }) => isHere(ends, programs))) {
  const said = await recordTalk(real, CONNECTIONS, EXCHANGES);
  rows.push(...rowsOf(real, `${real.name} (${real.ends})`, said, demandsOf(real.name)));
  if (real.hasTables)
    rows.push(...rowsOf(real, `${real.name} (${real.ends}, its table whole)`, withTables(said), demandsOf(real.name)));
}
console.log(JSON.stringify(rows));
