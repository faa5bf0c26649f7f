/** What is given up as lost: when it came, what was left of a request, and whose response may be in it. */
import { describe, expect, test } from "vitest";
import { kafka, lines } from "../support/kafka";
import { kafkaRequest, kafkaResponse } from "../support/kafka-schema";
import { type Bytes, Conversation, join } from "../support/pcap-builder";
import { my, mysql, pg, postgresql, tripsOf } from "../support/sql";

const WORKS_NS = 10_000_000n;
/** Longer than any round trip here, and far shorter than what the client thinks. */
const DURATION_MOST_NS = 50_000_000;

const page = `HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n${"x".repeat(900)}`;
const [QUERY, ROWS] = ["SELECT name FROM t WHERE id = 7 AND name <> 'nobody'", ["Ann", "Bob", "Eve"]];

interface Talk {
  protocol: string;
  open(): Conversation;
  asked: Bytes;
  answered: Bytes;
}

const TALKS: Talk[] = [
  {
    protocol: "http",
    open: () => new Conversation({ serverPort: 80 }).open(),
    asked: "GET /t.txt HTTP/1.1\r\nHost: a.test\r\n\r\n",
    answered: page,
  },
  {
    protocol: "redis",
    open: () => new Conversation({ serverPort: 6379 }).open(),
    asked: "*2\r\n$3\r\nGET\r\n$1\r\na\r\n",
    answered: `$300\r\n${"y".repeat(300)}\r\n`,
  },
  { protocol: "mysql", open: () => mysql(), asked: my.query(QUERY), answered: my.result(ROWS.map((name) => [name])) },
  { protocol: "postgresql", open: () => postgresql(), asked: pg.query(QUERY), answered: join(pg.select(ROWS), pg.ready()) },
];
const COUNT = 15;
const THE_LOST = 2;

interface Form {
  thinksNs: bigint;
  /** Bytes of a segment of each side. */
  client: number;
  server: number;
  /** The side whose last segment of the third exchange is not captured. */
  loses: "client" | "server";
}

/** Requests and responses in turn. */
function talked({ protocol, open, asked, answered }: Talk, { thinksNs, loses, ...segments }: Form) {
  const talk = open();
  let lost = 0;
  const send = (from: "client" | "server", bytes: Bytes, turn: number) => {
    talk.send(from, bytes, segments[from]);
    if (turn === THE_LOST && from === loses) lost = talk.packets.length - 1;
  };
  for (let turn = 0; turn < COUNT; turn++) {
    talk.wait(thinksNs);
    send("client", asked, turn);
    talk.wait(WORKS_NS);
    send("server", answered, turn);
  }
  const packets = talk.close().packets.filter((_, index) => index !== lost);
  return tripsOf(protocol, packets).filter(
    ({ request }) => request === undefined || !/connect|startup/.test(JSON.stringify(request)),
  );
}

test("several responses behind each other: each may have been its request's, also of those that were sent meanwhile", () => {
  const request = (id: number) => kafkaRequest("Heartbeat", 4, { groupId: "g" }, { correlationId: id });
  const response = (id: number) => kafkaResponse("Heartbeat", 4, { errorCode: 0 }, { correlationId: id });
  for (const lost of [
    [2, 3],
    [2, 3, 4, 5],
  ]) {
    const talk = kafka();
    for (let id = 1; id <= 8; id++) {
      talk.send("client", request(id));
      if (lost.includes(id)) talk.lose("server", response(id));
      else talk.send("server", response(id));
    }
    const statuses = lines(talk.close().packets).map((one) => one.replace(/^.*#(\d+) \S+ (\w+).*/, "$1 $2"));
    const expected = Array.from({ length: 8 }, (_, index) => `${index + 1} ${lost.includes(index + 1) ? "unobserved" : "ok"}`);
    expect(statuses.sort()).toEqual(expected);
  }
});

test("where the end of a request is missing, nobody knows when the server began", () => {
  const talk = new Conversation({ serverPort: 80 }).open();
  const asked = "POST /a HTTP/1.1\r\nhost: a.test\r\ncontent-length: 4\r\n\r\n";
  talk.send("client", asked).wait(250_000_000n).lose("client", "abcd").send("server", page);
  talk.send("client", `${asked}abcd`).wait(WORKS_NS).send("server", page);
  const [first, second] = tripsOf("http", talk.close().packets);
  expect(first).toMatchObject({ status: "ok", marks: ["gap"] });
  expect(first!.timing).not.toHaveProperty("serverNs");
  expect(second!.timing?.serverNs).toBeGreaterThanOrEqual(Number(WORKS_NS));
});

describe.each(TALKS)("$protocol", (talk) => {
  test.each([64, 256])("the end of a response, in pieces of %i bytes: the client's thinking is none of it", (server) => {
    const trips = talked(talk, { thinksNs: 5_000_000_000n, client: 1400, server, loses: "server" });
    expect(trips).toHaveLength(COUNT);
    for (const { durationNs } of trips) expect(durationNs ?? 0).toBeLessThan(DURATION_MOST_NS);
  });

  test.each([5, 12, 20, 50])("the end of a request, in pieces of %i bytes: the others have their own responses", (client) => {
    const trips = talked(talk, { thinksNs: 10_000_000n, client, server: 1400, loses: "client" });
    const whole = trips.filter(({ marks, request, response }) => marks.length === 0 && request && response);
    // Of a head that goes on without its end, the next one is not known either.
    expect(whole.length).toBeGreaterThanOrEqual(COUNT - 2);
    for (const { durationNs, status } of whole) {
      expect(durationNs).toBeLessThan(DURATION_MOST_NS);
      expect(status).toBe("ok");
    }
    expect(trips.filter(({ status }) => status !== "ok").length).toBeLessThanOrEqual(2);
  });
});
