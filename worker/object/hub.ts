import { core } from "../core";
import { ROWS_MAX } from "../limits";
import type { Plan, TagCondition } from "../query/plan";
import type { Refused } from "../refusal";
import type { Epoch, ShardMap } from "../tree/shard-map";
import { type Answer, answer } from "./answer";
import { type CellPlace, notOne, type Share, shareOf } from "./cells";
import { type EdgeReport, reportEdges, reportShards, reportTags, reportTagValues, type ShardReport } from "./edge-report";
import type { EpochRequest } from "./epochs";
import type { LoggedEvent } from "./event-log";
import { keptWholeFrom } from "./kept";
import { HubNode } from "./node";
import { findParts, readParts, type Window } from "./parts";
import type { RefusalHour } from "./refusals";
import { listRevoked, type RevokedName, setRevoked } from "./revoked";
import { shardsIn } from "./shards";
import { type TileSize, tileSizes } from "./tile-sizes";

/** One node of the tree, and what it is asked: queries, how edges and shards are doing, and what a tenant's root keeps for all of them. */
export class Hub extends HubNode {
  /** The first minute from which on all that came is still there by edge. */
  edgeMinutesFrom(): number {
    return keptWholeFrom(this.sql);
  }

  /** What the tiles of one level take that start in [from, to); null where it is too many rows. */
  tileSizes(level: number, from: number, to: number): TileSize[] | null {
    if (this.archive.isRestoring()) throw new Error("this tenant is being restored");
    return tileSizes(this.sql, level, from, to);
  }

  /** What was refused in the hours that begin in [from, to). */
  listRefusals(from: number, to: number): RefusalHour[] {
    return this.refusals.list(from, to);
  }

  /** Keys of the tenant that are good no more; of a root. */
  listRevoked(): RevokedName[] {
    return listRevoked(this.sql);
  }

  /** Revokes a key or an edge's keys, or restores them; of a root. */
  setRevoked(name: string, isGood: boolean): Refused | null {
    return this.archive.refusal() ?? setRevoked(this.sql, name, isGood, Date.now());
  }

  /** What became of edges and shards in [fromMs, toMs). */
  listEvents(fromMs: number, toMs: number): LoggedEvent[] {
    return this.lookout.log.list(fromMs, toMs);
  }

  /** The versions of the tenant's shard map; of a root. */
  shardMap(): ShardMap {
    if (this.archive.isRestoring()) throw new Error("this tenant is being restored");
    return [...this.epochs.map];
  }

  /** Changes the tenant's shard map; of a root. */
  reshard(request: EpochRequest): Epoch | Refused {
    const refused = this.archive.refusal();
    if (refused !== null) return refused;
    const isEmpty = this.registry.edges.size === 0 && this.revision === 0 && this.queue.isEmpty;
    return this.epochs.add(request, isEmpty, Date.now() / 1000);
  }

  /** Names of the shards that a window may lie in; of a root. */
  listShards(window: Pick<Window, "from" | "to" | "tagConditions">): string[] {
    return shardsIn(this.registry.shards(), this.epochs.map, window);
  }

  /** How each shard is doing; of a root. */
  reportShards(): ShardReport[] {
    return reportShards(this.registry, this.edges);
  }

  /** A page of this object's share of an answer that several objects give: of the cells behind one. */
  share(plan: Plan & Window, after: CellPlace | null): Share | Refused {
    return shareOf(core(), this.source(), plan, after, Date.now());
  }

  /** Answers one query over sealed tiles and what is not sealed yet. */
  query(plan: Plan): Answer | Refused {
    return answer(this.source(), plan, Date.now());
  }

  /** Answers several queries in one call: the first at least, and no more once there are ROWS_MAX rows. */
  queryMany(plans: readonly Plan[]): (Answer | Refused)[] {
    const answers: (Answer | Refused)[] = [];
    let rows = 0;
    for (const plan of plans) {
      if (rows >= ROWS_MAX) break;
      const answer = this.query(plan);
      answers.push(answer);
      if ("data" in answer) rows += answer.data.length;
    }
    return answers;
  }

  /** All bundles of a window merged into one, of one metric's number or of all, as the core encodes it; empty where there are none. */
  sketch(window: Window, metric?: number): Uint8Array | Refused {
    const found = findParts(this.source(), window);
    if ("status" in found) return found;
    if (found.parts.length === 0) return new Uint8Array(0);
    const merged = core().mergeWhole(readParts(this.sql, found.parts), metric);
    if (merged !== null) return merged;
    return notOne();
  }

  /** Whether an edge ever posted here. */
  hasEdge(name: string): boolean {
    return this.registry.numberOf(name) !== undefined;
  }

  /** How each edge is doing. */
  listEdges(): EdgeReport[] {
    return reportEdges(this.registry, this.edges, this.custody.quarantine, Date.now());
  }

  /** The tags that bundles of edges came with, of those that meet conditions: each name with its values. */
  listTagValues(where: readonly TagCondition[]): Record<string, string[]> {
    return reportTagValues(this.registry, where);
  }

  /** The tags of all edges with their values. */
  listTags(): Record<string, { value: string; edges: number }[]> {
    return reportTags(this.registry, this.edges);
  }
}
