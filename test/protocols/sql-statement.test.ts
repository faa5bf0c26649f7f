/** Statements: what may be shown of their text, and fingerprints, where values go and what is asked stays. */
import { describe, expect, test } from "vitest";
import { randomFrom } from "../support/sketches";
import { statementCore } from "../support/statement-core";

const core = statementCore();
const MYSQL = 0;
const POSTGRESQL = 1;
/** assembly/protocols/sql/charset.ts */
const PLAIN = 1;

function lay(text: string): number {
  const bytes = new TextEncoder().encode(text);
  // What lies behind a text must not matter.
  new Uint8Array(core.memory.buffer, core.staging() - 1, bytes.length + 64).fill(39);
  new Uint8Array(core.memory.buffer).set(bytes, core.staging());
  return bytes.length;
}

const textAt = (start: number, length: number) => new TextDecoder().decode(new Uint8Array(core.memory.buffer, start, length));

interface Options {
  dialect?: number;
  escapes?: boolean;
  scalar?: boolean;
}

/** The fingerprint of a statement, and its text without literals. */
function read(text: string, { dialect = MYSQL, escapes = dialect === MYSQL, scalar = false }: Options = {}) {
  const length = core.read(lay(text), dialect, Number(escapes), Number(scalar), 1, PLAIN);
  return { fingerprint: textAt(core.made(), length), text: textAt(core.text(), core.textLength()) };
}

const fingerprints = (text: string) => [MYSQL, POSTGRESQL].map((dialect) => read(text, { dialect }).fingerprint);

describe("fingerprints of both dialects", () => {
  test.each([
    ["", ""],
    [" ", ""],
    ["  SELECT\t1 ;\n", "SELECT ?"],
    ["SELECT * FROM t WHERE a='x' AND b = 'it''s' AND c=1.5e-3", "SELECT * FROM t WHERE a=? AND b = ? AND c=?"],
    ["SELECT a1, t2.b3 FROM t2", "SELECT a1, t2.b3 FROM t2"],
    ["SELECT 0x1F, .5, 1.e5, 12, 1E10", "SELECT ?, ?, ?, ?, ?"],
    ["SELECT * FROM t WHERE id IN (1,2 , 3)", "SELECT * FROM t WHERE id IN (?)"],
    ["SELECT * FROM t WHERE id IN ( 'a', 'b' )", "SELECT * FROM t WHERE id IN (?)"],
    ["SELECT * FROM t WHERE id IN (1)", "SELECT * FROM t WHERE id IN (?)"],
    ["SELECT f(1, -2,+3), (1 + 2, 3)", "SELECT f(?), (? + ?, ?)"],
    ["INSERT INTO t (a,b) VALUES (1,'x'), (2, 'y'),(3,'z')", "INSERT INTO t (a, b) VALUES (?)"],
    ["INSERT INTO t VALUES (1, now(), NULL), (2, now(), NULL)", "INSERT INTO t VALUES (?, now(), NULL)"],
    ["INSERT INTO t VALUES (1, now()), (2, DEFAULT)", "INSERT INTO t VALUES (?, now()), (?, DEFAULT)"],
    ["SELECT 1 -- the end", "SELECT ?"],
    ["SELECT /* by 'id' */ a FROM t -- x\n WHERE b = 2", "SELECT a FROM t WHERE b = ?"],
    ["/* first */ SELECT 1", "SELECT ?"],
    ["SELECT a /* b */ , c/**/d", "SELECT a, c d"],
    ["SELECT a/b, a-b, a - -1, -1, (-5), a=-1", "SELECT a/b, a-b, a - -?, ?, (?), a=?"],
    ["SELECT N'x', B'01', X'ff', e'y'", "SELECT ?, ?, ?, ?"],
    ["SELECT 'cut off", "SELECT ?"],
    ["SELECT 1 /* cut off", "SELECT ?"],
    ["SELECT 'größe' AS größe", "SELECT ? AS größe"],
    ["SELECT ((1, 2), (1, 2))", "SELECT ((?))"],
    ["1, 2", "?, ?"],
    ["5", "?"],
    [", a", ", a"],
    [") (", ") ("],
    ["SELECT a ,b ; SELECT c ;;", "SELECT a, b; SELECT c"],
  ])("%s", (text, wanted) => expect(fingerprints(text)).toEqual([wanted, wanted]));
});

