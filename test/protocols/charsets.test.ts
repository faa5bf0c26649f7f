/** Statements in charsets whose characters hold backslashes and backticks: no literal is shown, whatever charset a reader takes it for. */
import { describe, expect, test } from "vitest";
import { CHARSET, charactersOf, charactersWith } from "../support/charsets";
import { type Bytes, type Conversation, join } from "../support/pcap-builder";
import { randomFrom } from "../support/sketches";
import { connection, my, PLAIN, pg, tripsOf } from "../support/sql";
import { statementCore } from "../support/statement-core";

const core = statementCore();
const MYSQL = 0;
const POSTGRESQL = 1;
const BACKSLASH = 0x5c;
const BACKTICK = 0x60;
const SECRET = "hunter2";

const DANGEROUS = [
  ["gbk", "gbk", CHARSET.gbk],
  ["gb18030", "gb18030", CHARSET.gbk],
  ["big5", "big5", CHARSET.big5],
  ["sjis", "shift_jis", CHARSET.sjis],
] as const;

function read(parts: Bytes[], charset: number, { dialect = MYSQL, scalar = false, escapes = true } = {}) {
  const bytes = join(...parts);
  new Uint8Array(core.memory.buffer, core.staging() - 1, bytes.length + 64).fill(39);
  new Uint8Array(core.memory.buffer).set(bytes, core.staging());
  const length = core.read(bytes.length, dialect, Number(escapes), Number(scalar), 1, charset);
  const latin = (start: number, count: number) => Buffer.from(core.memory.buffer, start, count).toString("latin1");
  return { fingerprint: latin(core.made(), length), text: latin(core.text(), core.textLength()) };
}

describe.each(DANGEROUS)("%s", (_, encoding, charset) => {
  const withBackslash = charactersWith(encoding, BACKSLASH);
  const all = charactersOf(encoding);

  test("a character that ends in a backslash escapes nothing, each of them", () => {
    expect(withBackslash.length).toBeGreaterThan(20);
    for (const character of withBackslash) {
      for (const scalar of [false, true]) {
        const found = read(["SELECT '", character, "', '", SECRET, "' FROM t"], charset, { scalar });
        expect(found).toEqual({ fingerprint: "SELECT ?, ? FROM t", text: "SELECT ?, ? FROM t" });
      }
    }
  });

  test("taken for nobody knows what, the rest is withheld", () => {
    for (const character of withBackslash) {
      const found = read(["SELECT '", character, "', '", SECRET, "' FROM t"], CHARSET.unknown);
      expect(found).toEqual({ fingerprint: "SELECT ?", text: "SELECT ?" });
    }
  });

  test("literals of any characters and escapes end where a decoder says they end", () => {
    const random = randomFrom(7);
    const below = (limit: number) => Math.floor(random() * limit);
    const pick = <T>(list: readonly T[]) => list[below(list.length)]!;
    const pieces: Bytes[] = ["\\'", "\\\\", "''", "a", "\\n", "`", '"', " ", "--", "/*"];
    for (let round = 0; round < 3000; round++) {
      const content = Array.from({ length: below(12) }, () => {
        const kind = below(4);
        return kind === 0 ? pick(pieces) : kind === 1 ? pick(withBackslash) : pick(all);
      });
      const statement: Bytes[] = ["SELECT '", ...content, "', x, '", SECRET, "'"];
      const known = read(statement, charset);
      expect(known).toEqual({ fingerprint: "SELECT ?, x, ?", text: "SELECT ?, x, ?" });
      expect(read(statement, charset, { scalar: true })).toEqual(known);
      expect(JSON.stringify(read(statement, CHARSET.unknown))).not.toContain(SECRET);
    }
  });

  test("a backtick that belongs to a character ends no name and begins none", () => {
    for (const character of charactersWith(encoding, BACKTICK)) {
      const name = Buffer.from(character).toString("latin1");
      const quoted = read(["SELECT `", character, "` FROM t WHERE a = '`", SECRET, "`'"], charset);
      expect(quoted.text).toBe(`SELECT \`${name}\` FROM t WHERE a = ?`);
      const bare = read(["SELECT ", character, " FROM t WHERE a = '`", SECRET, "`'"], charset);
      expect(bare.text).toBe(`SELECT ${name} FROM t WHERE a = ?`);
      for (const statement of [
        ["SELECT `", character, "`, '`", SECRET, "`'"],
        ["SELECT ", character, ", '`", SECRET, "`'"],
      ]) {
        expect(JSON.stringify(read(statement, CHARSET.unknown))).not.toContain(SECRET);
      }
    }
  });
});

test("half-width letters of SJIS are characters of their own", () => {
  const found = read(["SELECT '", [0xb1, BACKSLASH], "', ", SECRET, "' FROM t"], CHARSET.sjis);
  expect(found.text).toBe("SELECT ? FROM t");
});

