/** MySQL: each case as the packets of both sides and the round trips that they are. */
import { describe, expect, test } from "vitest";
import { http, request as httpRequest, response as httpResponse } from "../support/http";
import { type Bytes, type Conversation, join, number, pcap } from "../support/pcap-builder";
import { readRoundTrips } from "../support/round-trips";
import { randomFrom } from "../support/sketches";
import { CAPABILITY, connection, my, myLine, myLines, mysql, PLAIN, tripsOf } from "../support/sql";
import { handshake13 } from "../support/tls";

const DEPRECATE = PLAIN | CAPABILITY.deprecateEof;
const deprecate = { deprecate: true };

/** The lines of one exchange after the login. */
const exchange = (asked: Bytes, answer: Bytes, capabilities = PLAIN) =>
  myLines(mysql(capabilities).send("client", asked).send("server", answer).close().packets);
/** The last round trip of a conversation. */
const last = (talk: Conversation) => tripsOf("mysql", talk.close().packets).at(-1)!;
const select = my.query("SELECT name FROM t WHERE id = 7");
const SELECT = "query SELECT name FROM t WHERE id = ?";

/** A record of TLS whose content is sealed. */
const SEALED = Uint8Array.from([0x17, 3, 3, 0, 40, ...Array.from({ length: 40 }, (_, i) => (i * 73 + 41) & 255)]);

