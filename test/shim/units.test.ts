/** Counts as people read them, against the international library's words for English. */
import { expect, test } from "vitest";
import { formatCount, formatNumberOf } from "../../engine/units";

test.each([0, 1, 12, 999, 999.5, 1000, 65_536, 999_999.6, 1e6, 1_234_567_890, 2 ** 53, 1e20, -1234, -0])("%d", (value) => {
  expect(formatCount(value)).toBe((Math.round(value) + 0).toLocaleString("en-US"));
});

test.each([
  [1, "1 minute"],
  [2400, "2,400 minutes"],
])("%d of a thing", (count, words) => {
  expect(formatNumberOf(count, "minute")).toBe(words);
});
