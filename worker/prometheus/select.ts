import { KEYS_SHOWN_MAX, SELECTED_METRICS_MAX } from "../limits";
import type { FlatRow } from "../query/flatten";
import type { Plan, TagCondition } from "../query/plan";
import { Refusal } from "../refusal";
import { type Catalog, type Family, keyNames, labelNames, OWN_LABELS } from "./catalog";
import { type Labels, labelsOf, NAME } from "./series";
import type { Matcher } from "./syntax";

/** The tags of edges: each name with all its values. */
export type TagValues = ReadonlyMap<string, readonly string[]>;

/** A part of a family's series, as a plan asks for them. */
export interface Selection {
  family: Family;
  plan: Omit<Plan, "from" | "to" | "step">;
  /** Labels that the rows' columns make. */
  columns: readonly { label: string; column: string }[];
  /** Conditions on what only the rows tell. */
  rest: readonly Matcher[];
}

const POLICY_USUAL = "default";

/** The families that a selector means. */
export function familiesOf(catalog: Catalog, matchers: readonly Matcher[]): Family[] {
  const named = matchers.filter(({ label }) => label === NAME);
  const exact = named.find(({ operator }) => operator === "=");
  const candidates =
    exact === undefined ? [...catalog.values()] : [catalog.get(exact.value)].filter((family) => family !== undefined);
  return candidates.filter(({ name }) => named.every(({ matches }) => matches(name)));
}

/** The same, refused where it is many. */
export function fewFamiliesOf(catalog: Catalog, matchers: readonly Matcher[], most = SELECTED_METRICS_MAX): Family[] {
  const families = familiesOf(catalog, matchers);
  if (families.length <= most) return families;
  const reason = `the selector means ${families.length} metrics, more than ${most}; name one, or fewer by __name__=~"..."`;
  throw new Refusal(422, "too_much", reason);
}

/** Names of all labels that a family's series can have. */
export function allLabelNames(family: Family, tags: TagValues): string[] {
  const tagNames = [...tags.keys()].filter((name) => !OWN_LABELS.has(name));
  return [...new Set([NAME, "policy", ...labelNames(family), ...tagNames])];
}

/**
 * What to ask for a family's series; null where no series can fulfil the conditions. `keep` names the labels that are told apart,
 * null all of them; what is not kept is merged by the hub.
 */
export function select(
  family: Family,
  matchers: readonly Matcher[],
  tags: TagValues,
  keep: ReadonlySet<string> | null,
): Selection | null {
  const own = new Set([...labelNames(family), ...OWN_LABELS]);
  const isTag = (name: string) => name !== NAME && !own.has(name);
  const tagConditions = conditionsOf(
    matchers.filter(({ label }) => isTag(label)),
    tags,
  );
  const labelValues = family.metric.labels.map(({ name, values }) => valuesOf(values, matchers, name));
  const policy = matchers.find(({ label, operator }) => label === "policy" && operator === "=")?.value ?? POLICY_USUAL;
  const isPolicy = matchers.every(({ label, matches }) => label !== "policy" || matches(policy));
  if (tagConditions === null || labelValues.some((values) => values?.length === 0) || !isPolicy) return null;
  const isKept = (name: string) => keep === null || keep.has(name);
  const byTags = [...tags.keys()].filter((name) => isTag(name) && isKept(name));
  const labels = family.metric.labels.map(({ name }) => name);
  const byLabels = labels.reduce((bits, name, index) => (isKept(name) ? bits | (1 << index) : bits), 0);
  const keys = keyNames(family.metric);
  const rest = matchers.filter(({ label }) => [...keys, "le", "quantile", "sampling"].includes(label));
  const key = family.operation === "top" ? rest.find(({ operator, value }) => operator === "=" && value !== "") : undefined;
  const { metric, operation, quantiles } = family;
  return {
    family,
    plan: {
      ...{ metric, operation, policy, edge: null, byTags, byLabels, tagConditions, labelValues },
      ...{ top: KEYS_SHOWN_MAX, quantiles: [...quantiles], key: key?.value ?? null, packed: family.nature === "buckets" },
    },
    columns: [
      ...[...byTags, ...labels.filter(isKept), "sampling"].map((name) => ({ label: name, column: name })),
      ...keys.map((name) => ({ label: name, column: family.operation === "top" ? "key" : name })),
    ],
    rest,
  };
}

/** The labels of a row's series, without `le` and `quantile`. */
export function rowLabels({ family, plan, columns }: Selection, row: FlatRow): Labels {
  const named = columns.map(({ label, column }): [string, string] => [label, String(row[column] ?? "")]);
  return labelsOf([[NAME, family.name], ["policy", plan.policy], ...named]);
}

/** Whether labels fulfil what only the rows could tell. */
export function fulfils({ rest }: Selection, labels: Labels): boolean {
  return rest.every(({ label, matches }) => matches(labels.get(label) ?? ""));
}

/** Conditions on tags as values that are wanted; null where there are none of them. */
function conditionsOf(matchers: readonly Matcher[], tags: TagValues): TagCondition[] | null {
  const conditions: TagCondition[] = [];
  for (const tag of new Set(matchers.map(({ label }) => label))) {
    const all = ["", ...(tags.get(tag) ?? [])];
    const values = all.filter((value) => matchers.every(({ label, matches }) => label !== tag || matches(value)));
    if (values.length === 0) return null;
    if (values.length < all.length) conditions.push({ tag, values, negated: false });
  }
  return conditions;
}

/** Places of a label's values that are wanted; null for all. */
function valuesOf(values: readonly string[], matchers: readonly Matcher[], name: string): number[] | null {
  const own = matchers.filter(({ label }) => label === name);
  if (own.length === 0) return null;
  return values.flatMap((value, index) => (own.every(({ matches }) => matches(value)) ? [index] : []));
}
