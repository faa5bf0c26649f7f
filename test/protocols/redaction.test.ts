/** What no output shows without being asked for, in every protocol; and what no top shows even then. */
import { describe, expect, test } from "vitest";
import type { CoreOptions } from "../../engine/core";
import { amqp, method, short, u8, u16, u32 } from "../support/amqp";
import { http, request, response } from "../support/http";
import { answer, fields, headers, http2, indexed, plain } from "../support/http2";
import { mongo, msg } from "../support/mongo";
import { type Captured, Conversation, join, number, pcap } from "../support/pcap-builder";
import { command, redis } from "../support/redis";
import { coreModule, readRoundTrips } from "../support/round-trips";
import { sealCapture } from "../support/seal-minute";
import { connection, my, mysql, pg, postgresql } from "../support/sql";

const SECRET = "hunter2";

const trips = (packets: Captured[], options: CoreOptions = {}) =>
  readRoundTrips(pcap(packets), { budgetBytes: 8 << 20, ...options });

/** All that the round trips of a talk say, as text. */
const told = (talk: Conversation, options: CoreOptions = {}) => JSON.stringify(trips(talk.close().packets, options));

/** A minute's sketches of a talk, as text. */
const sealed = (packets: Captured[], options: CoreOptions = {}) =>
  Buffer.from(sealCapture(coreModule(), pcap(packets), { budgetBytes: 8 << 20, ...options })).toString("latin1");

/** Neither round trips nor sketches show the secret, nor do sketches where it is asked for; answers what the trips say. */
function hidden(talk: Conversation): string {
  const { packets } = talk.close();
  const text = JSON.stringify(trips(packets));
  expect(trips(packets).length).toBeGreaterThan(0);
  expect(text).not.toContain(SECRET);
  expect(sealed(packets)).not.toContain(SECRET);
  expect(sealed(packets, { raw: true })).not.toContain(SECRET);
  return text;
}

/** So it is, and round trips show it where it is asked for. */
function hiddenUnlessRaw(make: () => Conversation): string {
  expect(told(make(), { raw: true })).toContain(SECRET);
  return hidden(make());
}

const query = (text: string, answer = my.ok(1)) => mysql().send("client", my.query(text)).send("server", answer);
const simple = (text: string, answer = pg.complete("SELECT 0")) =>
  postgresql().send("client", pg.query(text)).send("server", join(answer, pg.ready()));

