/** mariadbd and mysql2: what --body shows of values and rows is what the client sent and got. */
import mysql, { type Connection } from "mysql2/promise";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import module from "../../build/core.wasm";
import { Core } from "../../engine/core";
import { type RoundTrip, RoundTripReader } from "../../engine/round-trip";
import { bodyReader } from "../../shim/output/body";
import { tripsThrough } from "../support/core-trips";
import { MARIADB_PROGRAMS, startMariadb } from "../support/servers/mariadb";
import { isHere } from "../support/servers/programs";
import { Stage } from "../support/servers/stage";

const COLUMNS: readonly (readonly [name: string, type: string, ...values: unknown[]])[] = [
  ["id", "INT PRIMARY KEY", 1, 2, 3],
  ["tiny", "TINYINT", -128, 127, null],
  ["utiny", "TINYINT UNSIGNED", 255, 0, null],
  ["small", "SMALLINT", -32768, 5, null],
  ["medium", "MEDIUMINT", -8388608, 8388607, null],
  ["umedium", "MEDIUMINT UNSIGNED", 16777215, 1, null],
  ["uint_", "INT UNSIGNED", 4294967295, 1, null],
  ["big", "BIGINT", -9007199254740991, 1, null],
  ["year_", "YEAR", 2026, 1999, null],
  ["f", "FLOAT", 1.5, -0.25, null],
  ["d", "DOUBLE", 0.1, -1e100, null],
  ["dec_", "DECIMAL(20,4)", "1234567890.5000", "-1.0000", null],
  ["text_", "VARCHAR(500)", "Ann 'é' 運", "x".repeat(400), null],
  ["empty", "TEXT", "", "{}", null],
  ["day", "DATE", "2026-11-28", "1999-01-01", null],
  ["at", "DATETIME", "2026-11-28 03:04:05", "1999-01-01 00:00:00", null],
  ["exact", "DATETIME(6)", "2026-11-28 03:04:05.000123", "1999-01-01 00:00:00.500000", null],
  ["long_", "TIME", "-838:59:59", "01:02:03", null],
];
const NAMES = COLUMNS.map(([name]) => name);
const ROWS = [2, 3, 4].map((at) => COLUMNS.map((column) => column[at]));

/** Statements of whose columns literals are the names. */
const LITERALS = [
  "SELECT 'hunter2', id FROM t WHERE id = 1",
  "SELECT 'hunter2' AS mine, t.id AS x FROM t WHERE id = 1",
  "SELECT * FROM (SELECT 'hunter2') derived",
  "SELECT * FROM (SELECT 'hunter2', id FROM t WHERE id = 1) derived",
  "WITH c AS (SELECT 'hunter2') SELECT * FROM c",
  "SELECT DISTINCT 'hunter2', id FROM t WHERE id = 1 ORDER BY 1",
  "SELECT 'hunter2', COUNT(*) FROM t GROUP BY 1",
  "SELECT 'hunter2' UNION SELECT 'hunter2'",
];

type Row = Record<string, unknown>;

/** The rows of a response's body. */
const rowsOf = ({ response }: RoundTrip): Row[] =>
  String(response?.body)
    .split("\n")
    .map((line) => JSON.parse(line));

/** Writes what a table of all types holds, and reads it in both protocols; answers what the client got. */
async function work(connection: Connection): Promise<Row[][]> {
  const got: Row[][] = [];
  await connection.query(
    `CREATE OR REPLACE TABLE t (${COLUMNS.map(([name, type]) => `${name} ${type}`).join(", ")}) CHARSET utf8mb4`,
  );
  for (const row of ROWS) {
    await connection.execute(`INSERT INTO t VALUES (${row.map(() => "?").join(", ")})`, row as (string | number | null)[]);
  }
  // Few columns at a time: all of them, with their names, are more than is kept.
  for (let at = 1; at < NAMES.length; at++) {
    const statement = `SELECT id, ${NAMES[at]}, ${NAMES[at]} AS other FROM t ORDER BY id`;
    for (const [rows] of [await connection.query(statement), await connection.execute(statement)]) got.push(rows as Row[]);
  }
  return got;
}

describe.runIf(isHere("mariadb", MARIADB_PROGRAMS))("mariadb and mysql2", () => {
  const stage = isHere("mariadb", MARIADB_PROGRAMS) ? new Stage("mysql2-content") : undefined;
  const got: Row[][][] = [];
  let file: Uint8Array;

  const read = (raw: boolean): RoundTrip[] => {
    const core = new Core(module, { events: true, budgetBytes: 8 << 20, raw, bodyBytes: 2048 });
    const reader = new RoundTripReader(core.schema, () => undefined, bodyReader(raw));
    return tripsThrough(core, file, reader).filter(({ protocol }) => protocol === "mysql");
  };
  const starting = (trips: RoundTrip[], statement: string) =>
    trips.filter(
      ({ request }) => /query|execute/.test(String(request?.command)) && String(request?.statement).startsWith(statement),
    );

  beforeAll(async () => {
    const port = await startMariadb(stage!);
    await stage!.record(port);
    const form = { host: "127.0.0.1", port, user: "root", database: "shop", dateStrings: true };
    for (const compress of [false, true]) {
      const connection = await mysql.createConnection({ ...form, compress });
      got.push(await work(connection));
      for (const statement of LITERALS) await connection.query(statement);
      await connection.query("SHOW DATABASES LIKE 'shop'");
      await connection.end();
    }
    file = await stage!.recorded();
  }, 120_000);

  afterAll(async () => stage?.end());

  test("rows, as texts and in binary, compressed or not", () => {
    const selects = starting(read(true), "SELECT id");
    expect(selects.map(rowsOf)).toEqual(got.flat());
    expect(selects).toHaveLength(4 * (NAMES.length - 1));
  });

  test("values of prepared statements", () => {
    const sent = starting(read(true), "INSERT").map(({ request }) => JSON.parse(String(request?.body)));
    expect(sent).toEqual([...ROWS, ...ROWS]);
  });

  test("of all that names alone, unless it is asked for raw", () => {
    const trips = read(false);
    expect(starting(trips, "SELECT id")[0]?.response?.body).toBe(
      '{"id":?,"tiny":?,"other":?}\n{"id":?,"tiny":?,"other":?}\n{"id":?,"tiny":null,"other":null}',
    );
    expect(JSON.stringify(trips)).not.toContain("hunter2");
    const names = [...starting(trips, "SELECT ?"), ...starting(trips, "SELECT *"), ...starting(trips, "SHOW")];
    expect([...new Set(names.map(({ response }) => response?.body))]).toEqual([
      '{"?":"?","id":?}',
      '{"mine":"?","x":?}',
      '{"?":"?","COUNT(*)":?}',
      '{"?":"?"}',
    ]);
    expect(names).toHaveLength(2 * (LITERALS.length - 1));
  });
});
