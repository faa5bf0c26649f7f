/** Who asks, and of what: where a connection said it in bytes that are missing it is absent, never what it was before. */
import { describe, expect, test } from "vitest";
import type { RoundTrip } from "../../engine/round-trip";
import { tripsOf as kafkaTrips } from "../support/kafka";
import { kafkaRequest, kafkaResponse } from "../support/kafka-schema";
import { tripsOf as mongoTrips, msg } from "../support/mongo";
import { Conversation, join } from "../support/pcap-builder";
import { command, OK, redis, tripsOf as redisTrips } from "../support/redis";
import { my, mysql, pg, postgresql, tripsOf } from "../support/sql";

/** The request that was told last. */
const lastOf = (trips: RoundTrip[]) => trips.at(-1)!.request!;
/** What is missing is given up: both sides have had it. */
const settle = (talk: Conversation) => talk.acknowledge("client").acknowledge("server").wait(200_000_000n).acknowledge("server");

describe("redis: the database", () => {
  const get = command("GET", "a");
  const database = (talk: Conversation) => {
    talk.send("client", get).send("server", "$-1\r\n");
    const request = lastOf(redisTrips(talk.packets));
    expect(request).toMatchObject({ command: "GET" });
    return request.database;
  };
  const selected = () => redis().send("client", command("SELECT", 2)).send("server", OK);

  test("is 0 where the beginning was seen, and absent where it was not", () => {
    expect(database(redis())).toBe(0);
    expect(database(new Conversation({ serverPort: 6379 }))).toBeUndefined();
    expect(database(settle(redis().lose("client", command("SELECT", 4)).send("server", OK)))).toBeUndefined();
    expect(database(settle(redis().lose("client", command("SELECT", 4)).lose("server", OK)))).toBeUndefined();
  });

  test("is absent behind a SELECT that is missing, and known from the next that is answered", () => {
    expect(database(selected())).toBe(2);
    const talk = settle(selected().lose("client", command("SELECT", 4)).send("server", OK));
    expect(database(talk)).toBeUndefined();
    talk.send("client", command("SELECT", 5)).send("server", OK);
    expect(database(talk)).toBe(5);
  });

  test.each([
    ["SELECT", command("SELECT", 99)],
    ["RESET", command("RESET")],
  ])("is absent where the reply to %s is missing: it may have been refused", (_, asked) => {
    expect(database(settle(selected().send("client", asked).lose("server", "-ERR no\r\n")))).toBeUndefined();
  });

  test("stays where a reply is missing that does not move it", () => {
    expect(database(settle(selected().send("client", get).lose("server", "$-1\r\n")))).toBe(2);
  });
});

describe("mysql: user and database", () => {
  const ping = my.command(14);
  const names = (talk: Conversation) => {
    talk.send("client", ping).send("server", my.ok(1));
    const request = lastOf(tripsOf("mysql", talk.packets));
    expect(request).toMatchObject({ command: "ping" });
    return [request.user, request.database];
  };
  const begun = () => mysql().send("client", my.command(2, "stock")).send("server", my.ok(1));
  const CHANGES: [string, Uint8Array][] = [
    ["another database", my.command(2, "other")],
    ["USE", my.query("use other")],
    ["another user", my.command(17, "ann\0", [4], "word", "other\0", [33, 0])],
  ];

  test("are absent where the beginning was not seen", () => {
    expect(names(begun())).toEqual(["root", "stock"]);
    expect(names(new Conversation({ serverPort: 3306 }))).toEqual([undefined, undefined]);
  });

  test.each(CHANGES)("are absent behind %s that is missing", (_, asked) => {
    expect(names(settle(begun().lose("client", asked).send("server", my.ok(1))))).toEqual([undefined, undefined]);
  });

  test.each(CHANGES)("are absent where the answer to %s is missing: it may have been refused", (_, asked) => {
    expect(names(settle(begun().send("client", asked).lose("server", my.ok(1))))).toEqual([undefined, undefined]);
  });

  test("stay where an answer is missing that changes neither", () => {
    expect(names(settle(begun().send("client", ping).lose("server", my.ok(1))))).toEqual(["root", "stock"]);
  });

  test("are known again from what sets them", () => {
    const talk = settle(begun().lose("client", my.command(2, "other")).send("server", my.ok(1)));
    talk.send("client", my.command(2, "third")).send("server", my.ok(1));
    expect(names(talk)).toEqual([undefined, "third"]);
  });
});

describe("postgresql: user, database and application", () => {
  const query = pg.query("BEGIN");
  const answer = join(pg.complete("BEGIN"), pg.ready("T"));
  const names = (talk: Conversation) => {
    talk.send("client", query).send("server", answer);
    const request = lastOf(tripsOf("postgresql", talk.packets));
    expect(request).toMatchObject({ kind: "simple" });
    return [request.user, request.database, request.application];
  };

  test("are those of the startup, also behind missing bytes: nothing changes them", () => {
    expect(names(postgresql())).toEqual(["ann", "shop", "till"]);
    expect(names(settle(postgresql().lose("client", query).send("server", answer)))).toEqual(["ann", "shop", "till"]);
  });

  test("are absent where the beginning was not seen, or the startup is missing", () => {
    expect(names(new Conversation({ serverPort: 5432 }))).toEqual([undefined, undefined, undefined]);
    const talk = postgresql().send("client", query).send("server", answer).close();
    // The handshake's three packets, then the startup.
    const trips = tripsOf(
      "postgresql",
      talk.packets.filter((_, index) => index !== 3),
    );
    expect(trips.filter(({ request }) => request?.kind === "simple").map(({ request }) => request?.user)).toEqual([undefined]);
  });
});

test("kafka: each request says its clientId, and none has another's", () => {
  const one = (correlationId: number, clientId: string | null) => kafkaRequest("Heartbeat", 0, {}, { correlationId, clientId });
  const answer = (correlationId: number) => kafkaResponse("Heartbeat", 0, {}, { correlationId });
  const talk = new Conversation({ serverPort: 9092 }).open().send("client", one(1, "first")).send("server", answer(1));
  settle(talk.lose("client", one(2, "second")).send("server", answer(2)));
  talk.send("client", one(3, null)).send("server", answer(3));
  expect(kafkaTrips(talk.packets).map(({ request }) => request?.clientId)).toEqual(["first", undefined, undefined]);
});

test("mongodb: each command says its database, and none has another's", () => {
  const answer = (id: number) => msg(100 + id, { ok: 1 }, { responseTo: id });
  const talk = new Conversation({ serverPort: 27017 });
  talk.send("client", msg(1, { find: "c", $db: "a" })).send("server", answer(1));
  settle(talk.lose("client", msg(2, { find: "c", $db: "b" })).send("server", answer(2)));
  talk.send("client", msg(3, { ping: 1 })).send("server", answer(3));
  expect(mongoTrips(talk.packets).map(({ request }) => request?.database)).toEqual(["a", undefined, undefined]);
});
