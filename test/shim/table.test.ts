/** Tables whose cells are wide, long, or both, on terminals of any width; widths as Python's unicodedata has them. */
import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { table } from "../../shim/output/table";
import { cutText, textWidth } from "../../shim/output/text-width";

const COLUMNS = [
  { title: "text", mayBeCut: true },
  { title: "other", mayBeCut: true },
  { title: "requests", isFigure: true },
];
const LONG = "SELECT * FROM a_table_with_a_long_name WHERE id = ? AND name = ? ORDER BY time";
const TEXTS = ["plain", "日本語", "ｗｉｄｅ ﾊﾝｶｸ", "한국어 text", "e\u0301te\u0301", "café", "👍 ok", "Ελλάδα", ""];

const hasPython = spawnSync("python3", ["--version"]).status === 0;
if (!hasPython) console.warn("widths of texts are not compared: python3 is not installed");

test.runIf(hasPython)("a text is as wide as Unicode says", () => {
  const script = `import sys, json, unicodedata as u
print(json.dumps([sum(0 if u.category(c) in ("Mn", "Me", "Cf") else 2 if u.east_asian_width(c) in "WF" else 1 for c in t) for t in json.load(sys.stdin)]))`;
  const { stdout } = spawnSync("python3", ["-c", script], { input: JSON.stringify(TEXTS), encoding: "utf8" });
  expect(TEXTS.map(textWidth)).toEqual(JSON.parse(stdout));
});

test("figures stand under one another beside wide texts", () => {
  const lines = table(
    COLUMNS,
    TEXTS.map((text) => [text, "x", "12"]),
  )
    .trimEnd()
    .split("\n");
  expect(new Set(lines.map(textWidth)).size).toBe(1);
  for (const line of lines.slice(1)) expect(line).toMatch(/x +12$/);
});

describe("on a terminal", () => {
  test.each([40, 60, 80, 100, 120])("of %i columns all figures are in sight", (most) => {
    const rows = [
      [LONG, "10.0.0.1", "1,234"],
      ["日本語".repeat(40), LONG, "5"],
      ["short", "-", "99"],
    ];
    const lines = table(COLUMNS, rows, most).trimEnd().split("\n");
    for (const line of lines) expect(textWidth(line)).toBe(most);
    expect(lines.map((line) => line.split(/ +/).at(-1))).toEqual(["requests", "1,234", "5", "99"]);
    expect(lines[1]).toMatch(/^SELECT .*… /);
    expect(lines[3]).toMatch(/^short +-/);
  });

  test("short texts stay whole where one is long", () => {
    const [, line] = table(COLUMNS, [[LONG, "a text of some length", "7"]], 60).split("\n");
    expect(line).toMatch(/^SELECT \* FROM a_table_with.*… {2}a text of some length {9}7$/);
  });

  test("that has the room nothing is cut, nor anywhere else", () => {
    const rows = [[LONG, LONG, "7"]];
    expect(table(COLUMNS, rows, 1000)).toBe(table(COLUMNS, rows));
    expect(table(COLUMNS, rows)).not.toContain("…");
    expect(cutText(LONG, LONG.length)).toBe(LONG);
  });
});
