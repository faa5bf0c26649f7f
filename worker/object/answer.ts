import { core } from "../core";
import { MINUTE_SECONDS, QUERY_PARTS_MAX, ROWS_MAX, TOP_MAX } from "../limits";
import type { RowSelection } from "../merge";
import { type ErrorBound, errorBound, type FlatRow, flatten } from "../query/flatten";
import type { Plan, TagCondition } from "../query/plan";
import type { Refused } from "../refusal";
import type { Tags } from "../tags";
import { formatTime } from "../time";
import type { Entry } from "./batches";
import { completeness } from "./completeness";
import type { EdgeStates } from "./edge-states";
import type { Minutes } from "./minutes";
import type { Group, Registry } from "./registry";
import { listTiles, readTile, type TileHead } from "./tiles";

/** What a query reads of an object. */
export interface Source {
  sql: SqlStorage;
  registry: Registry;
  minutes: Minutes;
  edges: EdgeStates;
  /** Committed and not sealed. */
  pending: readonly Entry[];
  revision: number;
}

/** The answer to a query. */
export interface Answer {
  data: FlatRow[];
  meta: {
    metric: string;
    kind: string;
    unit: string;
    op: string;
    from: string;
    to: string;
    step: number;
    resolution: number;
    revision: number;
    complete: boolean;
    /** Minutes before this time have been posted by every edge that is not missing. */
    complete_until: string;
    missing_edges: string[];
    missing_edges_count: number;
    error_bound: ErrorBound;
  };
}

/** What goes into one row group: one time bucket of one set of tag values. */
interface Cell {
  start: number;
  head: FlatRow;
  tiles: TileHead[];
  entries: Entry[];
}

/** Answers one query. */
export function answer(source: Source, plan: Plan, nowMs: number): Answer | Refused {
  const matches = (group: Group) => group.policy === plan.policy && matchesTags(plan.tagConditions, group.tags);
  const groups = new Map([...source.registry.groups].filter(([, group]) => matches(group)));
  const samplings = new Set([...groups.values()].map((group) => group.samplingRate));
  const cells = new Map<string, Cell>();
  let parts = 0;
  let revision = 0;

  const cellOf = (minute: number, group: Group): Cell => {
    const start = plan.from + Math.floor((minute - plan.from) / plan.step) * plan.step;
    const head: FlatRow = { time: formatTime(start) };
    for (const tag of plan.byTags) head[tag] = group.tags[tag] ?? "";
    if (samplings.size > 1) head.sampling = group.samplingRate;
    const name = JSON.stringify(head);
    const cell = cells.get(name) ?? { start, head, tiles: [], entries: [] };
    cells.set(name, cell);
    parts += 1;
    return cell;
  };
  for (const tile of listTiles(source.sql, 0, plan.from, plan.to)) {
    const group = groups.get(tile.group);
    if (group === undefined) continue;
    cellOf(tile.start, group).tiles.push(tile);
    revision = Math.max(revision, tile.revision);
  }
  for (const entry of source.pending) {
    const group = groups.get(entry.group);
    if (group === undefined || entry.minute < plan.from || entry.minute >= plan.to) continue;
    cellOf(entry.minute, group).entries.push(entry);
    revision = source.revision;
  }
  if (parts > QUERY_PARTS_MAX) {
    return tooMuch(`the query reads ${parts} tiles, at most ${QUERY_PARTS_MAX}; take a shorter window or name fewer tags`);
  }
  const data = readCells(source.sql, [...cells.values()], plan, nowMs / 1000);
  if ("status" in data) return data;
  return { data, meta: metaOf(source, plan, data, revision, groups, nowMs) };
}

function readCells(sql: SqlStorage, cells: Cell[], plan: Plan, nowSeconds: number): FlatRow[] | Refused {
  const data: FlatRow[] = [];
  const selection = selectionOf(plan);
  cells.sort((a, b) => a.start - b.start || (JSON.stringify(a.head) < JSON.stringify(b.head) ? -1 : 1));
  for (const cell of cells) {
    const end = Math.min(cell.start + plan.step, plan.to, nowSeconds);
    const seconds = Math.max(1, end - cell.start);
    const rows = core().rows(partsOf(sql, cell), selection);
    if (rows === null)
      return tooMuch("what the query merges does not fit the hub's memory; ask for fewer labels or a shorter window");
    for (const row of rows) data.push(...flatten(plan, cell.head, row, seconds));
    if (data.length > ROWS_MAX)
      return tooMuch(`the answer has more than ${ROWS_MAX} rows; take a longer step or fewer columns in by`);
  }
  return data;
}

function* partsOf(sql: SqlStorage, cell: Cell): Generator<Uint8Array> {
  for (const tile of cell.tiles) yield* readTile(sql, tile);
  for (const entry of cell.entries) yield entry.bytes;
}

function selectionOf(plan: Plan): RowSelection {
  return {
    metricId: plan.metric.id,
    keepLabelsMask: plan.byLabels,
    labelValues: plan.labelValues,
    top: plan.key === null ? plan.top : TOP_MAX,
    quantiles: plan.quantiles,
    buckets: plan.operation === "histogram",
  };
}

function matchesTags(conditions: readonly TagCondition[], tags: Tags): boolean {
  return conditions.every(({ tag, values, negated }) => values.includes(tags[tag] ?? "") !== negated);
}

function metaOf(
  source: Source,
  plan: Plan,
  data: FlatRow[],
  revision: number,
  groups: ReadonlyMap<number, Group>,
  nowMs: number,
): Answer["meta"] {
  const { complete, completeUntil, missing } = completeness(source, plan, groups, nowMs);
  return {
    metric: plan.metric.name,
    kind: plan.metric.kind,
    unit: plan.metric.unit,
    op: plan.operation,
    from: formatTime(plan.from),
    to: formatTime(plan.to),
    step: plan.step,
    resolution: MINUTE_SECONDS,
    revision,
    complete,
    complete_until: formatTime(completeUntil),
    missing_edges: missing.names,
    missing_edges_count: missing.count,
    error_bound: errorBound(plan.operation, data),
  };
}

function tooMuch(reason: string): Refused {
  return { status: 422, code: "too_much", reason };
}
