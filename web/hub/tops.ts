/** Lists of heaviest keys. */
import type { TopItem } from "../../engine/rows";
import type { Figure } from "../figures/arrange";
import { type Asker, rowsOf } from "./asker";
import type { HubMetric } from "./client";

const TOP_ITEMS = 10;

/** The lists of some metrics; those without entries are left out. */
export async function askTops(asker: Asker, metrics: readonly HubMetric[]): Promise<Figure[]> {
  const rows = await asker.ask(
    metrics.map(({ name }) => name),
    { op: "top", n: TOP_ITEMS },
  );
  return metrics.flatMap((metric) => {
    const found = rowsOf(rows, metric.name);
    if (found.length === 0) return [];
    const items: TopItem[] = found.map(({ key, value, lower, upper }) => ({
      key: String(key),
      value: Number(value),
      lower: Number(lower),
      upper: Number(upper),
    }));
    return [figureOf(metric, { total: Number(found[0]!.total), items })];
  });
}

/** A metric's figure in the form of the capture's. */
export function figureOf(metric: HubMetric, parts: Partial<Figure>): Figure {
  return { metric: metric.name, labels: {}, schema: metric, title: titleOf(metric), variant: "", ...parts };
}

/** The help text without its final stop. */
export function titleOf({ help }: Pick<HubMetric, "help">): string {
  return help.replace(/\.$/, "");
}