describe("the handshake", () => {
  test("is a round trip of its own, with user and database", () => {
    const [trip] = tripsOf("mysql", mysql(PLAIN | CAPABILITY.database).close().packets);
    expect(trip).toMatchObject({ status: "ok", request: { command: "connect", user: "root", database: "shop" } });
  });

  test("in each of the ways in which the proof may stand before the database", () => {
    const fixed = (capabilities: number) =>
      join(number(capabilities, 4, true), number(1 << 24, 4, true), [33], new Uint8Array(23));
    const { database, protocol41, secure, lengthEncoded } = CAPABILITY;
    const token = "t".repeat(300);
    const logins = [
      join(fixed(protocol41 | database | secure | lengthEncoded), "root\0", [0xfc], number(300, 2, true), token, "shop\0"),
      join(fixed(protocol41 | database | secure), "root\0", [4], "word", "shop\0"),
      join(fixed(protocol41 | database), "root\0", "proof\0", "shop\0"),
    ];
    for (const login of logins) {
      const talk = connection().send("server", my.greeting()).send("client", my.packet(1, login)).send("server", my.ok(2));
      expect(last(talk)).toMatchObject({ status: "ok", request: { user: "root", database: "shop" } });
    }
    const bare = mysql(protocol41)
      .send("client", my.command(17, "ann\0", "proof\0", "stock\0", [33, 0]))
      .send("server", my.ok(1));
    expect(last(bare.send("client", my.command(14)).send("server", my.ok(1))).request).toMatchObject({
      user: "ann",
      database: "stock",
    });
  });

  test("refused", () => {
    const talk = connection().send("server", my.greeting()).send("client", my.login(PLAIN));
    const trip = last(talk.send("server", my.error(2, 1045, "28000", "Access denied")));
    expect(trip).toMatchObject({
      status: "error",
      request: { command: "connect", user: "root" },
      response: { errorCode: 1045, sqlState: "28000", errorMessage: "Access denied" },
    });
  });

  test("with what is no login", () => {
    for (const login of ["", "\x01", "what is this?", new Uint8Array(600).fill(255)]) {
      const talk = connection().send("server", my.greeting()).send("client", my.packet(1, login));
      const trip = last(talk.send("server", my.error(2, 1043, "08S01", "Bad handshake")));
      expect(trip).toMatchObject({ status: "error", marks: ["malformed"], request: { command: "connect" } });
      expect(trip.request).not.toHaveProperty("user");
      expect(trip.response).toMatchObject({ errorCode: 1043 });
    }
  });

  test("with a switch of the method, and more data", () => {
    const talk = connection().send("server", my.greeting()).send("client", my.login(PLAIN));
    talk.send("server", my.packet(2, [0xfe], "caching_sha2_password\0", "salt")).send("client", my.packet(3, "proof"));
    talk
      .send("server", my.packet(4, [1, 3]))
      .send("server", my.ok(5))
      .send("client", select);
    talk.send("server", my.result([["a"]]));
    expect(myLines(talk.close().packets)).toEqual([`${SELECT} 1 rows ok`]);
  });

  test("with a switch to the oldest method, which is one byte", () => {
    const talk = connection().send("server", my.greeting(0xffff_ffff, "5.5.5-10.11.6-MariaDB")).send("client", my.login(PLAIN));
    talk
      .send("server", my.packet(2, [0xfe]))
      .send("client", my.packet(3, "proof\0"))
      .send("server", my.ok(4));
    talk.send("client", select).send("server", my.result([["a"]]));
    const trips = tripsOf("mysql", talk.close().packets);
    expect(trips.map(myLine)).toEqual(["connect ok", `${SELECT} 1 rows ok`]);
  });

  test("refused before it begins", () => {
    const talk = connection().send("server", my.packet(0, [0xff], number(1040, 2, true), "Too many connections"));
    expect(myLines(talk.close().packets)).toEqual(["- 1040 error"]);
  });

  test("from before 4.1", () => {
    const talk = connection().send("server", my.greeting(0x2c, "3.23.54"));
    talk.send("client", my.packet(1, [4, 0, 0, 0, 1], "ann\0", "proof123"));
    expect(last(talk.send("server", my.packet(2, [0, 0, 0, 2, 0])))).toMatchObject({ status: "ok", request: { user: "ann" } });
  });

  test("that asks for TLS: what is sealed is not read", () => {
    const talk = connection().send("server", my.greeting());
    talk.send("client", my.packet(1, number(PLAIN | CAPABILITY.ssl, 4, true), new Uint8Array(28)));
    for (const side of ["client", "server", "client", "server"] as const) talk.send(side, SEALED);
    expect(tripsOf("mysql", talk.close().packets)).toEqual([]);
  });

  test("that asks for TLS: its handshake follows", () => {
    const talk = connection().send("server", my.greeting());
    talk.send("client", my.packet(1, number(PLAIN | CAPABILITY.ssl, 4, true), new Uint8Array(28)));
    for (const [side, bytes] of handshake13("db.test")) talk.send(side, bytes);
    const trips = readRoundTrips(pcap(talk.close().packets));
    expect(trips.map(({ protocol, status, request }) => [protocol, status, request?.serverName])).toEqual([
      ["tls", "ok", "db.test"],
    ]);
  });

  test("a change of user", () => {
    const talk = mysql()
      .send("client", my.command(17, "ann\0", [4], "word", "stock\0", [33, 0]))
      .send("server", my.ok(1));
    talk.send("client", select).send("server", my.result([["a"]]));
    expect(last(talk).request).toMatchObject({ user: "ann", database: "stock" });
  });

  test("a change of user with a switch of the method, and one that is refused", () => {
    const change = my.command(17, "ann\0", [4], "word", "stock\0", [33, 0]);
    const talk = mysql()
      .send("client", change)
      .send("server", my.packet(1, [0xfe], "mysql_native_password\0", "salt"))
      .send("client", my.packet(2, "proof"))
      .send("server", my.ok(3));
    talk.send("client", change).send("server", my.error(1, 1045, "28000", "Access denied for user 'ann'@'h'"));
    expect(myLines(talk.packets)).toEqual(["change_user ok", "change_user 1045 error"]);
  });
});

