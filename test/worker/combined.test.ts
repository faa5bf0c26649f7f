/** Several metrics at once, one figure by another, a window beside an earlier one: against counts made by hand. */
import { describe, expect, it } from "vitest";
import { METRICS_MAX } from "../../worker/limits";
import { compare, divide } from "../../worker/query/combine";
import { sealMinute } from "../support/edge-minute";
import { ask, call, MINUTE, post, readKey, timeless } from "./support/client";

/** A minute of so many requests, of which so many fail. */
const minute = (at: number, boot: bigint, requests: number, failed: number) =>
  sealMinute({
    minute: at,
    boot,
    exchanges: Array.from({ length: requests }, (_, index) => ({
      client: `10.0.0.${index}`,
      name: `host${index % 3}.example`,
      rcode: index < failed ? 2 : 0,
    })),
  });

const BEFORE = MINUTE - 120;
const ERRORS = "metric=dns_requests_total&op=sum&where.status=error";
const NOW_WINDOW = `from=${MINUTE}&to=${MINUTE + 60}`;
const rowsOf = async (tenant: string, search: string, window = NOW_WINDOW) => timeless((await ask(tenant, search, window)).data);

async function fill(tenant: string): Promise<void> {
  const send = (site: string, at: number, boot: bigint, requests: number, failed: number) =>
    post(tenant, `edge-${site}`, minute(at, boot, requests, failed), { "tallywire-tags": `site=${site}` });
  await send("fra", BEFORE, 1n, 20, 10);
  await send("fra", MINUTE, 1n, 40, 4);
  await send("ams", BEFORE, 2n, 8, 2);
  await send("ams", MINUTE, 2n, 10, 0);
  await send("gru", BEFORE, 3n, 5, 5);
}

describe("one figure by another", () => {
  it("divides the rows that agree, and is 0 where there is only the divisor", async () => {
    await fill("ratio");
    expect(await rowsOf("ratio", `${ERRORS}&per=dns_requests_total`)).toEqual([{ value: 4 / 50, of: 4, per: 50 }]);
    expect(await rowsOf("ratio", `${ERRORS}&per=dns_requests_total&by=site`)).toEqual([
      { site: "fra", value: 0.1, of: 4, per: 40 },
      { site: "ams", value: 0, of: 0, per: 10 },
    ]);
    // Both are told apart by the status.
    expect(await rowsOf("ratio", "metric=dns_requests_total&op=sum&by=status&per=dns_requests_total&where.site=fra")).toEqual([
      { status: "ok", value: 1, of: 36, per: 36 },
      { status: "error", value: 1, of: 4, per: 4 },
    ]);
    expect(await rowsOf("ratio", "metric=dns_responses_total&op=sum&by=rcode&per=dns_requests_total&where.site=fra")).toEqual([
      { rcode: "noerror", value: 0.9, of: 36, per: 40 },
      { rcode: "servfail", value: 0.1, of: 4, per: 40 },
    ]);
    const { meta } = await ask("ratio", `${ERRORS}&per=dns_requests_total`, NOW_WINDOW);
    expect(meta).toMatchObject({ metric: "dns_requests_total", per: "dns_requests_total", unit: "" });
  });

  it.each([
    ["metric=dns_clients&op=distinct&per=dns_requests_total", "divides what sum or rate gives"],
    ["metric=dns_requests_total&op=sum&per=nothing", 'per: "nothing" is not known'],
    ["metric=dns_requests_total&op=rate&per=dns_top_names", "rate does not fit dns_top_names"],
  ])("%s is refused", async (search, reason) => {
    const told = await call(`/v1/query?${search}`, { headers: { authorization: await readKey("ratio") } });
    expect([told.status, told.reason]).toEqual([400, expect.stringContaining(reason)]);
  });
});

