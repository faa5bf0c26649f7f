/** What the metrics of AMQP are in amqp-scenario.ts. */
import { expect } from "vitest";
import { addsUp, all, breakdown, count, distinct, type Expectation, histogram, OUT, top } from "./expectations";

export const AMQP: Record<string, Expectation> = {
  amqp_requests_total: all(
    count(5, { status: "ok" }),
    count(1, { status: "error" }),
    count(1, { status: "unobserved" }),
    count(7, OUT),
  ),
  amqp_orphan_responses_total: count(1, OUT),
  amqp_malformed_total: count(1),
  amqp_duration_seconds: histogram(5, 4 * 0.01 + 0.901, OUT),
  // Without the way, of 5 ms in the first talk and 1 ms in the slow one.
  amqp_server_seconds: histogram(5, 4 * 0.005 + 0.9, OUT),
  amqp_request_bytes: histogram(7, 13 + 26 + 160 + 110 + 98 + 24 + 24, OUT),
  amqp_response_bytes: histogram(6, 12 + 14 + 21 + 21 + 21 + 25, OUT),
  amqp_open_requests: (totals, metric) => expect(totals.one(metric).max).toBe(1),
  amqp_clients: distinct(1, OUT),
  amqp_servers: distinct(1, OUT),
  amqp_top_destinations: top({ jobs: 4, "x/a": 1, "x/b": 1 }),
  amqp_top_slow: top({ jobs: 1 }),
  amqp_top_failing: top({ "x/b": 1 }),
  amqp_calls: all(
    breakdown(
      ["call", "destination", "status"],
      [
        "confirm.select  ok 1 0",
        "basic.consume jobs ok 1 0",
        "basic.publish x ok 1 0",
        "basic.publish x error 1 1",
        "basic.deliver jobs ok 1 0",
        "queue.declare jobs unobserved 1 0",
        "queue.declare jobs ok 1 0",
      ],
    ),
    addsUp("amqp"),
  ),
  amqp_client_seconds: histogram(1, 0.01, OUT),
  amqp_messages_total: all(count(2, { ...OUT, message: "request" }), count(1, { ...OUT, message: "response" })),
  amqp_message_bytes_total: all(count(150, { ...OUT, message: "request" }), count(30, { ...OUT, message: "response" })),
};
