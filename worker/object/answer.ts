import { core } from "../core";
import { ROWS_MAX, TOP_MAX } from "../limits";
import type { RowSelection } from "../merge";
import { type ErrorBound, errorBound, type FlatRow, flatten } from "../query/flatten";
import type { Plan } from "../query/plan";
import type { Refused } from "../refusal";
import { tagOf } from "../tags";
import { formatTime } from "../time";
import type { AnswerRows } from "./answer-cache";
import { completeness } from "./completeness";
import { type Found, findParts, type Part, type Source } from "./parts";
import { readRows } from "./rows";

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
    /** Bundles that the answer is without, since they do not merge with the others. */
    set_apart: number;
    error_bound: ErrorBound;
    /** The metric that values were divided by. */
    per?: string;
    /** About the earlier window that stands beside. */
    before?: { from: string; to: string; revision: number; complete: boolean; missing_edges_count: number; set_apart: number };
  };
}

/** What is merged into one set of rows: one time bucket of one set of tag values. */
interface Cell {
  start: number;
  head: FlatRow;
  parts: Part[];
}

/** Answers one query. */
export function answer(source: Source, plan: Plan, nowMs: number): Answer | Refused {
  const found = findParts(source, plan);
  if ("status" in found) return found;
  const read = readOnce(source, found, plan, nowMs / 1000);
  if ("status" in read) return read;
  const setApart = found.setApart + read.setApart;
  return { data: read.data, meta: metaOf(source, plan, read.data, { ...found, setApart }, nowMs) };
}

/** Reads the rows, or has them from the last time where the window was sealed then and nothing in it has changed. */
function readOnce(source: Source, found: Found, plan: Plan, nowSeconds: number): AnswerRows | Refused {
  const read = () => readCells(source.sql, cellsOf(found, plan), plan, nowSeconds);
  const isSealed = plan.to <= nowSeconds && found.parts.every(({ held }) => !("bytes" in held));
  if (!isSealed) return read();
  const query = JSON.stringify({ ...plan, metric: plan.metric.id });
  const state = `${found.revision} ${found.parts.length} ${found.setApart}`;
  const known = source.answers.find(query, state);
  if (known !== undefined) return known;
  const rows = read();
  if (!("status" in rows)) source.answers.add(query, state, rows);
  return rows;
}

/** Sorts parts by time bucket and tag values. Where sampling rates differ they are kept apart: they must not merge. */
function cellsOf(found: Found, plan: Plan): Cell[] {
  const samplings = new Set([...found.groups.values()].map((group) => group.samplingRate));
  const cells = new Map<string, Cell>();
  for (const part of found.parts) {
    const start = plan.from + Math.floor((part.start - plan.from) / plan.step) * plan.step;
    const head: FlatRow = { time: formatTime(start) };
    for (const tag of plan.byTags) head[tag] = tagOf(part.group.tags, tag);
    if (samplings.size > 1) head.sampling = part.group.samplingRate;
    const name = JSON.stringify(head);
    const cell = cells.get(name) ?? { start, head, parts: [] };
    cell.parts.push(part);
    cells.set(name, cell);
  }
  const named = [...cells].sort(([aName, a], [bName, b]) => a.start - b.start || (aName < bName ? -1 : 1));
  return named.map(([, cell]) => cell);
}

function readCells(sql: SqlStorage, cells: readonly Cell[], plan: Plan, nowSeconds: number): AnswerRows | Refused {
  const data: FlatRow[] = [];
  let setApart = 0;
  const selection = selectionOf(plan);
  for (const cell of cells) {
    const end = Math.min(cell.start + plan.step, plan.to, nowSeconds);
    const seconds = Math.max(1, end - cell.start);
    const read = readRows(core(), sql, cell.parts, selection);
    if (read === null) return tooMuch("what it merges does not fit the hub's memory; ask for fewer labels or a shorter window");
    setApart += read.setApart;
    for (const row of read.rows) data.push(...flatten(plan, cell.head, row, seconds));
    if (data.length > ROWS_MAX) return tooMuch(`it has more than ${ROWS_MAX} rows; take a longer step or fewer columns in by`);
  }
  return { data, setApart };
}

function selectionOf(plan: Plan): RowSelection {
  return {
    metric: plan.metric.id,
    keepLabelsMask: plan.byLabels,
    labelValues: plan.labelValues,
    items: plan.key === null ? plan.top : TOP_MAX,
    quantiles: plan.quantiles,
    buckets: plan.operation === "histogram",
  };
}

function metaOf(source: Source, plan: Plan, data: FlatRow[], found: Found, nowMs: number): Answer["meta"] {
  const { complete, completeUntil, missing } = completeness(source, plan, found.groups, nowMs);
  return {
    metric: plan.metric.name,
    kind: plan.metric.kind,
    unit: plan.metric.unit,
    op: plan.operation,
    from: formatTime(plan.from),
    to: formatTime(plan.to),
    step: plan.step,
    resolution: found.resolution,
    revision: found.revision,
    complete: complete && found.setApart === 0,
    complete_until: formatTime(completeUntil),
    missing_edges: missing.names,
    missing_edges_count: missing.count,
    set_apart: found.setApart,
    error_bound: errorBound(plan.operation, data),
  };
}

function tooMuch(reason: string): Refused {
  return { status: 422, code: "too_much", reason: `the answer was given up: ${reason}` };
}
