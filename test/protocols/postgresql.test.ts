/** PostgreSQL: each case as the messages of both sides and the round trips that they are. */
import { describe, expect, test } from "vitest";
import { type Bytes, type Conversation, join, number, pcap } from "../support/pcap-builder";
import { randomFrom } from "../support/sketches";
import { connection, pg, pgLines, postgresql, tripsOf } from "../support/sql";
import { totalsOf } from "../support/summaries";

/** The lines of one exchange after the beginning. */
const exchange = (asked: Bytes, answer: Bytes) =>
  pgLines(postgresql().send("client", asked).send("server", answer).close().packets);
/** The last round trip of a conversation. */
const last = (talk: Conversation) => tripsOf("postgresql", talk.close().packets).at(-1)!;
const select = pg.query("SELECT name FROM t WHERE id = 7");
const SELECT = "simple SELECT name FROM t WHERE id = ?";
const rows = join(pg.select(["a", "b"]), pg.ready());

describe("the beginning", () => {
  test("is a round trip of its own, with user, database and application", () => {
    const [trip] = tripsOf("postgresql", postgresql().close().packets);
    expect(trip).toMatchObject({
      status: "ok",
      request: { kind: "startup", user: "ann", database: "shop", application: "till" },
    });
  });

  test("with a password", () => {
    const talk = connection()
      .send("client", pg.startup())
      .send("server", pg.message("R", number(5, 4), "salt"));
    talk.send("client", pg.message("p", "md5abc\0")).send("server", pg.welcome()).send("client", select).send("server", rows);
    expect(tripsOf("postgresql", talk.packets).map(({ status }) => status)).toEqual(["ok", "ok"]);
  });

  test("refused", () => {
    const talk = connection().send("client", pg.startup());
    const trip = last(talk.send("server", pg.message("E", "SFATAL\0C28P01\0Mno such user\0\0")));
    expect(trip).toMatchObject({
      status: "error",
      response: { severity: "FATAL", sqlState: "28P01", message: "no such user" },
    });
  });

  test.each([
    ["TLS", [80877103]],
    ["GSS", [80877104]],
    ["GSS, then TLS", [80877104, 80877103]],
  ])("after %s was refused", (_name, codes) => {
    const talk = connection();
    for (const code of codes) talk.send("client", pg.untyped(code)).send("server", "N");
    talk.send("client", pg.startup()).send("server", pg.welcome()).send("client", select).send("server", rows);
    const trips = tripsOf("postgresql", talk.packets);
    expect(trips.map(({ request, status, marks }) => [request?.kind, status, marks])).toEqual([
      ["startup", "ok", []],
      ["simple", "ok", []],
    ]);
    expect(trips[0]?.response?.bytes).toBe(pg.welcome().length);
    expect(totalsOf(pcap(talk.packets)).count("postgresql_malformed_total")).toBe(0);
  });

  test.each([
    [80877103, "S"],
    [80877104, "G"],
  ])("after encryption was accepted nothing that is sealed is read", (code, byte) => {
    const talk = connection().send("client", pg.untyped(code)).send("server", byte);
    const sealed = Uint8Array.from([0x17, 3, 3, 0, 40, ...Array.from({ length: 40 }, (_, i) => (i * 73 + 41) & 255)]);
    for (const side of ["client", "server", "client", "server"] as const) talk.send(side, sealed);
    expect(tripsOf("postgresql", talk.close().packets)).toEqual([]);
  });

  test("with a newer minor version, which the server does not speak", () => {
    const talk = connection().send("client", pg.untyped(196610, "user\0ann\0_pq_.more\0on\0\0"));
    talk.send("server", join(pg.message("v", number(196608, 4), number(1, 4), "_pq_.more\0"), pg.welcome()));
    expect(pgLines(talk.send("client", select).send("server", rows).packets)).toEqual([`${SELECT} [SELECT 2] ok`]);
    // A database that is not named is the user's.
    expect(last(talk).request).toMatchObject({ user: "ann", database: "ann" });
    expect(last(talk).request).not.toHaveProperty("application");
  });

  test("a cancel request has no response", () => {
    const talk = connection().send("client", pg.untyped(80877102, number(7, 4), number(9, 4)));
    expect(pgLines(talk.close().packets)).toEqual(["cancel alone ok"]);
  });

  test("and the end", () => {
    expect(pgLines(postgresql().send("client", pg.message("X")).close().packets)).toEqual(["terminate alone ok"]);
  });
});

