/** What the metrics of MongoDB are in mongodb-scenario.ts. */
import { expect } from "vitest";
import { all, breakdown, count, distinct, type Expectation, histogram, OUT, top } from "./expectations";

/** Requests of 78 bytes and one byte more, a ping of 53, responses of 45 and 75. */
export const MONGO: Record<string, Expectation> = {
  mongodb_requests_total: all(
    count(2, { status: "ok" }),
    count(1, { status: "error" }),
    count(1, { status: "unobserved" }),
    count(4, OUT),
  ),
  mongodb_orphan_responses_total: count(1, OUT),
  mongodb_malformed_total: count(1),
  mongodb_duration_seconds: (totals, metric) => {
    const row = totals.one(metric, OUT);
    expect([row.count, row.max]).toEqual([3, 0.901]);
  },
  mongodb_server_seconds: (totals, metric) => expect(totals.one(metric, OUT).count).toBe(3),
  mongodb_request_bytes: histogram(4, 2 * 78 + 79 + 53, OUT),
  mongodb_response_bytes: histogram(3, 2 * 45 + 75, OUT),
  mongodb_open_requests: (totals, metric) => expect(totals.one(metric).max).toBe(1),
  mongodb_clients: distinct(1, OUT),
  mongodb_servers: distinct(1, OUT),
  mongodb_top_collections: top({ "lab.c": 2, "lab.dd": 1 }),
  mongodb_top_slow: top({ "lab.c": 1 }),
  mongodb_top_failing: top({ "lab.dd": 1 }),
  mongodb_calls: breakdown(
    ["database", "command", "status"],
    ["lab insert ok 2 0", "lab insert error 1 1", "lab ping unobserved 1 0"],
  ),
  mongodb_top_errors: top({ Unauthorized: 1 }),
  mongodb_documents_total: count(6, { ...OUT, message: "request" }),
};
