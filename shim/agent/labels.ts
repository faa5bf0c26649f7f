import type { Schema } from "../../engine/schema";
import type { LabelChoice } from "../../engine/settings";
import { Failure } from "../failure";

/** A breakdown's labels, as its protocol names it. */
interface Breakdown {
  metric: number;
  protocol: string;
  names: string[];
}

const EXAMPLE = "write labels as http=method+path,kafka=topic";

/** Which labels of each protocol's breakdown are kept, from `http=method+path,kafka=`: those of protocols not named are all kept. Throws Failure. */
export function labelChoices(text: string, schema: Pick<Schema, "metrics" | "protocols">): LabelChoice[] {
  const breakdowns = breakdownsOf(schema);
  const choices = new Map<number, LabelChoice>();
  for (const part of text.split(",").map((part) => part.trim())) {
    if (part === "") continue;
    const [protocol = "", list, ...rest] = part.split("=").map((word) => word.trim());
    if (list === undefined || rest.length > 0) throw new Failure(`"${part}" is no choice of labels; ${EXAMPLE}`, 2);
    const breakdown = breakdowns.find((known) => known.protocol === protocol);
    if (breakdown === undefined) {
      const known = breakdowns.map((one) => one.protocol).join(", ");
      throw new Failure(`"${protocol}" has no labels to choose from; ${known} have`, 2);
    }
    if (choices.has(breakdown.metric)) throw new Failure(`labels of ${protocol} are chosen twice; name it once`, 2);
    choices.set(breakdown.metric, { metric: breakdown.metric, kept: columnsOf(breakdown, list) });
  }
  return [...choices.values()];
}

function breakdownsOf({ metrics, protocols }: Pick<Schema, "metrics" | "protocols">): Breakdown[] {
  return metrics.flatMap(({ id, name, kind, keys = [] }) => {
    const protocol = protocols.find((one) => name.startsWith(`${one.name}_`))?.name;
    if (kind !== "breakdown" || protocol === undefined) return [];
    return [{ metric: id, protocol, names: keys.map((key) => key.name) }];
  });
}

/** A bit for each column that is kept. */
function columnsOf({ protocol, names }: Breakdown, list: string): number {
  let kept = 0;
  for (const name of list.split("+").map((word) => word.trim())) {
    if (name === "") continue;
    const column = names.indexOf(name);
    if (column < 0) throw new Failure(`"${name}" is no label of ${protocol}; its labels are ${names.join(", ")}`, 2);
    kept |= 1 << column;
  }
  return kept;
}