describe("statements", () => {
  test.each([
    ["a string", `SELECT * FROM t WHERE a = '${SECRET}'`, "SELECT * FROM t WHERE a = ?"],
    ["a comment", `SELECT 1 /* ${SECRET} */ -- ${SECRET}`, "SELECT ? /*?*/ --?"],
    ["one cut inside a string", `SELECT '${SECRET}`, "SELECT ?"],
    ["a password", `ALTER USER bob IDENTIFIED BY '${SECRET}'`, "ALTER USER bob IDENTIFIED BY ?"],
  ])("%s: the text is as written, and ? stands for it", (_, text, shown) => {
    for (const make of [() => query(text), () => simple(text)]) {
      expect(hiddenUnlessRaw(make)).toContain(`"statement":${JSON.stringify(shown)}`);
    }
  });

  test("with raw a statement is as it was written, to the byte", () => {
    const text = "SELECT  1,\t'a' /* b */";
    expect(trips(query(text).packets, { raw: true }).at(-1)?.request?.statement).toBe(text);
    expect(trips(simple(text).packets, { raw: true }).at(-1)?.request?.statement).toBe(text);
  });

  test("one that is longer than its limit, and cut inside a string there", () => {
    const text = `SELECT ${"column_name, ".repeat(77)} '${SECRET.repeat(100)}'`;
    expect(text.indexOf(SECRET)).toBeLessThan(1024);
    hiddenUnlessRaw(() => query(text));
    hiddenUnlessRaw(() => simple(text));
  });

  test("a capture that ends in the middle of a string", () => {
    for (const talk of [query(`SELECT '${SECRET.repeat(30)}'`), simple(`SELECT '${SECRET.repeat(30)}'`)]) {
      const text = JSON.stringify(readRoundTrips(pcap(talk.packets, { snaplen: 120 }), { budgetBytes: 8 << 20 }));
      expect(text).toContain("SELECT ?");
      expect(text).not.toContain(SECRET);
    }
  });

  test("prepared ones, also those that are executed later or by a portal's name", () => {
    const text = `SELECT ?, '${SECRET}'`;
    hiddenUnlessRaw(() =>
      mysql()
        .send("client", my.command(22, text))
        .send("server", my.prepared(5, 1, 1))
        .send("client", my.execute(5))
        .send("server", my.result([["a"]])),
    );
    hiddenUnlessRaw(() =>
      postgresql()
        .send("client", join(pg.parse(`SELECT $1, '${SECRET}'`, "s"), pg.bind("s", "p"), pg.execute("p"), pg.sync()))
        .send("server", join(pg.message("1"), pg.message("2"), pg.select(["a"]), pg.ready())),
    );
  });

  test("values that are bound, rows, and a password that proves who the client is", () => {
    hidden(
      mysql()
        .send("client", my.query("SELECT a FROM t"))
        .send("server", my.result([[SECRET]])),
    );
    hidden(
      connection({ serverPort: 3306 })
        .send("server", my.greeting())
        .send("client", my.packet(1, number(33288, 4, true), number(0, 4), [33], new Uint8Array(23), "root\0", [7], SECRET))
        .send("server", my.ok(2)),
    );
    const bind = pg.message("B", "\0\0", number(0, 2), number(1, 2), number(SECRET.length, 4), SECRET, number(0, 2));
    hidden(
      postgresql()
        .send("client", join(pg.parse("SELECT $1"), bind, pg.execute(), pg.sync()))
        .send("server", join(pg.message("1"), pg.message("2"), pg.select([SECRET]), pg.ready())),
    );
    hidden(
      connection({ serverPort: 5432 })
        .send("client", pg.startup())
        .send("server", pg.message("R", number(3, 4)))
        .send("client", pg.message("p", `${SECRET}\0`))
        .send("server", pg.welcome()),
    );
  });

  test("MySQL: backslashes of which it is not known whether they escape hide what either reading does", () => {
    const unescaped = `SELECT 'C:\\', '${SECRET}'`;
    const escaped = `SELECT 'C:\\' ${SECRET}'`;
    for (const text of [unescaped, escaped]) {
      const form = { serverPort: 3306 };
      const talk = () => new Conversation(form).send("client", my.query(text)).send("server", my.ok(1, 0, 0, 2));
      hiddenUnlessRaw(talk);
      expect(told(talk().send("client", my.query("SELECT 'it\\'s', a")).send("server", my.ok(1)))).toContain("SELECT ?, a");
      hiddenUnlessRaw(() => query(`SET sql_mode = NO_BACKSLASH_ESCAPES; ${text}`));
      hiddenUnlessRaw(() => query(`EXECUTE s; ${text}`));
    }
  });

  test("PostgreSQL: the same, where the server did not say", () => {
    for (const text of [`SELECT 'C:\\', '${SECRET}'`, `SELECT 'C:\\' ${SECRET}'`]) hiddenUnlessRaw(() => simple(text));
  });

  test("MySQL: backslashes that do not escape, once the server says so", () => {
    const text = `SELECT 'a\\', '${SECRET}'`;
    const talk = mysql().send("client", my.query("SET sql_mode = NO_BACKSLASH_ESCAPES"));
    talk
      .send("server", my.ok(1, 0, 0, 2 | 512))
      .send("client", my.query(text))
      .send("server", my.ok(1, 0, 0, 2 | 512));
    expect(hidden(talk)).toContain("SELECT ?, ?");
  });

  test("PostgreSQL: backslashes that escape, once the server says so", () => {
    const talk = connection({ serverPort: 5432 }).send("client", pg.startup());
    talk.send("server", join(pg.message("R", number(0, 4)), pg.message("S", "standard_conforming_strings\0off\0"), pg.ready()));
    talk.send("client", pg.query(`SELECT 'a\\' ${SECRET}'`)).send("server", join(pg.complete("SELECT 1"), pg.ready()));
    expect(hidden(talk)).toContain('"statement":"SELECT ?"');
  });

  test("the name of a database that USE takes still holds for what follows", () => {
    const talk = mysql().send("client", my.query("USE `2fa`")).send("server", my.ok(1));
    talk.send("client", my.command(14)).send("server", my.ok(1));
    expect(trips(talk.packets).at(-1)?.request?.database).toBe("2fa");
  });
});

