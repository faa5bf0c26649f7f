import { LATE_SECONDS_MAX, MINUTE_SECONDS } from "../limits";
import type { Losses } from "../merge";
import type { Entry } from "./batches";
import { addLosses, NO_LOSSES, type PackedLosses, packLosses, unpackLosses } from "./losses";
import type { Registry } from "./registry";

/** Edges in one row: few enough that the worst of them fit 2 MB, many enough that a seal writes few rows. */
const EDGES_PER_ROW = 100;

/** How much longer than its bundles may come an agent's start is known. */
const FORGET_SECONDS = 7200;

/** The run of minutes of one agent's start with one policy. */
interface SourceState {
  firstMinute: number;
  lastMinute: number;
  /** Minutes whose first bundle came. */
  minutes: number;
}

/** How one edge is doing. */
export interface EdgeState {
  group: number;
  version: string;
  lastSeenMs: number;
  lastMinute: number;
  skewMs: number | null;
  /** From the end of the last bundle's minute until it came. */
  lagMs: number;
  bundles: number;
  /** Of all its bundles. */
  losses: Losses;
  /** Minutes that never came, of agent starts that are forgotten. */
  lostBefore: number;
  sources: Map<number, SourceState>;
  /** Of a shard: the number of its last message, by the boot that the number belongs to. Kept for good, so that none counts twice. */
  cursors: Map<string, number>;
}

type PackedState = [
  edge: number,
  group: number,
  version: string,
  lastSeenMs: number,
  lastMinute: number,
  skewMs: number | null,
  lagMs: number,
  bundles: number,
  lostBefore: number,
  sources: [id: number, firstMinute: number, lastMinute: number, minutes: number][],
  cursors?: [boot: string, number: number][],
  losses?: PackedLosses,
];

/**
 * How edges are doing: last seen, lag, clock, version, lost minutes.
 *
 * Invariant: rows hold the state after all sealed entries, memory that after all committed ones; the constructor's caller
 * observes the committed entries that are not sealed.
 */
export class EdgeStates {
  readonly states = new Map<number, EdgeState>();
  private readonly changed = new Set<number>();

  constructor(private readonly sql: SqlStorage) {
    for (const row of sql.exec<{ data: string }>("SELECT data FROM edge_states")) {
      for (const packed of JSON.parse(row.data) as PackedState[]) this.unpack(packed);
    }
  }

  /** The number of the last message of a shard that was committed; 0 where there was none. */
  cursorOf(edge: number, boot: string): number {
    return this.states.get(edge)?.cursors.get(boot) ?? 0;
  }

  /** Takes note of a shard's message; inside the caller's transaction where no bundle of it does. */
  advance(edge: number, boot: string, number: number, group = 0): void {
    const state = this.states.get(edge) ?? newState(group);
    this.states.set(edge, state);
    this.changed.add(Math.floor(edge / EDGES_PER_ROW));
    state.cursors.set(boot, Math.max(number, state.cursors.get(boot) ?? 0));
  }

  /** Takes note of a committed bundle, which an agent's start or a shard's boot sent. */
  observe(edge: number, boot: string, entry: Entry): void {
    const state = this.states.get(edge) ?? newState(entry.group);
    this.states.set(edge, state);
    this.changed.add(Math.floor(edge / EDGES_PER_ROW));
    state.bundles += 1;
    lose(state, entry, 1);
    state.lastMinute = Math.max(state.lastMinute, entry.minute);
    if (entry.receivedMs >= state.lastSeenMs) {
      state.lastSeenMs = entry.receivedMs;
      state.group = entry.group;
      state.version = entry.version;
      state.lagMs = entry.receivedMs - (entry.minute + 60) * 1000;
      if (entry.skewMs !== null) state.skewMs = entry.skewMs;
    }
    const { minute, upward } = entry;
    if (upward !== undefined) this.advance(edge, boot, upward.number, entry.group);
    const source = state.sources.get(entry.source) ?? { firstMinute: minute, lastMinute: minute, minutes: 0 };
    state.sources.set(entry.source, source);
    source.firstMinute = Math.min(source.firstMinute, minute);
    source.lastMinute = Math.max(source.lastMinute, minute);
    if (entry.sequence === 0) source.minutes += 1;
  }

  /**
   * Takes note of a bundle that is kept apart: its edge was seen, and its agent's start is known as long as it may be released.
   * Until then its minute counts as lost.
   */
  observeApart(edge: number, entry: Omit<Entry, "bytes" | "sequence">): void {
    const { source, group, minute, receivedMs, version, skewMs } = entry;
    const state = this.states.get(edge) ?? newState(group);
    this.states.set(edge, state);
    this.changed.add(Math.floor(edge / EDGES_PER_ROW));
    const run = state.sources.get(source) ?? { firstMinute: minute, lastMinute: minute, minutes: 0 };
    state.sources.set(source, run);
    run.firstMinute = Math.min(run.firstMinute, minute);
    run.lastMinute = Math.max(run.lastMinute, minute);
    state.lastSeenMs = Math.max(state.lastSeenMs, receivedMs);
    if (version !== "") state.version = version;
    if (skewMs !== null) state.skewMs = skewMs;
  }