test("a byte behind an escape begins no character", () => {
  const statement: Bytes[] = ["SELECT '", [BACKSLASH, 0xdf, BACKSLASH], "' , ", SECRET, "' FROM t"];
  expect(read(statement, CHARSET.gbk).text).toBe("SELECT ? FROM t");
});

test("where backslashes escape nothing, or follow ASCII, nothing is withheld", () => {
  const statement: Bytes[] = ["SELECT '", [0xdf, BACKSLASH], "', '", SECRET, "' FROM t"];
  expect(read(statement, CHARSET.unknown, { dialect: POSTGRESQL, escapes: false }).text).toBe("SELECT ?, ? FROM t");
  expect(read(["SELECT 'a\\'", SECRET, "', 1 FROM t"], CHARSET.unknown).text).toBe("SELECT ?, ? FROM t");
  expect(read(["SELECT 'é\\'", SECRET, "', 1 FROM t"], CHARSET.plain).text).toBe("SELECT ?, ? FROM t");
  expect(read(["SELECT 'é\\'", SECRET, "', 1 FROM t"], CHARSET.unknown).text).toBe("SELECT ?");
});

const GBK_SECRET = join("SELECT '", [0xdf, BACKSLASH], "', '", SECRET, "' FROM t");
const UTF8_SECRET = join("SELECT 'é\\'", SECRET, "', 1 FROM t");

const statementsOf = (protocol: string, talk: Conversation) =>
  tripsOf(protocol, talk.close().packets)
    .map(({ request }) => request?.statement)
    .filter((statement) => statement !== undefined);

describe("mysql", () => {
  const login = (collation: number) => {
    const packet = my.login(PLAIN);
    packet[12] = collation;
    return connection().send("server", my.greeting()).send("client", packet).send("server", my.ok(2));
  };
  const ask = (talk: Conversation, statement: Bytes, answer = my.ok(1)) =>
    talk.send("client", my.command(3, statement)).send("server", answer);
  const last = (talk: Conversation) => statementsOf("mysql", talk).at(-1);

  test.each([
    ["gbk_chinese_ci", 28, "SELECT ?, ? FROM t"],
    ["gbk_bin", 87, "SELECT ?, ? FROM t"],
    ["gb18030_chinese_ci", 248, "SELECT ?, ? FROM t"],
    ["none", 0, "SELECT ?"],
  ])("the handshake says %s", (_, collation, shown) => {
    expect(last(ask(login(collation), GBK_SECRET))).toBe(shown);
  });

  test("utf8 goes on as it did", () => {
    for (const collation of [8, 33, 45, 63, 224, 255]) {
      expect(last(ask(login(collation), UTF8_SECRET))).toBe("SELECT ?, ? FROM t");
    }
  });

  test.each([
    "SET NAMES gbk",
    "set names 'gbk' collate 'gbk_bin'",
    'SET NAMES "gbk"',
    "/*!40101 SET NAMES gbk */",
    "/*M!100616 SET NAMES gbk */",
    "SET CHARACTER SET gbk",
    "SET CHARSET 'gbk'",
    "SET character_set_client = gbk",
    "SET @@session.character_set_client:=28",
    "SET autocommit=0, NAMES gbk",
    "SET @x = 'SET NAMES utf8', SESSION character_set_client='gbk', @y = @@character_set_client",
    "SET /* NAMES utf8 */ NAMES gbk -- utf8",
    "SELECT 1; SET NAMES gbk",
    "SET NAMES utf8; SET NAMES gbk; SELECT 'it''s'",
  ])("%s", (statement) => {
    expect(last(ask(ask(login(33), statement), GBK_SECRET))).toBe("SELECT ?, ? FROM t");
    // Where it fails, the charset is the one before, but where some of several statements may not have failed.
    const refused = ask(ask(login(33), statement, my.error(1, 1115, "42000", "Unknown character set")), UTF8_SECRET);
    expect(last(refused)).toBe(statement.includes(";") ? "SELECT ?" : "SELECT ?, ? FROM t");
  });

  test.each([
    "SET NAMES DEFAULT",
    "SET character_set_client = @saved_cs_client",
    "SET GLOBAL character_set_client = utf8",
    "SET NAMES utf8x",
    "EXECUTE change",
    "SELECT 1; EXECUTE change",
  ])("%s: nobody knows", (statement) => {
    expect(last(ask(ask(login(28), statement), GBK_SECRET))).toBe("SELECT ?");
  });

  test.each([
    "SET @names = 'utf8'",
    "SET @x = 'NAMES utf8'",
    "SELECT names FROM t; SELECT 1",
    "UPDATE t SET names = 'utf8'; SELECT 1",
    "SET @saved_cs_client = @@character_set_client",
    "ALTER TABLE t CHARACTER SET utf8",
  ])("%s sets none", (statement) => {
    expect(last(ask(ask(login(28), statement), GBK_SECRET))).toBe("SELECT ?, ? FROM t");
  });

  test("several statements of which one sets it are read on the safe side", () => {
    const statement = join("SET NAMES gbk; ", GBK_SECRET);
    expect(last(ask(login(33), statement))).toBe("SET NAMES gbk; SELECT ?");
    expect(last(ask(login(28), statement))).toBe("SET NAMES gbk; SELECT ?, ? FROM t");
  });

  test("what is sent before the answer is known is read on the safe side", () => {
    const talk = login(33).send("client", my.query("SET NAMES gbk")).send("client", my.command(3, GBK_SECRET));
    expect(last(talk.send("server", my.ok(1)).send("server", my.ok(1)))).toBe("SELECT ?");
  });

  test("joined in the middle, behind a gap, and behind a reset it is not known", () => {
    expect(last(ask(ask(connection(), "SELECT 1"), GBK_SECRET))).toBe("SELECT ?");
    const gap = ask(login(33), "SELECT 1").lose("client", my.query("SET NAMES gbk")).send("server", my.ok(1));
    expect(last(ask(gap, GBK_SECRET))).toBe("SELECT ?");
    const reset = login(28).send("client", my.command(31)).send("server", my.ok(1));
    expect(last(ask(reset, GBK_SECRET))).toBe("SELECT ?");
  });

  test("another user brings another", () => {
    const change = (collation: number[]) =>
      login(33)
        .send("client", my.command(17, "bob", [0, 4], "word", "shop", [0], collation))
        .send("server", my.ok(1));
    expect(last(ask(change([28, 0]), GBK_SECRET))).toBe("SELECT ?, ? FROM t");
    expect(last(ask(change([]), GBK_SECRET))).toBe("SELECT ?");
  });

  test("the end of a statement that was not kept may set it", () => {
    const long = `SELECT '${"x".repeat(2000)}'; SET NAMES gbk`;
    const more = join(my.ok(1, 0, 0, 2 | 8), my.ok(2));
    expect(last(ask(ask(login(33), long, more), GBK_SECRET))).toBe("SELECT ?");
    expect(last(ask(ask(login(33), long, my.ok(1)), UTF8_SECRET))).toBe("SELECT ?, ? FROM t");
  });
});

