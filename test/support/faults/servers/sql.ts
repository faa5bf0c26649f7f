/** mariadbd with mysql2 and postgres with pg under faults: results of 100 rows and of few, changes, errors. */
import mysql from "mysql2/promise";
import { Client } from "pg";
import { MARIADB_PROGRAMS, startMariadb } from "../../servers/mariadb";
import { POSTGRESQL_PROGRAMS, startPostgresql } from "../../servers/postgresql";
import type { Stage } from "../../servers/stage";
import type { RealServer } from "../recorded";
import { MYSQL, POSTGRESQL } from "../sql";
import type { Told } from "../talk";
import { many } from "./many";

const CREATE = "CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(50))";
const FILL = `INSERT INTO t VALUES ${Array.from({ length: 100 }, (_, row) => `(${row}, 'row ${row} ${"r".repeat(30)}')`)}`;

/** A statement that says which exchange it is of. */
function statementOf(id: string, number: number): string {
  switch (number % 4) {
    case 0:
      return `SELECT id, name, '${id}' FROM t`;
    case 1:
      return `UPDATE t SET name = name WHERE id = ${number} AND '${id}' <> ''`;
    case 2:
      return `SELECT '${id}' FROM nowhere`;
    default:
      return `SELECT id, '${id}' FROM t WHERE id < 3`;
  }
}

const idOf: Told["idOf"] = ({ request }) => /#\d+\.\d+#/.exec(String(request?.statement))?.[0];

async function startMysql(stage: Stage): Promise<number> {
  const port = await startMariadb(stage);
  const connection = await mysql.createConnection({ host: "127.0.0.1", port, user: "root", database: "shop" });
  await connection.query(CREATE);
  await connection.query(FILL);
  await connection.end();
  return port;
}

export const REAL_MYSQL: RealServer = {
  ...MYSQL,
  ends: "mariadbd and mysql2",
  programs: MARIADB_PROGRAMS,
  start: startMysql,
  work: (port, connections, exchanges) =>
    many(connections, async (connection, outcomes) => {
      const client = await mysql.createConnection({ host: "127.0.0.1", port, user: "root", database: "shop" });
      for (let number = 0; number < exchanges; number++) {
        const id = `#${connection}.${number}#`;
        const failed = ({ errno }: { errno: number }) => String(errno);
        outcomes.set(id, await client.query(statementOf(id, number)).then(() => "ok", failed));
      }
      await client.end();
    }),
  idOf,
};

const POSTGRES = { host: "127.0.0.1", user: "postgres", database: "postgres" };

async function startPostgres(stage: Stage): Promise<number> {
  const port = await startPostgresql(stage);
  const client = new Client({ ...POSTGRES, port });
  await client.connect();
  await client.query({ text: `${CREATE}; ${FILL}` });
  await client.end();
  return port;
}

/** Simple and extended queries by turns. */
export const REAL_POSTGRESQL: RealServer = {
  ...POSTGRESQL,
  ends: "postgres and pg",
  programs: POSTGRESQL_PROGRAMS,
  start: startPostgres,
  work: (port, connections, exchanges) =>
    many(connections, async (connection, outcomes) => {
      const client = new Client({ ...POSTGRES, port });
      await client.connect();
      for (let number = 0; number < exchanges; number++) {
        const id = `#${connection}.${number}#`;
        const text = statementOf(id, number);
        const asked = number % 8 < 4 ? { text } : { text: text.replace("FROM t", "FROM t AS one"), values: [] };
        const failed = ({ code }: { code: string }) => code;
        outcomes.set(id, await client.query(asked).then(() => "ok", failed));
      }
      await client.end();
    }),
  idOf,
};
