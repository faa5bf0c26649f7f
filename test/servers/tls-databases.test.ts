/**
 * Clients of databases under TLS, their secrets logged: PostgreSQL and MariaDB, which begin in the clear and ask for TLS in their own words, and
 * Redis, which does not. What is told of the inside is what each client says of it.
 */
import { writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RoundTrip } from "../../engine/round-trip";
import { keyLogOpener } from "../../shim/tls/opener";
import { readRoundTrips } from "../support/round-trips";
import { MARIADB_PROGRAMS, startMariadb } from "../support/servers/mariadb";
import { POSTGRESQL_PROGRAMS, startPostgresql } from "../support/servers/postgresql";
import { isHere } from "../support/servers/programs";
import { REDIS_PROGRAMS, startRedis } from "../support/servers/redis";
import { Stage } from "../support/servers/stage";
import { makeIdentity, runScript } from "../support/servers/under-tls";

const VERSIONS = ["TLSv1.2", "TLSv1.3"];

const POSTGRESQL = `
import pg from "pg";
const [, port, version] = process.argv;
const ssl = { rejectUnauthorized: false, minVersion: version, maxVersion: version };
const client = new pg.Client({ host: "127.0.0.1", port: Number(port), user: "postgres", database: "postgres", ssl });
await client.connect();
async function run(text, values) {
  const outcome = await client.query(text, values).then(({ rowCount }) => rowCount ?? 0, ({ code }) => code);
  console.log(text + ": " + outcome);
}
await run("CREATE TEMPORARY TABLE t (id INT, name TEXT)");
for (let i = 0; i < 30; i++) await run("INSERT INTO t VALUES ($1, $2)", [i, "n".repeat(i * 100)]);
await run("SELECT * FROM t");
await run("SELECT id FROM t WHERE id < $1", [7]);
await run("UPDATE t SET name = 'x' WHERE id > 25");
await run("SELECT 1 / 0");
await run("SELECT nothing FROM nowhere");
await client.end();
`;

const MYSQL = `
import mysql from "mysql2/promise";
const [, port, version] = process.argv;
const ssl = { rejectUnauthorized: false, minVersion: version, maxVersion: version };
const client = await mysql.createConnection({ host: "127.0.0.1", port: Number(port), user: "root", database: "shop", ssl });
async function run(text, values) {
  const asked = values ? client.execute(text, values) : client.query(text);
  const told = ([result]) => (Array.isArray(result) ? result.length + " rows" : result.affectedRows + " changed");
  console.log(text + ": " + (await asked.then(told, ({ errno }) => "error " + errno)));
}
await run("CREATE TEMPORARY TABLE t (id INT PRIMARY KEY, name TEXT)");
for (let i = 0; i < 30; i++) await run("INSERT INTO t VALUES (?, ?)", [i, "n".repeat(i * 100)]);
await run("SELECT * FROM t");
await run("SELECT id, name FROM t WHERE id < ?", [7]);
await run("UPDATE t SET name = 'x' WHERE id > 25");
await run("SELECT nothing FROM t");
await run("INSERT INTO t VALUES (1, 'again')");
await client.end();
`;

const REDIS = `
import { Redis } from "ioredis";
const [, port, version] = process.argv;
const tls = { rejectUnauthorized: false, minVersion: version, maxVersion: version };
const redis = new Redis({ host: "127.0.0.1", port: Number(port), tls, lazyConnect: true, enableReadyCheck: false });
await redis.connect();
async function run(...words) {
  const outcome = await redis.call(...words).then(() => "ok", () => "error");
  console.log(words[0] + " " + words.length + ": " + outcome);
}
for (let i = 0; i < 30; i++) await run("SET", "key:" + i, "v".repeat(i * 1000));
for (let i = 0; i < 30; i++) await run("GET", "key:" + i);
await run("LPUSH", "key:1", "x");
await Promise.all(Array.from({ length: 100 }, () => run("INCR", "counter")));
await run("QUIT");
`;