describe("postgresql", () => {
  const parameter = (value: string) => pg.message("S", `client_encoding\0${value}\0`);
  const login = (encoding?: string) => {
    const talk = connection({ serverPort: 5432 }).send("client", pg.startup());
    return talk.send(
      "server",
      join(pg.message("R", [0, 0, 0, 0]), ...(encoding === undefined ? [] : [parameter(encoding)]), pg.ready()),
    );
  };
  const ask = (talk: Conversation, statement: Bytes, ...before: Bytes[]) =>
    talk.send("client", pg.message("Q", statement, [0])).send("server", join(...before, pg.complete("SELECT 0"), pg.ready()));
  const last = (talk: Conversation) => statementsOf("postgresql", talk).at(-1);
  const escaped = (character: number[]) => join("SELECT E'", character, "', '", SECRET, "' FROM t");

  test.each([
    ["GBK", [0xdf, 0x5c]],
    ["GB18030", [0xdf, 0x5c]],
    ["BIG5", [0xa5, 0x5c]],
    ["SJIS", [0x95, 0x5c]],
    ["SHIFT_JIS_2004", [0x95, 0x5c]],
    ["JOHAB", [0xa1, 0x5c]],
  ])("the server says that the client writes %s", (encoding, character) => {
    expect(last(ask(login(encoding), escaped(character)))).toBe("SELECT E?, ? FROM t");
    expect(last(ask(ask(login("UTF8"), `SET client_encoding TO ${encoding}`, parameter(encoding)), escaped(character)))).toBe(
      "SELECT E?, ? FROM t",
    );
    expect(last(ask(login(), escaped(character)))).toBe("SELECT E?");
  });

  test("the server says UTF8, and a SET of another changes nothing until the server says so", () => {
    const text = join("SELECT E'é\\'", SECRET, "', 1 FROM t");
    expect(last(ask(login("UTF8"), text))).toBe("SELECT E?, ? FROM t");
    expect(last(ask(ask(login("UTF8"), "SET application_name TO 'x'"), text))).toBe("SELECT E?, ? FROM t");
    const ahead = login("UTF8").send("client", pg.query("SET client_encoding TO 'GBK'"));
    expect(last(ask(ahead, escaped([0xdf, 0x5c])))).toBe("SELECT E?");
  });

  test("the client says it when it begins", () => {
    const talk = connection({ serverPort: 5432 }).send("client", pg.untyped(196608, "user\0ann\0client_encoding\0GBK\0\0"));
    talk.send("server", join(pg.message("R", [0, 0, 0, 0]), pg.ready()));
    expect(last(ask(talk, escaped([0xdf, 0x5c])))).toBe("SELECT E?, ? FROM t");
  });
});
