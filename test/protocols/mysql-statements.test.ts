/** Prepared statements of MySQL: what is executed by a number, and what became of its text. */
import { describe, expect, test } from "vitest";
import { type Conversation, join, number } from "../support/pcap-builder";
import { CAPABILITY, my, myLines, mysql, PLAIN, tripsOf } from "../support/sql";

const DEPRECATE = PLAIN | CAPABILITY.deprecateEof;

/** The last round trip of a conversation. */
const last = (talk: Conversation) => tripsOf("mysql", talk.close().packets).at(-1)!;

describe("prepared statements", () => {
  const text = "SELECT a, b FROM t WHERE id IN (?, ?)";
  const folded = "SELECT a, b FROM t WHERE id IN (?)";
  const prepare = my.command(22, text);

  test.each([
    ["with EOF packets", false],
    ["without", true],
  ])("their text by number, %s", (_name, isDeprecated) => {
    const talk = mysql(isDeprecated ? DEPRECATE : PLAIN);
    talk.send("client", prepare).send("server", my.prepared(9, 2, 2, isDeprecated));
    const rows = my.result([["", "b"]], { deprecate: isDeprecated });
    for (let i = 0; i < 2; i++) talk.send("client", my.execute(9)).send("server", rows);
    talk.send("client", my.execute(8)).send("server", my.error(1, 1243, "HY000", "Unknown"));
    const line = `stmt_execute ${folded} 1 rows ok`;
    expect(myLines(talk.packets)).toEqual([`stmt_prepare ${folded} ok`, line, line, "stmt_execute 1243 error"]);
    const trips = tripsOf("mysql", talk.close().packets);
    expect([trips[1]?.response?.statementId, trips[2]?.request?.statementId, trips[2]?.request?.statement]).toEqual([9, 9, text]);
  });

  test("what the server says of one: its number, columns and warnings", () => {
    const answer = my.prepared(70_000, 3, 1);
    const trip = last(
      mysql()
        .send("client", prepare)
        .send("server", answer.with(4 + 10, 5)),
    );
    expect(trip.response).toEqual({
      bytes: answer.length,
      statementId: 70_000,
      columns: 3,
      warnings: 5,
      // The first packet, one parameter, three columns, and an EOF behind each sort.
      bodyBytes: answer.length - 4 * 7,
    });
  });

  test("rows that wait at a cursor", () => {
    const talk = mysql()
      .send("client", prepare)
      .send("server", my.prepared(9, 1, 0));
    const opened = join(my.packet(1, [1]), my.column(2), my.eof(3, 66));
    talk.send("client", my.execute(9)).send("server", opened);
    const fetched = join(my.packet(1, [0, 0, 0]), my.packet(2, [0, 0, 1]), my.eof(3, 128));
    talk.send("client", my.command(28, number(9, 4, true), number(2, 4, true))).send("server", fetched);
    expect(myLines(talk.packets).slice(1)).toEqual([`stmt_execute ${folded} 0 rows ok`, `stmt_fetch ${folded} 2 rows ok`]);
  });

  test("executed in bulk (MariaDB)", () => {
    const talk = mysql()
      .send("client", prepare)
      .send("server", my.prepared(9, 0, 2));
    talk.send("client", my.command(250, number(9, 4, true), number(128, 2, true), [3, 0, 3, 0, 0, 1, 0, 0, 0, 0, 2, 0, 0, 0]));
    expect(myLines(talk.send("server", my.ok(1, 2)).packets)[1]).toBe(`stmt_bulk_execute ${folded} ok`);
  });

  test("executed before their number is known (MariaDB)", () => {
    const talk = mysql().send("client", join(prepare, my.execute(0xffffffff)));
    talk.send("server", my.prepared(9, 2, 2)).send("server", my.result([["a", "b"]]));
    expect(myLines(talk.packets)).toEqual([`stmt_prepare ${folded} ok`, `stmt_execute ${folded} 1 rows ok`]);
  });

  test("executed so, their text is as cut as it was when it was prepared", () => {
    const long = my.command(22, `SELECT ${"a".repeat(2000)}`);
    const talk = mysql().send("client", join(long, my.execute(0xffffffff)));
    talk.send("server", my.prepared(9, 0, 0)).send("server", my.ok(1));
    const trips = tripsOf("mysql", talk.packets).slice(1);
    expect(trips.map(({ request, marks }) => [request?.command, String(request?.statement).length, marks])).toEqual([
      ["stmt_prepare", 1024, ["truncated"]],
      ["stmt_execute", 1024, ["truncated"]],
    ]);
  });

  test("closed, and forgotten with the connection's state", () => {
    const talk = mysql()
      .send("client", prepare)
      .send("server", my.prepared(9, 0, 0));
    talk.send("client", join(my.command(25, number(9, 4, true)), my.execute(9))).send("server", my.error(1, 1243, "HY000", "No"));
    for (const forgets of [my.command(31), my.command(17, "ann\0", [4], "word", "stock\0", [33, 0])]) {
      talk
        .send("client", prepare)
        .send("server", my.prepared(9, 0, 0))
        .send("client", forgets)
        .send("server", my.ok(1));
      talk.send("client", my.execute(9)).send("server", my.error(1, 1243, "HY000", "No"));
    }
    const [prepared, unknown] = [`stmt_prepare ${folded} ok`, "stmt_execute 1243 error"];
    expect(myLines(talk.packets)).toEqual([
      ...[prepared, `stmt_close ${folded} alone ok`, unknown],
      ...[prepared, "reset_connection ok", unknown],
      ...[prepared, "change_user ok", unknown],
    ]);
  });

  test("whose request was not seen: the answer is no OK that says of rows what is a number", () => {
    const talk = mysql().lose("client", my.command(22, "SELECT id FROM t WHERE a = ? AND b = ?"));
    talk
      .send("server", my.prepared(7, 1, 2))
      .send("client", my.command(14))
      .send("server", my.ok(1));
    const trips = tripsOf("mysql", talk.packets).filter(({ request }) => request?.command !== "connect");
    expect(trips.map(({ request, status }) => [request?.command, status])).toEqual([
      [undefined, "ok"],
      ["ping", "ok"],
    ]);
    expect(trips[0]!.response).toMatchObject({ statementId: 7, columns: 1 });
    expect(trips[0]!.response).not.toHaveProperty("affectedRows");
  });
});