describe("results", () => {
  test("with EOF packets, and without", () => {
    expect(exchange(select, my.result([["a"], ["b"]]))).toEqual([`${SELECT} 2 rows ok`]);
    expect(exchange(select, my.result([["a"], ["b"]], deprecate), DEPRECATE)).toEqual([`${SELECT} 2 rows ok`]);
  });

  test.each([
    ["empty", ""],
    ["NULL", null],
  ])("whose first column is %s", (_name, value) => {
    expect(
      exchange(
        select,
        my.result([
          [value, "x"],
          ["b", value],
        ]),
      ),
    ).toEqual([`${SELECT} 2 rows ok`]);
    expect(exchange(select, my.result([[value, "x"]], deprecate), DEPRECATE)).toEqual([`${SELECT} 1 rows ok`]);
  });

  test("without rows", () => {
    const empty = join(my.packet(1, [1]), my.column(2), my.ok(3, 0, 0, 2, 0, 0xfe));
    expect(exchange(select, empty, DEPRECATE)).toEqual([`${SELECT} 0 rows ok`]);
    expect(exchange(select, join(my.packet(1, [1]), my.column(2), my.eof(3), my.eof(4)))).toEqual([`${SELECT} 0 rows ok`]);
  });

  test("columns, and sizes of both sides", () => {
    const answer = my.result([
      ["a", "b", "c"],
      ["d", null, ""],
    ]);
    const trip = last(mysql().send("client", select).send("server", answer));
    expect(trip.request).toMatchObject({ bytes: select.length, bodyBytes: select.length - 4 });
    // The number of columns, three of them, two EOF and two rows, each behind four bytes.
    expect(trip.response).toMatchObject({ columns: 3, rows: 2, bytes: answer.length, bodyBytes: answer.length - 4 * 8 });
  });

  test("warnings at the end of rows, of several results together", () => {
    const [first, second] = [my.result([["a"]], { status: 10 }), my.result([["b"]], { id: 6 })];
    // An EOF has them before the status.
    const answer = join(first.with(first.length - 4, 3), second.with(second.length - 4, 2));
    expect(last(mysql().send("client", my.query("SELECT 1; SELECT 2")).send("server", answer)).response).toMatchObject({
      warnings: 5,
      results: 2,
    });
    const ended = join(my.packet(1, [1]), my.column(2), my.packet(3, my.text("a")), my.ok(4, 0, 0, 2, 7, 0xfe));
    expect(last(mysql(DEPRECATE).send("client", select).send("server", ended)).response).toMatchObject({ warnings: 7, rows: 1 });
  });

  test("OK with its numbers", () => {
    const trip = last(
      mysql()
        .send("client", my.query("UPDATE t SET a = 1"))
        .send("server", my.ok(1, 9, 200, 2, 3)),
    );
    expect(trip.response).toMatchObject({ affectedRows: 9, lastInsertId: 200, warnings: 3 });
  });

  test("numbers of more than a byte", () => {
    const ok = my.packet(1, [0, 0xfc, 0x2c, 1, 0xfd, 1, 0, 1], number(2, 2, true), number(64, 2, true));
    const trip = last(mysql().send("client", my.query("INSERT INTO t VALUES (1)")).send("server", ok));
    expect(trip.response).toMatchObject({ affectedRows: 300, lastInsertId: 65537, warnings: 64 });
  });

  test("an error, and one in the middle of rows", () => {
    expect(exchange(select, my.error(1, 1146, "42S02", "No table"))).toEqual([`${SELECT} 1146 error`]);
    const begun = join(my.packet(1, [1]), my.column(2), my.eof(3), my.packet(4, my.text("a")));
    expect(exchange(select, join(begun, my.error(5, 1317, "70100", "Interrupted")))).toEqual([`${SELECT} 1 rows 1317 error`]);
  });

  test("several of several statements", () => {
    const answer = join(my.result([["a"]], { status: 10 }), my.ok(6, 4, 0, 10), my.result([["b"], ["c"]], { id: 7 }));
    const trip = last(mysql().send("client", my.query("SELECT 1; UPDATE t SET a=2; SELECT 3;")).send("server", answer));
    expect(trip).toMatchObject({ status: "ok", response: { rows: 3, results: 3, affectedRows: 4 } });
  });

  test("the insert id of the last that has one", () => {
    const answer = join(my.ok(1, 1, 7, 10), my.ok(2, 2, 8, 10), my.ok(3, 3));
    const trip = last(mysql().send("client", my.query("INSERT a; INSERT b; UPDATE c")).send("server", answer));
    expect(trip.response).toMatchObject({ affectedRows: 6, lastInsertId: 8, results: 3 });
  });

  test("a file that the client sends", () => {
    const talk = mysql().send("client", my.query("LOAD DATA LOCAL INFILE 'f' INTO TABLE t"));
    talk.send("server", my.packet(1, [0xfb], "f")).send("client", my.packet(2, "x".repeat(5000)), 1000);
    talk.send("client", my.packet(3)).send("server", my.ok(4, 77));
    talk.send("client", select).send("server", my.result([["a"]]));
    const trips = tripsOf("mysql", talk.close().packets);
    expect(trips[1]).toMatchObject({ status: "ok", response: { affectedRows: 77 } });
    expect(trips[1]?.request?.bytes).toBe(44 + 5004 + 4);
    expect(trips[2]?.response?.rows).toBe(1);
  });

  test("a file that the client does not send", () => {
    const talk = mysql().send("client", my.query("LOAD DATA LOCAL INFILE 'f' INTO TABLE t"));
    talk
      .send("server", my.packet(1, [0xfb], "f"))
      .send("client", my.packet(2))
      .send("server", my.error(3, 2, "HY000", "No file"));
    talk.send("client", select).send("server", my.result([["a"]]));
    expect(myLines(talk.packets)).toEqual(["query LOAD DATA LOCAL INFILE ? INTO TABLE t 2 error", `${SELECT} 1 rows ok`]);
  });

  test("a packet of 16 MB to the byte, which an empty one ends", () => {
    const huge = my.packet(0, [3], "SELECT '", "x".repeat(0xffffff - 10), "'");
    const talk = mysql()
      .send("client", huge, 60000)
      .send("client", my.packet(1))
      .send("server", my.result([["a"]], { id: 2 }));
    talk.send("client", select).send("server", my.result([["b"]]));
    const trips = tripsOf("mysql", talk.close().packets);
    expect(trips.map(({ status, response }) => [status, response?.rows])).toEqual([
      ["ok", undefined],
      ["ok", 1],
      ["ok", 1],
    ]);
    expect(trips[1]?.request?.bytes).toBe(0xffffff + 4 + 4);
  });

  test("packets over 16 MB", () => {
    const huge = my.packet(0, [3], "SELECT '", "x".repeat(0xffffff - 9));
    const talk = mysql().send("client", huge, 60000).send("client", my.packet(1, "y'"));
    const row = my.packet(4, [0xfd, 0xfe, 0xff, 0xff], "z".repeat(0xffffff - 4));
    const begun = join(my.packet(2, [1]), my.column(3), row);
    const short = join(my.packet(2, [1]), my.column(3), my.eof(4), my.packet(5, row.subarray(4)), my.packet(6, "zzz"), my.eof(7));
    talk
      .send("server", short, 60000)
      .send("client", select)
      .send("server", my.result([["a"]]));
    expect(begun.length).toBeGreaterThan(0xffffff);
    const trips = tripsOf("mysql", talk.close().packets);
    expect(trips.map(({ status, response }) => [status, response?.rows])).toEqual([
      ["ok", undefined],
      ["ok", 1],
      ["ok", 1],
    ]);
    expect(trips[1]?.request?.bytes).toBe(0xffffff + 4 + 6);
    expect(trips[1]?.marks).toEqual(["truncated"]);
  });

  test("a first value of over 16 MB, whose length begins as an EOF does", () => {
    const bytes = 0xffffff + 1000;
    const value = join([0xfe], number(bytes, 8, true), "v".repeat(bytes));
    const row = (id: number) => join(my.packet(id, value.subarray(0, 0xffffff)), my.packet(id + 1, value.subarray(0xffffff)));
    for (const isDeprecated of [false, true]) {
      const columns = join(my.packet(1, [1]), my.column(2), ...(isDeprecated ? [] : [my.eof(3)]));
      const next = isDeprecated ? 3 : 4;
      const end = isDeprecated ? my.ok(next + 3, 0, 0, 2, 0, 0xfe) : my.eof(next + 3);
      const answer = join(columns, row(next), my.packet(next + 2, my.text("b")), end);
      const talk = mysql(isDeprecated ? DEPRECATE : PLAIN)
        .send("client", select)
        .send("server", answer, 60000);
      talk.send("client", my.command(14)).send("server", my.ok(1));
      expect(myLines(talk.packets)).toEqual([`${SELECT} 2 rows ok`, "ping ok"]);
    }
  });

  test("progress that MariaDB reports is no error", () => {
    const progress = my.packet(1, [0xff, 0xff, 0xff, 1, 1, 2, 10, 0, 0, 4], "copy");
    expect(exchange(my.query("ALTER TABLE t ENGINE=x"), join(progress, my.ok(2)))).toEqual(["query ALTER TABLE t ENGINE=x ok"]);
  });

  test("definitions that MariaDB leaves out", () => {
    const row = (id: number) => my.packet(id, my.text("a"), my.text("b"), my.text("c"));
    const answer = join(my.packet(1, [3, 0]), my.eof(2), row(3), row(4), my.eof(5));
    expect(exchange(select, answer)).toEqual([`${SELECT} 2 rows ok`]);
  });
});

