/** Real MariaDB and PostgreSQL servers whose clients write charsets with backslashes in their characters: what servers read as literals is hidden. */
import { spawnSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { charactersOf, charactersWith } from "../support/charsets";
import { type Bytes, join } from "../support/pcap-builder";
import { readRoundTrips } from "../support/round-trips";
import { MARIADB_PROGRAMS, startMariadb } from "../support/servers/mariadb";
import { POSTGRESQL_PROGRAMS, startPostgresql } from "../support/servers/postgresql";
import { isHere } from "../support/servers/programs";
import { Stage } from "../support/servers/stage";

const HAS_MARIADB = isHere("mariadb", MARIADB_PROGRAMS);
const HAS_POSTGRESQL = isHere("postgresql", [...POSTGRESQL_PROGRAMS, "psql"]);
const BACKSLASH = 0x5c;
const BACKTICK = 0x60;
/** Stands in each literal behind the one in which an escape may be seen that is none. */
const SECRET = "hunter2";

/** By the database's name: which characters its decoder knows. */
const MYSQL: [string, string][] = [
  ["gbk", "gbk"],
  ["big5", "big5"],
  ["sjis", "shift_jis"],
  ["cp932", "shift_jis"],
];
const POSTGRESQL: [string, string][] = [
  ["GBK", "gbk"],
  ["GB18030", "gb18030"],
  ["BIG5", "big5"],
  ["SJIS", "shift_jis"],
  ["UTF8", "utf-8"],
];

const some = <T>(list: readonly T[], most: number) =>
  list.filter((_, index) => index % Math.ceil(list.length / most) === 0).slice(0, most);
const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex").toUpperCase();
/** Characters that take an escape for granted, and others of the same charset. */
const lettersOf = (encoding: string) =>
  encoding === "utf-8"
    ? ["é", "中", "\u{1f600}"].map((letter) => new TextEncoder().encode(letter))
    : [...some(charactersWith(encoding, BACKSLASH), 40), ...some(charactersOf(encoding), 60)];

describe.runIf(HAS_MARIADB)("mariadb", () => {
  const stage = HAS_MARIADB ? new Stage("charsets-mariadb") : undefined;
  let port = 0;
  const talks: { name: string; sent: string[]; read: string[] }[] = [];
  let bytes = new Uint8Array(0) as Uint8Array;

  function talk(name: string, more: string[], before: Bytes, letters: Uint8Array[], names: Uint8Array[]): void {
    const statements = letters.map((letter) =>
      join("SELECT HEX('", letter, "'), '", SECRET, "', HEX('", letter, "\\'", SECRET, "');\n"),
    );
    const named = names.map((letter) => join("SELECT HEX('`", SECRET, "`') AS `", letter, "`, '`", SECRET, "';\n"));
    const { stdout } = spawnSync("mariadb", ["-h127.0.0.1", `-P${port}`, "-uroot", "--skip-ssl", "-N", "-f", ...more, "shop"], {
      input: join(before, ...statements, ...named),
      encoding: "latin1",
    });
    const tail = Buffer.from(`'${SECRET}`).toString("hex").toUpperCase();
    const sent = letters.map((letter) => `${hexOf(letter)}\t${SECRET}\t${hexOf(letter)}${tail}`);
    const read = stdout.split("\n").filter((line) => line.includes(`\t${SECRET}\t`));
    talks.push({ name, sent, read });
  }

  beforeAll(async () => {
    port = await startMariadb(stage!);
    await stage!.record(port);
    for (const [charset, encoding] of MYSQL) {
      const letters = lettersOf(encoding);
      const names = some(charactersWith(encoding, BACKTICK), 20);
      // The client says it in the handshake; and another changes in the middle, its own reading as well.
      talk(`${charset}, from the beginning`, [`--default-character-set=${charset}`], "", letters, names);
      talk(
        `${charset}, set later`,
        ["--default-character-set=utf8mb4"],
        `\\C ${charset}\n SET NAMES ${charset};\n`,
        letters,
        names,
      );
    }
    talk("utf8mb4", ["--default-character-set=utf8mb4"], "", lettersOf("utf-8"), []);
    bytes = await stage!.recorded();
  }, 200_000);
  afterAll(() => stage?.end());

  test("the server read the literals as they were meant", () => {
    for (const { name, sent, read } of talks) expect([name, read]).toEqual([name, sent]);
  });

  test("what it read as literals is hidden, and what it read as text is shown", () => {
    const trips = readRoundTrips(bytes).filter(({ protocol }) => protocol === "mysql");
    const statements = trips.map(({ request }) => String(request?.statement ?? ""));
    expect(JSON.stringify(trips)).not.toContain(SECRET);
    const meant = statements.filter((statement) => statement === "SELECT HEX(?), ?, HEX(?)");
    expect(meant).toHaveLength(talks.flatMap(({ sent }) => sent).length);
    expect(statements.filter((statement) => /^SELECT HEX\(\?\) AS `.+`, \?$/.test(statement)).length).toBeGreaterThan(100);
  });

  test("joined in the middle nothing is shown either", () => {
    const trips = readRoundTrips(withoutBeginnings(bytes)).filter(({ protocol }) => protocol === "mysql");
    expect(trips.length).toBeGreaterThan(500);
    expect(JSON.stringify(trips)).not.toContain(SECRET);
  });
});

describe.runIf(HAS_POSTGRESQL)("postgresql", () => {
  const stage = HAS_POSTGRESQL ? new Stage("charsets-postgresql") : undefined;
  const talks: { name: string; letters: number; read: string[] }[] = [];
  let bytes = new Uint8Array(0) as Uint8Array;

  beforeAll(async () => {
    const port = await startPostgresql(stage!);
    await stage!.record(port);
    for (const [charset, encoding] of POSTGRESQL) {
      const letters = lettersOf(encoding);
      for (const how of ["from the beginning", "set later"]) {
        const own = how === "set later" ? `SET client_encoding TO '${charset}';\n` : "";
        // A server does not take an escaped quote in these charsets; a doubled one it does.
        const statements = letters.map((letter) =>
          join(
            ...["SELECT convert_to(E'", letter, `', '${charset}'), '`, SECRET, "', convert_to(E'", letter],
            ...["''", SECRET, `', '${charset}');\n`],
          ),
        );
        const { stdout } = spawnSync("psql", ["-h", "127.0.0.1", "-p", `${port}`, "-U", "postgres", "-AtX", "-F", "\t"], {
          input: join(own, ...statements),
          encoding: "latin1",
          env: {
            ...process.env,
            PGOPTIONS: "-c log_min_messages=panic",
            PGCLIENTENCODING: how === "set later" ? "UTF8" : charset,
          },
        });
        talks.push({
          name: `${charset}, ${how}`,
          letters: letters.length,
          read: stdout.split("\n").filter((line) => line.includes(SECRET)),
        });
      }
    }
    bytes = await stage!.recorded();
  }, 200_000);
  afterAll(() => stage?.end());

  test("the server read the literals as they were meant", () => {
    const tail = Buffer.from(`'${SECRET}`).toString("hex");
    for (const { name, letters, read } of talks) {
      // Not every character that the decoder knows is one of the server's, and of some it has another.
      expect([name, read.length >= letters / 2]).toEqual([name, true]);
      for (const line of read) expect(line).toMatch(new RegExp(`^\\\\x[0-9a-f]{4,8}\t${SECRET}\t\\\\x[0-9a-f]{4,8}${tail}$`));
    }
  });

  test("what it read as literals is hidden", () => {
    const trips = readRoundTrips(bytes).filter(({ protocol }) => protocol === "postgresql");
    expect(JSON.stringify(trips)).not.toContain(SECRET);
    const meant = trips.filter(({ request }) => request?.fingerprint === "SELECT convert_to(?), ?, convert_to(?)");
    expect(meant.length).toBeGreaterThanOrEqual(talks.flatMap(({ read }) => read).length);
  });

  test("joined in the middle nothing is shown either", () => {
    const trips = readRoundTrips(withoutBeginnings(bytes)).filter(({ protocol }) => protocol === "postgresql");
    expect(trips.length).toBeGreaterThan(200);
    expect(JSON.stringify(trips)).not.toContain(SECRET);
  });
});

/** A capture of Ethernet and IPv4 without the first packets of each connection: those of handshakes and logins, and some more. */
function withoutBeginnings(file: Uint8Array): Uint8Array {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const seen = new Map<string, number>();
  const kept = [file.subarray(0, 24)];
  for (let at = 24; at < file.length; ) {
    const length = 16 + view.getUint32(at + 8, true);
    const ports = [view.getUint16(at + 16 + 34), view.getUint16(at + 16 + 36)].sort().join(" ");
    const count = (seen.get(ports) ?? 0) + 1;
    seen.set(ports, count);
    if (count > 24) kept.push(file.subarray(at, at + length));
    at += length;
  }
  return join(...kept);
}
