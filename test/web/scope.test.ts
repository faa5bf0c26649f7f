/** What the page looks at stands in its address. */
import { expect, test } from "vitest";
import { scopeOf, showChange, whereOf, windowsOf } from "../../web/hub/scope";

const NOW = Date.UTC(2026, 0, 31, 12, 34, 58) / 1000;
const text = (seconds: number) => new Date(seconds * 1000).toISOString().slice(0, 16);

test("an empty address is the last hour of all hosts beside the hour before", () => {
  const scope = scopeOf({});
  expect(scope).toEqual({ show: { view: "overview" }, span: "1h", tags: {}, labels: {}, isCompared: true });
  const [window] = windowsOf(scope, NOW);
  expect(window).toEqual({ from: window!.to - 3600, to: window!.to, step: 60, shift: 3600 });
  expect(text(window!.to)).toBe("2026-01-31T12:34");
});

test("a minute is not looked at before all edges had their time to post it", () => {
  const at = (second: number) => text(windowsOf(scopeOf({}), Date.UTC(2026, 0, 31, 12, 34, second) / 1000)[0]!.to);
  expect([at(0), at(54), at(55), at(59)]).toEqual([
    "2026-01-31T12:33",
    "2026-01-31T12:33",
    "2026-01-31T12:34",
    "2026-01-31T12:34",
  ]);
});

test("tags and labels filter, tags by their full name", () => {
  const scope = scopeOf({ "tag.site": "fra", "tag.role": "", "label.direction": "in", site: "gru" });
  expect(whereOf(scope)).toEqual({ "tag:site": ["fra"], direction: ["in"] });
});

test("a window of one's own counts where it is one, else the last hour does", () => {
  const own = { span: "own", from: "2026-01-30T10:07", to: "2026-01-30T11:00" };
  const [window] = windowsOf(scopeOf(own), NOW);
  expect([text(window!.from), text(window!.to), window!.step, window!.shift]).toEqual([own.from, own.to, 60, 53 * 60]);
  for (const wrong of [
    { to: own.from },
    { to: "" },
    { from: "yesterday" },
    { from: "2026-01-32T10:07" },
    { from: "2026-01-30" },
  ]) {
    expect(scopeOf({ ...own, ...wrong }).span).toBe("1h");
  }
});

test.each(["1h", "6h", "24h", "7d", "30d"])(
  "windows of %s begin on a step, are compared with one as long, and grow coarser",
  (span) => {
    const windows = windowsOf(scopeOf({ span }), NOW);
    for (const { from, to, step, shift } of windows) {
      expect(from % step).toBe(0);
      expect((to - from) / step).toBeLessThanOrEqual(171);
      if (shift === undefined) continue;
      expect(shift % step).toBe(0);
      expect(shift).toBeGreaterThanOrEqual(to - from);
      expect(shift - (to - from)).toBeLessThan(step);
    }
    const compared = windows.filter(({ shift }) => shift !== undefined);
    expect(compared.map(({ step }) => step)).toEqual(compared.map(({ step }) => step).toSorted((a, b) => a - b));
    expect(windows.length).toBeGreaterThan(compared.length);
    expect(windowsOf(scopeOf({ span, compare: "off" }), NOW).every(({ shift }) => shift === undefined)).toBe(true);
  },
);

test("what is shown goes into the address and comes back", () => {
  const shows = [
    { view: "overview" },
    { view: "edges" },
    { view: "module", name: "edges" },
    { view: "entry", metric: "dns_top_names", entry: "a & b#=.test", by: "site" },
  ] as const;
  for (const show of shows) {
    const fields = Object.fromEntries(new URLSearchParams(new URLSearchParams(showChange(show)).toString()));
    expect(scopeOf(fields).show).toEqual(show);
  }
  const halves: Record<string, string>[] = [{ show: "module" }, { show: "entry", metric: "dns_top_names" }, { show: "nothing" }];
  for (const half of halves) {
    expect(scopeOf(half).show).toEqual({ view: "overview" });
  }
});