describe("commands", () => {
  test("without a response", () => {
    const talk = mysql()
      .send("client", my.command(25, number(1, 4, true)))
      .send("client", my.command(1));
    expect(myLines(talk.close().packets)).toEqual(["stmt_close alone ok", "quit alone ok"]);
  });

  test("of which the server says nothing, behind missing ones", () => {
    const talk = mysql().send("client", select).send("server", my.ok(1)).acknowledge("client");
    talk.lose("client", my.command(25, number(1, 4, true))).send("client", my.command(14));
    talk.acknowledge("server").wait(4_000_000_000n).finish("server").close();
    expect(myLines(talk.packets)).toEqual([`${SELECT} ok`, "ping alone closed"]);
  });

  test("of one packet", () => {
    expect(exchange(my.command(14), my.ok(1))).toEqual(["ping ok"]);
    expect(exchange(my.command(9), my.packet(1, "Uptime: 5"))).toEqual(["statistics ok"]);
    expect(exchange(my.command(27, [0, 0]), my.eof(1))).toEqual(["set_option ok"]);
    const fields = join(my.column(1), my.column(2), my.eof(3));
    expect(exchange(my.command(4, "t\0"), fields)).toEqual(["field_list ok"]);
    expect(last(mysql().send("client", my.command(4, "t\0")).send("server", fields)).response?.columns).toBe(2);
  });

  test("the database in use", () => {
    const talk = mysql().send("client", my.command(2, "stock")).send("server", my.ok(1));
    talk.send("client", select).send("server", my.result([["a"]]));
    talk.send("client", my.query("use `other`")).send("server", my.ok(1)).send("client", my.command(14)).send("server", my.ok(1));
    const trips = tripsOf("mysql", talk.close().packets);
    expect(trips.map(({ request }) => request?.database)).toEqual([undefined, undefined, "stock", "stock", "other"]);
    expect(trips.at(-1)?.request?.user).toBe("root");
  });

  test("attributes before the text", () => {
    expect(exchange(my.command(3, [0, 1], "SELECT 5"), my.ok(1))).toEqual(["query SELECT ? ok"]);
    const one = my.command(3, [1, 1, 0, 1, 254, 0, 1], "n", [5], "value", "SELECT 5");
    expect(exchange(one, my.ok(1))).toEqual(["query SELECT ? ok"]);
  });

  test("texts are cut at their limit", () => {
    const trip = last(
      mysql()
        .send("client", my.query(`SELECT '${"x".repeat(5000)}'`), 1000)
        .send("server", my.ok(1)),
    );
    expect([trip.marks, String(trip.request?.statement).length, trip.request?.fingerprint]).toEqual([
      ["truncated"],
      8,
      "SELECT ?",
    ]);
  });
});