describe("simple queries", () => {
  test("rows and columns", () => {
    expect(exchange(select, rows)).toEqual([`${SELECT} [SELECT 2] ok`]);
    const trip = last(postgresql().send("client", select).send("server", rows));
    expect(trip.response).toMatchObject({ rows: 2, columns: 1, results: 1, commandTag: "SELECT 2" });
    expect(trip.request).toMatchObject({ user: "ann", database: "shop", application: "till" });
  });

  test("sizes of both sides: on the wire, and without the five bytes of each message's head", () => {
    const trip = last(postgresql().send("client", select).send("server", rows));
    expect(trip.request).toMatchObject({ bytes: select.length, bodyBytes: select.length - 5 });
    // Columns, two rows, the tag, and that it is ready.
    expect(trip.response).toMatchObject({ bytes: rows.length, bodyBytes: rows.length - 5 * 5 });
  });

  test.each(["BEGIN", "COMMIT", "CREATE TABLE"])("%s is named", (tag) => {
    expect(exchange(pg.query(tag), join(pg.complete(tag), pg.ready("T")))).toEqual([`simple ${tag} [${tag}] ok`]);
  });

  test.each([
    ["INSERT 0 5", 5],
    ["UPDATE 123", 123],
    ["COPY 7", 7],
  ])("%s tells rows", (tag, count) => {
    const trip = last(
      postgresql()
        .send("client", pg.query("x"))
        .send("server", join(pg.complete(tag), pg.ready())),
    );
    expect(trip.response?.rows).toBe(count);
  });

  test("an error, with all its parts", () => {
    const answer = join(pg.error("23502", 'null value in column "main.c"'), pg.ready());
    const trip = last(postgresql().send("client", pg.query("INSERT INTO t VALUES (NULL)")).send("server", answer));
    expect(trip).toMatchObject({
      status: "error",
      response: { severity: "ERROR", sqlState: "23502", message: 'null value in column "main.c"' },
    });
  });

  test("the severity of an error is the English one, where the server says it too", () => {
    const severity = (fields: string) => {
      const answer = join(pg.message("E", `${fields}C42P01\0Mno\0\0`), pg.ready());
      return last(postgresql().send("client", select).send("server", answer)).response?.severity;
    };
    expect(severity("SFEHLER\0VERROR\0")).toBe("ERROR");
    expect(severity("SFEHLER\0")).toBe("FEHLER");
  });

  test("several statements, and one of them wrong", () => {
    const good = join(pg.select(["a"]), pg.complete("UPDATE 4"), pg.select(["b", "c"]), pg.ready());
    const trip = last(postgresql().send("client", pg.query("SELECT 1; UPDATE t; SELECT 2")).send("server", good));
    expect(trip).toMatchObject({ status: "ok", response: { rows: 7, results: 3, commandTag: "SELECT 2" } });
    const bad = join(pg.select(["a"]), pg.error("22012", "division by zero"), pg.ready());
    expect(exchange(pg.query("SELECT 1; SELECT 1/0"), bad)).toEqual(["simple SELECT ?; SELECT ?/? [SELECT 1] 22012 error"]);
  });

  test("rows are counted where a tag does not tell them, of each statement by itself", () => {
    const shown = join(pg.columns(1), pg.row("on"), pg.complete("SHOW"));
    const trip = last(
      postgresql()
        .send("client", pg.query("SHOW a; SHOW b"))
        .send("server", join(shown, shown, pg.ready())),
    );
    expect(trip.response).toMatchObject({ rows: 2, results: 2, commandTag: "SHOW" });
  });

  test("nothing at all", () => {
    expect(exchange(pg.query(""), join(pg.message("I"), pg.ready()))).toEqual(["simple ok"]);
  });

  test("notices, parameters and notifications between", () => {
    const answer = join(pg.message("N", "SNOTICE\0C00000\0Mhear\0\0"), pg.message("S", "a\0b\0"), rows);
    const talk = postgresql().send("server", pg.message("A", number(9, 4), "news\0now\0"));
    talk
      .send("client", select)
      .send("server", answer)
      .send("server", pg.message("A", number(9, 4), "news\0again\0"));
    const trip = last(talk.send("client", select).send("server", rows));
    expect(trip).toMatchObject({ status: "ok", response: { rows: 2 } });
    const trips = tripsOf("postgresql", talk.packets);
    expect([trips.length, trips[1]?.response?.notices, trips[1]?.response?.rows]).toEqual([3, 1, 2]);
  });
});

