/** Asks the hub through its own query API. */

/** One row of an answer: columns by name. */
export type Row = Record<string, string | number | null>;

/** What is asked: the fields of `/v1/query`. */
export interface Query {
  metric: string;
  op: "sum" | "rate" | "distinct" | "top" | "quantile" | "histogram" | "breakdown" | "last";
  by?: string[];
  where?: Record<string, string | string[]>;
  n?: number;
  q?: number[];
  key?: string;
}

/** The window that everything is asked for, unix seconds. */
export interface Window {
  from: number;
  to: number;
}

/** Asks one hub with one key. */
export class Hub {
  constructor(
    readonly origin: string,
    private readonly key: string,
  ) {}

  /** The rows of an answer. Throws with the hub's reason. */
  async ask(query: Query, window: Window): Promise<Row[]> {
    const response = await fetch(`${this.origin}/v1/query`, {
      method: "POST",
      headers: { authorization: `Bearer ${this.key}`, "content-type": "application/json" },
      body: JSON.stringify({ ...query, ...window }),
    });
    const answer = (await response.json()) as { data?: Row[]; reason?: string };
    if (answer.data === undefined) throw new Error(`the hub refused ${query.op} of ${query.metric}: ${answer.reason}`);
    return answer.data;
  }
}
