/** What an answer of the hub, or none, means for the bundle. */
export type Verdict =
  /** The hub has it. */
  | { kind: "stored"; duplicate: boolean }
  /** It will never take it. */
  | { kind: "refused"; reason: string }
  /** Nothing is wrong with the bundle, but nothing goes through until somebody mends what `reason` says. */
  | { kind: "held"; reason: string }
  /** It will take it later than others: its clock has not come to the minute. */
  | { kind: "early"; reason: string; afterMs?: number }
  /** The hub takes no more of this edge for now. */
  | { kind: "paced"; reason: string; afterMs?: number }
  /** Not now; `afterMs` where the hub said when. */
  | { kind: "later"; reason: string; afterMs?: number };

/** The part of an answer that decides. */
export interface Answer {
  status: number;
  /** JSON of the body; anything else is undefined. */
  body: { status?: unknown; error?: unknown; reason?: unknown } | undefined;
  retryAfter: string | undefined;
}

/** Refusals of the request that are due to the agent's configuration and not to the bundle. */
const CONFIGURATION = new Set([
  ...["bad_tags", "too_many_tags", "bad_clock", "too_many_groups", "too_many_tag_names", "too_many_tag_values"],
]);
const REFUSING = new Set([400, 409, 410, 413, 415, 422]);
const RETRY_AFTER_MAX_MS = 15 * 60_000;

/** Judges an answer at `nowMs`. */
export function judge({ status, body, retryAfter }: Answer, nowMs: number): Verdict {
  const code = typeof body?.error === "string" ? body.error : "";
  const reason = [String(status), code, typeof body?.reason === "string" ? body.reason.slice(0, 300) : ""]
    .filter(Boolean)
    .join(" ");
  if (status >= 200 && status < 300) return { kind: "stored", duplicate: body?.status === "duplicate" };
  if (code === "clock_ahead") return { kind: "early", reason, afterMs: parseRetryAfter(retryAfter, nowMs) };
  if (REFUSING.has(status) && code !== "" && !CONFIGURATION.has(code)) return { kind: "refused", reason };
  if (status === 429) return { kind: "paced", reason, afterMs: parseRetryAfter(retryAfter, nowMs) };
  if (status === 408 || status === 425 || status >= 500) {
    return { kind: "later", reason, afterMs: parseRetryAfter(retryAfter, nowMs) };
  }
  return { kind: "held", reason };
}

/** Milliseconds of a Retry-After header: seconds or a date (RFC 9110 section 10.2.3); a quarter of an hour at most. */
export function parseRetryAfter(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - nowMs;
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), RETRY_AFTER_MAX_MS) : undefined;
}
