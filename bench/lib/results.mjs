/** bench/RESULTS.md: a section for each part, with the commit and the day that it was measured at. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../../scripts/lib/run.mjs";

const PATH = join(ROOT, "bench/RESULTS.md");
const HEAD =
  "# Figures\n\nRatios within one run, medians. `npm run bench` measures all parts, `npm run bench -- --keep NAME` renews one.\n";

/** The sections that there are, by part. */
function sections() {
  const [, ...texts] = readFileSync(PATH, "utf8").split(/^(?=## )/m);
  return new Map(texts.map((text) => [/^## (\S+)/.exec(text)?.[1], text]));
}

/** A section's text: what it was measured on, and its rows. */
export function sectionOf(part, measuredOn, rows) {
  const lines = rows.map(({ name, figure, most, holds, notes }) => {
    return `| ${name} | ${figure} | ${most} | ${holds ? "yes" : "no"} | ${notes.join("; ")} |\n`;
  });
  return `## ${part}\n\n${measuredOn}\n\n| what | figure | at most | holds | notes |\n|---|---|---|---|---|\n${lines.join("")}`;
}

/** Puts sections in the place of those of the same parts; they stand in the order of `parts`. */
export function keepSections(parts, renewed) {
  const all = new Map([...sections(), ...renewed]);
  const texts = parts.flatMap((part) => (all.has(part) ? [all.get(part).trimEnd()] : []));
  writeFileSync(PATH, `${[HEAD.trimEnd(), ...texts].join("\n\n")}\n`);
}
