/** The hub's API as the page uses it (docs/api.md): always the page's own origin, always with a read key. */
import type { MetricKind } from "../../engine/schema";

/** A metric as `/v1/metrics` describes it. */
export interface HubMetric {
  id: number;
  name: string;
  kind: MetricKind;
  unit: string;
  help: string;
  parameter: number;
  labels: { name: string; values: string[] }[];
  keys?: { name: string; type: "text" | "address" }[];
}

/** One flat row of an answer. */
export type AnswerRow = Record<string, string | number | null>;

/** What is said about a window: whose minutes are in it. */
export interface AnswerMeta {
  from: string;
  to: string;
  step: number;
  complete: boolean;
  /** Minutes before this were posted by every edge that is not missing. */
  complete_until: string;
  missing_edges: string[];
  missing_edges_count: number;
  /** Bundles that the answer is without, since they do not merge with the others. */
  set_apart: number;
  /** The same about the earlier window, without the names. */
  before?: Pick<AnswerMeta, "complete" | "missing_edges_count">;
  /** The window that was asked for, where the answer is about a wider one. */
  asked?: { from: string; to: string };
}

export interface Answer {
  data: AnswerRow[];
  /** Of several metrics each has its own. */
  meta: AnswerMeta & { metrics?: AnswerMeta[] };
}

/** Values of each tag, and how many edges have them. */
export type Tags = Record<string, { value: string; edges: number }[]>;

/** One edge of `/v1/edges`. */
export interface Edge {
  edge: string;
  tags: Record<string, string>;
  version: string;
  last_seen: string;
  last_minute: string;
  silent_seconds: number;
  skew_seconds: number | null;
  lag_seconds: number;
  bundles: number;
  /** Packets that its capture lost, and findings of malformed bytes. */
  dropped: number;
  malformed: number;
  /** Sections of its bundles that the hub is too old to answer about. */
  unknown_sections: number;
  lost_minutes: number;
  down_minutes: number;
  starts: number;
}

/** One shard of `/v1/shards`. */
export interface Shard {
  object: string;
  value: string;
  epoch: number;
  last_seen: string | null;
  last_minute: string | null;
  bundles: number;
}

/** What to ask: the fields of `POST /v1/query`. */
export interface Question {
  metric: string | string[];
  op: string;
  from: number;
  to: number;
  step?: number;
  by?: string[];
  where?: Record<string, string[]>;
  n?: number;
  q?: number[];
  key?: string;
  compare?: number;
}

/** The hub refused or could not be asked; the message says why. */
export class HubError extends Error {
  override name = "HubError";

  constructor(
    message: string,
    /** The hub's status; 0 where it did not answer. */
    readonly status: number,
    /** The hub's stable name of the error. */
    readonly code = "",
  ) {
    super(message);
  }

  /** Whether it was for the key. */
  get isForKey(): boolean {
    return this.status === 401 || this.status === 403;
  }
}

/** Asks the hub that served the page. */
export class HubClient {
  constructor(private readonly key: string) {}

  query(question: Question, signal: AbortSignal): Promise<Answer> {
    return this.ask("/v1/query", { method: "POST", body: JSON.stringify(question), signal });
  }

  /** The list of what a path under `/v1/` has: metrics, tags, edges or shards. */
  async list<T>(path: string, signal: AbortSignal): Promise<T> {
    return (await this.ask<{ data: T }>(`/v1/${path}`, { signal })).data;
  }

  /** All edges of `/v1/edges`, page by page, by name; of one that is in two pages, as it was seen last. */
  async edges(signal: AbortSignal): Promise<Edge[]> {
    const edges = new Map<string, Edge>();
    for (let path: string | undefined = "/v1/edges"; path !== undefined; ) {
      const { data, next }: { data: Edge[]; next?: string } = await this.ask(path, { signal });
      for (const edge of data) {
        const known = edges.get(edge.edge);
        if (known === undefined || known.last_seen < edge.last_seen) edges.set(edge.edge, edge);
      }
      path = next === undefined ? undefined : `/v1/edges?after=${encodeURIComponent(next)}`;
    }
    return [...edges.values()].sort((a, b) => (a.edge < b.edge ? -1 : 1));
  }

  private async ask<T>(path: string, init: RequestInit): Promise<T> {
    const headers = { authorization: `Bearer ${this.key}`, "content-type": "application/json" };
    let response: Response;
    try {
      response = await fetch(path, { ...init, headers, credentials: "omit", cache: "no-store" });
    } catch (error) {
      if (init.signal?.aborted) throw error;
      throw new HubError("The hub does not answer; the page tries again.", 0);
    }
    const body = await response.json().catch(() => undefined);
    if (response.ok && body !== undefined) return body as T;
    throw errorOf(response.status, body);
  }
}

function errorOf(status: number, body: { error?: string; reason?: string } | undefined): HubError {
  const reason = body?.reason ?? `status ${status}`;
  const isForLater = status === 429 || status >= 500;
  const text = isForLater ? `The hub cannot answer now (${reason}); the page asks again.` : `The hub refused: ${reason}.`;
  return new HubError(text, status, body?.error);
}
