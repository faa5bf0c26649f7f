import type { Environment } from "./environment";
import { quote, Refusal } from "./refusal";

/** A setting that is a whole number. */
export interface WholeNumber {
  name:
    | "EDGE_BUNDLES_PER_MINUTE"
    | "EDGE_BYTES_PER_MINUTE"
    | "MAX_EDGES"
    | "MAX_TAG_NAMES"
    | "MAX_TAG_VALUES"
    | "BODY_SECONDS"
    | "SEAL_PERIOD_SECONDS";
  usual: number;
  least: number;
  most: number;
}

/** What the hub's owner set, or what is usual. Refuses what is no whole number or out of range. */
export function wholeNumberOf(environment: Environment, { name, usual, least, most }: WholeNumber): number {
  const given = environment[name];
  const value = given === undefined ? usual : /^\d{1,13}$/.test(given) ? Number(given) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new Refusal(
    503,
    "bad_setting",
    `this hub's ${name} is ${quote(given ?? "")}: set a whole number from ${least} to ${most}`,
  );
}
