/** mariadbd and sysbench, which sends types with first executions only: what --body shows of values is what the server's log says. */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import module from "../../build/core.wasm";
import { Core } from "../../engine/core";
import { type RoundTrip, RoundTripReader } from "../../engine/round-trip";
import { bodyReader } from "../../shim/output/body";
import { tripsThrough } from "../support/core-trips";
import { MARIADB_PROGRAMS, startMariadb } from "../support/servers/mariadb";
import { isHere } from "../support/servers/programs";
import { Stage } from "../support/servers/stage";

const HAS_ALL = isHere("mariadb", [...MARIADB_PROGRAMS, "sysbench"]);
const TRANSACTIONS = 25;

/** A statement as the server's log has it: each value in its place. */
function statementOf({ request }: RoundTrip): string {
  const values: unknown[] = request?.body === undefined ? [] : JSON.parse(String(request.body));
  const texts = values.map((value) => (typeof value === "string" ? `'${value}'` : String(value)));
  return String(request?.statement).replace(/\?/g, () => texts.shift() ?? "?");
}

describe.runIf(HAS_ALL)("mariadb and sysbench", () => {
  const stage = HAS_ALL ? new Stage("mysql-types") : undefined;
  let trips: RoundTrip[] = [];
  let logged: string[] = [];

  beforeAll(async () => {
    const log = stage!.path("data", "general.log");
    const port = await startMariadb(stage!, "--general-log", `--general-log-file=${log}`);
    const form = [
      "oltp_read_write",
      "--mysql-host=127.0.0.1",
      `--mysql-port=${port}`,
      "--mysql-user=root",
      "--mysql-db=shop",
      "--tables=2",
      "--table-size=200",
    ];
    stage!.run("sysbench", [...form, "prepare"]);
    await stage!.record(port);
    stage!.run("sysbench", [...form, `--events=${TRANSACTIONS}`, "--time=0", "run"]);
    const core = new Core(module, { events: true, budgetBytes: 8 << 20, raw: true, bodyBytes: 2048 });
    const reader = new RoundTripReader(core.schema, () => undefined, bodyReader(true));
    trips = tripsThrough(core, await stage!.recorded(), reader).filter(({ protocol }) => protocol === "mysql");
    logged = [...readFileSync(log, "latin1").matchAll(/\bExecute\t(.*)/g)].map(([, statement]) => statement!);
  }, 120_000);

  afterAll(async () => stage?.end());

  test("every execution has the values that the server had", () => {
    const executed = trips.filter(({ request }) => request?.command === "stmt_execute");
    expect(executed.map(statementOf)).toEqual(logged);
    // Of a transaction: begin, 10 points, 4 ranges, 4 writes, commit.
    expect(executed).toHaveLength(TRANSACTIONS * 20);
  });
});
