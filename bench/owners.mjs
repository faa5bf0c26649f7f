/**
 * Whose connections are: how many openers stay unknown of connections that last 0, 2, 10 and 50 ms, opened by one process that lives
 * long or by a new process for each (test/support/owner/client.c, which keeps the record). One that is wrong breaks its row.
 */
import { row } from "./lib/row.mjs";
import { runBundled } from "./lib/run-bundled.mjs";

const COUNT = 1000;
const WAYS = { loopback: "loopback", namespaces: "between namespaces" };
const MANNERS = { long: "one process", exec: "a new process each" };
/** From this life on, and so many at the most. */
const SURE_MS = 10;
const MOST_PERCENT = 1;

export async function owners() {
  const found = await runBundled("owners", [COUNT]);
  return Object.entries(WAYS).flatMap(([way, where]) => found[way].map((counts) => rowOf(where, counts)));
}

function rowOf(where, { manner, lifeMs, right, wrong, ...unknown }) {
  const reasons = Object.entries(unknown).map(([reason, count]) => `${reason} ${count}`);
  const unknowns = Object.values(unknown).reduce((sum, count) => sum + count, 0);
  return row(`openers unknown: ${where}, ${MANNERS[manner]}, ${lifeMs} ms`, ((unknowns + wrong) / COUNT) * 100, {
    unit: "%",
    most: lifeMs >= SURE_MS ? MOST_PERCENT : undefined,
    notes: [`${right} right, ${unknowns} unknown${reasons.length > 0 ? ` (${reasons.join(", ")})` : ""}, ${wrong} wrong`],
    broken: wrong > 0 ? ["some are wrong"] : [],
  });
}
