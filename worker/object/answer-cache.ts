import { ANSWER_BYTES_CACHED_MAX, SHARE_BYTES_CACHED_MAX } from "../limits";
import type { Plan } from "../query/plan";
import type { Refused } from "../refusal";
import type { AnswerText } from "./answer";
import type { CellPlace, SharedCells } from "./cells";
import type { Found } from "./parts";

interface Kept<Value> {
  state: string;
  value: Value;
  /** Of the query and the value. */
  bytes: number;
}

const BYTES_PER_CHARACTER = 2;

/**
 * What queries over sealed windows came to. A query is known by its text and good as long as what it was answered from is in the same
 * state; of all that is kept, what was not asked for longest goes first.
 */
export class AnswerCache<Value> {
  private readonly kept = new Map<string, Kept<Value>>();
  private bytes = 0;

  constructor(private readonly bytesMax: number) {}

  /** What this query came to in this state; undefined where that is not known. */
  find(query: string, state: string): Value | undefined {
    const found = this.kept.get(query);
    if (found === undefined) return undefined;
    this.drop(query, found);
    if (found.state !== state) return undefined;
    this.keep(query, found);
    return found.value;
  }

  /** Keeps what a query came to, which takes so many bytes. */
  add(query: string, state: string, value: Value, bytes: number): void {
    const before = this.kept.get(query);
    if (before !== undefined) this.drop(query, before);
    this.keep(query, { state, value, bytes: bytes + query.length * BYTES_PER_CHARACTER });
    for (const [oldest, one] of this.kept) {
      if (this.bytes <= this.bytesMax) return;
      this.drop(oldest, one);
    }
  }

  private keep(query: string, one: Kept<Value>): void {
    this.kept.set(query, one);
    this.bytes += one.bytes;
  }

  private drop(query: string, one: Kept<Value>): void {
    this.kept.delete(query);
    this.bytes -= one.bytes;
  }
}

/** How a cache holds what is kept, in a form whose memory is known. */
export interface CacheForm<Value, Packed> {
  pack(value: Value): Packed;
  unpack(packed: Packed): Value;
  bytesOf(packed: Packed): number;
}

/** What an object keeps: rows of its own answers, and its shares of those that several objects give. */
export interface AnswerCaches {
  rows: AnswerCache<AnswerText>;
  shares: AnswerCache<SharedCells>;
}

/** Caches that have nothing yet. */
export function newAnswerCaches(): AnswerCaches {
  return { rows: new AnswerCache(ANSWER_BYTES_CACHED_MAX), shares: new AnswerCache(SHARE_BYTES_CACHED_MAX) };
}

/** Bytes of a text in memory, at the most. */
export function bytesOfText(text: string): number {
  return text.length * BYTES_PER_CHARACTER;
}

/**
 * What an object keeps of queries, each for a plan over a window that has ended and is sealed, by the state of what the plan was found to be made
 * of: any change in the window, late data too, is another state.
 */
export function keptOnce<Value extends object, Packed>(
  cache: AnswerCache<Packed>,
  found: Found,
  plan: Plan & { after?: CellPlace | null },
  nowSeconds: number,
  read: () => Value | Refused,
  form: CacheForm<Value, Packed>,
): Value | Refused {
  const isSealed = plan.to <= nowSeconds && found.parts.every(({ held }) => !("bytes" in held));
  if (!isSealed) return read();
  const query = JSON.stringify({ ...plan, metric: plan.metric.id });
  const state = `${found.revision} ${found.parts.length} ${found.setApart}`;
  const known = cache.find(query, state);
  if (known !== undefined) return form.unpack(known);
  const value = read();
  if (!("status" in value)) {
    const packed = form.pack(value);
    cache.add(query, state, packed, form.bytesOf(packed));
  }
  return value;
}
