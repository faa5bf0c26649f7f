/** Bytes that break their protocol, sent to real servers: what their answers say, as the sender read it, is what a capture of them tells. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RoundTrip } from "../../engine/round-trip";
import { command } from "../support/redis";
import { MARIADB_PROGRAMS, startMariadb } from "../support/servers/mariadb";
import { NGINX_PROGRAMS, startNginx } from "../support/servers/nginx";
import { POSTGRESQL_PROGRAMS, startPostgresql } from "../support/servers/postgresql";
import { isHere } from "../support/servers/programs";
import { REDIS_PROGRAMS, startRedis } from "../support/servers/redis";
import { freePort, Stage } from "../support/servers/stage";
import { my, PLAIN, pg } from "../support/sql";

/** What is sent in one go, and what of an answer the sender waits for then; all that there is where it says nothing. */
type Step = { send: Uint8Array | string; until?: (got: Buffer) => boolean };

/** Sends the steps over one connection and reads until the server closes it, or all steps are answered. */
async function speak(port: number, steps: Step[]): Promise<Buffer> {
  const socket: Socket = connect(port, "127.0.0.1");
  // A server may reset what it had not read.
  socket.on("error", () => {});
  let got = Buffer.alloc(0);
  let isClosed = false;
  let wake = () => {};
  socket.on("data", (bytes: Buffer) => {
    got = Buffer.concat([got, bytes]);
    wake();
  });
  // `once` of an emitter fails where it emits an error first, as a reset is.
  const closed = new Promise<void>((done) => socket.once("close", done)).then(() => {
    isClosed = true;
    wake();
  });
  await once(socket, "connect");
  for (const { send, until } of steps) {
    if (isClosed) break;
    const from = got.length;
    socket.write(send);
    while (!isClosed && !until?.(got.subarray(from))) await new Promise<void>((resolve) => (wake = resolve));
  }
  socket.end();
  await closed;
  return got;
}

const hasLine = (got: Buffer) => got.includes("\r\n");
const HELLO = Buffer.from("16030100c8010000c40303", "hex");

/** A stage for one server, its port and what its capture tells. */
function staged(name: string, isThere: boolean, start: (stage: Stage) => Promise<number>) {
  const stage = isThere ? new Stage(name) : undefined;
  let port = 0;
  beforeAll(async () => {
    port = await start(stage!);
    await stage!.record(port);
  }, 120_000);
  afterAll(async () => stage?.end());
  return { port: () => port, trips: (protocol: string) => stage!.trips(protocol, { raw: true }) };
}

