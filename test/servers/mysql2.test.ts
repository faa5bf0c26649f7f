/** mariadbd and mysql2: every statement that the client ran, and what it got. */
import mysql, { type Connection, type ResultSetHeader } from "mysql2/promise";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RoundTrip } from "../../engine/round-trip";
import { readRoundTrips } from "../support/round-trips";
import { MARIADB_PROGRAMS, startMariadb } from "../support/servers/mariadb";
import { isHere } from "../support/servers/programs";
import { count, Stage } from "../support/servers/stage";

const HAS_MARIADB = isHere("mariadb", [...MARIADB_PROGRAMS, "openssl"]);

const INSERTS = 100;

/** What came of a statement: each of these that the client was told. */
interface Outcome {
  statement: string;
  rows?: number;
  columns?: number;
  affectedRows?: number;
  lastInsertId?: number;
  errorCode?: number;
  sqlState?: string;
}

/** Runs statements and keeps what the client got for each. */
class Recorder {
  readonly outcomes: Outcome[] = [];

  constructor(private readonly connection: Connection) {}

  async run(statement: string, values?: (string | number)[]): Promise<void> {
    try {
      const [result, fields] = values ? await this.connection.execute(statement, values) : await this.connection.query(statement);
      this.outcomes.push({ statement, ...outcomeOf(result, fields) });
    } catch (error) {
      const { errno, sqlState } = error as { errno: number; sqlState: string };
      this.outcomes.push({ statement, errorCode: errno, sqlState });
    }
  }
}

/** Rows of all results, and what the last of those without rows says. */
function outcomeOf(result: unknown, fields: unknown): Partial<Outcome> {
  const isMany = Array.isArray(result) && result.some((one) => Array.isArray(one));
  const results = isMany ? (result as unknown[]) : [result];
  const sets = results.filter((one) => Array.isArray(one)) as unknown[][];
  const { affectedRows, insertId } = (results.findLast((one) => !Array.isArray(one)) ?? {}) as Partial<ResultSetHeader>;
  return {
    ...(sets.length === 0 ? {} : { rows: sets.reduce((total, rows) => total + rows.length, 0) }),
    ...(sets.length === 0 || isMany ? {} : { columns: (fields as unknown[]).length }),
    ...(affectedRows === undefined ? {} : { affectedRows, lastInsertId: insertId! }),
  };
}

/** Statements of every kind, their text in the packet and prepared. */
async function work(recorder: Recorder): Promise<void> {
  await recorder.run("CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(200))");
  for (let i = 0; i < INSERTS; i++) await recorder.run("INSERT INTO t (name) VALUES (?)", [`name ${i}`]);
  for (let i = 0; i < 50; i++) await recorder.run(`SELECT * FROM t WHERE id <= ${i}`);
  for (let i = 0; i < 50; i++) await recorder.run("SELECT id, name FROM t WHERE id > ? LIMIT 20", [i * 2]);
  await recorder.run("SELECT 1; SELECT name FROM t; UPDATE t SET name = NULL WHERE id = 7");
  await recorder.run("SELECT REPEAT('x', 90000); DO 1; SELECT * FROM t; SELECT REPEAT('y', 90)");
  await recorder.run("SELECT 1; SELECT * FROM t; SELEKT 2");
  await recorder.run("SELECT nothing FROM t");
  await recorder.run("SELECT * FROM no_table WHERE id = ?", [1]);
  await recorder.run("INSERT INTO t VALUES (1, 'again')");
  await recorder.run("SELEKT 1");
}

describe.runIf(HAS_MARIADB).each([false, true])("mariadb and mysql2, compressed: %s", (compress) => {
  const stage = HAS_MARIADB ? new Stage("mysql2") : undefined;
  const refusals: number[] = [];
  let recorder: Recorder;
  let trips: RoundTrip[] = [];
  let tls: RoundTrip[] = [];

  beforeAll(async () => {
    const [key, cert] = [stage!.path("key.pem"), stage!.path("cert.pem")];
    const subject = ["-subj", "/CN=lab.test", "-keyout", key, "-out", cert];
    stage!.run("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", ...subject]);
    stage!.run("chown", ["mysql", key]);
    const port = await startMariadb(stage!, `--ssl-key=${key}`, `--ssl-cert=${cert}`);
    await stage!.record(port);
    const form = { host: "127.0.0.1", port, user: "root", database: "shop", multipleStatements: true, compress };
    const connection = await mysql.createConnection(form);
    recorder = new Recorder(connection);
    await work(recorder);
    await connection.ping();
    await connection.changeUser({ database: "nowhere" }).catch(({ errno }) => refusals.push(errno));
    await connection.end();
    const secret = await mysql.createConnection({ ...form, ssl: { rejectUnauthorized: false } });
    await secret.query("SELECT 'secret'");
    await secret.end();
    await mysql.createConnection({ ...form, user: "nobody", password: "wrong" }).catch(({ errno }) => refusals.push(errno));
    const all = readRoundTrips(await stage!.recorded(), { raw: true });
    trips = all.filter(({ protocol }) => protocol === "mysql");
    tls = all.filter(({ protocol }) => protocol === "tls");
  }, 120_000);

  afterAll(async () => stage?.end());

  const commands = (...names: string[]) => trips.filter(({ request }) => names.includes(String(request?.command)));

  test("each statement in its order, with what the client got for it", () => {
    const told = commands("query", "stmt_execute").map(({ request, response }) => {
      const { rows, columns, affectedRows, lastInsertId, errorCode, sqlState } = response as Partial<Outcome>;
      const isMany = Number(response?.results) > 1;
      // Of results before an error the client tells nothing.
      if (errorCode !== undefined) return { statement: request?.statement, errorCode, sqlState };
      return {
        statement: request?.statement,
        rows,
        columns: isMany ? undefined : columns,
        affectedRows,
        lastInsertId,
      };
    });
    // What is refused when it is prepared is never run.
    const run = recorder.outcomes.filter(({ statement }) => !statement.includes("no_table"));
    expect(told).toEqual(run);
    expect(run).toHaveLength(1 + INSERTS + 50 + 50 + 6);
    expect(trips.flatMap(({ marks }) => marks)).toEqual([]);
  });

  test("prepared once, run often", () => {
    const prepared = commands("stmt_prepare").map(({ request, response }) => [request?.statement, response?.errorCode]);
    expect(prepared).toEqual([
      ["INSERT INTO t (name) VALUES (?)", undefined],
      ["SELECT id, name FROM t WHERE id > ? LIMIT 20", undefined],
      ["SELECT * FROM no_table WHERE id = ?", 1146],
    ]);
    const ids = new Set(commands("stmt_execute").map(({ request }) => request?.statementId));
    expect([...ids]).toEqual(
      commands("stmt_prepare")
        .slice(0, 2)
        .map(({ response }) => response?.statementId),
    );
    expect(commands("stmt_close").map(({ status }) => status)).toEqual(["ok", "ok"]);
  });

  test("connections: refused, ended, encrypted in their middle", () => {
    expect(commands("connect", "change_user").map(({ status, response }) => response?.errorCode ?? status)).toEqual([
      "ok",
      ...refusals,
    ]);
    expect(refusals).toEqual([1049, 1045]);
    expect(commands("ping", "quit").map(({ request, status }) => `${request?.command} ${status}`)).toEqual([
      "ping ok",
      "quit ok",
    ]);
    expect(tls.map(({ status }) => status)).toEqual(["ok"]);
    expect(count(trips, ({ request }) => String(request?.statement).includes("secret"))).toBe(0);
    expect(count(trips, ({ request }) => request === undefined)).toBe(0);
  });
});
