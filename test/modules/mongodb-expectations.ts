/** What the metrics of MongoDB are in mongodb-scenario.ts. */
import { expect } from "vitest";
import { addsUp, all, breakdown, count, distinct, type Expectation, histogram, OUT, top } from "./expectations";

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
  mongodb_duration_seconds: histogram(3, 2 * 0.01 + 0.901, OUT),
  // Without the way, of 5 ms in the first talk and 1 ms in the slow one.
  mongodb_server_seconds: histogram(3, 2 * 0.005 + 0.9, OUT),
  mongodb_request_bytes: histogram(4, 2 * 78 + 79 + 53, OUT),
  mongodb_response_bytes: histogram(3, 2 * 45 + 75, OUT),
  mongodb_open_requests: (totals, metric) => expect(totals.one(metric).max).toBe(1),
  mongodb_clients: distinct(1, OUT),
  mongodb_servers: distinct(1, OUT),
  mongodb_top_collections: top({ "lab.c": 2, "lab.dd": 1 }),
  mongodb_top_slow: top({ "lab.c": 1 }),
  mongodb_top_failing: top({ "lab.dd": 1 }),
  mongodb_calls: all(
    breakdown(["database", "command", "status"], ["lab insert ok 2 0", "lab insert error 1 1", "lab ping unobserved 1 0"]),
    addsUp("mongodb"),
  ),
  mongodb_top_errors: top({ Unauthorized: 1 }),
  mongodb_documents_total: count(6, { ...OUT, message: "request" }),
};
