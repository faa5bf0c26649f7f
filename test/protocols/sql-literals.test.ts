/** No literal's text shows: random statements, most of them of odd forms, against a slow reading of the manuals. */
import { expect, test } from "vitest";
import { randomFrom } from "../support/sketches";
import { literalsOf, type SqlDialect } from "../support/sql-literals";
import { statementCore } from "../support/statement-core";

const core = statementCore();
const DIALECTS = { mysql: 0, postgresql: 1 };
/** assembly/protocols/sql/escapes.ts */
const UNKNOWN = 2;
const PLAIN = 1;

/** All that is shown of a statement: its text and its fingerprint. */
function shown(text: string, dialect: SqlDialect, escapes: number): string {
  const bytes = new TextEncoder().encode(text);
  new Uint8Array(core.memory.buffer).set(bytes, core.staging());
  const length = core.read(bytes.length, DIALECTS[dialect], escapes, 0, 1, PLAIN);
  const textAt = (start: number, length: number) => new TextDecoder().decode(new Uint8Array(core.memory.buffer, start, length));
  return `${textAt(core.text(), core.textLength())}\n${textAt(core.made(), length)}`;
}

const PIECES = {
  both: [
    "'",
    "'",
    "''",
    "\\",
    "\\'",
    "'\\",
    "--",
    "-- ",
    "/*",
    "*/",
    "\n",
    "\r",
    " ",
    "(",
    ")",
    ",",
    "=",
    "x",
    "tab",
    ";",
    "_",
    "-",
    "+",
    ".",
  ],
  postgresql: ["E'", "e'", "N'", "B'", "U&'", "u", "$$", "$a$", "$1", "$", "a$", "@", "<@", '"', "1", "'\n'"],
  mysql: ["N'", "X'", "_utf8'", '"', '"', "`", "#", "/*!", "/*!50000 ", "/*M!", "/*+", "@", "--\t", "1"],
};

/** A statement of pieces, with words between them that are seen again wherever they are. */
function anyStatement(random: () => number, dialect: SqlDialect): string {
  const pieces = [...PIECES.both, ...PIECES[dialect]];
  const length = 4 + Math.floor(random() * 24);
  const words = Array.from({ length }, (_, at) => {
    if (random() < 0.65) return pieces[Math.floor(random() * pieces.length)]!;
    return random() < 0.8 ? `Q${10000 + at}Q` : `${7000000 + at}`;
  });
  return `SELECT ${words.join("")}`;
}

const wordsOf = (text: string) => text.match(/Q\d{5}Q|7\d{6}/g) ?? [];

/** The words of a statement's literals that are shown. */
function told(text: string, dialect: SqlDialect, escapes: number): string[] {
  const readings = (escapes === UNKNOWN ? [false, true] : [escapes === 1]).flatMap((escapes) =>
    [false, true].map((executes) => literalsOf(text, dialect, { escapes, executes }).flatMap(wordsOf)),
  );
  const all = shown(text, dialect, escapes);
  return readings.flat().filter((word) => all.includes(word));
}

test.each<SqlDialect>(["mysql", "postgresql"])("%s: no word of a literal is shown, however the server may read it", (dialect) => {
  for (let seed = 0; seed < 20_000; seed++) {
    const text = anyStatement(randomFrom(seed), dialect);
    expect(told(text, dialect, seed % 3), `${JSON.stringify(text)} ${seed % 3}`).toEqual([]);
  }
});

test("what is no literal is shown", () => {
  let words = 0;
  let seen = 0;
  for (let seed = 0; seed < 5000; seed++) {
    const text = anyStatement(randomFrom(seed), "postgresql");
    const hidden = literalsOf(text, "postgresql", { escapes: false, executes: false }).flatMap(wordsOf);
    const open = (text.match(/Q\d{5}Q/g) ?? []).filter((word) => !hidden.includes(word));
    const all = shown(text, "postgresql", 0);
    words += open.length;
    seen += open.filter((word) => all.includes(word)).length;
  }
  expect(words).toBeGreaterThan(5000);
  expect(seen / words).toBeGreaterThan(0.9);
});
