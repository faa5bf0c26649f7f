/** What the metrics of TLS are in tls-scenario.ts. */
import { expect } from "vitest";
import type { BreakdownItem } from "../../engine/rows";
import { all, count, distinct, type Expectation, histogram, OUT, once, top } from "./expectations";
import { HELLOS } from "./tls-scenario";

const TLS_NAMES = ["one.test", "two.test", "bad.test", "odd.test", "slow.test"];
export const TLS: Record<string, Expectation> = {
  tls_requests_total: all(count(3, { status: "ok" }), count(2, { status: "error" }), count(5, OUT)),
  tls_orphan_responses_total: count(1, OUT),
  tls_malformed_total: count(1),
  tls_duration_seconds: (totals, metric) => {
    const row = totals.one(metric, OUT);
    expect([row.count, row.max]).toEqual([4, 0.901]);
  },
  // The handshake of TCP took 1 ms of each wait of 1 ms.
  tls_server_seconds: (totals, metric) => expect(totals.one(metric, OUT).count).toBe(4),
  tls_request_bytes: histogram(
    5,
    HELLOS.reduce((sum, { length }) => sum + length, 0),
    OUT,
  ),
  tls_response_bytes: (totals, metric) => expect(totals.one(metric, OUT).count).toBe(4),
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
  tls_handshakes: (totals, metric) => {
    const items = (totals.one(metric, OUT).items ?? []) as BreakdownItem[];
    const found = items.map(({ key, requests, errors }) => [key.version, key.cipher, key.status, requests, errors].join(" "));
    expect(found.sort()).toEqual(
      ["TLS 1.3 TLS_AES_128_GCM_SHA256 ok 2 0", "TLS 1.2 TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 ok 1 0", "  error 2 2"].sort(),
    );
  },
};