describe("fingerprints of MySQL", () => {
  test.each([
    ['SELECT "a ""b"" c", `d 1`', "SELECT ?, `d 1`"],
    ["SELECT 'it\\'s' # comment\n, 2", "SELECT ?, ?"],
    ["SELECT 5--1", "SELECT ?--?"],
    ["SELECT * FROM t WHERE id IN (?, ?,?) AND a = ?", "SELECT * FROM t WHERE id IN (?) AND a = ?"],
    ["SELECT _utf8mb4'x', @a", "SELECT ?, @a"],
    ["SELECT /* a /* b */ 1", "SELECT ?"],
    ["SELECT /*!50000 'abc*/ d' */ , e", "SELECT"],
    ['SELECT /*M! "abc*/ d" */ , e', "SELECT"],
    ["SELECT /*!40101 'abc' */ 1 /*+ NO_ICP(t) */, e", "SELECT ?, e"],
    ["SELECT a FROM 2fa, 3e5, 0xffz", "SELECT a FROM 2fa, ?, ?"],
  ])("%s", (text, wanted) => expect(read(text).fingerprint).toBe(wanted));
});

describe("fingerprints of PostgreSQL", () => {
  test.each([
    ['SELECT "a 1", \'b\\\' FROM "T 2"', 'SELECT "a 1", ? FROM "T 2"'],
    ["SELECT E'it\\'s', 1", "SELECT ?, ?"],
    ["SELECT $1, $2 FROM t WHERE a IN ($3, $4)", "SELECT ?, ? FROM t WHERE a IN (?)"],
    ["SELECT $$it's$$, $tag$ $$ $tag$, 1", "SELECT ?, ?, ?"],
    ["SELECT a #> b, c ? 'd'", "SELECT a #> b, c ? ?"],
    ["SELECT /* a /* b */ c */ 1", "SELECT ?"],
    ["SELECT 1--1\n", "SELECT ?"],
    ["SELECT 1::int, a::text", "SELECT ?::int, a::text"],
    ["SELECT a[1:2], b$1", "SELECT a[?:?], b$1"],
    ["SELECT 2fa", "SELECT ?"],
    ["SELECT @4711, a <@4711, b <@$$c$$, d @@E'\\'', e", "SELECT @?, a <@?, b <@?, d @@?, e"],
    ["SELECT E'a'\n'b\\' c', 'd', e", "SELECT ?, ?, e"],
    ["SELECT 'a'\n'b\\', c", "SELECT ? ?, c"],
    ["SELECT E'a' -- b\n 'c\\' d', e", "SELECT ?, e"],
    ["SELECT 1 -- a\r, b", "SELECT ?, b"],
  ])("%s", (text, wanted) => expect(read(text, { dialect: POSTGRESQL }).fingerprint).toBe(wanted));
});

describe("texts without literals", () => {
  test.each([
    ["  SELECT\t1 ;\n", "  SELECT\t? ;\n"],
    ["SELECT *  FROM t WHERE a = 'x''y' AND b IN (1, 2,3)", "SELECT *  FROM t WHERE a = ? AND b IN (?, ?,?)"],
    ["SELECT -1, +2.5e-3, a1", "SELECT -?, +?, a1"],
    ["SELECT 1 -- for 'bob'\n, 2", "SELECT ? --?\n, ?"],
    ["SELECT /* bob@example.org */ 1, /**/ 2", "SELECT /*?*/ ?, /**/ ?"],
    ["SELECT 1 /* cut bob", "SELECT ? /*?"],
    ["SELECT 'cut bob", "SELECT ?"],
    ["SELECT N'x', x'ff'", "SELECT N?, x?"],
  ])("of both dialects: %s", (text, wanted) => {
    for (const dialect of [MYSQL, POSTGRESQL]) expect(read(text, { dialect }).text).toBe(wanted);
  });

  test("MySQL: double quotes, escapes, placeholders, comments behind #", () => {
    expect(read("SELECT \"bob\", `a`, 'it\\'s', ? # bob").text).toBe("SELECT ?, `a`, ?, ? #?");
  });

  test("PostgreSQL: dollars, escape strings, placeholders, quoted names", () => {
    const text = `SELECT "a", $$bob$$, $x$ bob $$ $x$, E'it\\'s', $1, 'c:\\'`;
    expect(read(text, { dialect: POSTGRESQL }).text).toBe('SELECT "a", ?, ?, E?, $1, ?');
  });

  test("a backslash escapes where it was agreed on, and nowhere else", () => {
    expect(read("SELECT 'a\\', 'bob'", { escapes: false }).text).toBe("SELECT ?, ?");
    expect(read("SELECT 'a\\', ' AS bob", { escapes: true }).text).toBe("SELECT ? AS bob");
    expect(read("SELECT 'a\\', ' AS bob", { dialect: POSTGRESQL, escapes: true }).text).toBe("SELECT ? AS bob");
  });

  test("as it was written where the settings ask for it", () => {
    core.keepRaw(1);
    const both = read("SELECT 'bob' /* x */");
    core.keepRaw(0);
    expect(both).toEqual({ fingerprint: "SELECT ?", text: "SELECT 'bob' /* x */" });
  });
});

