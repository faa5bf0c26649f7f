import {
  BUCKETS_MAX,
  EXPRESSION_QUESTIONS_MAX,
  EXPRESSION_ROWS_MAX,
  PACKED_ROW_WEIGHT,
  ROWS_MAX,
  SAMPLES_MAX,
  SERIES_MAX,
} from "../limits";
import type { Answer } from "../object/answer";
import type { FlatRow } from "../query/flatten";
import { Refusal, type Refused } from "../refusal";
import type { Grid, Span } from "./clock";
import type { Selection } from "./select";
import { tooMuch } from "./series";
import type { Tenant } from "./tenant";

/** A row, and which bucket of its grid it is in. */
export interface BucketRow {
  bucket: number;
  row: FlatRow;
}

/** Buckets of the first question of a grid, before it is known how many rows each has. */
const FIRST_BUCKETS = 240;
/** How full of rows an answer may be planned to be. */
const ROWS_PLANNED = ROWS_MAX * 0.7;
const EDGES_NAMED = 5;

/**
 * Reads rows for one request: in as few questions as fit the limits of an answer, never more in all than EXPRESSION_ROWS_MAX, and
 * keeps what there is to warn of.
 */
export class Reader {
  readonly warnings = new Set<string>();
  private rows = 0;
  private questions = 0;
  private samples = 0;

  constructor(readonly tenant: Tenant) {}

  /** Counts series of so many points; refuses them where they are too many together with all before. */
  reserve(series: number, steps: number): void {
    this.samples += series * steps;
    if (series > SERIES_MAX) throw tooMuch(`it has more than ${SERIES_MAX} series`);
    if (this.samples > SAMPLES_MAX) throw tooMuch(`its series have ${this.samples} points, more than ${SAMPLES_MAX}`);
  }

  /** The rows of one span merged into one bucket. */
  async readSpan(selection: Selection, span: Span): Promise<BucketRow[]> {
    const all: BucketRow[] = [];
    for await (const rows of this.readGrid(selection, { ...span, bucketSeconds: span.to - span.from, buckets: 1 }))
      all.push(...rows);
    return all;
  }

  /** The rows of many spans, each merged into one bucket; what is asked twice is read once. */
  async readSpans(questions: readonly { selection: Selection; span: Span }[]): Promise<FlatRow[][]> {
    const texts = questions.map(({ selection, span }) =>
      JSON.stringify({ ...selection.plan, metric: selection.plan.metric.id, ...span }),
    );
    const places = new Map(texts.map((text, index) => [text, index]));
    const rows = new Map<string, FlatRow[]>();
    const open = [...places];
    const plans = open.map(([, index]) => {
      const { selection, span } = questions[index]!;
      return { ...selection.plan, ...span, step: span.to - span.from };
    });
    for (const [place, answer] of (await this.tenant.ask(plans)).entries()) {
      const [text, index] = open[place]!;
      rows.set(text, this.rowsOf(answer, questions[index]!.selection));
    }
    return texts.map((text) => rows.get(text)!);
  }

  /** The rows of a grid, some buckets at a time. */
  async *readGrid(selection: Selection, grid: Grid): AsyncGenerator<BucketRow[]> {
    if (grid.from < 0) return;
    if (grid.buckets > BUCKETS_MAX) {
      const why = `it is made of ${grid.buckets} buckets of ${grid.bucketSeconds} s, more than ${BUCKETS_MAX}`;
      throw tooMuch(why);
    }
    let size = Math.min(grid.buckets, FIRST_BUCKETS);
    for (let first = 0; first < grid.buckets; ) {
      const count = Math.min(size, grid.buckets - first);
      const rows = await this.readBuckets(selection, grid, first, count);
      if (rows === null) {
        size = count >> 2;
        continue;
      }
      yield rows;
      first += count;
      size = rows.length === 0 ? BUCKETS_MAX : Math.max(1, Math.floor((count * ROWS_PLANNED) / rows.length));
    }
  }

  /** The rows of some buckets; null where they are too many for one answer and fewer buckets may do. */
  private async readBuckets(selection: Selection, grid: Grid, first: number, count: number): Promise<BucketRow[] | null> {
    const from = grid.from + first * grid.bucketSeconds;
    const to = from + count * grid.bucketSeconds;
    this.questions += 1;
    if (this.questions > EXPRESSION_QUESTIONS_MAX) throw tooMuch(`it takes more than ${EXPRESSION_QUESTIONS_MAX} questions`);
    const [answer] = await this.tenant.ask([{ ...selection.plan, from, to, step: grid.bucketSeconds }]);
    if ("status" in answer! && answer.code === "too_much" && count >= 4) return null;
    return this.rowsOf(answer!, selection).map((row) => ({
      bucket: Math.round((Date.parse(String(row.time)) / 1000 - grid.from) / grid.bucketSeconds),
      row,
    }));
  }

  /** The rows of an answer, counted. */
  private rowsOf(answer: Answer | Refused, { plan }: Selection): FlatRow[] {
    if ("status" in answer) throw new Refusal(answer.status, answer.code, answer.reason);
    this.rows += answer.data.length * (plan.packed ? PACKED_ROW_WEIGHT : 1);
    if (this.rows > EXPRESSION_ROWS_MAX) throw tooMuch(`it is made of more than ${EXPRESSION_ROWS_MAX} figures`);
    this.warn(answer);
    return answer.data;
  }

  private warn({ meta }: Answer): void {
    if (meta.missing_edges_count > 0) {
      const names = meta.missing_edges.slice(0, EDGES_NAMED).join(", ");
      const more = meta.missing_edges_count > EDGES_NAMED ? ", ..." : "";
      this.warnings.add(`incomplete: edges did not report every minute: ${names}${more}`);
    }
    if (meta.set_apart > 0)
      this.warnings.add(`incomplete: ${meta.set_apart} bundles do not merge with the others and are left out`);
  }
}
