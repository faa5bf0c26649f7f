/** What the metrics of TLS are in tls-scenario.ts. */
import { expect } from "vitest";
import { handshake12 } from "../support/tls";
import { addsUp, all, breakdown, count, distinct, type Expectation, histogram, OUT, once, top } from "./expectations";
import { HELLOS } from "./tls-scenario";

const TLS_NAMES = ["one.test", "two.test", "bad.test", "odd.test", "slow.test"];
/** Bytes of the hello that answers in TLS 1.3, and of the record behind it that ends what is in the clear. */
const TLS13_BYTES = 5 + 4 + 38 + 32 + 2 + 6 + 42 + 6;

export const TLS: Record<string, Expectation> = {
  tls_requests_total: all(count(3, { status: "ok" }), count(2, { status: "error" }), count(5, OUT)),
  tls_orphan_responses_total: count(1, OUT),
  tls_malformed_total: count(1),
  tls_duration_seconds: histogram(4, 3 * 0.001 + 0.901, OUT),
  // The handshake of TCP took 1 ms of each wait, which is all of it but for the slow one.
  tls_server_seconds: histogram(4, 0.9, OUT),
  tls_request_bytes: histogram(
    5,
    HELLOS.reduce((sum, { length }) => sum + length, 0),
    OUT,
  ),
  // Of TLS 1.3 the hello and five bytes of what is sealed next, of 1.2 all up to its end, and an alert.
  tls_response_bytes: histogram(4, 2 * TLS13_BYTES + handshake12("two.test")[1]![1].length + 7, OUT),
  tls_clients: distinct(1, OUT),
  tls_servers: distinct(1, OUT),
  tls_top_server_names: top(once(TLS_NAMES), OUT),
  tls_top_slow: top(once(["slow.test"]), OUT),
  tls_top_failing: top(once(["bad.test", "odd.test"]), OUT),
  tls_top_ja4: (totals, metric) => {
    const found = [...totals.top(metric, OUT)].map(([key, { lower }]) => [key.slice(0, 10), lower]);
    expect(found.sort()).toEqual([
      ["t12d0202h1", 1],
      ["t13d0206h2", 4],
    ]);
  },
  tls_versions_total: all(count(2, { ...OUT, tls_version: "tls1.3" }), count(2, { tls_version: "tls1.2" }), count(4)),
  tls_handshakes: all(
    breakdown(
      ["version", "cipher", "status"],
      ["TLS 1.3 TLS_AES_128_GCM_SHA256 ok 2 0", "TLS 1.2 TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 ok 1 0", "  error 2 2"],
    ),
    addsUp("tls"),
  ),
};
