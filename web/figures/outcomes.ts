import type { Row } from "../../engine/rows";

/** How the requests of all protocols ended. */
export interface Outcomes {
  /** Requests whose outcome was seen. */
  requests: number;
  /** Those that did not end well: error, timeout, reset, closed. */
  failed: number;
  /** Those whose outcome the capture missed; they count in neither. */
  unobserved: number;
}

const REQUESTS = /_requests_total$/;

/** Adds up the counters of requests by outcome, whatever protocol they are of. */
export function outcomes(rows: readonly Pick<Row, "metric" | "labels" | "value">[]): Outcomes {
  const sums: Outcomes = { requests: 0, failed: 0, unobserved: 0 };
  for (const { metric, labels, value = 0 } of rows) {
    if (!REQUESTS.test(metric) || labels.status === undefined) continue;
    if (labels.status === "unobserved") sums.unobserved += value;
    else sums.requests += value;
    if (labels.status !== "ok" && labels.status !== "unobserved") sums.failed += value;
  }
  return sums;
}
