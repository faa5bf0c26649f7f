/** Laws that MySQL keeps whatever the segments, the cuts and the bytes. */
import { describe } from "vitest";
import { join } from "../support/pcap-builder";
import { CAPABILITY, my, myLine, mysql, PLAIN, tripsOf } from "../support/sql";
import { keepsLaws, type Talk } from "../support/stream-laws";

const DEPRECATE = { deprecate: true };
const numbered = (index: number) => my.query(`SELECT ${"x".repeat(index % 7)} FROM t${index}`);

/** One connection that shows most of what MySQL can do. */
const TALK: Talk = [
  ["server", my.greeting()],
  ["client", my.login(PLAIN | CAPABILITY.deprecateEof | CAPABILITY.database, "root", "shop")],
  ["server", my.packet(2, [0xfe], "other\0", "salt")],
  ["client", my.packet(3, "proof")],
  ["server", my.ok(4)],
  ["client", my.query("SELECT a, b FROM t WHERE c = 'x'")],
  [
    "server",
    my.result(
      [
        ["", "1"],
        [null, "22"],
      ],
      DEPRECATE,
    ),
  ],
  ["client", my.command(22, "SELECT ? FROM t")],
  ["server", my.prepared(3, 1, 1, true)],
  ["client", my.execute(3)],
  ["server", my.result([["b"]], DEPRECATE)],
  ["client", my.query("SELECT 1; UPDATE t SET a = 2")],
  ["server", join(my.result([["a"]], { ...DEPRECATE, status: 10 }), my.ok(5, 7))],
  ["client", my.query("BAD")],
  ["server", my.error(1, 1064, "42000", "Syntax")],
  ["client", join(my.command(25, [3, 0, 0, 0]), my.command(14))],
  ["server", my.ok(1)],
];

describe("mysql", () => {
  keepsLaws({
    talk: TALK,
    connect: (form) => mysql(PLAIN, form),
    trips: (packets) => tripsOf("mysql", packets),
    line: myLine,
    whole: [
      "connect ok",
      "query SELECT a, b FROM t WHERE c = ? 2 rows ok",
      "stmt_prepare SELECT ? FROM t ok",
      "stmt_execute SELECT ? FROM t 1 rows ok",
      "query SELECT ?; UPDATE t SET a = ? 1 rows ok",
      "query BAD 1064 error",
      "stmt_close SELECT ? FROM t alone ok",
      "ping ok",
    ],
    // As many columns as tell which request it answers.
    exchange: (index) => [
      numbered(index),
      my.result([Array.from({ length: index + 1 }, (_, at) => (at === 0 ? "v".repeat(240) : "w".repeat(20)))]),
    ],
    isRight: ({ response }, index) => response?.columns === index + 1,
    indexOf: ({ request }) => Number(/t(\d+)$/.exec(String(request?.statement))?.[1] ?? -1),
    clean: [my.query("SELECT clean"), my.ok(1, 9)],
    cleanLine: /^query SELECT clean ok/,
    bad: join(my.query("SELECT bad"), my.execute(7)),
  });
});
