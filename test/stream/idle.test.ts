/** What a connection costs that is open and has nothing to do, by the core's own account. */
import { expect, test } from "vitest";
import { Core } from "../../engine/core";
import { type Captured, type Conversation, join, pcap } from "../support/pcap-builder";
import { coreModule } from "../support/round-trips";
import { connection, my, PLAIN, pg } from "../support/sql";

const CONNECTIONS = 2000;
const FEW = 100;
const BYTES_MAX = 512;
/** As long as names of the databases are, and ten of each. */
const long = (word: string, index: number) => `${word}_${index % 10}_`.padEnd(63, "x");

type Login = (index: number, client: { client: string; clientPort: number }) => Conversation;

const mysqlLogin: Login = (index, client) =>
  connection({ ...client, serverPort: 3306 })
    .send("server", my.greeting())
    .send("client", my.login(PLAIN | 8, long("user", index), long("database", index)))
    .send("server", my.ok(2))
    .send("client", my.query("SELECT 1"))
    .send("server", my.result([["1"]]));

const postgresqlLogin: Login = (index, client) =>
  connection({ ...client, serverPort: 5432 })
    .send(
      "client",
      pg.untyped(
        196608,
        `user\0${long("user", index)}\0database\0${long("database", index)}\0application_name\0${long("app", index)}\0\0`,
      ),
    )
    .send("server", pg.welcome())
    .send("client", pg.query("SELECT 1"))
    .send("server", join(pg.select(["1"]), pg.ready()));

/** Bytes that the core holds when so many connections have logged in, asked one thing and rest. */
function heldBy(count: number, login: Login): number {
  const core = new Core(coreModule(), { events: false, budgetBytes: 24 << 20 });
  core.drainTo({});
  const packets: Captured[] = [];
  for (let i = 0; i < count; i++) {
    packets.push(...login(i, { client: `10.0.${i >> 8}.${i & 255}`, clientPort: 20_000 + i }).packets);
  }
  const input = core.open("file");
  input.write(pcap(packets));
  return core.heldBytes;
}

test.each([
  ["mysql", mysqlLogin],
  ["postgresql", postgresqlLogin],
])("%s: a connection that has logged in costs at most 512 bytes, however long its names are", (name, login) => {
  const each = (heldBy(CONNECTIONS, login) - heldBy(FEW, login)) / (CONNECTIONS - FEW);
  console.info(`${name}: ${each.toFixed(1)} bytes a connection`);
  expect(each).toBeLessThanOrEqual(BYTES_MAX);
  // A flow's record alone is more than 300.
  expect(each).toBeGreaterThan(300);
});
