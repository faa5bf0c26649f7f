/** MySQL and PostgreSQL whose figures were worked out by hand, and what their metrics then are. */
import { expect } from "vitest";
import { type Captured, Conversation, join, pcap, START_NS } from "../support/pcap-builder";
import { CAPABILITY, my, PLAIN, pg } from "../support/sql";
import type { Totals } from "../support/summaries";
import { addsUp, breakdown } from "./expectations";
import { CLIENT, MINUTE_NS, SERVER, WAITING } from "./scenarios";

const MS = 1_000_000n;
const SHOP = PLAIN | CAPABILITY.database;
const OUT = { direction: "out" };

type Expectation = (totals: Totals, metric: string) => void;
type Labels = Record<string, string>;

/** The expectations that every-metric.test.ts has. */
export interface Tools {
  read: (file: Uint8Array, budgetBytes?: number) => Totals;
  count: (value: number, labels?: Labels) => Expectation;
  histogram: (values: number, sum: number, labels?: Labels) => Expectation;
  distinct: (value: number, labels?: Labels) => Expectation;
  top: (items: Record<string, number>, labels?: Labels) => Expectation;
  all: (...expectations: Expectation[]) => Expectation;
}

type Scenario = [name: string, totals: () => Totals, expectations: Record<string, Expectation>];
type Exchange = [request: Uint8Array, response: Uint8Array];

/** A conversation of exchanges that take 10 ms each. */
function talkOf(serverPort: number, exchanges: Exchange[]): Conversation {
  const one = new Conversation({ client: CLIENT, server: SERVER, serverPort, stepNs: 5n * MS }).open();
  for (const [request, response] of exchanges)
    one
      .send("client", request)
      .wait(5n * MS)
      .send("server", response);
  return one;
}

/** A conversation that begins so many minutes later, or on another port of the client. */
function another(serverPort: number, clientPort: number, startNs = START_NS): Conversation {
  return new Conversation({ client: CLIENT, server: SERVER, serverPort, clientPort, startNs }).open();
}

/** Requests that wait on ten connections: more than a small budget holds. */
function waiting(serverPort: number, request: Uint8Array): Uint8Array {
  const talks = Array.from({ length: 10 }, (_, index) => {
    return new Conversation({ client: CLIENT, server: SERVER, serverPort, clientPort: 10_000 + index, stepNs: 1000n }).open();
  });
  for (let index = 0; index < WAITING; index++) talks[index % 10]!.send("client", request);
  return pcap(talks.flatMap(({ packets }) => packets));
}

const LOGIN: Exchange = [my.login(SHOP, "root", "shop"), my.ok(2)];
const SELECT: Exchange = [my.query("SELECT a FROM t WHERE b = 1"), my.result([["x"], ["y"]])];
const UPDATE: Exchange = [my.query("UPDATE t SET a = 2"), my.ok(1, 3)];
const BAD: Exchange = [my.query("BAD"), my.error(1, 1064, "42000", "Syntax")];
const PING = my.command(14);
const SLOW: Exchange = [my.query("SELECT a FROM t WHERE b = 2"), my.result([["z"]])];

/** Exchanges of which one fails, an orphan, garbage, a request that stays alone, TLS, compression, and a slow one a minute later. */
function mysqlCapture(): Uint8Array {
  const one = talkOf(3306, []).send("server", my.greeting());
  for (const [request, response] of [LOGIN, SELECT, UPDATE, BAD]) {
    one
      .send("client", request)
      .wait(5n * MS)
      .send("server", response);
  }
  one.send("server", my.ok(1)).send("client", "garbage of twenty bytes").send("client", PING);
  const tls = another(3306, 41_000).send("server", my.greeting());
  tls.send(
    "client",
    my
      .login(SHOP | CAPABILITY.ssl)
      .subarray(0, 36)
      .with(0, 32),
  );
  const slow = another(3306, 41_001, START_NS + MINUTE_NS).send("server", my.greeting());
  slow
    .send("client", LOGIN[0])
    .send("server", LOGIN[1])
    .send("client", SLOW[0])
    .wait(900n * MS)
    .send("server", SLOW[1])
    .close();
  return pcap([one, tls, slow].flatMap(({ packets }): Captured[] => packets));
}

const WELCOME: Exchange = [pg.startup(), pg.welcome()];
const PG_SELECT: Exchange = [pg.query("SELECT a FROM t WHERE b = 1"), join(pg.select(["x", "y"]), pg.ready())];
const PG_UPDATE: Exchange = [
  join(pg.unnamed("UPDATE t SET a = $1"), pg.sync()),
  join(pg.bound(), pg.complete("UPDATE 3"), pg.ready()),
];
const PG_BAD: Exchange = [pg.query("BAD"), join(pg.error("42601", "syntax"), pg.ready())];
const PG_ALONE = pg.query("LOCK TABLE t");
const PG_SLOW: Exchange = [pg.query("SELECT a FROM t WHERE b = 2"), join(pg.select(["z"]), pg.ready())];

