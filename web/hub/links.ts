/** Where the entries of lists lead. */
import { addressWith } from "../parts/address";
import { moduleOf } from "./asker";
import type { HubMetric, Tags } from "./client";
import { labelChange, showChange, tagChange } from "./scope";

/** Characters of an entry that can be asked for. */
const ENTRY_LENGTH_MAX = 1024;

/**
 * The address that an entry leads to: the view filtered by it where a tag or a label of its module is called like its key and has it
 * as a value, else the question who still has it.
 */
export function hrefOf(metric: string, entry: string, metrics: readonly HubMetric[], tags: Tags): string | undefined {
  const key = metrics.find(({ name }) => name === metric)?.keys?.[0]?.name ?? "";
  const label = metrics
    .filter(({ name }) => moduleOf(name) === moduleOf(metric))
    .flatMap(({ labels }) => labels)
    .find(({ name }) => name === key);
  const value = label?.values.find((value) => value.toLowerCase() === entry.toLowerCase());
  if (value !== undefined)
    return addressWith({ ...showChange({ view: "module", name: moduleOf(metric) }), ...labelChange(key, value) });
  if (tags[key]?.some(({ value }) => value === entry)) return addressWith(tagChange(key, entry));
  if (entry === "" || entry.length > ENTRY_LENGTH_MAX) return undefined;
  return addressWith(showChange({ view: "entry", metric, entry, by: "" }));
}
