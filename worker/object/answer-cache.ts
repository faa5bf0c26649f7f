import { ANSWER_BYTES_CACHED_MAX } from "../limits";
import type { FlatRow } from "../query/flatten";

/** Rows of an answer, and how many bundles they are without. */
export interface AnswerRows {
  data: FlatRow[];
  setApart: number;
}

interface Kept {
  state: string;
  rows: AnswerRows;
  /** Of the query and the rows, as text. */
  bytes: number;
}

const BYTES_PER_CHARACTER = 2;

/**
 * Rows of queries over sealed windows. A query is known by its text and good as long as what it was answered from is in the same
 * state; of all that is kept, what was not asked for longest goes first.
 */
export class AnswerCache {
  private readonly kept = new Map<string, Kept>();
  private bytes = 0;

  /** The rows of this query from this state; undefined where they are not known. */
  find(query: string, state: string): AnswerRows | undefined {
    const found = this.kept.get(query);
    if (found === undefined) return undefined;
    this.drop(query, found);
    if (found.state !== state) return undefined;
    this.keep(query, found);
    return found.rows;
  }

  /** Keeps the rows of a query. */
  add(query: string, state: string, rows: AnswerRows): void {
    const before = this.kept.get(query);
    if (before !== undefined) this.drop(query, before);
    const characters = query.length + JSON.stringify(rows.data).length;
    this.keep(query, { state, rows, bytes: characters * BYTES_PER_CHARACTER });
    for (const [oldest, one] of this.kept) {
      if (this.bytes <= ANSWER_BYTES_CACHED_MAX) return;
      this.drop(oldest, one);
    }
  }

  private keep(query: string, one: Kept): void {
    this.kept.set(query, one);
    this.bytes += one.bytes;
  }

  private drop(query: string, one: Kept): void {
    this.kept.delete(query);
    this.bytes -= one.bytes;
  }
}
