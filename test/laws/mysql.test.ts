/** Laws that MySQL keeps whatever the segments, the cuts and the bytes. */
import { createHash } from "node:crypto";
import { describe } from "vitest";
import type { RoundTrip } from "../../engine/round-trip";
import { type Captured, join, toBytes } from "../support/pcap-builder";
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

const WHOLE = [
  "connect ok",
  "query SELECT a, b FROM t WHERE c = ? 2 rows ok",
  "stmt_prepare SELECT ? FROM t ok",
  "stmt_execute SELECT ? FROM t 1 rows ok",
  "query SELECT ?; UPDATE t SET a = ? 1 rows ok",
  "query BAD 1064 error",
  "stmt_close SELECT ? FROM t alone ok",
  "ping ok",
];

/** As many columns as tell which request it answers. */
const widening = (index: number) =>
  my.result([Array.from({ length: index + 1 }, (_, at) => (at === 0 ? "v".repeat(240) : "w".repeat(20)))]);

const COMMON = {
  trips: (packets: Captured[]) => tripsOf("mysql", packets),
  line: myLine,
  whole: WHOLE,
  isRight: ({ response }: RoundTrip, index: number) => response?.columns === index + 1,
  indexOf: ({ request }: RoundTrip) => Number(/t(\d+)$/.exec(String(request?.statement))?.[1] ?? -1),
  cleanLine: /^query SELECT clean ok/,
};

describe("mysql", () => {
  keepsLaws({
    ...COMMON,
    talk: TALK,
    connect: (form) => mysql(PLAIN, form),
    exchange: (index) => [numbered(index), widening(index)],
    clean: [my.query("SELECT clean"), my.ok(1, 9)],
    bad: join(my.query("SELECT bad"), my.execute(7)),
  });
});

const COMPRESSED = PLAIN | CAPABILITY.compress;
const IN_HANDSHAKE = 4;
/** The same in compressed packets of at most 70 bytes of content, so that packets cross them, some stored and some not. */
const COMPRESSED_TALK = TALK.map(([side, bytes], index): Talk[number] => {
  if (index === 1) return [side, my.login(COMPRESSED | CAPABILITY.deprecateEof | CAPABILITY.database, "root", "shop")];
  return [side, index <= IN_HANDSHAKE ? bytes : my.packAll(side === "client" ? 0 : 1, toBytes(bytes), 70)];
});

/** Words that do not compress to nothing. */
const noise = (index: number) => createHash("sha512").update(`${index}`).digest("base64");
/** As many columns as tell which request it answers, in a packet of several segments. */
const noisy = (index: number) => {
  const first = (row: number) => [0, 1, 2, 3].map((at) => noise(index * 100 + row * 8 + at)).join("");
  const value = (row: number, at: number) => (at === 0 ? first(row).slice(0, 240) : noise(row).slice(at, at + 9));
  return my.result([0, 1, 2, 3].map((row) => Array.from({ length: index + 1 }, (_, at) => value(row, at))));
};

describe("mysql, compressed", () => {
  keepsLaws({
    ...COMMON,
    talk: COMPRESSED_TALK,
    connect: (form) => mysql(COMPRESSED, form),
    exchange: (index) => [my.pack(0, numbered(index)), my.packAll(1, noisy(index))],
    clean: [my.pack(0, my.query("SELECT clean")), my.pack(1, my.ok(1, 9))],
    bad: join(my.pack(0, my.query(`SELECT ${"bad ".repeat(20)}`)), my.pack(0, my.execute(7))),
  });
});
