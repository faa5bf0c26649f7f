/** The minutes of two sites that the tests of the Prometheus API ask about, and what is in them by plain counting. */
import { END, type Minute } from "./promtool";
import type { Exchange } from "./seal-minute";

/** The sites, each with one edge. */
export const SITES = ["ams", "fra"];
/** Minutes of each site, the last of which ends at END. */
export const MINUTES = 12;

/** A name whose bytes mean something in every format on its way. */
const ODD_NAME = "ho\"st {5},\\n='.example";

/** Minute `index` of a site: its requests, the n-th of which takes n ms; from the sixth minute on some fail. */
function exchangesOf(site: string, index: number): Exchange[] {
  const count = (site === "ams" ? 10 : 25) + index * 3;
  return Array.from({ length: count }, (_, at) => ({
    client: `10.0.${SITES.indexOf(site)}.${at % 20}`,
    name: at % 3 === 0 ? "often.example" : at % 7 === 5 ? ODD_NAME : `host${at % 7}.example`,
    rcode: index >= 6 && at % 5 === 0 ? 3 : 0,
    durationMs: 1 + (at % 40),
  }));
}

/** Start of a minute. */
export const startOf = (index: number) => END - (MINUTES - index) * 60;
/** All minutes of both sites. */
export const minutes: Minute[] = SITES.flatMap((site) =>
  Array.from({ length: MINUTES }, (_, index) => ({ site, start: startOf(index), exchanges: exchangesOf(site, index) })),
);

/** How many exchanges there are of minutes that ended in (from, to] and are such. */
export function counted(from: number, to: number, isOne: (site: string, exchange: Exchange) => boolean = () => true): number {
  return minutes
    .filter(({ start }) => start + 60 > from && start + 60 <= to)
    .reduce((sum, { site, exchanges }) => sum + exchanges.filter((exchange) => isOne(site, exchange)).length, 0);
}

/** Durations of all exchanges of minutes that ended in (from, to], seconds, ascending. */
export function durations(from: number, to: number): number[] {
  return minutes
    .filter(({ start }) => start + 60 > from && start + 60 <= to)
    .flatMap(({ exchanges }) => exchanges.map(({ durationMs = 0 }) => durationMs / 1000))
    .sort((a, b) => a - b);
}
