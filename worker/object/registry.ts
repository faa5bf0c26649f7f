import { BOOTS_PER_EDGE_MAX, EDGES_MAX, GROUPS_MAX } from "../limits";
import type { Refused } from "../refusal";
import type { Tags } from "../tags";

/** What a tile is of: bundles of one policy at one sampling rate, from edges with one set of tags. */
export interface Group {
  id: number;
  policy: string;
  samplingRate: number;
  tags: Tags;
}

/** One start of an agent with one policy; its sequence numbers count up from there. */
export interface Source {
  id: number;
  edge: number;
  boot: string;
  policy: string;
}

type GroupRow = { id: number; policy: string; sampling: number; tags: string };
type Statement = { sql: string; values: (string | number)[] };

/**
 * Numbers for the names that would otherwise stand in every row.
 *
 * Invariant: a number is given once and never changes its meaning. New ones are held back in `unsaved` until the transaction
 * of the first batch that uses them; where that fails they stay held back, so no row ever uses an unknown number.
 */
export class Registry {
  readonly groups = new Map<number, Group>();
  readonly edges = new Map<number, string>();
  readonly sources = new Map<number, Source>();
  private readonly groupIds = new Map<string, number>();
  private readonly edgeIds = new Map<string, number>();
  private readonly sourceIds = new Map<string, number>();
  private readonly bootCounts = new Map<number, number>();
  private nextSource = 1;
  private unsaved: Statement[] = [];

  constructor(private readonly sql: SqlStorage) {
    for (const row of sql.exec<{ id: number; name: string }>("SELECT id, name FROM edges")) this.addEdge(row.id, row.name);
    for (const row of sql.exec<GroupRow>("SELECT * FROM groups")) {
      const { id, policy, sampling: samplingRate } = row;
      this.addGroup({ id, policy, samplingRate, tags: JSON.parse(row.tags) });
    }
    for (const row of sql.exec<{ id: number; edge: number; boot: string; policy: string }>("SELECT * FROM sources")) {
      this.addSource(row);
    }
  }

  /** The number of an edge, given now where it is new. */
  edge(name: string): number | Refused {
    const known = this.edgeIds.get(name);
    if (known !== undefined) return known;
    const id = this.edges.size;
    if (id >= EDGES_MAX) {
      return { status: 429, code: "too_many_edges", reason: `this hub object has ${EDGES_MAX} edges; shard the tenant further` };
    }
    this.addEdge(id, name);
    this.unsaved.push({ sql: "INSERT INTO edges (id, name) VALUES (?, ?)", values: [id, name] });
    return id;
  }

  /** The number of a group, given now where it is new. */
  group(head: Omit<Group, "id">): number | Refused {
    const known = this.groupIds.get(groupKey(head));
    if (known !== undefined) return known;
    const id = this.groups.size;
    if (id >= GROUPS_MAX) {
      const reason = `this hub object has ${GROUPS_MAX} sets of policy, sampling and tags; use tags with fewer values`;
      return { status: 422, code: "too_many_groups", reason };
    }
    const { policy, samplingRate, tags } = head;
    this.addGroup({ id, policy, samplingRate, tags });
    const values = [id, policy, samplingRate, JSON.stringify(tags)];
    this.unsaved.push({ sql: "INSERT INTO groups (id, policy, sampling, tags) VALUES (?, ?, ?, ?)", values });
    return id;
  }

  /** The number of an agent's start, given now where it is new. */
  source(edge: number, boot: string, policy: string): number | Refused {
    const known = this.sourceIds.get(sourceKey(edge, boot, policy));
    if (known !== undefined) return known;
    if ((this.bootCounts.get(edge) ?? 0) >= BOOTS_PER_EDGE_MAX) {
      const reason = `this edge started more than ${BOOTS_PER_EDGE_MAX} times lately; see why its agent restarts`;
      return { status: 429, code: "too_many_starts", reason };
    }
    const id = this.nextSource;
    this.addSource({ id, edge, boot, policy });
    const values = [id, edge, boot, policy];
    this.unsaved.push({ sql: "INSERT INTO sources (id, edge, boot, policy) VALUES (?, ?, ?, ?)", values });
    return id;
  }

  /** Writes what is new; inside the caller's transaction, which then calls `saved`. */
  save(): void {
    for (const { sql, values } of this.unsaved) this.sql.exec(sql, ...values);
  }

  /** Notes that what `save` wrote is there to stay. */
  saved(): void {
    this.unsaved = [];
  }

  /** Forgets an agent's start; inside the caller's transaction. */
  forgetSource(id: number): void {
    const source = this.sources.get(id);
    if (source === undefined) return;
    this.sql.exec("DELETE FROM sources WHERE id = ?", id);
    this.sources.delete(id);
    this.sourceIds.delete(sourceKey(source.edge, source.boot, source.policy));
    this.bootCounts.set(source.edge, (this.bootCounts.get(source.edge) ?? 1) - 1);
  }

  private addEdge(id: number, name: string): void {
    this.edges.set(id, name);
    this.edgeIds.set(name, id);
  }

  private addGroup(group: Group): void {
    this.groups.set(group.id, group);
    this.groupIds.set(groupKey(group), group.id);
  }

  private addSource(source: Source): void {
    this.sources.set(source.id, source);
    this.sourceIds.set(sourceKey(source.edge, source.boot, source.policy), source.id);
    this.bootCounts.set(source.edge, (this.bootCounts.get(source.edge) ?? 0) + 1);
    this.nextSource = Math.max(this.nextSource, source.id + 1);
  }
}

/** Tags are in order, so equal sets have equal text. */
function groupKey(group: Omit<Group, "id">): string {
  return JSON.stringify([group.policy, group.samplingRate, group.tags]);
}

function sourceKey(edge: number, boot: string, policy: string): string {
  return `${edge} ${boot} ${policy}`;
}
