/** The edges of a tenant and their tags, out of what all its objects know. */
import type { Environment } from "../environment";
import type { EdgeReport } from "../object/edge-report";
import { Refusal, type Refused } from "../refusal";
import { askObjects } from "./fan-out";

type TagCounts = Record<string, { value: string; edges: number }[]>;

/** All of time: edges and tags are of no window. */
const ALWAYS = { from: 0, to: Number.POSITIVE_INFINITY, tagConditions: [] };

/** How each edge is doing, by name; of one that went from object to object, as it was seen last. */
export async function edgesOf(environment: Environment, tenant: string): Promise<EdgeReport[]> {
  const edges = new Map<string, EdgeReport>();
  const refused = await askObjects<{ reports: EdgeReport[] }>(
    environment,
    tenant,
    ALWAYS,
    async (object) => ({ reports: await object.listEdges() }),
    ({ reports }) => {
      for (const report of reports) {
        const known = edges.get(report.edge);
        if (known === undefined || known.last_seen < report.last_seen) edges.set(report.edge, report);
      }
      return null;
    },
  );
  check(refused);
  return [...edges.values()].sort((a, b) => (a.edge < b.edge ? -1 : 1));
}

/** The tags of all edges: each name with its values, and how many edges have it now. */
export async function tagsOf(environment: Environment, tenant: string): Promise<TagCounts> {
  const counts = new Map<string, Map<string, number>>();
  const refused = await askObjects<{ tags: TagCounts }>(
    environment,
    tenant,
    ALWAYS,
    async (object) => ({ tags: await object.listTags() }),
    ({ tags }) => {
      for (const [name, values] of Object.entries(tags)) {
        const known = counts.get(name) ?? new Map<string, number>();
        counts.set(name, known);
        for (const { value, edges } of values) known.set(value, (known.get(value) ?? 0) + edges);
      }
      return null;
    },
  );
  check(refused);
  const inOrder = <Value>(entries: ReadonlyMap<string, Value>) => [...entries].sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(
    inOrder(counts).map(([name, values]) => [name, inOrder(values).map(([value, edges]) => ({ value, edges }))]),
  );
}

function check(refused: Refused | null): void {
  if (refused !== null) throw new Refusal(refused.status, refused.code, refused.reason);
}
