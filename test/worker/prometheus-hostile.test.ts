/** Whatever is sent to the Prometheus API gets an answer of its form: never a fault of the hub's, never more than is bounded. */
import { exports } from "cloudflare:workers";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { compilePattern } from "../../worker/prometheus/pattern";
import { Refusal } from "../../worker/refusal";
import { sealMinute } from "../support/edge-minute";
import { MINUTE, post, readKey } from "./support/client";

const TENANT = "prom-hostile";
let authorization = "";

beforeAll(async () => {
  const exchanges = Array.from({ length: 30 }, (_, index) => ({ client: `10.0.0.${index}`, name: `n${index}.example` }));
  await post(TENANT, "a", sealMinute({ minute: MINUTE, boot: 1n, exchanges }), { "tallywire-tags": "site=fra" });
  authorization = await readKey(TENANT);
});

const EXPRESSIONS = [
  ...[
    "dns_requests_total",
    "rate(dns_requests_total[5m])",
    "increase(dns_duration_seconds_bucket[1d])",
    "dns_top_names",
    "1/0",
    "-dns_clients",
  ],
  ...[
    "topk(Inf, dns_top_names)",
    "topk(-1, dns_top_names)",
    "topk(NaN, dns_clients)",
    "bottomk(1e300, dns_clients)",
    "x offset -10y",
  ],
  ...[
    "rate(dns_requests_total[1ms])",
    "rate(dns_requests_total[10y])",
    "histogram_quantile(Inf, rate(dns_duration_seconds_bucket[1m]))",
  ],
  ...[
    '{__name__=~".*clients"}',
    '{__name__!=""}',
    'dns_requests_total{site=~"(a*)*b"}',
    "sum by (__proto__, constructor) (dns_clients)",
    "{__name__=''}",
  ],
  ...[
    "histogram_quantile(0.5, dns_clients)",
    "dns_clients offset 10y",
    "sum_over_time(http_routes_errors[1h])",
    "1 + +1",
    "((",
    "\u0000",
  ],
];
const TIMES = [
  "0",
  "1",
  "-1",
  "1e9",
  "1e18",
  "now",
  "NaN",
  "",
  "2026-02-31T00:00:00Z",
  String(MINUTE + 60),
  String(MINUTE - 300),
  "16000000000",
  "1.5e3",
];

describe("the Prometheus API", () => {
  it("answers or refuses whatever it is asked", async () => {
    const time = fc.constantFrom(...TIMES);
    const request = fc.record({
      path: fc.constantFrom(
        ...[
          "/prometheus/api/v1/query",
          "/prometheus/api/v1/query_range",
          "/prometheus/api/v1/series",
          "/prometheus/api/v1/labels",
          "/federate",
        ],
        ...[
          "/prometheus/api/v1/label/site/values",
          "/prometheus/api/v1/label/le/values",
          "/prometheus/api/v1/metadata",
          "/prometheus/api/v1/nothing",
        ],
      ),
      query: fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...EXPRESSIONS) }, fc.string({ unit: "binary" })),
      start: time,
      end: time,
      time,
      step: fc.constantFrom("60", "1m", "0", "-1", "1e-9", "1e300", "x", "", "15", "1y", "0.001"),
      limit: fc.constantFrom("", "0", "1", "-1", "1e9", "x"),
    });
    await fc.assert(
      fc.asyncProperty(request, async ({ path, query, ...others }) => {
        const fields = new URLSearchParams({ query, "match[]": query, ...others });
        const response = await exports.default.fetch(`http://hub${path}?${fields}`, { headers: { authorization } });
        expect([200, 400, 404, 422], `${path}?${fields}`).toContain(response.status);
        const text = await response.text();
        if (path === "/federate" && response.status === 200) return;
        const { status, error } = JSON.parse(text) as { status: string; error?: string };
        expect([status, typeof error]).toEqual(response.status === 200 ? ["success", "undefined"] : ["error", "string"]);
      }),
      { numRuns: 300 },
    );
  }, 120_000);

  it("gives up a pattern that takes long for many values", () => {
    const matches = compilePattern(`(${Array.from({ length: 200 }, () => "a?").join("")}|(a|aa)*)*b`);
    const start = performance.now();
    expect(() => {
      for (let count = 0; count < 10_000; count += 1) matches("a".repeat(255));
    }).toThrow(Refusal);
    expect(performance.now() - start).toBeLessThan(20_000);
  });
});