/** Pieces of statements with what their text and their fingerprint show: known by who writes them down, not by reading them. */
const LITERALS = ["'secret'", "'se''cret'", "'sec -- ret /* x'", "4711", "47.11", "0x4711", "4711e-2", "''", "'s\nx, (1), '"];
const OTHERS = ["a", "t1.b2", "SELECT", "now()", "+", "<=", "NULL", "größe", "*", "count(*)"];
const SPACES = [" ", "  ", "\n", "\t ", " /* 'secret' 4711 */ ", " -- secret 'x\n"];
const OWN = [
  ['"sec\\"ret"', "'sec\\'ret'", "_utf8'secret'"],
  ["E'sec\\'ret'", "$$sec'ret$$", "$q$ secret $$ 4711 $q$", "U&'secret'"],
];

function anyStatement(seed: number): string {
  const random = randomFrom(seed);
  const from = (list: string[]) => list[Math.floor(random() * list.length)]!;
  const literals = [...LITERALS, ...OWN[seed & 1]!];
  let text = "";
  while (text.length < 40 + random() * 400) text += from(random() < 0.4 ? literals : OTHERS) + from(SPACES);
  return text;
}

test("no literal and no comment shows, whatever stands beside it, nor where the statement is cut", () => {
  for (let seed = 0; seed < 400; seed++) {
    const text = anyStatement(seed);
    for (const cut of [text.length, Math.floor(text.length / 2), seed % text.length]) {
      const part = text.slice(0, cut);
      const both = read(part, { dialect: seed & 1 });
      expect(`${both.text} ${both.fingerprint}`, part).not.toMatch(/sec|ret|47|11/);
      expect(new TextEncoder().encode(both.text).length).toBeLessThanOrEqual(new TextEncoder().encode(part).length);
    }
  }
});

test("blocks of sixteen read as bytes one by one do", () => {
  const letters = "'\"`$#-/*(), ;\\?.1aEx\n0b_=+@";
  for (let seed = 0; seed < 3000; seed++) {
    const random = randomFrom(seed);
    const length = Math.floor(random() * 90);
    const any = Array.from({ length }, () => letters[Math.floor(random() * letters.length)]).join("");
    const text = seed % 3 === 0 ? anyStatement(seed) : any;
    const options = { dialect: seed & 1, escapes: (seed & 2) !== 0 };
    expect(read(text, options), text).toEqual(read(text, { ...options, scalar: true }));
  }
});

test("a quote is found as a byte at a time finds it", () => {
  for (let seed = 0; seed < 2000; seed++) {
    const random = randomFrom(seed);
    const text = Array.from({ length: Math.floor(random() * 40) }, () => (random() < 0.05 ? "'\\"[seed & 1] : "a")).join("");
    const length = lay(text);
    const wanted = core.quote(length, 39, seed & 2, 1);
    expect(core.quote(length, 39, seed & 2, 0), text).toBe(wanted);
  }
});

test("at most 512 bytes of a fingerprint and 1024 of a text, whatever comes", () => {
  expect(read(`SELECT ${"column_name, ".repeat(70)}`).fingerprint.length).toBe(512);
  expect(read("(".repeat(3000)).fingerprint.length).toBe(512);
  expect(read("a,".repeat(2000))).toMatchObject({ text: "a,".repeat(512) });
  const late = `SELECT ${"a, ".repeat(300)} 'secret', ${"b".repeat(200)}`;
  expect(read(late).text).toBe(late.replace("'secret'", "?").slice(0, 1024 - 7));
  for (let seed = 0; seed < 500; seed++) {
    const random = randomFrom(seed);
    const letters = "'\"`$#-/*(), ;\\?.1aEx\n";
    const text = Array.from({ length: 2000 }, () => letters[Math.floor(random() * letters.length)]).join("");
    const both = read(text, { dialect: seed & 1 });
    expect(both.fingerprint.length, text).toBeLessThanOrEqual(512);
    expect(both.text.length, text).toBeLessThanOrEqual(1024);
  }
});

test("whatever is cut off, what stands before stays", () => {
  const text = "SELECT a, 'b''c' FROM t /* d */ WHERE e IN (1, 2.5) AND f = $x$g$x$ -- h";
  for (let cut = 0; cut <= text.length; cut++) {
    expect(read(text.slice(0, cut), { dialect: POSTGRESQL }).fingerprint.length).toBeLessThanOrEqual(cut + 1);
  }
});

test("a statement of 200 bytes is a matter of nanoseconds", () => {
  const text =
    "SELECT id, name, price, stock FROM products WHERE category_id = 17 AND price BETWEEN 10.5 AND 99.99 AND status IN ('new', 'used') AND updated > '2026-01-01' ORDER BY price DESC, name ASC LIMIT 20 OFFSET 40";
  const length = lay(text);
  core.read(length, MYSQL, 1, 0, 20_000, PLAIN);
  const before = performance.now();
  core.read(length, MYSQL, 1, 0, 20_000, PLAIN);
  const ns = ((performance.now() - before) * 1e6) / 20_000;
  // 300 are wanted of the release build (`npm run bench`); here only what is no matter of load.
  expect(ns).toBeLessThan(10_000);
});
