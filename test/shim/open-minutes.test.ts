/** Which minutes a live run that is killed had open, as the next one finds them. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, expect, test } from "vitest";
import { OpenMinutes } from "../../shim/agent/open-minutes";

const folder = mkdtempSync(join(tmpdir(), "tallywire-open-"));
const file = join(folder, "open-minutes.json");
const MINUTE = 29_400_000;
/** So many seconds after MINUTE began. */
const at = (seconds: number) => (MINUTE * 60 + seconds) * 1000;
const found = (seconds = 1000) => new OpenMinutes(folder, at(seconds)).lost.map((minute) => minute - MINUTE);

beforeEach(() => rmSync(file, { force: true }));
afterAll(() => rmSync(folder, { recursive: true }));

test.each([
  ["in its first minute", 62, 63, [1]],
  ["before that is sealed", 30, 64.9, [0, 1]],
  ["once that is sealed", 30, 65, [1]],
  ["just before the next begins", 70, 118, [1, 2]],
  ["much later", 30, 600_030, [10_000]],
  ["after its clock was set back", 30, -600, [-10]],
])("killed %s", (_, start, end, lost) => {
  new OpenMinutes(folder, at(start)).note(at(end), false);
  expect(found()).toEqual(lost);
});

test("killed while a thread has not sealed yet what others have", () => {
  const run = new OpenMinutes(folder, at(30));
  run.note(at(70), false, at(0));
  expect(found()).toEqual([0, 1]);
  run.note(at(75), false, at(65));
  expect(found()).toEqual([1]);
});

test("a run that ends leaves nothing", () => {
  const run = new OpenMinutes(folder, at(0));
  run.note(at(30), false);
  run.close(true);
  expect([found(), existsSync(file)]).toEqual([[], false]);
});

test("what was lost stays noted until a bundle tells of it", () => {
  new OpenMinutes(folder, at(0)).note(at(30), false);
  new OpenMinutes(folder, at(40)).note(at(45), false);
  expect(found()).toEqual([0]);
  const third = new OpenMinutes(folder, at(300));
  third.note(at(310), false);
  expect(found()).toEqual([0, 5]);
  third.note(at(366), true);
  expect(found()).toEqual([6]);
  third.close(false);
  expect(found()).toEqual([]);
});

test("and through a run in which nothing came by", () => {
  new OpenMinutes(folder, at(0)).note(at(30), false);
  new OpenMinutes(folder, at(90)).close(false);
  expect(found()).toEqual([0]);
});

test("what somebody else put there is no list of minutes", () => {
  for (const text of ["", "{}", "[1,", "null", '["a", -1, 1.5, {}]']) {
    writeFileSync(file, text);
    expect(new OpenMinutes(folder, at(0)).lost).toEqual([]);
  }
});

test("no more are kept than a hub takes late", () => {
  writeFileSync(file, JSON.stringify(Array.from({ length: 100_000 }, (_, index) => MINUTE + index)));
  expect(found()).toHaveLength(48 * 60);
  expect(found().at(-1)).toBe(99_999);
});

test("a clock that was years behind and is set notes no more either", () => {
  const run = new OpenMinutes(folder, 0);
  run.note(Date.parse("2030-01-01T00:00:00Z"), false, 0);
  expect(found()).toHaveLength(48 * 60);
});