describe("a window beside an earlier one", () => {
  it("has the value of then, the change, and what is there no more", async () => {
    await fill("compare");
    expect(await rowsOf("compare", "metric=dns_requests_total&op=sum&by=site&compare=2m")).toEqual([
      { site: "ams", value: 10, before: 8, change: 0.25 },
      { site: "fra", value: 40, before: 20, change: 1 },
      { site: "gru", value: 0, before: 5, change: -1 },
    ]);
    const [requests] = await rowsOf("compare", "metric=dns_requests_total&op=sum&compare=previous");
    expect(requests).toEqual({ value: 50, before: null, change: null });
    const top = await rowsOf("compare", "metric=dns_top_names&op=top&key=host0.example&where.site=fra&compare=2m");
    expect(top).toMatchObject([{ key: "host0.example", value: 14, before: 7, change: 1 }]);
    const { meta, data } = await ask("compare", `${ERRORS}&by=site&per=dns_requests_total&compare=2m`, NOW_WINDOW);
    expect(timeless(data)).toEqual([
      { site: "fra", value: 0.1, of: 4, per: 40, before: 0.5, change: 0.1 / 0.5 - 1 },
      { site: "ams", value: 0, of: 0, per: 10, before: 0.25, change: -1 },
      { site: "gru", value: 0, before: 1, change: -1 },
    ]);
    expect(Date.parse(String((meta.before as { from: string }).from)) / 1000).toBe(BEFORE);
    expect(new Set(data.map(({ time }) => time)).size).toBe(1);
  });

  it.each([
    ["op=histogram&compare=1h", "histogram has more than one"],
    ["op=quantile&compare=90s", "no span of whole minutes"],
    ["op=quantile&compare=9999999d", "no span of whole minutes"],
    ["op=quantile&compare=tomorrow", "no span of whole minutes"],
  ])("%s is refused", async (search, reason) => {
    const path = `/v1/query?metric=dns_duration_seconds&${search}`;
    const told = await call(path, { headers: { authorization: await readKey("compare") } });
    expect([told.status, told.reason]).toEqual([400, expect.stringContaining(reason)]);
  });
});

describe("several metrics", () => {
  it("have rows that say which they are of, and a word about each", async () => {
    await fill("several");
    const { data, meta } = await ask(
      "several",
      "metric=dns_requests_total,capture_packets_total&op=sum&where.site=fra",
      NOW_WINDOW,
    );
    expect(timeless(data)).toEqual([
      { metric: "dns_requests_total", value: 40 },
      { metric: "capture_packets_total", value: 80 },
    ]);
    expect(meta.metrics).toMatchObject([{ metric: "dns_requests_total" }, { metric: "capture_packets_total" }]);
    expect(meta.complete).toBe(true);
  });

  it.each([
    ["metric=dns_requests_total&metric=dns_requests_total&op=sum", "names one twice"],
    ["metric=dns_requests_total,dns_clients&op=sum", "sum does not fit dns_clients"],
    [`metric=${new Array(METRICS_MAX + 1).fill("dns_requests_total")}&op=sum`, `takes 1 to ${METRICS_MAX} metrics`],
    ["metric=&op=sum", "takes 1 to"],
  ])("%s is refused", async (search, reason) => {
    const told = await call(`/v1/query?${search}`, { headers: { authorization: await readKey("several") } });
    expect([told.status, told.reason]).toEqual([400, expect.stringContaining(reason)]);
  });
});

describe("rows put together", () => {
  const time = "2026-01-31T12:00:00Z";
  const later = "2026-01-31T12:01:00Z";

  it("agree in the time, and stay in its order", () => {
    const rows = [{ time: later, value: 3 }];
    const divisors = [
      { time, value: 8 },
      { time: later, value: 4 },
    ];
    expect(divide(rows, divisors, [], true)).toEqual([
      { time, value: 0, of: 0, per: 8 },
      { time: later, value: 0.75, of: 3, per: 4 },
    ]);
    expect(divide(rows, [], [], true)).toEqual([{ time: later, value: null, of: 3, per: 0 }]);
    expect(compare(rows, [{ time, value: 2 }], 60, true)).toEqual([{ time: later, value: 3, before: 2, change: 0.5 }]);
    expect(compare([], [{ time, value: 2, lower: 1 }], 60, false)).toEqual([]);
  });
});