interface Form {
  name: string;
  protocol: string;
  programs: string[];
  script: string;
  /** Starts the server; gives its port. */
  start(stage: Stage): Promise<number>;
  /** A line as the script prints it, where the round trip is one of those that it counts. */
  line(trip: RoundTrip): string | undefined;
}

const FORMS: Form[] = [
  {
    name: "postgresql and pg",
    protocol: "postgresql",
    programs: [...POSTGRESQL_PROGRAMS, "openssl"],
    script: POSTGRESQL,
    start(stage) {
      const { key, cert } = makeIdentity(stage, "postgres");
      return startPostgresql(stage, "ssl=on", `ssl_key_file=${key}`, `ssl_cert_file=${cert}`);
    },
    line({ request, response }) {
      if (request?.kind !== "simple" && request?.kind !== "extended") return undefined;
      return `${request.statement}: ${response?.sqlState ?? response?.rows ?? 0}`;
    },
  },
  {
    name: "mariadb and mysql2",
    protocol: "mysql",
    programs: [...MARIADB_PROGRAMS, "openssl"],
    script: MYSQL,
    start(stage) {
      const { key, cert } = makeIdentity(stage, "mysql");
      return startMariadb(stage, `--ssl-key=${key}`, `--ssl-cert=${cert}`, "--tls-version=TLSv1.2,TLSv1.3");
    },
    line({ request, response, status }) {
      if (request?.command !== "query" && request?.command !== "stmt_execute") return undefined;
      if (status === "error") return `${request.statement}: error ${response?.errorCode}`;
      return `${request.statement}: ${response?.rows === undefined ? `${response?.affectedRows} changed` : `${response.rows} rows`}`;
    },
  },
  {
    name: "redis and ioredis",
    protocol: "redis",
    programs: [...REDIS_PROGRAMS, "openssl"],
    script: REDIS,
    start(stage) {
      const { key, cert } = makeIdentity(stage);
      return startRedis(stage, "--tls-key-file", key, "--tls-cert-file", cert, "--tls-auth-clients", "no");
    },
    line({ request, status }) {
      // What the client says by itself.
      if (/^(HELLO|CLIENT)/.test(String(request?.command))) return undefined;
      return `${request?.command} ${Number(request?.argumentCount) + 1}: ${status}`;
    },
  },
];

for (const form of FORMS) {
  const mayRun = isHere(`${form.name} under TLS`, form.programs);
  describe.runIf(mayRun)(`${form.name} under TLS`, () => {
    const stage = mayRun ? new Stage("tls-databases") : undefined;
    const keys = () => stage!.path("keys.log");
    const said: string[] = [];
    let file: Uint8Array = new Uint8Array(0);
    let trips: RoundTrip[] = [];

    beforeAll(async () => {
      writeFileSync(keys(), "");
      const port = await form.start(stage!);
      await stage!.record(port);
      for (const version of VERSIONS) said.push(...(await runScript(form.script, [port, version], keys())));
      file = await stage!.recorded();
      trips = readRoundTrips(file, { raw: true, tlsOpener: keyLogOpener(keys()) });
    }, 120_000);

    afterAll(async () => stage?.end());

    test("each request as its client has it", () => {
      const inside = trips.filter(({ protocol, marks }) => protocol === form.protocol && marks.includes("tls"));
      expect(inside.flatMap((trip) => form.line(trip) ?? [])).toEqual(said);
      expect(said.length).toBeGreaterThan(2 * 30);
    });

    test("TLS was what was asked for, and nothing else changes outside of it", () => {
      const outside = trips.filter(({ marks }) => !marks.includes("tls"));
      expect(outside).toEqual(readRoundTrips(file, { raw: true }));
      const versions = outside.filter(({ protocol }) => protocol === "tls").map(({ response }) => response?.version);
      expect(versions.map((version) => `TLSv${String(version).replace(/^TLS /, "")}`)).toEqual(VERSIONS);
    });
  });
}