/** The same of PostgreSQL. */
function postgresqlCapture(): Uint8Array {
  const one = talkOf(5432, [WELCOME, PG_SELECT, PG_UPDATE, PG_BAD]);
  one
    .send("server", join(pg.complete("BEGIN"), pg.ready("T")))
    .send("client", "garbage of twenty bytes")
    .send("client", PG_ALONE);
  const tls = another(5432, 41_000).send("client", pg.untyped(80877103)).send("server", "S");
  const gss = another(5432, 41_001).send("client", pg.untyped(80877104)).send("server", "G");
  const slow = another(5432, 41_002, START_NS + MINUTE_NS)
    .send("client", WELCOME[0])
    .send("server", WELCOME[1]);
  slow
    .send("client", PG_SLOW[0])
    .wait(900n * MS)
    .send("server", PG_SLOW[1])
    .close();
  return pcap([one, tls, gss, slow].flatMap(({ packets }): Captured[] => packets));
}

const bytesOf = (exchanges: Exchange[], side: 0 | 1) => exchanges.reduce((sum, exchange) => sum + exchange[side].length, 0);

interface Figures {
  name: string;
  exchanges: Exchange[];
  alone: Uint8Array;
  names: Record<string, number>;
  failing: string;
  slow: string;
}

/** What both have in common: of seven requests six are answered, of those one with an error. */
function common({ name, exchanges, alone, names, failing, slow }: Figures, tools: Tools): Record<string, Expectation> {
  const { count, histogram, distinct, top, all } = tools;
  const answered = exchanges.length;
  return {
    [`${name}_requests_total`]: all(
      count(answered - 1, { status: "ok" }),
      count(1, { status: "error" }),
      count(1, { status: "unobserved" }),
      count(answered + 1, OUT),
    ),
    [`${name}_orphan_responses_total`]: count(1, OUT),
    [`${name}_malformed_total`]: count(1),
    // Four of the first talk, and in the last one the login and what is slow.
    [`${name}_duration_seconds`]: histogram(answered, 4 * 0.01 + 0.001 + 0.901, OUT),
    // Without the way, of 5 ms in the first talk and 1 ms in the last.
    [`${name}_server_seconds`]: histogram(answered, 4 * 0.005 + 0.9, OUT),
    [`${name}_request_bytes`]: histogram(answered + 1, bytesOf(exchanges, 0) + alone.length, OUT),
    [`${name}_response_bytes`]: histogram(answered, bytesOf(exchanges, 1), OUT),
    [`${name}_open_requests`]: (totals, metric) => expect(totals.one(metric).max).toBe(1),
    [`${name}_clients`]: distinct(1, OUT),
    [`${name}_servers`]: distinct(1, OUT),
    [`${name}_top_statements`]: top(names),
    [`${name}_top_slow`]: top({ [slow]: 1 }),
    [`${name}_top_failing`]: top({ [failing]: 1 }),
  };
}

/** More requests than a small budget holds. */
function refused(name: string, serverPort: number, request: Uint8Array, { read }: Tools): Scenario {
  return [
    `more ${name} requests than a small budget holds`,
    () => read(waiting(serverPort, request), 8 << 20),
    {
      [`${name}_refused_total`]: (totals, metric) => {
        expect(totals.count(metric)).toBeGreaterThan(0);
        expect(totals.count(metric) + totals.count(`${name}_requests_total`)).toBe(WAITING);
      },
    },
  ];
}

/** Captures of both databases and what each of their metrics is. */
export function sqlScenarios(tools: Tools): Scenario[] {
  const { read, count, all } = tools;
  const select = "SELECT a FROM t WHERE b = ?";
  const mysql = {
    name: "mysql",
    exchanges: [LOGIN, SELECT, UPDATE, BAD, LOGIN, SLOW],
    alone: PING,
    names: { [select]: 2, "UPDATE t SET a = ?": 1, BAD: 1 },
    failing: "BAD",
    slow: select,
  };
  const postgresql = {
    name: "postgresql",
    exchanges: [WELCOME, PG_SELECT, PG_UPDATE, PG_BAD, WELCOME, PG_SLOW],
    alone: PG_ALONE,
    names: { [select]: 2, "UPDATE t SET a = ?": 1, BAD: 1, "LOCK TABLE t": 1 },
    failing: "BAD",
    slow: select,
  };
  const long = "x".repeat(900);
  return [
    [
      "MySQL",
      () => read(mysqlCapture()),
      {
        ...common(mysql, tools),
        mysql_commands: all(
          breakdown(
            ["database", "command", "outcome"],
            ["shop connect ok 2 0", "shop query ok 3 0", "shop query error 1 1", "shop ping unobserved 1 0"],
          ),
          addsUp("mysql"),
        ),
        mysql_switched_total: all(count(1, { to: "tls" }), count(1)),
        mysql_rows_total: count(3, OUT),
        mysql_affected_rows_total: count(3, OUT),
      },
    ],
    [
      "PostgreSQL",
      () => read(postgresqlCapture()),
      {
        ...common(postgresql, tools),
        postgresql_requests: all(
          breakdown(
            ["database", "kind", "outcome"],
            [
              "shop startup ok 2 0",
              "shop simple ok 2 0",
              "shop extended ok 1 0",
              "shop simple error 1 1",
              "shop simple unobserved 1 0",
            ],
          ),
          addsUp("postgresql"),
        ),
        postgresql_switched_total: all(count(1, { to: "tls" }), count(1, { to: "gss" })),
        postgresql_rows_total: count(2 + 3 + 1, OUT),
      },
    ],
    refused("mysql", 3306, my.query(`SELECT ${long}`), tools),
    refused("postgresql", 5432, pg.query(`SELECT ${long}`), tools),
  ];
}