const HAS_REDIS = isHere("redis", REDIS_PROGRAMS);
describe.runIf(HAS_REDIS)("redis-server", () => {
  const server = staged("garbage-redis", HAS_REDIS, startRedis);

  test("each error that it answers with", { timeout: 60_000 }, async () => {
    const ping = { send: command("PING"), until: hasLine };
    const bad = [
      "no such command\r\n",
      "*abc\r\n",
      "*1\r\n+PING\r\n",
      "*1\r\n$-5\r\n",
      "*1\r\n$abc\r\nPING\r\n",
      "*-7\r\n*3000000000\r\n",
      'set "a\r\n',
      `${"x".repeat(70_000)}`,
      "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    ];
    const errors: string[] = [];
    for (const send of bad) {
      const got = await speak(server.port(), [ping, { send, until: hasLine }]);
      errors.push(
        ...got
          .toString("latin1")
          .split("\r\n")
          .filter((line) => line.startsWith("-")),
      );
    }
    const trips = await server.trips("redis");
    const told = trips.filter(({ response }) => response?.type === "error");
    const said = told.map(({ response }) => `-${response!.errorCode} ${response!.errorMessage}`);
    expect(errors.length).toBeGreaterThan(5);
    expect(said.sort()).toEqual(errors.sort());
    expect(told.filter(({ status }) => status !== "error")).toEqual([]);
    expect(trips.filter(({ request, status }) => request?.command === "PING" && status === "ok").length).toBe(bad.length);
  });
});

/** Codes of the error packets that a MySQL server sent: a packet's number, 255, then the code. */
function mysqlErrors(got: Buffer): number[] {
  const codes: number[] = [];
  for (let at = 0; at + 7 <= got.length; at += 4 + got.readUIntLE(at, 3))
    if (got[at + 4] === 255) codes.push(got.readUInt16LE(at + 5));
  return codes;
}

const HAS_MARIADB = isHere("mariadb", MARIADB_PROGRAMS);
describe.runIf(HAS_MARIADB)("mariadbd", () => {
  const server = staged("garbage-mariadb", HAS_MARIADB, startMariadb);

  test("each error that it answers with", { timeout: 60_000 }, async () => {
    const greeted = { send: "", until: (got: Buffer) => got.length > 4 };
    const noise = (bytes: number) => Uint8Array.from({ length: bytes }, (_, at) => (at * 151 + 89) & 255);
    const logins = [
      my.login(PLAIN, "nobody"),
      my.packet(7, new Uint8Array(40)),
      HELLO,
      "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
      // The number of a login, and nothing else of one.
      ...[0, 1, 4, 31, 33, 60, 200, 1100].map((bytes) => my.packet(1, noise(bytes))),
      my.packet(1, new Uint8Array(60).fill(255)),
      my.packet(1, new Uint8Array(60)),
    ];
    const errors: number[] = [];
    for (const send of logins)
      errors.push(...mysqlErrors(await speak(server.port(), [greeted, { send, until: (got) => got.length > 4 }])));
    const trips = await server.trips("mysql");
    const told = trips.filter(({ response }) => response?.errorCode !== undefined);
    expect(errors.length).toBeGreaterThan(8);
    expect(told.map(({ response }) => response!.errorCode).sort()).toEqual(errors.sort());
    expect(told.filter(({ status }) => status !== "error")).toEqual([]);
    expect(trips.filter(({ status }) => status === "ok")).toEqual([]);
  });
});

/** Severity, code and message of the errors that a PostgreSQL server sent. */
function postgresErrors(got: Buffer): string[] {
  const errors: string[] = [];
  for (let at = 0; at + 5 <= got.length && at + 1 + got.readUInt32BE(at + 1) <= got.length; at += 1 + got.readUInt32BE(at + 1)) {
    if (got[at] !== 69) continue;
    const fields = got
      .subarray(at + 5, at + 1 + got.readUInt32BE(at + 1))
      .toString()
      .split("\0");
    const of = (letter: string) => fields.find((field) => field.startsWith(letter))?.slice(1);
    errors.push(`${of("S")} ${of("C")} ${of("M")}`);
  }
  return errors;
}

const HAS_POSTGRESQL = isHere("postgresql", POSTGRESQL_PROGRAMS);
describe.runIf(HAS_POSTGRESQL)("postgres", () => {
  const server = staged("garbage-postgresql", HAS_POSTGRESQL, startPostgresql);

  test("each error that it answers with", { timeout: 60_000 }, async () => {
    const isReady = (got: Buffer) => got.length > 5 && got.subarray(-6, -5).toString() === "Z";
    const hasError = (got: Buffer) => postgresErrors(got).length > 0;
    const login = { send: pg.startup("postgres", "postgres"), until: isReady };
    const talks: Step[][] = [
      // Versions that there are not, users and databases too; what is no startup.
      [{ send: pg.untyped(1 << 16, "user\0postgres\0\0") }],
      [{ send: pg.startup("nobody", "postgres") }],
      [{ send: pg.startup("postgres", "nothing") }],
      [{ send: pg.untyped(196608, "user\0\0") }],
      [{ send: "GET / HTTP/1.1\r\n\r\n" }],
      [{ send: HELLO }],
      // Logged in: letters that are no messages, lengths that cannot be, what is missing or does not belong here.
      [login, { send: pg.message("z", "odd") }],
      [login, { send: Buffer.from([81, 255, 255, 255, 255, 0, 0]) }],
      [login, { send: pg.message("Q", "SELECT 1"), until: hasError }],
      [login, { send: pg.message("P", "no end"), until: hasError }],
      [
        login,
        { send: pg.query("garbage at all"), until: isReady },
        { send: pg.query("SELECT 1"), until: isReady },
        { send: pg.message("X") },
      ],
    ];
    const errors: string[] = [];
    for (const steps of talks) errors.push(...postgresErrors(await speak(server.port(), steps)));
    const trips = await server.trips("postgresql");
    const told = trips.filter(({ response }) => response?.sqlState !== undefined);
    expect(errors.length).toBeGreaterThan(6);
    const said = told.map(({ response }) => `${response!.severity} ${response!.sqlState} ${response!.message}`);
    expect(said.sort()).toEqual(errors.sort());
    expect(told.filter(({ status }) => status !== "error")).toEqual([]);
  });
});

const HAS_NGINX = isHere("nginx", NGINX_PROGRAMS);
describe.runIf(HAS_NGINX)("nginx", () => {
  const server = staged("garbage-nginx", HAS_NGINX, async (stage) => {
    const port = await freePort();
    await startNginx(stage, port, `server { listen 127.0.0.1:${port}; location / { return 204; } }`);
    return port;
  });

  test("each status that it answers with", { timeout: 60_000 }, async () => {
    const talks = [
      "GET / HTTP/1.1\r\n\r\n",
      "GET / HTTP/9.9\r\nHost: a\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
      `GET /${"x".repeat(40_000)} HTTP/1.1\r\nHost: a\r\n\r\n`,
      `GET / HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(40_000)}\r\n\r\n`,
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n",
      "BREW / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
      // Nothing but the answer says what these are; redis takes such lines too.
      "hello\r\n\r\n",
      "GET\r\n\r\n",
      "PING\r\n\r\n",
      "\u0001\u0002\u0003\u0004 noise\r\n\r\n",
      HELLO,
    ];
    const codes: string[] = [];
    for (const send of talks) {
      const got = await speak(server.port(), [
        { send, until: (bytes) => bytes.includes("HTTP/1.1 ") && bytes.includes("\r\n\r\n") },
      ]);
      codes.push(...[...got.toString("latin1").matchAll(/^HTTP\/1\.1 (\d+) /gm)].map(([, code]) => code!));
    }
    const trips: RoundTrip[] = await server.trips("http");
    expect(codes.length).toBe(talks.length);
    const told = trips.filter(({ response }) => response);
    expect(told.map(({ response }) => String(response!.statusCode)).sort()).toEqual(codes.sort());
    expect(told.filter(({ status, response }) => (status === "ok") !== Number(response!.statusCode) < 400)).toEqual([]);
  });
});