describe("messages of errors", () => {
  const failed = (code: number, message: string, state = "HY000") =>
    query("SELECT a", my.error(1, code, state, message)).close().packets;
  const mysqlMessage = (code: number, message: string, state?: string) =>
    trips(failed(code, message, state)).at(-1)?.response?.errorMessage;
  const pgMessage = (state: string, message: string, more = "") =>
    trips(simple("SELECT a", pg.message("E", `SERROR\0VERROR\0C${state}\0M${message}\0${more}\0`)).packets).at(-1)?.response
      ?.message;

  test.each([
    [1062, "Duplicate entry 'hunter2' for key 'users.email'", "Duplicate entry ? for key 'users.email'"],
    [1062, "Duplicate entry 'it's hunter2' for key 'x' for key 'users.email'", "Duplicate entry ? for key 'users.email'"],
    [1064, "You have an error ... near 'frm t where a = 'hunter2'' at line 1", "You have an error ... near ? at line 1"],
    [1366, "Incorrect integer value: 'hunter2' for column 'n' at row 1", "Incorrect integer value: ? at row 1"],
    [1292, "Truncated incorrect DOUBLE value: 'hunter2", "Truncated incorrect DOUBLE value: ?"],
    [1644, "hunter2 is locked", "?"],
    [1146, "Table 'shop.nope' doesn't exist", "Table 'shop.nope' doesn't exist"],
    [1054, "Unknown column 'x' in 'field list'", "Unknown column 'x' in 'field list'"],
    [4025, "CONSTRAINT `c` failed for `d`.`t`", "CONSTRAINT `c` failed for `d`.`t`"],
    [1999, "Can't do that", "Can't do that"],
    [1526, "Table has no partition for value 4111111", "?"],
  ])("MySQL %i: %s", (code, message, shown) => {
    expect(mysqlMessage(code, message)).toBe(shown);
    const raw = trips(failed(code, message), { raw: true }).at(-1)?.response?.errorMessage;
    expect(raw).toBe(message);
  });

  test("MySQL: an application's own message under another code, and one that is cut", () => {
    expect(mysqlMessage(30001, "hunter2 is locked", "45000")).toBe("?");
    expect(mysqlMessage(1001, "hunter2 is locked", "45ABC")).toBe("?");
    expect(mysqlMessage(1062, `Duplicate entry '${"x".repeat(300)}' for key 'k'`)).toBe("Duplicate entry ?");
  });

  test.each([
    ["22P02", 'invalid input syntax for type integer: "hunter2"', "invalid input syntax for type integer: ?"],
    ["22P02", "ungültige Eingabesyntax für Typ integer: »hunter2«", "ung?"],
    ["42601", "syntax error at or near \"'hunter2'\"", "syntax error at or near ?"],
    ["P0001", "hunter2 is locked", "?"],
    ["23505", 'duplicate key value violates unique constraint "users_email_key"', undefined],
    ["42P01", 'relation "nope" does not exist', undefined],
    ["28P01", 'password authentication failed for user "ann"', undefined],
  ])("PostgreSQL %s: %s", (state, message, shown) => expect(pgMessage(state, message)).toBe(shown ?? message));

  test("PostgreSQL: details and hints are not kept, nor what a procedure says under another state", () => {
    const detail = "DKey (email)=(hunter2) already exists.\0Hhunter2\0Whunter2\0";
    expect(pgMessage("23505", "duplicate", detail)).toBe("duplicate");
    hidden(simple("SELECT a", pg.message("E", `SERROR\0C23505\0Mduplicate\0${detail}\0`)));
    expect(pgMessage("23505", "hunter2 exists", "Fpl_exec.c\0L3920\0Rexec_stmt_raise\0")).toBe("?");
    hidden(simple("SELECT a", join(pg.message("N", `SNOTICE\0C00000\0M${SECRET}\0\0`), pg.complete("SELECT 0"))));
  });

  test("redis: arguments that an error repeats", () => {
    const asked = command("GTE", SECRET);
    const line = `-ERR unknown command 'GTE', with args beginning with: '${SECRET}' \r\n`;
    expect(hiddenUnlessRaw(() => redis().send("client", asked).send("server", line))).toContain("unknown command ?");
  });

  test.each([
    [["EVAL", "script", 0], `-MYERR ${SECRET} is locked\r\n`, "MYERR"],
    [["EVAL", "script", 0], `-ERR ${SECRET} is locked\r\n`, "ERR"],
    [["FCALL", "locked", 0], `-ERR ${SECRET} is locked\r\n`, "ERR"],
    [["GET", "a"], `-LOCKED by ${SECRET}\r\n`, "LOCKED"],
    [["GET", "a"], `-${SECRET} is locked\r\n`, undefined],
  ])("redis: what a script says itself: %j %s", (words, line, code) => {
    const talk = () =>
      redis()
        .send("client", command(...words))
        .send("server", line);
    expect(hiddenUnlessRaw(talk)).toContain('"errorMessage":"?"');
    expect(trips(talk().packets).at(-1)?.response?.errorCode).toBe(code);
  });

  test("redis: what it says itself is shown", () => {
    for (const line of ["MOVED 3999 10.0.0.1:6381", "NOPERM no permissions", "WRONGTYPE no such kind", "ERR no such key"]) {
      const talk = redis().send("client", command("GET", "a")).send("server", `-${line}\r\n`);
      expect(trips(talk.packets).at(-1)?.response?.errorMessage).toBe(line.slice(line.indexOf(" ") + 1));
    }
  });

  test("mongodb: keys and commands that an error repeats", () => {
    const errors = [
      `E11000 duplicate key error collection: shop.users index: email_1 dup key: { email: "${SECRET}" }`,
      `not authorized on shop to execute command { find: "users", filter: { email: "${SECRET}" }, $db: "shop" }`,
    ];
    for (const errmsg of errors) {
      const talk = () =>
        mongo()
          .send("client", msg(1, { insert: "users", documents: [{ email: SECRET }], $db: "shop" }))
          .send("server", msg(2, { ok: 0, errmsg, code: 11000 }, { responseTo: 1 }));
      expect(hiddenUnlessRaw(talk)).toContain(errmsg.slice(0, errmsg.indexOf("{")));
    }
  });
});

