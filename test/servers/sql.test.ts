/** Real MariaDB and PostgreSQL servers, their own command lines, and what tcpdump saw of them. */
import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RoundTrip } from "../../engine/round-trip";
import { MARIADB_PROGRAMS, startMariadb } from "../support/servers/mariadb";
import { POSTGRESQL_PROGRAMS, startPostgresql } from "../support/servers/postgresql";
import { isHere } from "../support/servers/programs";
import { count, Stage } from "../support/servers/stage";

const HAS_MARIADB = isHere("mariadb", MARIADB_PROGRAMS);
const HAS_POSTGRESQL = isHere("postgresql", [...POSTGRESQL_PROGRAMS, "psql", "pgbench"]);

type Client = (text: string, ...more: string[]) => SpawnSyncReturns<string>;

/** Rows of the tables that compressed statements ask for, and how long their text is. */
const PACKED_ROWS = 3000;
const LONG_TEXT = "all of this is one text, ".repeat(4000);

/** What the verbose client tells of compressed statements: each statement's beginning with its rows, changes or error. */
function compressedTalk(client: Client, folder: string): string[] {
  writeFileSync(join(folder, "packed"), Array.from({ length: PACKED_ROWS }, (_, row) => `${row}\tname ${row % 50}\n`).join(""));
  const statements = [
    "CREATE TABLE packed (id INT, name LONGTEXT)",
    "LOAD DATA LOCAL INFILE 'packed' INTO TABLE packed",
    ...Array.from({ length: 50 }, (_, row) => `INSERT INTO packed VALUES (${-1 - row}, 'name ${row}')`),
    "SELECT * FROM packed WHERE id >= 0",
    "SELECT nothing FROM packed",
    "SELECT id, name, id * 2 FROM packed WHERE id < 0",
    `INSERT INTO packed VALUES (100000, '${LONG_TEXT}')`,
    "SELECT LENGTH(name) FROM packed WHERE id = 100000",
    "UPDATE packed SET id = id + 1 WHERE id < 10",
    "DELETE FROM packed WHERE id > 1000",
    "SELECT COUNT(*) FROM packed",
  ];
  const text = statements.map((statement) => `${statement};\n`).join("");
  const { stdout, stderr } = client(text, "--compress", "--local-infile=1", "-v", "-v", "-v", "-t", "--max-allowed-packet=16M");
  const errors = [...stderr.matchAll(/ERROR (\d+) \(/g)].map(([, code]) => `error ${code}`);
  const outcomes = [...stdout.matchAll(/^(?:(\d+) rows? in set|Query OK, (\d+) rows? affected)/gm)].map(([, rows, changes]) =>
    rows === undefined ? `${changes} changed` : `${rows} rows`,
  );
  const failing = statements.findIndex((statement) => statement.includes("nothing"));
  outcomes.splice(failing, 0, ...errors);
  return statements.map((statement, index) => `${statement.slice(0, 40)}: ${outcomes[index]}`);
}

function toldLine(request: RoundTrip["request"], response: RoundTrip["response"], status: string): string {
  const changes = response?.affectedRows === undefined ? status : `${response.affectedRows} changed`;
  const outcome = response?.rows === undefined ? changes : `${response.rows} rows`;
  return `${String(request?.statement).slice(0, 40)}: ${status === "error" ? `error ${response?.errorCode}` : outcome}`;
}

describe.runIf(HAS_MARIADB)("mariadb", () => {
  const stage = HAS_MARIADB ? new Stage("mariadb") : undefined;
  let trips: RoundTrip[] = [];
  let told: string[] = [];

  beforeAll(async () => {
    const port = await startMariadb(stage!, "--local-infile=1");
    const { folder } = stage!;
    const own = [`--socket=${stage!.path("data", "s")}`, "-uroot", "shop"];
    stage!.run("mariadb", [...own, "-e", "CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(50))"]);
    await stage!.record(port);
    const client: Client = (text, ...more) =>
      spawnSync("mariadb", ["-h127.0.0.1", `-P${port}`, "-uroot", "--skip-ssl", "-N", "-f", ...more, "shop"], {
        input: text,
        encoding: "utf8",
        maxBuffer: 1 << 25,
        cwd: folder,
      });
    const inserts = Array.from({ length: 100 }, (_, index) => `INSERT INTO t VALUES (${index}, 'name ${index}');`);
    client(
      [...inserts, "SELECT * FROM t;", "SELECT nothing FROM t;", "INSERT INTO t VALUES (1, 'again');", "SELECT '', NULL;"].join(
        "\n",
      ),
    );
    client(
      "DELIMITER //\nCREATE PROCEDURE two() BEGIN SELECT id FROM t LIMIT 3; SELECT name FROM t LIMIT 4; END//\nCALL two()//\n",
    );
    spawnSync("sh", ["-c", "seq 1000 1019 | sed 's/$/\\tx/' > rows"], { cwd: folder });
    client("LOAD DATA LOCAL INFILE 'rows' INTO TABLE t;", "--local-infile=1");
    client("SELECT 1;", "--compress");
    told = compressedTalk(client, folder);
    trips = await stage!.trips("mysql", { raw: true });
  }, 120_000);

  afterAll(async () => stage?.end());

  const of = (fingerprint: string) => trips.filter(({ request }) => request?.fingerprint === fingerprint);

  test("every statement has its outcome", () => {
    expect(trips.filter(({ request, status }) => !request || !["ok", "error"].includes(status))).toEqual([]);
    expect(of("INSERT INTO t VALUES (?)").map(({ status }) => status)).toEqual([...new Array(100).fill("ok"), "error"]);
    expect(of("SELECT * FROM t")[0]?.response).toMatchObject({ rows: 100, columns: 2 });
    expect(of("SELECT nothing FROM t")[0]?.response).toMatchObject({ errorCode: 1054, sqlState: "42S22" });
    expect(of("SELECT ?, NULL")[0]?.response?.rows).toBe(1);
    expect(of("CALL two()")[0]?.response).toMatchObject({ rows: 7, results: 3 });
    expect(of("LOAD DATA LOCAL INFILE ? INTO TABLE t")[0]?.response?.affectedRows).toBe(20);
  });

  test("connections begin and end", () => {
    expect(count(trips, ({ request, status }) => request?.command === "connect" && status === "ok")).toBe(5);
    expect(count(trips, ({ request }) => request?.command === "quit")).toBe(5);
  });

  test("compressed: every statement has the outcome that the client tells", () => {
    const own = trips.filter(({ request }) => String(request?.statement).includes("packed"));
    expect(own.map(({ request, response, status }) => toldLine(request, response, status))).toEqual(told);
    expect(own.every(({ marks }) => marks.every((mark) => mark === "truncated"))).toBe(true);
  });
});

describe.runIf(HAS_POSTGRESQL)("postgresql", () => {
  const stage = HAS_POSTGRESQL ? new Stage("postgresql") : undefined;
  let trips: RoundTrip[] = [];

  beforeAll(async () => {
    const port = await startPostgresql(stage!);
    const ends = ["-h", "127.0.0.1", "-p", `${port}`, "-U", "postgres"];
    stage!.run("pgbench", ["-i", "-q", ...ends.with(1, stage!.path("data")), "postgres"]);
    await stage!.record(port);
    const client = (text: string) => spawnSync("psql", [...ends, "-X", "-q", "postgres"], { input: text });
    client(
      "CREATE TABLE t (id INT PRIMARY KEY, name TEXT);\nBEGIN;\nINSERT INTO t SELECT g, 'n' FROM generate_series(1,50) g;\nCOMMIT;\n",
    );
    client("COPY t FROM STDIN;\n100\ta\n101\tb\n\\.\nCOPY t TO STDOUT;\nSELECT * FROM t;\nSELECT 1/0;\nSELECT * FROM nowhere;\n");
    for (const mode of ["simple", "extended", "prepared"]) {
      const bench = ["-n", "-M", mode, "-c", "2", "-t", "50", ...ends, "postgres"];
      stage!.run("pgbench", bench);
    }
    trips = await stage!.trips("postgresql");
  }, 120_000);

  afterAll(async () => stage?.end());

  const tagged = (tag: string) => count(trips, ({ response }) => response?.commandTag === tag);

  test("every statement has its outcome", () => {
    expect(trips.filter(({ request, status }) => !request || !["ok", "error"].includes(status))).toEqual([]);
    expect(tagged("INSERT 0 50")).toBe(1);
    expect(tagged("BEGIN")).toBe(1 + 300);
    expect(tagged("COMMIT")).toBe(1 + 300);
    expect(tagged("UPDATE 1")).toBe(900);
    const of = (kind: string) => trips.filter(({ request }) => request?.kind === kind);
    expect(of("copy").map(({ response }) => [response?.commandTag, response?.rows])).toEqual([
      ["COPY 2", 2],
      ["COPY 52", 52],
    ]);
    const errors = trips.flatMap(({ response }) => (response?.sqlState === undefined ? [] : [response.sqlState]));
    expect(errors).toEqual(["22012", "42P01"]);
    expect(count(of("extended"), ({ request }) => request?.fingerprint === undefined)).toBe(0);
    expect(of("extended")).toHaveLength(2 * 700);
  });
});