describe("extended queries", () => {
  const text = "SELECT a FROM t WHERE id IN ($1, $2)";
  const folded = "SELECT a FROM t WHERE id IN (?)";
  const bound = pg.bound();

  test("unnamed", () => {
    const asked = join(pg.unnamed(text), pg.sync());
    const answer = join(bound, pg.select(["a"]), pg.ready());
    const trip = last(postgresql().send("client", asked).send("server", answer));
    expect(trip.request).toMatchObject({ kind: "extended", statement: text, fingerprint: folded, bytes: asked.length });
    expect(trip.response).toMatchObject({ rows: 1, bytes: answer.length });
  });

  test("named, prepared once and executed often", () => {
    const talk = postgresql().send("client", join(pg.parse(text, "s1"), pg.message("D", "Ss1\0"), pg.sync()));
    talk.send("server", join(pg.message("1"), pg.message("t", number(0, 2)), pg.columns(1), pg.ready()));
    for (let i = 0; i < 2; i++) {
      talk.send("client", join(pg.bind("s1"), pg.execute(), pg.sync()));
      talk.send("server", join(pg.message("2"), pg.row("a"), pg.complete("SELECT 1"), pg.ready()));
    }
    const line = `extended ${folded} [SELECT 1] ok`;
    expect(pgLines(talk.packets)).toEqual([`prepare ${folded} ok`, line, line]);
  });

  test("a name that is closed, and one that is prepared anew", () => {
    const talk = postgresql().send("client", join(pg.parse("SELECT a", "s1"), pg.sync()));
    talk.send("server", join(pg.message("1"), pg.ready()));
    const execute = () => {
      talk.send("client", join(pg.bind("s1"), pg.execute(), pg.sync()));
      talk.send("server", join(pg.message("2"), pg.complete("SELECT 0"), pg.ready()));
    };
    talk.send("client", join(pg.message("C", "Ss1\0"), pg.sync())).send("server", join(pg.message("3"), pg.ready()));
    execute();
    talk.send("client", join(pg.parse("SELECT b", "s1"), pg.sync())).send("server", join(pg.message("1"), pg.ready()));
    execute();
    expect(tripsOf("postgresql", talk.packets).map(({ request }) => [request?.kind, request?.statement])).toEqual([
      ["startup", undefined],
      ["prepare", "SELECT a"],
      ["prepare", undefined],
      ["extended", undefined],
      ["prepare", "SELECT b"],
      ["extended", "SELECT b"],
    ]);
  });

  test("through a named portal, some rows at a time", () => {
    const talk = postgresql().send("client", join(pg.parse(text), pg.bind("", "p"), pg.execute("p", 1), pg.sync()));
    talk.send("server", join(pg.message("1"), pg.message("2"), pg.row("a"), pg.message("s"), pg.ready("T")));
    talk.send("client", join(pg.execute("p", 1), pg.sync()));
    talk.send("server", join(pg.row("b"), pg.complete("SELECT 1"), pg.ready("T")));
    const trips = tripsOf("postgresql", talk.packets).slice(1);
    expect(trips.map(({ request, response }) => [request?.portal, request?.fingerprint, response?.rows])).toEqual([
      ["p", folded, 1],
      ["p", folded, 1],
    ]);
  });

  test("a pipeline with one Sync, and with many", () => {
    const texts = ["SELECT a", "UPDATE b", "SELECT c"];
    const one = (index: number) => join(bound, pg.complete(["SELECT 1", "UPDATE 2", "SELECT 3"][index]!));
    const lines = ["extended SELECT a [SELECT 1] ok", "extended UPDATE b [UPDATE 2] ok", "extended SELECT c [SELECT 3] ok"];
    expect(exchange(join(...texts.map(pg.unnamed), pg.sync()), join(...[0, 1, 2].map(one), pg.ready()))).toEqual(lines);
    const synced = join(...texts.map((each) => join(pg.unnamed(each), pg.sync())));
    expect(exchange(synced, join(...[0, 1, 2].map((index) => join(one(index), pg.ready()))))).toEqual(lines);
  });

  test("an error inside a pipeline: what is left of it is passed over, the next group is not", () => {
    const asked = join(...["SELECT a", "SELECT b", "SELECT c"].map(pg.unnamed), pg.sync(), pg.unnamed("SELECT d"), pg.sync());
    const answer = join(
      bound,
      pg.complete("SELECT 1"),
      pg.error("22012", "no"),
      pg.ready(),
      bound,
      pg.complete("SELECT 4"),
      pg.ready(),
    );
    expect(exchange(asked, answer)).toEqual([
      "extended SELECT a [SELECT 1] ok",
      "extended SELECT b 22012 error",
      "extended SELECT c alone error",
      "extended SELECT d [SELECT 4] ok",
    ]);
  });

  test("an error in a Parse", () => {
    const talk = postgresql().send("client", join(pg.unnamed("SELEC"), pg.sync()));
    talk
      .send("server", join(pg.error("42601", "syntax"), pg.ready()))
      .send("client", select)
      .send("server", rows);
    expect(pgLines(talk.packets)).toEqual(["extended SELEC 42601 error", `${SELECT} [SELECT 2] ok`]);
  });

  test("an empty statement among others", () => {
    const asked = join(pg.unnamed(""), pg.unnamed("SELECT a"), pg.sync());
    const answer = join(pg.bound(), pg.message("I"), pg.bound(), pg.complete("SELECT 1"), pg.ready());
    expect(exchange(asked, answer)).toEqual(["extended ok", "extended SELECT a [SELECT 1] ok"]);
  });

  test("an empty group", () => {
    const talk = postgresql().send("client", pg.sync()).send("server", pg.ready()).send("client", select).send("server", rows);
    expect(pgLines(talk.packets)).toEqual([`${SELECT} [SELECT 2] ok`]);
  });

  test("texts are cut at their limit", () => {
    const asked = join(pg.unnamed(`SELECT '${"x".repeat(3000)}'`), pg.sync());
    const trip = last(
      postgresql()
        .send("client", asked, 700)
        .send("server", join(bound, pg.select(["a"]), pg.ready())),
    );
    expect([trip.marks, String(trip.request?.statement).length, trip.request?.fingerprint]).toEqual([
      ["truncated"],
      8,
      "SELECT ?",
    ]);
  });
});

