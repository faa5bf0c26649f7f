/** What is said of minutes that make room in a full spool. */
import { expect, test } from "vitest";
import { FullSpool } from "../../shim/agent/full-spool";

test("that minutes are dropped is said when it begins, and once an hour as long as it goes on", () => {
  const said: [number, string][] = [];
  let minute = 0;
  const full = new FullSpool((line) => said.push([minute, /(\d+) lost so far/.exec(line)![1]!]));
  const dropped = (at: number) => Math.max(0, Math.min(at, 150) - 10);
  for (; minute < 600; minute++) full.note(dropped(minute), minute * 60_000);
  expect(said).toEqual([
    [11, "1"],
    [71, "61"],
    [131, "121"],
    [191, "140"],
  ]);
});
