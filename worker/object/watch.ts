import {
  WATCH_CLEAR_SECONDS,
  WATCH_DRIFT_SECONDS,
  WATCH_FORGET_SECONDS,
  WATCH_GAP_PERIODS,
  WATCH_LAG_SECONDS,
  WATCH_SILENT_SECONDS,
  WATCH_SILENT_SHARD_SECONDS,
  WATCHED_MAX,
} from "../limits";
import { parseName } from "../names";
import type { EdgeState, EdgeStates } from "./edge-states";
import type { EventLog } from "./event-log";
import type { Registry } from "./registry";
import { readText, writeText } from "./schema";

/** What may be wrong with an edge or a shard. */
export type Trouble = "edge_silent" | "edge_lagging" | "edge_drifting" | "shard_silent";

/** How far a trouble is: seen once, told, or told and gone for a while. */
type Stage = "suspected" | "raised" | "recovering";

interface Watched {
  stage: Stage;
  /** Since when it is at this stage, and when it was looked at last, ms. */
  sinceMs: number;
  lookedMs: number;
}

/** Who is to send now: edges, to this object, and the shards of one version of the map. */
export interface Epochs {
  takesEdges: boolean;
  ofShards: number | null;
}

/** What a look at one edge or shard says: how many seconds, of how many that are well; or nothing. */
type Finding = { seconds: number; most: number } | null;

/** A trouble that was told is over below this part of its limit, so that what stays at the limit is not told again and again. */
const WELL_PART = 0.5;

type Packed = [trouble: Trouble, subject: string, stage: Stage, sinceMs: number, lookedMs: number];

/**
 * Tells when edges and shards are in trouble, and when they are well again.
 *
 * A trouble is told once two looks in a row have seen it, so not right after the hub itself was away; it is over once it was not seen for a
 * while. What is known of it is one row, written when a stage changes.
 */
export class Watch {
  private readonly watched = new Map<string, Watched>();

  constructor(
    private readonly sql: SqlStorage,
    private readonly log: EventLog,
    private readonly registry: Registry,
    private readonly edges: EdgeStates,
  ) {
    for (const [trouble, subject, stage, sinceMs, lookedMs] of JSON.parse(readText(sql, "watch") ?? "[]") as Packed[]) {
      this.watched.set(keyOf(trouble, subject), { stage, sinceMs, lookedMs });
    }
  }

  /** Whether nothing was seen. */
  get isQuiet(): boolean {
    return this.watched.size === 0;
  }

  /** Looks at all edges and shards that are to send now; inside the caller's transaction. */
  look(nowMs: number, periodSeconds: number, { takesEdges, ofShards }: Epochs): void {
    let isChanged = false;
    for (const [id, state] of this.edges.states) {
      const subject = this.registry.edges.get(id) ?? "";
      const isShard = this.registry.isShard(id);
      const isMeant = isShard ? parseName(subject).epoch === ofShards : takesEdges;
      for (const [trouble, finding] of isShard ? findingsOfShard(state, nowMs) : findingsOfEdge(state, nowMs)) {
        const isForgotten = !isMeant || nowMs - state.lastSeenMs > WATCH_FORGET_SECONDS * 1000;
        isChanged = this.step(trouble, subject, isForgotten ? "forget" : finding, nowMs, periodSeconds, state) || isChanged;
      }
    }
    if (isChanged) writeText(this.sql, "watch", JSON.stringify(this.pack()));
  }

  /** Takes one finding; gives whether a stage changed. */
  private step(
    trouble: Trouble,
    subject: string,
    finding: Finding | "forget",
    nowMs: number,
    periodSeconds: number,
    state: EdgeState,
  ): boolean {
    const key = keyOf(trouble, subject);
    const known = this.watched.get(key);
    const tags = this.registry.groups.get(state.group)?.tags ?? {};
    const tell = (what: "raised" | "cleared" | "forgotten", seconds: number | null) =>
      this.log.add({ trouble, state: what, subject, tags, seconds }, nowMs);
    if (finding === "forget") {
      if (known === undefined) return false;
      if (known.stage !== "suspected") tell("forgotten", null);
      return this.watched.delete(key);
    }
    if (finding === null) return false;
    const isTold = known !== undefined && known.stage !== "suspected";
    const isBad = Math.abs(finding.seconds) > finding.most * (isTold ? WELL_PART : 1);
    if (known === undefined) return isBad && this.enter(key, "suspected", nowMs);
    const gapMs = nowMs - known.lookedMs;
    known.lookedMs = nowMs;
    switch (known.stage) {
      case "suspected":
        if (!isBad) return this.watched.delete(key);
        if (gapMs > WATCH_GAP_PERIODS * periodSeconds * 1000) return this.enter(key, "suspected", nowMs);
        if (nowMs - known.sinceMs < (periodSeconds * 1000) / 2) return false;
        tell("raised", finding.seconds);
        return this.enter(key, "raised", nowMs);
      case "raised":
        return !isBad && this.enter(key, "recovering", nowMs);
      case "recovering":
        if (isBad) return this.enter(key, "raised", nowMs);
        if (nowMs - known.sinceMs < WATCH_CLEAR_SECONDS * 1000) return false;
        tell("cleared", finding.seconds);
        return this.watched.delete(key);
    }
  }

  private enter(key: string, stage: Stage, nowMs: number): boolean {
    if (!this.watched.has(key) && this.watched.size >= WATCHED_MAX) return false;
    this.watched.set(key, { stage, sinceMs: nowMs, lookedMs: nowMs });
    return true;
  }

  private pack(): Packed[] {
    return [...this.watched].map(([key, { stage, sinceMs, lookedMs }]) => {
      const [trouble, subject] = JSON.parse(key) as [Trouble, string];
      return [trouble, subject, stage, sinceMs, lookedMs];
    });
  }
}

function keyOf(trouble: Trouble, subject: string): string {
  return JSON.stringify([trouble, subject]);
}

function findingsOfShard({ lastSeenMs }: EdgeState, nowMs: number): [Trouble, Finding][] {
  return [["shard_silent", { seconds: (nowMs - lastSeenMs) / 1000, most: WATCH_SILENT_SHARD_SECONDS }]];
}

/** What there is to say about an edge; of a silent one its lag and clock are not known. */
function findingsOfEdge({ lastSeenMs, lagMs, skewMs }: EdgeState, nowMs: number): [Trouble, Finding][] {
  const silent = { seconds: (nowMs - lastSeenMs) / 1000, most: WATCH_SILENT_SECONDS };
  const isKnown = silent.seconds <= silent.most;
  return [
    ["edge_silent", silent],
    ["edge_lagging", isKnown ? { seconds: lagMs / 1000, most: WATCH_LAG_SECONDS } : null],
    ["edge_drifting", isKnown && skewMs !== null ? { seconds: skewMs / 1000, most: WATCH_DRIFT_SECONDS } : null],
  ];
}
