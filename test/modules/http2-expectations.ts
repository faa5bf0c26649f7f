/** What the metrics of HTTP/2 and gRPC are in http2-scenarios.ts. */
import { answer, data } from "../support/http2";
import { addsUp, all, breakdownLines, count, distinct, type Expectation, histogram, OUT, once, top } from "./expectations";
import { call, failed, message, ok } from "./http2-scenarios";

const bytesOf = (parts: Uint8Array[]) => parts.reduce((sum, { length }) => sum + length, 0);
/** Responses of `http2Capture`. */
const ANSWERS = [answer(1, 200, "hello"), answer(3, 404), answer(5, 503), answer(7), answer(1)];
/** Requests and responses of `grpcCapture`. */
const CALLS = [
  ...["/e/Good", "/e/Bad", "/e/Slow"].flatMap((path) => [call(1, path), data(1, message(3))]),
  ...[call(5, "/e/Odd"), data(5, "no message")],
];
const RESULTS = [ok(1), failed(3, 5), failed(5, 13), ok(1)];

export const HTTP2: Record<string, Expectation> = {
  http2_requests_total: all(count(3, { status: "ok" }), count(2, { status: "error" }), count(5, OUT)),
  http2_responses_total: all(
    count(4, { status_class: "2xx" }),
    count(1, { status_class: "4xx" }),
    count(1, { status_class: "5xx" }),
  ),
  http2_orphan_responses_total: count(1),
  http2_malformed_total: count(1),
  http2_duration_seconds: histogram(5, 4 * 0.005 + 0.901, OUT),
  // The way to the server is all of the wait but for the slow one.
  http2_server_seconds: histogram(5, 0.9, OUT),
  http2_request_bytes: histogram(5, 32 + 28 + 29 + 28 + 10, OUT),
  http2_response_bytes: histogram(5, bytesOf(ANSWERS), OUT),
  http2_clients: distinct(1, OUT),
  http2_servers: distinct(1, OUT),
  http2_top_paths: top(once(["/users/{id}", "/none", "/waits", "/slow"])),
  http2_top_slow: top(once(["/slow"])),
  http2_top_failing: top(once(["/none", "/waits"])),
  http2_routes: all(
    breakdownLines(["GET /users/{id} 2xx 1 0", "GET /none 4xx 1 1", "GET /waits 5xx 1 1", "  2xx 1 0", "GET /slow 2xx 1 0"]),
    addsUp("http2"),
  ),
};
export const GRPC: Record<string, Expectation> = {
  grpc_requests_total: all(count(2, { status: "ok" }), count(2, { status: "error" }), count(4, OUT)),
  grpc_responses_total: all(
    count(3, { grpc_status: "ok" }),
    count(1, { grpc_status: "not_found" }),
    count(1, { grpc_status: "internal" }),
  ),
  grpc_messages_total: all(count(3, { message: "request" }), count(3, { message: "response" })),
  grpc_orphan_responses_total: count(1),
  grpc_malformed_total: count(1),
  grpc_duration_seconds: histogram(4, 3 * 0.005 + 0.901, OUT),
  grpc_server_seconds: histogram(4, 0.9, OUT),
  grpc_request_bytes: histogram(4, bytesOf(CALLS), OUT),
  grpc_response_bytes: histogram(4, bytesOf(RESULTS), OUT),
  grpc_clients: distinct(1, OUT),
  grpc_servers: distinct(1, OUT),
  grpc_top_methods: top(once(["e/Good", "e/Bad", "e/Odd", "e/Slow"])),
  grpc_top_slow: top(once(["e/Slow"])),
  grpc_top_failing: top(once(["e/Bad", "e/Odd"])),
  grpc_calls: all(
    breakdownLines(["e/Good OK 1 0", "e/Bad NOT_FOUND 1 1", "e/Odd INTERNAL 1 1", "e/Slow OK 1 0"]),
    addsUp("grpc"),
  ),
};
