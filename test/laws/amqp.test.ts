/** Laws that AMQP keeps whatever the segments, the cuts and the bytes. */
import { describe, expect, test } from "vitest";
import type { RoundTrip } from "../../engine/round-trip";
import {
  ack,
  amqp,
  close,
  closeOk,
  consume,
  consumeOk,
  declare,
  declareOk,
  deliver,
  get,
  getOk,
  HEARTBEAT,
  line,
  lines,
  nack,
  publish,
  select,
  selectOk,
  together,
  tripsOf,
} from "../support/amqp";
import { keepsByteLaws } from "../support/byte-laws";
import type { Captured } from "../support/pcap-builder";
import { randomFrom } from "../support/sketches";
import { keepsSegments } from "../support/stream-laws";

const TALK: ["client" | "server", Uint8Array][] = [
  ["client", together(declare(1, "q"), select(2), consume(3, "q"), HEARTBEAT)],
  ["server", together(declareOk(1, "q"), selectOk(2), consumeOk(3))],
  ["client", together(publish(2, "x", "a", 60, 25), publish(2, "x", "b"), publish(1, "x", "c"), get(1, "q"))],
  ["server", together(ack(2, 1), nack(2, 2), deliver(3, 1), deliver(3, 2), getOk(1, 1, 40))],
  ["client", together(ack(3, 2, 1), declare(1, "z", 1))],
  ["server", close(1, 404, "NOT_FOUND", 50, 10)],
  ["client", closeOk(1)],
];
const LINES = [
  "1 declare q -> declare-ok q ok",
  "2 select -> select-ok ok",
  "3 consume q -> consume-ok ok",
  "1 publish x c -> - ok",
  "2 publish x a #1 -> ack #1 ok",
  "2 publish x b #2 -> nack #2 error",
  "1 get q -> get-ok x k #1 ok",
  "3 deliver q x k #1 -> ack #2 ok",
  "3 deliver q x k #2 -> ack #2 ok",
  "1 declare z -> close 404 error",
  "1 close 404 -> close-ok ok",
];

function talk(segmentBytes = Number.POSITIVE_INFINITY): Captured[] {
  const one = amqp();
  for (const [side, bytes] of TALK) one.send(side, bytes, segmentBytes);
  return one.close().packets;
}

describe("segments", () => {
  keepsSegments({ talk: TALK, trips: tripsOf, line, whole: LINES, placed: 4, isLoose: true });
});

describe("losses", () => {
  const COUNT = 60;
  /** Confirmed publishes and acked deliveries, by turns: number `i` has the routing key or consumer `i`. */
  const packets = () => {
    const one = amqp({ stepNs: 100_000n }).send("client", together(select(1), consume(2, "q")));
    one.send("server", together(selectOk(1), consumeOk(2)));
    for (let i = 1; i <= COUNT; i++) {
      one
        .send("client", publish(1, "x", `k${i}`, 500, 200), 400)
        .send("server", ack(1, i))
        .acknowledge("client");
      one
        .send("server", deliver(2, i, "c", 300), 200)
        .send("client", ack(2, i))
        .acknowledge("server")
        .wait(20_000_000n);
    }
    return one.close().packets;
  };
  const isWrong = ({ request, response }: RoundTrip) => {
    if (!request || !response) return false;
    if (request.deliveryTag !== response.deliveryTag) return true;
    return request.method === "publish" && request.routingKey !== undefined && request.routingKey !== `k${request.deliveryTag}`;
  };

  test("of any one segment: no pair is wrong, nothing is invented, two exchanges at the most are not whole", () => {
    const all = packets();
    for (let lost = 8; lost < all.length - 3; lost++) {
      const trips = tripsOf(all.filter((_, index) => index !== lost));
      expect(trips.filter(isWrong).map(line), `without packet ${lost}`).toEqual([]);
      const ok = trips.filter(({ request, status }) => request?.deliveryTag !== undefined && status === "ok").length;
      expect(ok, `without packet ${lost}`).toBeGreaterThanOrEqual(2 * COUNT - 2);
      expect(trips.filter(({ status }) => !["ok", "unobserved"].includes(status)).map(line), `without packet ${lost}`).toEqual(
        [],
      );
    }
  });

  test.each([0.01, 0.05, 0.2])(
    "of a share of %d of all segments: what is decidable is decided, and no pair is wrong",
    (share) => {
      let decidable = 0;
      let right = 0;
      // Behind the first six packets an exchange is publish (2 segments), ack, -, delivery (2), ack, -.
      const EACH = (packets().length - 6 - 3) / COUNT;
      expect(EACH).toBe(8);
      for (let seed = 0; seed < 20; seed++) {
        const random = randomFrom(seed);
        const all = packets();
        const isKept = all.map((_, index) => index < 8 || random() >= share);
        const trips = tripsOf(all.filter((_, index) => isKept[index]));
        expect(trips.filter(isWrong).map(line), `seed ${seed}`).toEqual([]);
        expect(trips.filter(({ status }) => !["ok", "unobserved"].includes(status)).map(line), `seed ${seed}`).toEqual([]);
        for (let i = 1; i <= COUNT; i++) {
          const first = 6 + (i - 1) * EACH;
          const isFound = (name: string) =>
            trips.some(({ request, response, status }) => {
              return request?.method === name && request.deliveryTag === i && response?.deliveryTag === i && status === "ok";
            });
          for (const [name, from, to] of [
            ["publish", first, first + 2],
            ["deliver", first + 4, first + 6],
          ] as const) {
            if (!isKept[from] || !isKept[to]) continue;
            decidable += 1;
            if (isFound(name)) right += 1;
          }
        }
      }
      expect(right / decidable).toBeGreaterThanOrEqual(share === 0.01 ? 0.995 : share === 0.05 ? 0.985 : 0.94);
    },
  );

  test("mid-stream: joined at every packet, no pair is wrong", () => {
    const all = packets();
    for (let from = 1; from < 60; from++) {
      const trips = tripsOf(all.slice(from));
      expect(trips.filter(({ request }) => request?.method === "deliver").filter(isWrong)).toEqual([]);
    }
  });

  test("a capture cut after any packet invents nothing", () => {
    const all = talk(60);
    for (let count = 0; count < all.length; count++) {
      for (const { status } of tripsOf(all.slice(0, count))) expect(["ok", "error", "unobserved"]).toContain(status);
    }
  });

  test("bytes of a body that are missing cost only a mark", () => {
    const big = publish(1, "x", "k", 6000, 6000);
    const one = amqp().send("client", declare(1, "q")).send("server", declareOk(1, "q")).send("client", big.subarray(0, 2000));
    one.lose("client", big.subarray(2000, 4000)).send("client", big.subarray(4000)).acknowledge("server");
    expect(lines(one.close().packets)).toEqual(["1 declare q -> declare-ok q ok", "1 publish x k -> - ok gap"]);
  });
});

keepsByteLaws({
  name: "AMQP",
  port: 5672,
  open: amqp,
  talk: TALK,
  trips: tripsOf,
  lines,
  clean: (number) => ({
    asked: declare(9, `q${number}`),
    answered: declareOk(9, `q${number}`),
    line: `9 declare q${number} -> declare-ok q${number} ok`,
  }),
  isLoose: true,
});
