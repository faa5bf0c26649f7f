/** A real redis server, its own command line and benchmark, and what tcpdump saw of them. */
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RoundTrip } from "../../engine/round-trip";
import { command } from "../support/redis";
import { isHere } from "../support/servers/programs";
import { REDIS_PROGRAMS, startRedis } from "../support/servers/redis";
import { Stage } from "../support/servers/stage";

const HAS_REDIS = isHere("redis", [...REDIS_PROGRAMS, "redis-cli", "redis-benchmark"]);

/** Sends each text over one connection, waits until as many lines have come as are wanted, and answers with all that came. */
async function talk(port: number, texts: [text: string, lines: number][]): Promise<string> {
  const socket = connect(port, "127.0.0.1").setEncoding("latin1");
  const closed = new Promise((done) => socket.once("close", done));
  let all = "";
  await once(socket, "connect");
  for (const [text, lines] of texts) {
    socket.write(text);
    let got = "";
    while (got.split("\r\n").length - 1 < lines) got += (await once(socket, "data"))[0];
    all += got;
  }
  socket.end();
  await closed;
  return all;
}

describe.runIf(HAS_REDIS)("redis-server", () => {
  const stage = HAS_REDIS ? new Stage("redis") : undefined;
  let trips: RoundTrip[] = [];
  /** Which database the server said that each CLIENT INFO was of. */
  let databases: number[] = [];

  beforeAll(async () => {
    const port = await startRedis(stage!);
    await stage!.record(port);
    const benchmark = ["-p", `${port}`, "-n", "1000", "-c", "4", "-P", "16", "-t", "set,get,mset", "-q"];
    stage!.run("redis-benchmark", benchmark);
    for (let i = 0; i < 5; i++) spawnSync("redis-cli", ["-p", `${port}`, "-3", "hset", `hash:${i}`, "field", "a\r\nb"]);
    await talk(port, [
      [command("HELLO", 3), 26],
      [command("HGETALL", "hash:1"), 5],
      [command("SET", "big", "x".repeat(2_000_000)), 1],
      [command("STRLEN", "big"), 1],
      [command("SUBSCRIBE", "news") + command("PUBLISH", "news", "hello") + command("PING"), 14],
      ["INLINE\r\nset line 1\r\n", 2],
      [command("MULTI") + command("INCR", "big") + command("EXEC"), 4],
      [command("BLPOP", "nothing", "0.2"), 1],
      [command("NOSUCH.COMMAND", "a"), 1],
      [Array.from({ length: 3000 }, () => command("INCR", "counter")).join(""), 3000],
      [command("QUIT"), 1],
    ]);
    const info = command("CLIENT", "INFO");
    const moves = [
      ...[
        info,
        command("SELECT", 3),
        info,
        command("SELECT", 99),
        info,
        info,
        command("SELECT", "x"),
        info,
        command("SELECT", 1),
      ],
      ...[
        info,
        command("MULTI"),
        command("SELECT", 2),
        command("EXEC"),
        info,
        command("SELECT", 5),
        info,
        command("RESET"),
        info,
      ],
    ];
    const lines = moves.reduce((sum, text) => sum + (text === info ? 2 : text.includes("EXEC") ? 2 : 1), 0);
    const said =
      (await talk(port, [[moves.join(""), lines]])) +
      (await talk(
        port,
        moves.map((text) => [text, 1]),
      ));
    databases = [...said.matchAll(/ db=(\d+) /g)].map(([, database]) => Number(database));
    trips = await stage!.trips("redis");
  }, 30_000);

  afterAll(async () => stage?.end());

  const times = (name: string) => trips.filter(({ request }) => request?.command === name).length;

  test("the database of each command is the server's", () => {
    const told = trips.filter(({ request }) => request?.command === "CLIENT INFO").map(({ request }) => request!.database);
    expect(databases).toEqual([0, 3, 3, 3, 3, 1, 2, 5, 0, 0, 3, 3, 3, 3, 1, 2, 5, 0]);
    // What EXEC did is not looked into.
    const isKnown = (index: number) => databases[index] !== 2;
    expect(told).toEqual(databases.map((database, index) => (isKnown(index) ? database : undefined)));
  });

  test("every command has its reply", () => {
    expect(trips.filter(({ request, response }) => !request || !response)).toEqual([]);
    // redis-benchmark rounds up to whole pipelines.
    for (const name of ["GET", "MSET"]) expect(times(name)).toBe(1008);
    expect(times("SET")).toBe(1008 + 2);
    expect(times("HSET")).toBe(5);
    expect(times("INCR")).toBe(3001);
  });

  test("what the odd ones say", () => {
    const of = (name: string) => {
      const { request, response, status } = trips.findLast((trip) => trip.request?.command === name)!;
      return { ...request, ...response, status };
    };
    expect(of("HGETALL")).toMatchObject({ key: "hash:1", type: "map", elements: 1, status: "ok" });
    expect(trips.find(({ request }) => request?.key === "big")?.request?.bodyBytes).toBe(2_000_006);
    expect(of("SUBSCRIBE")).toMatchObject({ type: "push", elements: 3 });
    expect(of("PUBLISH")).toMatchObject({ type: "integer" });
    expect(of("INLINE")).toMatchObject({ errorCode: "ERR", status: "error" });
    const failing = trips.find(({ request }) => request?.command === "EXEC");
    expect(failing).toMatchObject({ response: { type: "array", errorCode: "ERR" }, status: "error" });
    expect(of("BLPOP")).toMatchObject({ key: "nothing", isNull: true, status: "ok" });
    expect(of("NOSUCH.COMMAND")).toMatchObject({ key: "a", errorCode: "ERR", status: "error" });
    expect(of("QUIT")).toMatchObject({ type: "simple string", status: "ok" });
  });
});
