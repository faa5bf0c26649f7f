/** MySQL and PostgreSQL under faults: results of 100 rows and of few, changes, errors. */
import { createHash } from "node:crypto";
import { CAPABILITY, my, PLAIN, pg } from "../sql";
import type { FaultyProtocol } from "./talk";

const MYSQL_RESPONSES: [outcome: string, response: Uint8Array][] = [
  ["ok", my.result(Array.from({ length: 100 }, (_, row) => [`row ${row} ${"r".repeat(40)}`]))],
  ["ok", my.ok(1, 1)],
  ["1146", my.error(1, 1146, "42S02", "no such table")],
  ["ok", my.result([["a"]])],
];

const PG_RESPONSES: [outcome: string, response: Uint8Array][] = [
  ["ok", joined(pg.select(Array.from({ length: 100 }, (_, row) => `row ${row} ${"r".repeat(40)}`)), pg.ready())],
  ["ok", joined(pg.complete("UPDATE 1"), pg.ready())],
  ["42P01", joined(pg.error("42P01", "no such table"), pg.ready())],
  ["ok", joined(pg.select(["a"]), pg.ready())],
];

function joined(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** Rows whose values do not compress to nothing, so that compressed packets take several segments. */
const ROWS = my.result(
  Array.from({ length: 100 }, (_, row) => [createHash("sha256").update(`${row}`).digest("hex") + "r".repeat(20)]),
);
const COMPRESSED_RESPONSES = MYSQL_RESPONSES.map(([outcome, response], kind): [string, Uint8Array] => [
  outcome,
  my.packAll(1, kind === 0 ? ROWS : response, 4000),
]);

/** The statement of an exchange names it. */
const statementOf = (connection: number, number: number) => `SELECT a FROM t${connection}_${number}`;
const idOf: FaultyProtocol["idOf"] = ({ request }) => {
  const text = request?.statement;
  return typeof text === "string" && text.startsWith("SELECT a FROM t") ? text : undefined;
};

export const MYSQL: FaultyProtocol = {
  name: "mysql",
  port: 3306,
  isDecidedAtEnd: true,
  greeting: [
    { from: "server", bytes: my.greeting() },
    { from: "client", bytes: my.login(PLAIN, "root", "") },
    { from: "server", bytes: my.ok(2) },
  ],
  exchange(connection, number) {
    const id = statementOf(connection, number);
    const [outcome, response] = MYSQL_RESPONSES[(connection + number) % MYSQL_RESPONSES.length]!;
    return { id, outcome, request: my.query(id), response };
  },
  idOf,
  outcomeOf: ({ status, response }) => String(response?.errorCode ?? status),
};

/** The same in compressed packets, several of them in a result of rows. */
export const COMPRESSED_MYSQL: FaultyProtocol = {
  ...MYSQL,
  greeting: [
    { from: "server", bytes: my.greeting() },
    { from: "client", bytes: my.login(PLAIN | CAPABILITY.compress, "root", "") },
    { from: "server", bytes: my.ok(2) },
  ],
  exchange(connection, number) {
    const { id, request } = MYSQL.exchange(connection, number);
    const [outcome, response] = COMPRESSED_RESPONSES[(connection + number) % MYSQL_RESPONSES.length]!;
    return { id, outcome, request: my.pack(0, request), response };
  },
};

export const POSTGRESQL: FaultyProtocol = {
  name: "postgresql",
  port: 5432,
  isDecidedAtEnd: true,
  greeting: [
    { from: "client", bytes: pg.startup() },
    { from: "server", bytes: pg.welcome() },
  ],
  exchange(connection, number) {
    const id = statementOf(connection, number);
    const [outcome, response] = PG_RESPONSES[(connection + number) % PG_RESPONSES.length]!;
    return { id, outcome, request: pg.query(id), response };
  },
  idOf,
  outcomeOf: ({ status, response }) => String(response?.sqlState ?? status),
};
