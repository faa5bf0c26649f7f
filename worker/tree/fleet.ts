/** The edges of a tenant and their tags, out of what all its objects know. */
import type { Reader } from "../authorize";
import type { Environment } from "../environment";
import { FAN_OUT_OBJECTS_MAX } from "../limits";
import type { EdgeReport, QuarantineReport } from "../object/edge-report";
import { matchesTags } from "../object/parts";
import { quote, Refusal, type Refused } from "../refusal";
import { askEach, askObjects, objectsIn } from "./fan-out";

type TagCounts = Record<string, { value: string; edges: number }[]>;

/** All of time: edges and tags are of no window. */
export const ALWAYS = { from: 0, to: Number.POSITIVE_INFINITY, tagConditions: [] };

/** How each edge is doing that a reader may see by the tags it has now, by name; of one that went from object to object, as it was seen last. */
export async function edgesOf(environment: Environment, reader: Reader): Promise<EdgeReport[]> {
  const names = await objectsIn(environment, reader.tenant, ALWAYS);
  if (names.length - 1 > FAN_OUT_OBJECTS_MAX) throw tooManyShards(names.length - 1);
  return edgesIn(environment, reader, names);
}

/** Some of a tenant's edges, and the name of the object after which the others are; null where these are the last. */
export interface EdgePage {
  edges: EdgeReport[];
  next: string | null;
}

/** The edges of so many objects behind one: objects keep their order, and new ones come at the end. Throws Refusal. */
export async function edgePage(
  environment: Environment,
  reader: Reader,
  after: string | null,
  objects: number,
): Promise<EdgePage> {
  const names = await objectsIn(environment, reader.tenant, ALWAYS);
  const from = after === null ? 0 : names.indexOf(after) + 1;
  if (after !== null && from === 0) {
    throw new Refusal(400, "bad_query", `after: ${quote(after)} is no object of this tenant; take next of the page before`);
  }
  const some = names.slice(from, from + objects);
  const next = from + objects < names.length ? some.at(-1)! : null;
  return { edges: await edgesIn(environment, reader, some), next };
}

async function edgesIn(environment: Environment, { tenant, where }: Reader, names: readonly string[]): Promise<EdgeReport[]> {
  const edges = new Map<string, EdgeReport>();
  const refused = await askEach<{ reports: EdgeReport[] }>(
    environment,
    tenant,
    names,
    async (object) => ({ reports: await object.listEdges() }),
    ({ reports }) => {
      for (const report of reports) {
        const known = edges.get(report.edge);
        const quarantine = together(known?.quarantine ?? null, report.quarantine);
        const latest = known === undefined || known.last_seen < report.last_seen ? report : known;
        edges.set(report.edge, { ...latest, quarantine });
      }
      return null;
    },
  );
  check(refused);
  const seen = [...edges.values()].filter(({ tags }) => matchesTags(where, tags));
  return seen.sort((a, b) => (a.edge < b.edge ? -1 : 1));
}

function tooManyShards(shards: number): Refusal {
  const reason = `this asks about the edges of ${shards} shards, more than ${FAN_OUT_OBJECTS_MAX}; use a key that is not limited to some edges`;
  return new Refusal(422, "too_much", reason);
}

/** What several objects keep apart of one edge. */
function together(a: QuarantineReport | null, b: QuarantineReport | null): QuarantineReport | null {
  if (a === null || b === null) return a ?? b;
  const since = a.since === null || (b.since !== null && b.since < a.since) ? b.since : a.since;
  return { since, bundles: a.bundles + b.bundles, bytes: a.bytes + b.bytes, lost: a.lost + b.lost };
}

/**
 * Names of the objects that an edge ever posted to: more than one where its tags or the shard map changed. None where a reader may not see the
 * edge, as if there were no such edge.
 */
export async function objectsOfEdge(environment: Environment, reader: Reader, edge: string): Promise<string[]> {
  const { tenant, where } = reader;
  if (where.length > 0 && !(await edgesOf(environment, reader)).some((report) => report.edge === edge)) return [];
  const names: string[] = [];
  const refused = await askObjects<{ name: string; isKnown: boolean }>(
    environment,
    tenant,
    ALWAYS,
    async (object, _, name) => ({ name, isKnown: await object.hasEdge(edge) }),
    ({ name, isKnown }) => {
      if (isKnown) names.push(name);
      return null;
    },
  );
  check(refused);
  return names.sort();
}

/** The tags of all edges that a reader may see: each name with its values, and how many edges have it now. */
export async function tagsOf(environment: Environment, reader: Reader): Promise<TagCounts> {
  const counts = new Map<string, Map<string, number>>();
  const count = (name: string, value: string, edges: number) => {
    const known = counts.get(name) ?? new Map<string, number>();
    counts.set(name, known.set(value, (known.get(value) ?? 0) + edges));
  };
  if (reader.where.length > 0) {
    for (const { tags } of await edgesOf(environment, reader)) {
      for (const [name, value] of Object.entries(tags)) count(name, value, 1);
    }
  } else {
    await countTags(environment, reader.tenant, count);
  }
  const inOrder = <Value>(entries: ReadonlyMap<string, Value>) => [...entries].sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(
    inOrder(counts).map(([name, values]) => [name, inOrder(values).map(([value, edges]) => ({ value, edges }))]),
  );
}

/** The tags that bundles came with which a reader may see: each name with its values, in order. */
export async function tagValuesOf(environment: Environment, { tenant, where }: Reader): Promise<Map<string, string[]>> {
  const names = new Map<string, Set<string>>();
  const refused = await askObjects<{ tags: Record<string, string[]> }>(
    environment,
    tenant,
    ALWAYS,
    async (object) => ({ tags: await object.listTagValues(where) }),
    ({ tags }) => {
      for (const [name, values] of Object.entries(tags)) {
        const known = names.get(name) ?? new Set();
        names.set(name, known);
        for (const value of values) known.add(value);
      }
      return null;
    },
  );
  check(refused);
  const inOrder = [...names].sort(([a], [b]) => (a < b ? -1 : 1));
  return new Map(inOrder.map(([name, values]) => [name, [...values].sort()]));
}

async function countTags(
  environment: Environment,
  tenant: string,
  count: (name: string, value: string, edges: number) => void,
): Promise<void> {
  const refused = await askObjects<{ tags: TagCounts }>(
    environment,
    tenant,
    ALWAYS,
    async (object) => ({ tags: await object.listTags() }),
    ({ tags }) => {
      for (const [name, values] of Object.entries(tags)) for (const { value, edges } of values) count(name, value, edges);
      return null;
    },
  );
  check(refused);
}

function check(refused: Refused | null): void {
  if (refused !== null) throw new Refusal(refused.status, refused.code, refused.reason);
}
