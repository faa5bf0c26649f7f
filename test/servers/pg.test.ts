/** postgres and node-postgres: every statement that the client ran, and what it got. */
import { Client, Query, type Result } from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RoundTrip } from "../../engine/round-trip";
import { POSTGRESQL_PROGRAMS, startPostgresql } from "../support/servers/postgresql";
import { isHere } from "../support/servers/programs";
import { Stage } from "../support/servers/stage";

const HAS_POSTGRESQL = isHere("postgresql", POSTGRESQL_PROGRAMS);
const INSERTS = 100;
const COPIED = 10;
const NEWS = 5;

/** What came of a statement: each of these that the client was told. */
interface Outcome {
  statement: string;
  /** Rows that came or were changed, of all results. */
  rows?: number;
  /** First word of the last result's tag. */
  command?: string;
  sqlState?: string;
}

function outcomeOf(got: Result | Result[]): Omit<Outcome, "statement"> {
  const results = [got].flat();
  return {
    rows: results.reduce((total, { rowCount }) => total + (rowCount ?? 0), 0),
    command: results.at(-1)?.command ?? undefined,
  };
}

/** A client that keeps what it got for each statement. */
class Recorder {
  readonly outcomes: Outcome[] = [];
  notices = 0;
  heard = 0;

  constructor(readonly client: Client) {
    client.on("notice", () => {
      this.notices += 1;
    });
    client.on("notification", () => {
      this.heard += 1;
    });
  }

  async run(text: string, values?: unknown[], name?: string): Promise<void> {
    try {
      const got = await this.client.query({ text, ...(values ? { values } : {}), ...(name ? { name } : {}) });
      this.outcomes.push({ statement: text, ...outcomeOf(got) });
    } catch (error) {
      this.outcomes.push({ statement: text, sqlState: (error as { code: string }).code });
    }
  }

  /** Runs a statement by a query of one's own, `prepare` doing with it what is to be done. */
  async runBy(text: string, prepare: (query: Query) => void): Promise<void> {
    await new Promise<void>((resolve) => {
      const query = new Query(text, undefined, (error, result) => {
        this.outcomes.push({
          statement: text,
          ...(error ? { sqlState: (error as Error & { code: string }).code } : outcomeOf(result)),
        });
        resolve();
      });
      prepare(query);
      this.client.query(query);
    });
  }
}

/** Statements of every kind. */
async function work(recorder: Recorder): Promise<void> {
  await recorder.run("CREATE TABLE t (id SERIAL PRIMARY KEY, name TEXT)");
  await recorder.run("BEGIN");
  for (let i = 0; i < INSERTS; i++) await recorder.run("INSERT INTO t (name) VALUES ($1)", [`name ${i}`]);
  await recorder.run("COMMIT");
  for (let i = 0; i < 20; i++) await recorder.run("SELECT * FROM t WHERE id <= $1", [i * 5], "named");
  await recorder.run("SELECT 1; SELECT name FROM t; UPDATE t SET name = NULL WHERE id = 7");
  await recorder.run("SELECT 1/0");
  await recorder.run("SELECT $1::int / 0", [1]);
  await recorder.run("SELECT * FROM nowhere WHERE id = $1", [1]);
  await recorder.run("COPY t TO STDOUT");
  // The client has nothing to copy and says so.
  await recorder.run("COPY t FROM STDIN");
  await recorder.runBy("COPY t (id, name) FROM STDIN", (query) => {
    query.handleCopyInResponse = (connection) => {
      for (let i = 0; i < COPIED; i++) connection.sendCopyFromChunk(Buffer.from(`${1000 + i}\tx\n`));
      connection.endCopyFrom();
    };
  });
  await recorder.run("DO $$ BEGIN RAISE NOTICE 'hear'; END $$");
  await recorder.run("LISTEN news");
  for (let i = 0; i < NEWS; i++) await recorder.run("NOTIFY news");
  await recorder.run("");
}

describe.runIf(HAS_POSTGRESQL)("postgresql and pg", () => {
  const stage = HAS_POSTGRESQL ? new Stage("pg") : undefined;
  const refusals: string[] = [];
  let one: Recorder;
  let piped: Recorder;
  let trips: RoundTrip[] = [];

  beforeAll(async () => {
    const port = await startPostgresql(stage!);
    await stage!.record(port);
    const form = { host: "127.0.0.1", port, user: "postgres", database: "postgres" };
    one = new Recorder(new Client(form));
    await one.client.connect();
    await work(one);
    await one.runBy("SELECT pg_sleep(20)", (query) => {
      setTimeout(() => new Client(form).cancel(one.client, query), 200);
    });
    await one.client.end();
    piped = new Recorder(new Client({ ...form, pipeline: true }));
    await piped.client.connect();
    await Promise.all(Array.from({ length: 100 }, (_, i) => piped.run("SELECT name, 1 / (id - 50) FROM t WHERE id = $1", [i])));
    await piped.client.end();
    const keep = (error: Error & { code?: string }) => refusals.push(error.code ?? error.message);
    await new Client({ ...form, database: "none" }).connect().catch(keep);
    await new Client({ ...form, ssl: true }).connect().catch(keep);
    trips = await stage!.trips("postgresql", { raw: true });
  }, 120_000);

  afterAll(async () => stage?.end());

  const of = (...kinds: string[]) => trips.filter(({ request }) => kinds.includes(String(request?.kind)));
  const statements = () =>
    of("simple", "extended", "copy").map(({ request, response }): Outcome => {
      const { rows, commandTag, sqlState } = response as { rows?: number; commandTag?: string; sqlState?: string };
      const isDone = sqlState === undefined;
      return {
        statement: String(request?.statement),
        rows: isDone ? rows : undefined,
        command: isDone ? commandTag?.split(" ")[0] : undefined,
        sqlState,
      };
    });

  test("each statement in its order, with what the client got for it", () => {
    expect(statements()).toEqual([...one.outcomes, ...piped.outcomes]);
    expect(one.outcomes).toHaveLength(3 + INSERTS + 20 + 7 + 2 + NEWS + 2);
    const codes = [...one.outcomes, ...piped.outcomes].flatMap(({ sqlState }) => sqlState ?? []);
    expect(codes).toEqual(["22012", "22012", "42P01", "57014", "57014", "22012"]);
  });

  test("kinds, columns, copies, notices", () => {
    const named = of("extended").filter(({ request }) => request?.statement === "SELECT * FROM t WHERE id <= $1");
    expect(named.map(({ response }) => response?.columns)).toEqual(new Array(20).fill(2));
    expect(of("copy").map(({ response }) => response?.commandTag ?? response?.sqlState)).toEqual([
      `COPY ${INSERTS}`,
      "57014",
      `COPY ${COPIED}`,
    ]);
    const notices = trips.reduce((total, { response }) => total + Number(response?.notices ?? 0), 0);
    expect([one.notices, one.heard]).toEqual([notices, NEWS]);
  });

  test("connections: begun, refused, cancelled and ended", () => {
    expect(of("startup").map(({ status, response }) => response?.sqlState ?? status)).toEqual(["ok", "ok", refusals[0]]);
    expect(refusals).toEqual(["3D000", "The server does not support SSL connections"]);
    expect(of("cancel", "terminate").map(({ request, status }) => `${request?.kind} ${status}`)).toEqual([
      "cancel ok",
      "terminate ok",
      "terminate ok",
    ]);
    expect(trips).toHaveLength(statements().length + 3 + 3);
  });
});
