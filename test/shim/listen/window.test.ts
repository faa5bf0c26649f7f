/** The last minutes of a host whose clock was ahead for a while. */
import { expect, test } from "vitest";
import module from "../../../build/core.wasm";
import { Core } from "../../../engine/core";
import { Totals } from "../../../shim/listen/totals";
import { RecentMinutes, WINDOW_MINUTES_MAX } from "../../../shim/listen/window";
import { sealMinuteBy } from "../../support/seal-minute";

const NOW_SECONDS = 1_800_000_000;

/** Takes minutes, so many after that of NOW_SECONDS, with a query each. */
function taken(minutes: readonly number[]) {
  const recent = new RecentMinutes(new Core(module, { role: "hub" }));
  const totals = new Totals(new Core(module, { role: "hub" }));
  for (const minute of minutes) {
    const exchanges = [{ client: "10.0.0.1", name: "a.example" }];
    const bundle = sealMinuteBy(module, { minute: NOW_SECONDS + 60 * minute, boot: 1n, exchanges });
    recent.add(bundle);
    totals.add(bundle);
  }
  const { minutes: found, until } = recent.sum(WINDOW_MINUTES_MAX);
  const requests = [...totals].find(({ metric }) => metric.name === "dns_requests_total")!.series;
  return {
    found,
    until: (Date.parse(until!) / 1000 - NOW_SECONDS) / 60,
    totalsUntil: (totals.untilSeconds - NOW_SECONDS) / 60,
    requests: [...requests].reduce((sum, { value }) => sum + value, 0),
  };
}

test("what was sealed hours ahead makes room once the clock is right again, and stays in the totals", () => {
  expect(taken([120, 121, 0, 1, 2])).toEqual({ found: 3, until: 3, totalsUntil: 3, requests: 5 });
});

test("a minute that comes late leaves the latest where it is, as far back as a window reaches", () => {
  expect(taken([0, 1, 60, 2, 1])).toEqual({ found: 3, until: 61, totalsUntil: 61, requests: 5 });
  expect(taken([60, 0, 1])).toEqual({ found: 2, until: 2, totalsUntil: 2, requests: 3 });
});
