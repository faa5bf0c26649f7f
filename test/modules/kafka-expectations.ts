/** What the metrics of Kafka are in kafka-scenario.ts. */
import { expect } from "vitest";
import { addsUp, all, breakdown, count, distinct, type Expectation, histogram, OUT, top } from "./expectations";

/** Requests of 147 bytes (orders) and 148 (billing), responses of 50 and 51, a heartbeat of 26. */
export const KAFKA: Record<string, Expectation> = {
  kafka_requests_total: all(
    count(2, { status: "ok" }),
    count(1, { status: "error" }),
    count(1, { status: "unobserved" }),
    count(4, OUT),
  ),
  kafka_orphan_responses_total: count(1, OUT),
  kafka_malformed_total: count(1),
  kafka_duration_seconds: histogram(3, 2 * 0.01 + 0.901, OUT),
  // Without the way, of 5 ms in the first talk and 1 ms in the slow one.
  kafka_server_seconds: histogram(3, 2 * 0.005 + 0.9, OUT),
  kafka_request_bytes: histogram(4, 147 + 148 + 26 + 147, OUT),
  kafka_response_bytes: histogram(3, 50 + 51 + 50, OUT),
  kafka_open_requests: (totals, metric) => expect(totals.one(metric).max).toBe(1),
  kafka_clients: distinct(1, OUT),
  kafka_servers: distinct(1, OUT),
  kafka_top_topics: top({ orders: 2, billing: 1 }),
  kafka_top_slow: top({ orders: 1 }),
  kafka_top_failing: top({ billing: 1 }),
  kafka_calls: all(
    breakdown(["api", "topic", "status"], ["Produce orders ok 2 0", "Produce billing error 1 1", "Heartbeat  unobserved 1 0"]),
    addsUp("kafka"),
  ),
  kafka_top_errors: top({ REQUEST_TIMED_OUT: 1 }),
  kafka_records_total: count(12, { ...OUT, message: "request" }),
  kafka_record_bytes_total: count(300, { ...OUT, message: "request" }),
};
