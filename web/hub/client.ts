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
}

export interface Answer {
  data: AnswerRow[];
  meta: AnswerMeta;
}

/** Values of each tag, and how many edges have them. */
export type Tags = Record<string, { value: string; edges: number }[]>;

/** What to ask: the fields of `POST /v1/query`. */
export interface Question {
  metric: string;
  op: string;
  from: string;
  step?: number;
  by?: string[];
  where?: Record<string, string[]>;
  n?: number;
  q?: number[];
}

/** The hub refused or could not be asked; the message says why. */
export class HubError extends Error {
  override name = "HubError";

  constructor(
    message: string,
    /** Whether it was for the key. */
    readonly isForKey: boolean,
  ) {
    super(message);
  }
}

/** Asks the hub that served the page. */
export class HubClient {
  constructor(private readonly key: string) {}

  query(question: Question, signal: AbortSignal): Promise<Answer> {
    return this.ask("/v1/query", { method: "POST", body: JSON.stringify(question), signal });
  }

  async metrics(signal: AbortSignal): Promise<HubMetric[]> {
    return (await this.ask<{ data: HubMetric[] }>("/v1/metrics", { signal })).data;
  }

  async tags(signal: AbortSignal): Promise<Tags> {
    return (await this.ask<{ data: Tags }>("/v1/tags", { signal })).data;
  }

  private async ask<T>(path: string, init: RequestInit): Promise<T> {
    const headers = { authorization: `Bearer ${this.key}`, "content-type": "application/json" };
    let response: Response;
    try {
      response = await fetch(path, { ...init, headers, credentials: "omit", cache: "no-store" });
    } catch (error) {
      if (init.signal?.aborted) throw error;
      throw new HubError("The hub does not answer; the page tries again.", false);
    }
    const body = await response.json().catch(() => undefined);
    if (response.ok && body !== undefined) return body as T;
    const isForKey = response.status === 401 || response.status === 403;
    throw new HubError(`The hub refused: ${body?.reason ?? `status ${response.status}`}.`, isForKey);
  }
}