  /** Takes back what `observe` noted of a bundle that is taken out of its minute again, but for its agent's start. */
  unobserve(edge: number, entry: Pick<Entry, "source" | "sequence" | "losses">): void {
    const { source, sequence } = entry;
    const state = this.states.get(edge);
    if (state === undefined) return;
    this.changed.add(Math.floor(edge / EDGES_PER_ROW));
    state.bundles -= 1;
    lose(state, entry, -1);
    const run = state.sources.get(source);
    if (run !== undefined && sequence === 0) run.minutes -= 1;
  }

  /** Writes what changed; inside the caller's transaction, which then calls `saved`. */
  save(): void {
    for (const part of this.changed) {
      const packed: PackedState[] = [];
      for (let edge = part * EDGES_PER_ROW; edge < (part + 1) * EDGES_PER_ROW; edge += 1) {
        const state = this.states.get(edge);
        if (state !== undefined) packed.push(pack(edge, state));
      }
      this.sql.exec("INSERT OR REPLACE INTO edge_states (part, data) VALUES (?, ?)", part, JSON.stringify(packed));
    }
  }

  /** Notes that what `save` wrote is there to stay. */
  saved(): void {
    this.changed.clear();
  }

  /** Whether there is an agent's start that no bundle can come from any more. */
  hasExpired(nowSeconds: number): boolean {
    for (const { sources } of this.states.values()) {
      for (const source of sources.values()) if (isOver(source, nowSeconds)) return true;
    }
    return false;
  }

  /** Forgets agent starts that no bundle can come from any more, keeping what they lost; with nothing unsealed. */
  expire(registry: Registry, nowSeconds: number): void {
    for (const [edge, state] of this.states) {
      for (const [id, source] of state.sources) {
        if (!isOver(source, nowSeconds)) continue;
        state.lostBefore += lostOf(source);
        state.sources.delete(id);
        registry.forgetSource(id);
        this.changed.add(Math.floor(edge / EDGES_PER_ROW));
      }
    }
  }

  private unpack(packed: PackedState): void {
    const [edge, group, version, lastSeenMs, lastMinute, skewMs, lagMs, bundles, lostBefore, sources, cursors, lost] = packed;
    const runs = new Map(
      sources.map(([id, firstMinute, last, count]) => [id, { firstMinute, lastMinute: last, minutes: count }]),
    );
    const counts = { lagMs, bundles, lostBefore, sources: runs, cursors: new Map(cursors), losses: unpackLosses(lost ?? [0, 0]) };
    this.states.set(edge, { group, version, lastSeenMs, lastMinute, skewMs, ...counts });
  }
}

/** Minutes within an edge's runs whose first bundle never came, or not yet: what it saw and lost. */
export function lostMinutes(state: EdgeState): number {
  let lost = state.lostBefore;
  for (const source of state.sources.values()) lost += lostOf(source);
  return lost;
}

/** Adds a bundle's losses to an edge's, or takes them off. */
function lose(state: EdgeState, { losses = NO_LOSSES }: Pick<Entry, "losses">, times: 1 | -1): void {
  state.losses = addLosses(state.losses, losses, times);
}

function isOver({ lastMinute }: SourceState, nowSeconds: number): boolean {
  return lastMinute <= nowSeconds - LATE_SECONDS_MAX - FORGET_SECONDS;
}

function lostOf(source: SourceState): number {
  return (source.lastMinute - source.firstMinute) / MINUTE_SECONDS + 1 - source.minutes;
}

function newState(group: number): EdgeState {
  const sources = new Map<number, SourceState>();
  const counts = { lagMs: 0, bundles: 0, lostBefore: 0, sources, cursors: new Map(), losses: NO_LOSSES };
  return { group, version: "", lastSeenMs: 0, lastMinute: 0, skewMs: null, ...counts };
}

function pack(edge: number, state: EdgeState): PackedState {
  const { group, version, lastSeenMs, lastMinute, skewMs, lagMs, bundles, lostBefore, losses } = state;
  const sources = [...state.sources].map(([id, run]): PackedState[9][number] => [
    id,
    run.firstMinute,
    run.lastMinute,
    run.minutes,
  ]);
  const rest: [[string, number][], PackedLosses] = [[...state.cursors], packLosses(losses)];
  return [edge, group, version, lastSeenMs, lastMinute, skewMs, lagMs, bundles, lostBefore, sources, ...rest];
}