describe("what other protocols carry", () => {
  test("redis: passwords of AUTH, HELLO, ACL, CONFIG and MIGRATE, inline too, and values", () => {
    const asked = [
      ["AUTH", SECRET],
      ["AUTH", "ann", SECRET],
      ["HELLO", 3, "AUTH", "ann", SECRET],
      ["ACL", "SETUSER", "ann", `>${SECRET}`],
      ["CONFIG", "SET", "requirepass", SECRET],
      ["MIGRATE", "h", 1, "k", 0, 9, "AUTH", SECRET],
      ["SET", "k", SECRET],
      ["EVAL", `return '${SECRET}'`, 1, "k", SECRET],
    ];
    for (const words of asked)
      hidden(
        redis()
          .send("client", command(...words))
          .send("server", "+OK\r\n"),
      );
    hidden(
      redis()
        .send("client", command("PING"))
        .send("server", "+PONG\r\n")
        .send("client", `AUTH ${SECRET}\r\n`)
        .send("server", "+OK\r\n"),
    );
    const monitor = redis().send("client", command("MONITOR")).send("server", "+OK\r\n");
    hidden(monitor.send("server", `+1700000000.1 [0 10.0.0.9:1] "SET" "k" "${SECRET}"\r\n`));
  });

  test("mongodb: values of a command, and what proves who the client is", () => {
    const commands = [
      { find: "users", filter: { email: SECRET }, $db: "shop" },
      { saslStart: 1, mechanism: "PLAIN", payload: SECRET, $db: "admin" },
    ];
    for (const asked of commands) {
      hidden(
        mongo()
          .send("client", msg(1, asked))
          .send("server", msg(2, { ok: 1, note: SECRET }, { responseTo: 1 })),
      );
    }
  });

  test("amqp: the response of PLAIN", () => {
    const start = method(
      0,
      10,
      10,
      u8(0),
      u8(9),
      u32(0),
      [...u32(5), ...Buffer.from("PLAIN")],
      [...u32(5), ...Buffer.from("en_US")],
    );
    const proof = [...u32(SECRET.length + 2), 0, 97, ...Buffer.from(SECRET)];
    const talk = amqp()
      .send("server", start)
      .send("client", method(0, 10, 11, u32(0), short("PLAIN"), proof, short("en_US")));
    hidden(talk.send("server", method(0, 10, 30, u16(1), u32(4096), u16(0))));
  });

  test.each([
    `GET http://ann:${SECRET}@lab.test/a HTTP/1.1`,
    `GET http://ann:p@${SECRET}@lab.test/a HTTP/1.1`,
    `GET http://lab.test/a?token=${SECRET} HTTP/1.1`,
    `GET /a?token=${SECRET} HTTP/1.1`,
    `GET s3://key:${SECRET}@lab.test/a HTTP/1.1`,
    `GET git+https://ann:${SECRET}@lab.test/a HTTP/1.1`,
    `GET /fetch/https://ann:${SECRET}@lab.test/a HTTP/1.1`,
    `GET http://ann:x@lab.test//b:${SECRET}@lab.test/http:/c:${SECRET}@lab.test/a HTTP/1.1`,
  ])("http: %s", (line) => {
    hiddenUnlessRaw(() => http().send("client", request(line)).send("server", response("200 OK")));
  });

  test("http: a user's name and password in Host and CONNECT, cookies, authorization, bodies", () => {
    const headers = [`Host: ann:${SECRET}@lab.test`, `Cookie: a=${SECRET}`, `Authorization: Bearer ${SECRET}`];
    const answer = response("200 OK", SECRET, [`Set-Cookie: a=${SECRET}`]);
    const text = hidden(
      http()
        .send("client", request("POST /a HTTP/1.1", [...headers, "Content-Length: 7"], SECRET))
        .send("server", answer),
    );
    expect(text).toContain('"host":"lab.test"');
    const tunnel = request(`CONNECT ann:${SECRET}@lab.test:443 HTTP/1.1`);
    expect(hidden(http().send("client", tunnel).send("server", response("200 OK")))).toContain("lab.test:443");
  });

  test("http: a user's name and password in header fields that are shown", () => {
    const url = `https://ann:${SECRET}@lab.test/a?token=${SECRET}`;
    const asked = request("GET /a HTTP/1.1", [`Host: ann:${SECRET}@lab.test`, `Referer: ${url}`]);
    const answer = response("302 Found", "", [`Location: ${url}`, `Content-Location: //ann:p@${SECRET}@lab.test/a`]);
    const talk = () => http().send("client", asked).send("server", answer);
    expect(told(talk(), { headers: true, raw: true })).toContain(SECRET);
    const text = told(talk(), { headers: true });
    expect(text).not.toContain(SECRET);
    for (const shown of ['"lab.test"', '"https://lab.test/a"', '"//lab.test/a"']) expect(text).toContain(shown);
  });

  test("http: a password that is cut off before its @", () => {
    const asked = new TextEncoder().encode(request(`GET http://ann:${SECRET}-and-more@lab.test/ HTTP/1.1`));
    const talk = http().send("client", asked).send("server", response("200 OK")).close();
    const cut = 54 + asked.indexOf(45);
    expect(JSON.stringify(readRoundTrips(pcap(talk.packets, { snaplen: cut }), { budgetBytes: 8 << 20 }))).not.toContain(SECRET);
  });

  const call = (type: string) => {
    const more: [string, string][] = [
      ["authorization", SECRET],
      ["cookie", SECRET],
      ["content-type", type],
    ];
    const asked = fields("POST", `/shop.Orders/Find?token=${SECRET}/x`, more);
    return http2()
      .send("client", headers(1, asked))
      .send("server", answer(1, 200, SECRET));
  };

  test("http2: queries, cookies, authorization, bodies", () => {
    expect(hiddenUnlessRaw(() => call("text/plain"))).toContain('"path":"/shop.Orders/Find"');
  });

  test("http2: a user's name and password before the host", () => {
    const block = join(indexed(2), indexed(6), plain(1, `ann:${SECRET}@lab.test`), plain(4, "/a"));
    const talk = http2().send("client", headers(1, block)).send("server", answer(1));
    expect(hidden(talk)).toContain('"authority":"lab.test"');
  });

  test("http2: a user's name and password in a path and in header fields that are shown", () => {
    const url = `https://ann:${SECRET}@lab.test/a?token=${SECRET}`;
    const asked = fields("GET", `http://ann:${SECRET}@lab.test/a`, [
      ["referer", url],
      ["host", `ann:${SECRET}@lab.test`],
    ]);
    const talk = () => http2().send("client", headers(1, asked)).send("server", answer(1));
    expect(told(talk(), { headers: true, raw: true })).toContain(SECRET);
    const text = told(talk(), { headers: true });
    expect(text).not.toContain(SECRET);
    expect(text).toContain('"path":"http://lab.test/a"');
    expect(text).toContain('"https://lab.test/a"');
  });

  test("http2: trailers that are references, and what an error of gRPC quotes", () => {
    const url = `https://ann:${SECRET}@lab.test/a?token=${SECRET}`;
    const rows: [string, string][] = [
      ["location", url],
      ["referer", url],
      ["content-location", url],
      ["grpc-status", "3"],
      ["grpc-message", `can't take%20"${SECRET} or%20%22${SECRET}%22, so it is`],
      ["grpc-status-details-bin", SECRET],
    ];
    const talk = (type: string) => {
      const begin = join(indexed(8), plain("content-type", type));
      const own = rows.filter(([name]) => type === "application/grpc" || !name.startsWith("grpc"));
      const block = join(...own.map(([name, value]) => plain(name, value)));
      return http2()
        .send("client", headers(1, fields("POST", "/shop.Orders/Find", [["content-type", type]])))
        .send("server", join(headers(1, begin, false), headers(1, block)));
    };
    const shown = (type: string, options: CoreOptions) => {
      expect(told(talk(type), { ...options, raw: true })).toContain(SECRET);
      const text = told(talk(type), options);
      expect(text).not.toContain(SECRET);
      return text;
    };
    const row = '"name":"location","value":"https://lab.test/a"';
    for (const headers of [false, true]) expect(shown("text/plain", { headers })).toContain(row);
    expect(shown("application/grpc", { headers: true })).toContain(row);
    expect(shown("application/grpc", {})).toMatch(/"grpcMessage":"can't take(%20| )\?, so it is"/);
  });

  test("grpc: a query is no part of the method, not even with raw", () => {
    expect(told(call("application/grpc"), { raw: true })).toContain('"method":"Find"');
    expect(hidden(call("application/grpc"))).toContain('"method":"Find"');
  });
});