describe("copies and functions", () => {
  test("COPY in", () => {
    const asked = pg.query("COPY t FROM STDIN");
    const data = join(...Array.from({ length: 50 }, () => pg.message("d", "1\tone\n")), pg.message("c"));
    const talk = postgresql()
      .send("client", asked)
      .send("server", pg.message("G", [0, 0, 0]));
    const trip = last(talk.send("client", data, 100).send("server", join(pg.complete("COPY 50"), pg.ready())));
    expect(trip).toMatchObject({ status: "ok", request: { kind: "copy" }, response: { rows: 50, commandTag: "COPY 50" } });
    expect(trip.request?.bytes).toBe(asked.length + data.length);
  });

  test("COPY out, and one that fails", () => {
    const data = join(...Array.from({ length: 3 }, () => pg.message("d", "1\tone\n")), pg.message("c"));
    const answer = join(pg.message("H", [0, 0, 0]), data, pg.complete("COPY 3"), pg.ready());
    expect(exchange(pg.query("COPY t TO STDOUT"), answer)).toEqual(["copy COPY t TO STDOUT [COPY 3] ok"]);
    const talk = postgresql()
      .send("client", pg.query("COPY t FROM STDIN"))
      .send("server", pg.message("G", [0, 0, 0]));
    talk.send("client", pg.message("f", "stop\0")).send("server", join(pg.error("57014", "stopped"), pg.ready()));
    expect(pgLines(talk.packets)).toEqual(["copy COPY t FROM STDIN 57014 error"]);
  });

  test("COPY in both directions, as replication begins", () => {
    const talk = postgresql().send("client", pg.query("START_REPLICATION SLOT s LOGICAL 0/0"));
    const sent = pg.message("d", "w", new Uint8Array(24), "change");
    const status = pg.message("d", "r", new Uint8Array(33));
    talk
      .send("server", join(pg.message("W", [0, 0, 0]), sent))
      .send("client", status)
      .send("server", sent);
    talk.send("client", pg.message("c")).send("server", join(pg.message("c"), pg.complete("COPY 0"), pg.ready()));
    expect(last(talk)).toMatchObject({ status: "ok", request: { kind: "copy" }, response: { commandTag: "COPY 0" } });
  });

  test("COPY in by an extended query", () => {
    const talk = postgresql()
      .send("client", join(pg.unnamed("COPY t FROM STDIN"), pg.sync()))
      .send("server", join(pg.bound(), pg.message("G", [0, 0, 0])));
    talk.send("client", join(pg.message("d", "1\tone\n"), pg.message("c"), pg.sync()));
    talk
      .send("server", join(pg.complete("COPY 1"), pg.ready()))
      .send("client", select)
      .send("server", rows);
    const trips = tripsOf("postgresql", talk.close().packets);
    expect(trips.map(({ status, response }) => [status, response?.commandTag]).slice(1)).toEqual([
      ["ok", "COPY 1"],
      ["ok", "SELECT 2"],
    ]);
  });

  test("a function", () => {
    const answer = join(pg.message("V", number(4, 4), "four"), pg.ready());
    expect(exchange(pg.message("F", number(7, 4), number(0, 2), number(0, 2), number(0, 2)), answer)).toEqual(["function ok"]);
  });
});

