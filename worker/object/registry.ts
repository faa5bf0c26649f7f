import type { Allowance } from "../allowance";
import { BOOTS_PER_EDGE_MAX, EDGES_MAX, GROUPS_MAX, RETRY_AFTER_CHANGE_SECONDS, SOURCES_MAX } from "../limits";
import { quote, type Refused } from "../refusal";
import type { Tags } from "../tags";

/** What a tile is of: bundles of one policy at one sampling rate, from edges with one set of tags. */
export interface Group {
  id: number;
  policy: string;
  samplingRate: number;
  tags: Tags;
  /** Whether its bundles came from shards, merged, and so with those tags only that are kept apart here. */
  received: boolean;
}

/** One start of an agent with one policy; its sequence numbers count up from there. */
export interface Source {
  id: number;
  edge: number;
  boot: string;
  policy: string;
}

/** The numbers of a bundle. */
export interface Place {
  edge: number;
  group: number;
  source: number;
}

type GroupRow = { id: number; policy: string; sampling: number; tags: string; received: number };
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
  /** Of each edge, as there are few: an index by name would take more memory than they do. */
  private readonly sourcesOf = new Map<number, Source[]>();
  /** One text for each policy, which all sources share. */
  private readonly policies = new Map<string, string>();
  /** Values of each tag that edges came with. */
  private readonly tagValues = new Map<string, Set<string>>();
  private nextSource = 1;
  private unsaved: Statement[] = [];

  constructor(
    private readonly sql: SqlStorage,
    private readonly allowance: Pick<Allowance, "edges" | "tagNames" | "tagValues">,
  ) {
    for (const row of sql.exec<{ id: number; name: string }>("SELECT id, name FROM edges")) this.addEdge(row.id, row.name);
    for (const row of sql.exec<GroupRow>("SELECT * FROM groups")) {
      const { id, policy, sampling: samplingRate } = row;
      this.addGroup({ id, policy, samplingRate, tags: JSON.parse(row.tags), received: row.received !== 0 });
    }
    for (const row of sql.exec<{ id: number; edge: number; boot: string; policy: string }>("SELECT * FROM sources")) {
      this.addSource(row);
    }
  }

  /** The numbers of a bundle's edge, group and agent start, given now where they are new; none is where one is refused. */
  place(edgeName: string, head: Omit<Group, "id">, boot: string): Place | Refused {
    const edge = this.edgeIds.get(edgeName) ?? this.edges.size;
    const group = this.groupIds.get(groupKey(head)) ?? this.groups.size;
    const source = this.sourceOf(edgeName, { boot, policy: head.policy }) ?? this.nextSource;
    const refused = this.refusal(edge, group, source) ?? (this.groups.has(group) ? null : this.tagRefusal(head));
    if (refused !== null) return refused;
    if (!this.edges.has(edge)) this.newEdge(edge, edgeName);
    if (!this.groups.has(group)) this.newGroup({ id: group, ...head });
    if (!this.sources.has(source)) this.newSource({ id: source, edge, boot, policy: head.policy });
    return { edge, group, source };
  }

  /** The number of an agent's start, where it is known. */
  sourceOf(edgeName: string, { boot, policy }: Pick<Source, "boot" | "policy">): number | undefined {
    const sources = this.sourcesOf.get(this.edgeIds.get(edgeName) ?? -1);
    return sources?.find((one) => one.boot === boot && one.policy === policy)?.id;
  }

  /** The number of a shard, given now where it is new; none is where it is refused. */
  placeShard(name: string): number | Refused {
    const edge = this.edgeIds.get(name) ?? this.edges.size;
    if (edge >= EDGES_MAX) {
      const reason = `this tenant has ${EDGES_MAX} shards; shard it by a tag with fewer values`;
      return { status: 429, code: "too_many_shards", reason };
    }
    if (!this.edges.has(edge)) this.newEdge(edge, name);
    return edge;
  }

  /** The number of an edge or shard; undefined where it is not known. */
  numberOf(name: string): number | undefined {
    return this.edgeIds.get(name);
  }

  /** Whether an edge is a shard, whose name is an object's; no edge's name has a slash. */
  isShard(edge: number): boolean {
    return this.edges.get(edge)?.includes("/") ?? false;
  }

  /** Names of the shards that send here. */
  *shards(): Generator<string> {
    for (const name of this.edges.values()) if (name.includes("/")) yield name;
  }

  /** What speaks against taking these numbers. */
  private refusal(edge: number, group: number, source: number): Refused | null {
    const { edges } = this.allowance;
    if (edge >= edges && !this.edges.has(edge)) {
      const reason = `this hub object has ${edges} edges, and no more are taken; shard the tenant further, or raise MAX_EDGES`;
      return { status: 429, code: "too_many_edges", reason, retryAfterSeconds: RETRY_AFTER_CHANGE_SECONDS };
    }
    if (group >= GROUPS_MAX) {
      const [tag = "", values] = [...this.tagValues].sort(([, a], [, b]) => b.size - a.size)[0] ?? [];
      const most = values === undefined ? "use fewer policies" : `use tags with fewer values; ${tag} has ${values.size}`;
      const reason = `this hub object has ${GROUPS_MAX} sets of policy, sampling and tags; ${most}`;
      return { status: 422, code: "too_many_groups", reason };
    }
    if (this.sources.has(source)) return null;
    if ((this.sourcesOf.get(edge)?.length ?? 0) >= BOOTS_PER_EDGE_MAX) {
      const reason = `this edge started more than ${BOOTS_PER_EDGE_MAX} times lately; see why its agent restarts`;
      return { status: 429, code: "too_many_starts", reason };
    }
    if (this.sources.size >= SOURCES_MAX) {
      const reason = `the edges of this hub object started more than ${SOURCES_MAX} times lately; see why agents restart`;
      return { status: 429, code: "too_many_starts", reason };
    }
    return null;
  }

  /** What speaks against the tags of a new group: a name too many, or a tag that takes a value too many. */
  private tagRefusal({ tags, received }: Omit<Group, "id">): Refused | null {
    if (received) return null;
    const { tagNames, tagValues } = this.allowance;
    const names = Object.keys(tags).filter((name) => !this.tagValues.has(name));
    if (names.length > 0 && this.tagValues.size + names.length > tagNames) {
      const reason = `this hub object has ${this.tagValues.size} names of tags, and ${names.join(", ")} would be more than ${tagNames}; use those that /v1/tags lists, or raise MAX_TAG_NAMES`;
      return { status: 422, code: "too_many_tag_names", reason };
    }
    for (const [name, value] of Object.entries(tags)) {
      const known = this.tagValues.get(name);
      if (known === undefined || known.has(value) || known.size < tagValues) continue;
      const reason = `tag ${name} has ${known.size} values in this hub object, and ${quote(value)} would be one more; leave ${name} out of the edges' tags, or raise MAX_TAG_VALUES`;
      return { status: 422, code: "too_many_tag_values", reason };
    }
    return null;
  }

  private newEdge(id: number, name: string): void {
    this.addEdge(id, name);
    this.unsaved.push({ sql: "INSERT INTO edges (id, name) VALUES (?, ?)", values: [id, name] });
  }

  private newGroup(group: Group): void {
    this.addGroup(group);
    const values = [group.id, group.policy, group.samplingRate, JSON.stringify(group.tags), Number(group.received)];
    this.unsaved.push({ sql: "INSERT INTO groups (id, policy, sampling, tags, received) VALUES (?, ?, ?, ?, ?)", values });
  }

  private newSource(source: Source): void {
    this.addSource(source);
    const values = [source.id, source.edge, source.boot, source.policy];
    this.unsaved.push({ sql: "INSERT INTO sources (id, edge, boot, policy) VALUES (?, ?, ?, ?)", values });
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
    const others = this.sourcesOf.get(source.edge)?.filter((one) => one !== source) ?? [];
    if (others.length > 0) this.sourcesOf.set(source.edge, others);
    else this.sourcesOf.delete(source.edge);
  }

  private addEdge(id: number, name: string): void {
    this.edges.set(id, name);
    this.edgeIds.set(name, id);
  }

  private addGroup(group: Group): void {
    this.groups.set(group.id, group);
    this.groupIds.set(groupKey(group), group.id);
    if (group.received) return;
    for (const [name, value] of Object.entries(group.tags)) {
      const values = this.tagValues.get(name) ?? new Set();
      this.tagValues.set(name, values.add(value));
    }
  }

  private addSource({ id, edge, boot, policy: given }: Source): void {
    const policy = this.policies.get(given) ?? given;
    this.policies.set(policy, policy);
    const source = { id, edge, boot, policy };
    this.sources.set(id, source);
    const known = this.sourcesOf.get(edge);
    if (known === undefined) this.sourcesOf.set(edge, [source]);
    else known.push(source);
    this.nextSource = Math.max(this.nextSource, id + 1);
  }
}

/** Tags are in order, so equal sets have equal text. */
function groupKey(group: Omit<Group, "id">): string {
  return JSON.stringify([group.policy, group.samplingRate, group.tags, group.received]);
}
