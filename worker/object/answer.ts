import { core } from "../core";
import { ANSWER_CHARACTERS_MAX, ROWS_MAX, TOP_MAX } from "../limits";
import type { RowSelection } from "../merge";
import { type ErrorBound, errorBound, type FlatRow, flatten } from "../query/flatten";
import type { Plan } from "../query/plan";
import type { Refused } from "../refusal";
import { formatTime } from "../time";
import { bytesOfText, type CacheForm, keptOnce } from "./answer-cache";
import { type Cell, cellsOf } from "./cells";
import { type Completeness, completeness } from "./completeness";
import { type Found, findParts, type Source } from "./parts";
import { type PartRows, readRows } from "./rows";

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
    /** The one edge that the answer is about, and since when all that it posted is kept; null where nothing was deleted yet. */
    edge?: string;
    edge_minutes_from?: string | null;
    /** The metric that values were divided by. */
    per?: string;
    /** About the earlier window that stands beside. */
    before?: { from: string; to: string; revision: number; complete: boolean; missing_edges_count: number; set_apart: number };
  };
}

/** Rows of an answer, and how many bundles they are without. */
export interface AnswerRows {
  data: FlatRow[];
  setApart: number;
}

/** The same with the rows as JSON, which takes no more memory than it is counted for. */
export interface AnswerText {
  data: string;
  setApart: number;
}

const TEXT: CacheForm<AnswerRows, AnswerText> = {
  pack: ({ data, setApart }) => ({ data: JSON.stringify(data), setApart }),
  unpack: ({ data, setApart }) => ({ data: JSON.parse(data), setApart }),
  bytesOf: ({ data }) => bytesOfText(data),
};

/** What there is to say about an answer, but for its rows. */
export interface Facts {
  revision: number;
  resolution: number;
  setApart: number;
  completeness: Completeness;
  /** First minute from which on all is kept that an edge posted; of answers about one edge. */
  keptFrom?: number | undefined;
}

const NUMBER_CHARACTERS = 8;
/** Quotes, colon and comma of one column. */
const MARKS_CHARACTERS = 6;

/** Answers one query. */
export function answer(source: Source, plan: Plan, nowMs: number): Answer | Refused {
  const found = findParts(source, plan);
  if ("status" in found) return found;
  const read = readOnce(source, found, plan, nowMs / 1000);
  if ("status" in read) return read;
  const told = completeness(source, plan, found.groups, nowMs, found.only?.edge);
  const setApart = found.setApart + read.setApart;
  return answerOf(plan, read.data, { ...found, setApart, completeness: told, keptFrom: found.only?.keptFrom });
}

/** Reads the rows, or has them from the last time where the window was sealed then and nothing in it has changed. */
function readOnce(source: Source, found: Found, plan: Plan, nowSeconds: number): AnswerRows | Refused {
  const { sql, answers } = source;
  const read = () =>
    readCells(cellsOf(found, plan), plan, nowSeconds, ({ parts }) => readRows(core(), sql, parts, selectionOf(plan)));
  return keptOnce(answers.rows, found, plan, nowSeconds, read, TEXT);
}

/** The rows of cells, one cell merged at a time. */
export function readCells<Part>(
  cells: readonly Cell<Part>[],
  plan: Plan,
  nowSeconds: number,
  read: (cell: Cell<Part>) => PartRows | null,
): AnswerRows | Refused {
  const data: FlatRow[] = [];
  let setApart = 0;
  let characters = 0;
  const samplings = new Set(cells.map(({ samplingRate }) => samplingRate));
  for (const cell of cells) {
    const end = Math.min(cell.start + plan.step, plan.to, nowSeconds);
    const seconds = Math.max(1, end - cell.start);
    const found = read(cell);
    if (found === null) return tooMuch("what it merges does not fit the hub's memory; ask for fewer labels or a shorter window");
    setApart += found.setApart;
    const head: FlatRow = { time: formatTime(cell.start), ...cell.tags };
    if (samplings.size > 1) head.sampling = cell.samplingRate;
    for (const row of found.rows) {
      const rows = flatten(plan, head, row, seconds);
      data.push(...rows);
      characters += rows.reduce((sum, one) => sum + charactersOf(one), 0);
      if (characters > ANSWER_CHARACTERS_MAX) return tooMuch("its rows are too long; take a longer step or fewer columns in by");
      if (data.length > ROWS_MAX) return tooMuch(`it has more than ${ROWS_MAX} rows; take a longer step or fewer columns in by`);
    }
  }
  return { data, setApart };
}

/** Characters of a row as JSON, about. */
function charactersOf(row: FlatRow): number {
  let characters = 0;
  for (const name in row) {
    const value = row[name];
    characters += name.length + (typeof value === "string" ? value.length : NUMBER_CHARACTERS) + MARKS_CHARACTERS;
  }
  return characters;
}

/** What is read of the core for a query. */
export function selectionOf(plan: Plan): RowSelection {
  return {
    metric: plan.metric.id,
    keepLabelsMask: plan.byLabels,
    labelValues: plan.labelValues,
    items: plan.key === null ? plan.top : TOP_MAX,
    quantiles: plan.quantiles,
    buckets: plan.operation === "histogram",
  };
}

/** An answer out of its rows and what there is to say about them. */
export function answerOf(plan: Plan, data: FlatRow[], facts: Facts): Answer {
  const { complete, completeUntil, missing } = facts.completeness;
  const meta = {
    metric: plan.metric.name,
    kind: plan.metric.kind,
    unit: plan.metric.unit,
    op: plan.operation,
    from: formatTime(plan.from),
    to: formatTime(plan.to),
    step: plan.step,
    resolution: facts.resolution,
    revision: facts.revision,
    complete: complete && facts.setApart === 0,
    complete_until: formatTime(completeUntil),
    missing_edges: missing.names,
    missing_edges_count: missing.count,
    set_apart: facts.setApart,
    error_bound: errorBound(plan.operation, data),
    ...(plan.edge !== null && { edge: plan.edge, edge_minutes_from: facts.keptFrom ? formatTime(facts.keptFrom) : null }),
  };
  return { data, meta };
}

/** The refusal of an answer that grew too large. */
export function tooMuch(reason: string): Refused {
  return { status: 422, code: "too_much", reason: `the answer was given up: ${reason}` };
}
