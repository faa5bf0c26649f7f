/** What is told under faults: see bench/faults/main.ts. */
import { row } from "./lib/row.mjs";
import { runBundled } from "./lib/run-bundled.mjs";

export async function faults() {
  const found = await runBundled("faults");
  return found.map(({ title, what, rightLeast, wrongMost, decidable, right, unobserved, wrong, invented }) => {
    const notes = [`${decidable} can be decided: ${right} right, ${unobserved} unobserved, ${wrong} wrong, ${invented} invented`];
    const broken = (wrong + invented) / decidable > wrongMost ? ["too many are wrong or invented"] : [];
    const missing = (1 - right / decidable) * 100;
    return row(`${title}, ${what}: not told rightly`, missing, {
      digits: 2,
      most: Math.round((1 - rightLeast) * 10_000) / 100,
      unit: "%",
      notes,
      broken,
    });
  });
}