describe("recognition", () => {
  test("on another port, and in the middle of a connection", () => {
    const talk = connection({ serverPort: 9999 });
    talk
      .send("client", select)
      .send("server", my.result([["a"]]))
      .send("client", select)
      .send("server", my.result([["b"]], deprecate));
    expect(myLines(talk.packets.slice(3))).toEqual([`${SELECT} 1 rows ok`, `${SELECT} 1 rows ok`]);
  });

  test("joined in the middle: prepared statements end though nothing says how", () => {
    for (const isDeprecated of [false, true]) {
      const talk = connection()
        .send("client", my.command(22, "SELECT ?"))
        .send("server", my.prepared(1, 1, 1, isDeprecated));
      talk.send("client", my.execute(1)).send("server", my.result([["a"]], { deprecate: isDeprecated }));
      const found = myLines(talk.packets.slice(3));
      expect(
        found.filter((text) => text.startsWith("stmt_execute")),
        String(isDeprecated),
      ).toEqual(["stmt_execute SELECT ? 1 rows ok"]);
    }
  });

  test("random bytes are never taken for it", () => {
    for (let seed = 0; seed < 300; seed++) {
      const random = randomFrom(seed);
      const bytes = () => Uint8Array.from({ length: 1 + Math.floor(random() * 200) }, () => Math.floor(random() * 256));
      const talk = connection().send("server", bytes()).send("client", bytes()).send("server", bytes()).close();
      expect(tripsOf("mysql", talk.packets), `seed ${seed}`).toEqual([]);
    }
  });

  test("HTTP on its port is HTTP", () => {
    const talk = http({ serverPort: 3306 }).send("client", httpRequest("GET / HTTP/1.1")).send("server", httpResponse("200 OK"));
    expect(readRoundTrips(pcap(talk.packets)).map(({ protocol }) => protocol)).toEqual(["http"]);
  });
});