describe("missing bytes", () => {
  const goOn = (talk: Conversation) => talk.acknowledge("client").wait(200_000_000n).acknowledge("client").acknowledge("server");

  test("inside a row cost a mark", () => {
    const answer = join(pg.select(["x".repeat(3000), "b"]), pg.ready());
    const talk = postgresql()
      .send("client", select)
      .send("server", answer.subarray(0, 500))
      .lose("server", answer.subarray(500, 1500));
    goOn(talk.send("server", answer.subarray(1500)))
      .send("client", select)
      .send("server", rows);
    expect(pgLines(talk.packets)).toEqual([`${SELECT} [SELECT 2] ok gap`, `${SELECT} [SELECT 2] ok`]);
  });

  test("of several rows: the end still tells the outcome", () => {
    const answer = join(pg.select(Array.from({ length: 90 }, () => "value")), pg.ready());
    const talk = postgresql()
      .send("client", select)
      .send("server", answer.subarray(0, 500))
      .lose("server", answer.subarray(500, 1200));
    goOn(talk.send("server", answer.subarray(1200)))
      .send("client", select)
      .send("server", rows);
    expect(pgLines(talk.packets)).toEqual([`${SELECT} [SELECT 90] ok gap`, `${SELECT} [SELECT 2] ok`]);
  });

  test("of a response's beginning: its end still tells the outcome", () => {
    const answer = join(pg.columns(1), pg.row("x".repeat(3000)), pg.error("57014", "canceled"), pg.ready());
    const talk = postgresql().send("client", select).lose("server", answer.subarray(0, 1500));
    goOn(talk.send("server", answer.subarray(1500)))
      .send("client", select)
      .send("server", rows);
    expect(pgLines(talk.packets)).toEqual([`${SELECT} 57014 error gap`, `${SELECT} [SELECT 2] ok`]);
  });

  test("a whole response: its request is unobserved, the next pair stands", () => {
    const talk = postgresql().send("client", select).lose("server", rows);
    goOn(talk)
      .send("client", pg.query("BEGIN"))
      .wait(200_000_000n)
      .send("server", join(pg.complete("BEGIN"), pg.ready("T")));
    expect(pgLines(talk.packets)).toEqual([`${SELECT} alone unobserved`, "simple BEGIN [BEGIN] ok"]);
  });

  test("a whole request: its response is an orphan, the next pair stands", () => {
    const talk = postgresql().lose("client", select).send("server", rows);
    goOn(talk)
      .send("client", pg.query("BEGIN"))
      .send("server", join(pg.complete("BEGIN"), pg.ready("T")));
    expect(pgLines(talk.packets)).toEqual(["- [SELECT 2] ok", "simple BEGIN [BEGIN] ok"]);
  });

  test("the beginning of the connection", () => {
    const talk = postgresql().send("client", select).send("server", rows);
    talk.send("client", join(pg.unnamed("SELECT a"), pg.sync())).send("server", join(pg.bound(), pg.select(["a"]), pg.ready()));
    expect(pgLines(talk.packets.slice(5))).toEqual([`${SELECT} [SELECT 2] ok`, "extended SELECT a [SELECT 1] ok"]);
    expect(pgLines(talk.packets.slice(6)).at(-1)).toBe("extended SELECT a [SELECT 1] ok");
  });
});

describe("recognition", () => {
  test("random bytes are never taken for it", () => {
    for (let seed = 0; seed < 300; seed++) {
      const random = randomFrom(seed);
      const bytes = () => Uint8Array.from({ length: 1 + Math.floor(random() * 200) }, () => Math.floor(random() * 256));
      const talk = connection({ serverPort: 5432 })
        .send("client", bytes())
        .send("server", bytes())
        .send("client", bytes())
        .close();
      expect(tripsOf("postgresql", talk.packets), `seed ${seed}`).toEqual([]);
    }
  });

  test("on another port", () => {
    const talk = postgresql({ serverPort: 81 }).send("client", select).send("server", rows);
    expect(pgLines(talk.packets)).toEqual([`${SELECT} [SELECT 2] ok`]);
  });
});
