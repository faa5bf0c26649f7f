/** Laws that PostgreSQL keeps whatever the segments, the cuts and the bytes. */
import { describe } from "vitest";
import { join, number } from "../support/pcap-builder";
import { pg, pgLine, postgresql, tripsOf } from "../support/sql";
import { keepsLaws, type Talk } from "../support/stream-laws";

/** One connection that shows most of what PostgreSQL can do. */
const TALK: Talk = [
  ["client", pg.untyped(80877103)],
  ["server", "N"],
  ["client", pg.startup()],
  ["server", pg.message("R", number(5, 4), "salt")],
  ["client", pg.message("p", "md5\0")],
  ["server", pg.welcome()],
  ["client", pg.query("SELECT a FROM t WHERE b = 'x'")],
  ["server", join(pg.message("N", "SNOTICE\0Mhear\0\0"), pg.select(["a", ""]), pg.ready())],
  ["client", join(pg.parse("SELECT $1", "s"), pg.sync())],
  ["server", join(pg.message("1"), pg.ready())],
  ["client", join(pg.bind("s"), pg.execute(), pg.unnamed("SELECT 1/0"), pg.unnamed("SELECT c"), pg.sync())],
  ["server", join(pg.message("2"), pg.row("a"), pg.complete("SELECT 1"), pg.error("22012", "zero"), pg.ready())],
  ["client", pg.query("COPY t FROM STDIN")],
  ["server", pg.message("G", [0, 0, 0])],
  ["client", join(pg.message("d", "1\n"), pg.message("d", "2\n"), pg.message("c"))],
  ["server", join(pg.complete("COPY 2"), pg.ready())],
  ["client", pg.query("BEGIN")],
  ["server", join(pg.complete("BEGIN"), pg.ready("T"))],
  ["client", pg.message("X")],
];

describe("postgresql", () => {
  keepsLaws({
    talk: TALK,
    connect: (form) => postgresql(form),
    trips: (packets) => tripsOf("postgresql", packets),
    line: pgLine,
    whole: [
      "startup ok",
      "simple SELECT a FROM t WHERE b = ? [SELECT 2] ok",
      "prepare SELECT ? ok",
      "extended SELECT ? [SELECT 1] ok",
      "extended SELECT ?/? 22012 error",
      "extended SELECT c alone error",
      "copy COPY t FROM STDIN [COPY 2] ok",
      "simple BEGIN [BEGIN] ok",
      "terminate alone ok",
    ],
    exchange: (index) => [
      join(pg.unnamed(`SELECT t${index}`), pg.sync()),
      join(pg.bound(), pg.columns(1), pg.row("v".repeat(700)), pg.complete(`SELECT ${index}`), pg.ready()),
    ],
    isRight: ({ response }, index) => response?.commandTag === `SELECT ${index}`,
    indexOf: ({ request }) => Number(/t(\d+)$/.exec(String(request?.statement))?.[1] ?? -1),
    clean: [pg.query("SELECT clean"), join(pg.complete("SELECT 9"), pg.ready())],
    cleanLine: /^simple SELECT clean \[SELECT 9\] ok/,
    bad: join(pg.query("SELECT bad"), pg.unnamed("SELECT worse"), pg.sync()),
  });
});
