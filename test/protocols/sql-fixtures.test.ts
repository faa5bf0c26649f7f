/** The project's own captures of MariaDB and PostgreSQL say what their clients say that they sent and got. */
import { describe, expect, test } from "vitest";
import type { RoundTrip } from "../../engine/round-trip";
import { corpusBytes, HAS_CORPUS } from "../support/corpus";
import { fixtureBytes, fixtureTruth } from "../support/fixtures";
import { readRoundTrips } from "../support/round-trips";

function counts(values: unknown[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const value of values) sum[String(value)] = (sum[String(value)] ?? 0) + 1;
  return sum;
}

const tripsOf = (bytes: Uint8Array, protocol: string) => readRoundTrips(bytes).filter((trip) => trip.protocol === protocol);
const errorsOf = (trips: RoundTrip[], field: string) =>
  counts(trips.flatMap(({ response }) => (response?.[field] === undefined ? [] : [`error ${response[field]}`])));
const rowsOf = (trips: RoundTrip[]) => trips.reduce((sum, { response }) => sum + Number(response?.rows ?? 0), 0);

/** Every request is decided, and so is all that has a response at all. */
function areWhole(trips: RoundTrip[]): void {
  expect(trips.filter(({ request, status }) => !request || !["ok", "error"].includes(status))).toEqual([]);
  expect(trips.flatMap(({ marks }) => marks)).toEqual([]);
}

describe("MariaDB", () => {
  const errors = (got: Record<string, number> = {}) =>
    Object.fromEntries(Object.entries(got).filter(([name]) => name.startsWith("error")));

  test.each(["mysql_cli.pcap", "mysql_node.pcap"])("%s", (name) => {
    const truth = fixtureTruth(name) as ReturnType<typeof fixtureTruth> & { implicit?: { sent: Record<string, number> } };
    const trips = tripsOf(fixtureBytes(name), "mysql");
    expect(counts(trips.map(({ request }) => request?.command))).toEqual({ ...truth.sent, ...truth.implicit?.sent });
    expect(errorsOf(trips, "errorCode")).toEqual(errors(truth.got));
    areWhole(trips);
  });

  test("rows, statements and names", () => {
    const trips = tripsOf(fixtureBytes("mysql_node.pcap"), "mysql");
    // The client counts neither those of its query of three statements nor the big one.
    const apart = trips.filter(
      ({ request, response }) => Number(response?.results) > 1 || /REPEAT/.test(String(request?.statement)),
    );
    expect(rowsOf(trips) - rowsOf(apart)).toBe(fixtureTruth("mysql_node.pcap").got?.rows);
    expect(apart.map(({ response }) => [response?.rows, response?.results])).toEqual([
      [1, 1],
      [2, 3],
    ]);
    const executed = trips.filter(({ request }) => request?.command === "stmt_execute");
    expect(executed.filter(({ request }) => !request?.statement || !request.fingerprint)).toEqual([]);
    const named = trips.filter(({ request }) => request?.user !== undefined);
    expect(named.length).toBe(trips.length);
  });
});

/** Round trips of PostgreSQL as its client names them. */
function sentOf(trips: RoundTrip[]): Record<string, number> {
  return counts(trips.map(({ request }) => request?.kind));
}

describe("PostgreSQL", () => {
  test.each([
    ["pg_pgbench_simple.pcap", { startup: 3, simple: 562, terminate: 3 }],
    ["pg_pgbench_extended.pcap", { startup: 3, simple: 2, extended: 560, terminate: 3 }],
  ])("%s", (name, wanted) => {
    const { sent, implicit } = fixtureTruth(name) as unknown as Record<string, Record<string, number>>;
    const trips = tripsOf(fixtureBytes(name), "postgresql");
    expect(sentOf(trips)).toEqual(wanted);
    expect(trips.length - wanted.startup - wanted.terminate).toBe(sent!.statements! + implicit!["simple queries"]!);
    expect(wanted.startup).toBe(sent!.connections_client! + implicit!.connections!);
    const tags = counts(trips.map(({ response }) => response?.commandTag));
    const { transactions } = sent!;
    expect(tags).toMatchObject({
      BEGIN: transactions,
      COMMIT: transactions,
      "INSERT 0 1": transactions,
      "UPDATE 1": 3 * transactions!,
    });
    areWhole(trips);
  });

  test.runIf(HAS_CORPUS)("pg_node.pcap", () => {
    const trips = tripsOf(corpusBytes("generated/pg_node.pcap"), "postgresql");
    const truth = JSON.parse(new TextDecoder().decode(corpusBytes("generated/pg_node.truth.json")));
    const { sent, got } = truth;
    expect(sentOf(trips)).toEqual({
      startup: sent.startup,
      simple: sent.simple,
      extended: sent.extended_unnamed + sent.extended_named_first + sent.extended_named_reuse,
      terminate: sent.terminate,
    });
    const wanted = Object.fromEntries(Object.entries(got).filter(([name]) => name.startsWith("error")));
    expect(errorsOf(trips, "sqlState")).toEqual(wanted);
    // What the notification brought counts as a notification.
    const isSelect = ({ request, response }: RoundTrip) =>
      response?.results === 1 && /^SELECT/.test(String(response.commandTag)) && !/pg_notify/.test(String(request?.statement));
    const selects = trips.filter(isSelect);
    expect(rowsOf(selects)).toBe(got.rows);
    expect(trips.filter(({ response }) => Number(response?.results) === got.multi_results)).toHaveLength(1);
    expect(trips.filter(({ request }) => request?.kind === "extended" && !request.statement)).toEqual([]);
    areWhole(trips);
  });
});
