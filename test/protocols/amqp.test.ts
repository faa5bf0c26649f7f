/** AMQP 0-9-1: named cases. */
import { describe, expect, test } from "vitest";
import {
  ack,
  amqp,
  close,
  closeOk,
  consume,
  consumeOk,
  content,
  contentHeader,
  declare,
  declareOk,
  deliver,
  get,
  getEmpty,
  getOk,
  HEARTBEAT,
  line,
  lines,
  method,
  nack,
  publish,
  reject,
  select,
  selectOk,
  short,
  together,
  tripsOf,
  u8,
  u16,
} from "../support/amqp";
import { Conversation, hex } from "../support/pcap-builder";

describe("publishes", () => {
  test("bytes by hand, without confirms: a request alone that is ok", () => {
    const one = amqp().send(
      "client",
      hex(
        "01 0001 0000000b 003c 0028 0000 01 78 01 6b 00 ce" +
          "02 0001 00000014 003c 0000 0000000000000003 8000 05 612f62 2f63 ce 03 0001 00000003 616263 ce".replaceAll(" ", ""),
      ),
    );
    const trips = tripsOf(one.close().packets);
    expect(trips.map(line)).toEqual(["1 publish x k -> - ok"]);
    expect(trips[0]!.request).toMatchObject({
      channel: 1,
      class: "basic",
      method: "publish",
      contentType: "a/b/c",
      bodyBytes: 3,
      sender: "client",
    });
  });

  test("confirms, one by one and many at once", () => {
    const one = amqp().send("client", select(1)).send("server", selectOk(1));
    one.send("client", together(...[1, 2, 3, 4, 5].map((i) => publish(1, "", `k${i}`))));
    one.send("server", together(ack(1, 1), ack(1, 4, 1), nack(1, 5))).close();
    const trips = tripsOf(one.packets);
    expect(trips.map(line)).toEqual([
      "1 select -> select-ok ok",
      "1 publish k1 #1 -> ack #1 ok",
      "1 publish k2 #2 -> ack #4 ok",
      "1 publish k3 #3 -> ack #4 ok",
      "1 publish k4 #4 -> ack #4 ok",
      "1 publish k5 #5 -> nack #5 error",
    ]);
    expect(trips.map(({ response }) => response!.multiple)).toEqual([undefined, false, true, true, true, false]);
  });

  test("a body over many frames, and none at all", () => {
    const trips = tripsOf(
      amqp()
        .send("client", together(publish(1, "x", "k", 100_000, 4000), publish(1, "x", "k", 0)), 1400)
        .close().packets,
    );
    expect(trips.map(({ request, status }) => [request!.bodyBytes, status])).toEqual([
      [100_000, "ok"],
      [0, "ok"],
    ]);
  });

  test("a body of more than 4 GB, by what its header says", () => {
    const bytes = 2 ** 33 + 7;
    const head = method(1, 60, 40, u16(0), short("x"), short("k"), u8(0));
    const one = amqp().send("client", together(head, contentHeader(1, bytes)));
    const [trip] = tripsOf(one.close().packets);
    expect(trip).toMatchObject({ status: "closed", marks: ["incomplete"], request: { bodyBytes: bytes } });
  });

  test("contents of channels interleaved", () => {
    const head = (channel: number) => method(channel, 60, 40, u16(0), short("x"), short(`k${channel}`), u8(0));
    const [a, b] = [content(1, 10, 5), content(2, 20, 5)];
    const headerBytes = 8 + 14 + 11;
    const frames = [head(1), head(2), a.subarray(0, headerBytes), b.subarray(0, headerBytes)];
    frames.push(a.subarray(headerBytes, headerBytes + 13), b.subarray(headerBytes), a.subarray(headerBytes + 13));
    expect(
      lines(
        amqp()
          .send("client", together(...frames))
          .close().packets,
      ),
    ).toEqual(["2 publish x k2 -> - ok", "1 publish x k1 -> - ok"]);
  });

  test("what is returned is an error of its own", () => {
    const back = together(method(1, 60, 50, u16(312), short("NO_ROUTE"), short("x"), short("k")), content(1, 10));
    const trips = tripsOf(
      amqp()
        .send("client", publish(1, "x", "k"))
        .send("server", back)
        .close().packets,
    );
    expect(trips.map(line)).toEqual(["1 publish x k -> - ok", "1 return x k 312 -> - error"]);
    expect(trips[1]!.request).toMatchObject({ sender: "server", replyText: "NO_ROUTE", bodyBytes: 10 });
  });
});

describe("deliveries", () => {
  test("acks, one and many, reject and nack; the queue is the consumer's", () => {
    const one = amqp().send("client", consume(1, "q")).send("server", consumeOk(1));
    one.send("server", together(...[1, 2, 3, 4, 5].map((tag) => deliver(1, tag))));
    one.send("client", together(ack(1, 1), ack(1, 3, 1), reject(1, 4), nack(1, 5))).close();
    expect(lines(one.packets)).toEqual([
      "1 consume q -> consume-ok ok",
      "1 deliver q x k #1 -> ack #1 ok",
      "1 deliver q x k #2 -> ack #3 ok",
      "1 deliver q x k #3 -> ack #3 ok",
      "1 deliver q x k #4 -> reject #4 error",
      "1 deliver q x k #5 -> nack #5 error",
    ]);
  });

  test("a nack of several, and an ack of number 0, which is of all", () => {
    const one = amqp().send("client", consume(1, "q")).send("server", consumeOk(1));
    one.send("server", together(...[1, 2, 3, 4].map((tag) => deliver(1, tag))));
    one.send("client", together(nack(1, 2, 1), ack(1, 0, 1))).close();
    expect(lines(one.packets).slice(1)).toEqual([
      "1 deliver q x k #1 -> nack #2 error",
      "1 deliver q x k #2 -> nack #2 error",
      "1 deliver q x k #3 -> ack #0 ok",
      "1 deliver q x k #4 -> ack #0 ok",
    ]);
  });

  test("numbers of more than 32 bits", () => {
    const tag = 2 ** 33 + 5;
    const one = amqp()
      .send("client", consume(1, "q"))
      .send("server", together(consumeOk(1), deliver(1, tag)));
    one.send("client", together(ack(1, 5), ack(1, tag))).close();
    expect(lines(one.packets).slice(1)).toEqual(["1 - -> ack #5 ok", `1 deliver q x k #${tag} -> ack #${tag} ok`]);
    expect(tripsOf(one.packets)[2]!.request).toMatchObject({ consumerTag: "c" });
  });

  test("without acks they are ok at once", () => {
    const one = amqp()
      .send("client", consume(1, "q", 2))
      .send("server", consumeOk(1))
      .send("server", deliver(1, 1));
    expect(lines(one.packets)).toEqual(["1 consume q -> consume-ok ok", "1 deliver q x k #1 -> - ok"]);
  });

  test("get and get-empty; the ack of what was got is no orphan", () => {
    const one = amqp()
      .send("client", get(1, "q"))
      .send("server", getOk(1, 7, 30))
      .send("client", ack(1, 7));
    one.send("client", get(1, "q")).send("server", getEmpty(1)).close();
    const trips = tripsOf(one.packets);
    expect(trips.map(line)).toEqual(["1 get q -> get-ok x k #7 ok", "1 get q -> get-empty ok"]);
    expect(trips[0]!.response).toMatchObject({ bodyBytes: 30, messageCount: 4, contentType: "text/plain" });
  });

  test("what is not acked when the channel closes is closed", () => {
    const one = amqp()
      .send("client", consume(1, "q"))
      .send("server", together(consumeOk(1), deliver(1, 1)));
    one
      .send("client", close(1, 200, "bye"))
      .send("server", closeOk(1))
      .close();
    expect(lines(one.packets)).toEqual([
      "1 consume q -> consume-ok ok",
      "1 close 200 -> close-ok ok",
      "1 deliver q x k #1 -> - closed",
    ]);
  });
});

describe("methods", () => {
  test("each channel in order, several in a segment; no-wait has no answer", () => {
    const one = amqp().send("client", together(declare(1, "a"), declare(2, "b"), declare(1, "c"), declare(2, "d", 16)));
    one.send("server", together(declareOk(2, "b"), declareOk(1, "a"), declareOk(1, "c"))).close();
    expect(lines(one.packets)).toEqual([
      "2 declare d -> - ok",
      "2 declare b -> declare-ok b ok",
      "1 declare a -> declare-ok a ok",
      "1 declare c -> declare-ok c ok",
    ]);
  });

  test("a channel's error answers what waits on it, once", () => {
    const one = amqp().send("client", together(declare(1, "a", 1), declare(2, "b")));
    one
      .send("server", close(1, 404, "NOT_FOUND", 50, 10))
      .send("client", closeOk(1))
      .send("server", declareOk(2, "b"))
      .close();
    const trips = tripsOf(one.packets);
    expect(trips.map(line)).toEqual([
      "1 declare a -> close 404 error",
      "1 close 404 -> close-ok ok",
      "2 declare b -> declare-ok b ok",
    ]);
    expect(trips[0]!.response).toMatchObject({ replyText: "NOT_FOUND" });
  });

  test("a close of the server that is no failure leaves what waits closed", () => {
    const one = amqp().send("client", declare(1, "a"));
    one
      .send("server", close(0, 200, "bye"))
      .send("client", closeOk(0))
      .close();
    expect(lines(one.packets)).toEqual(["1 declare a -> close 200 closed", "0 close 200 -> close-ok ok"]);
  });

  test("a channel's error that answers nothing is one itself", () => {
    const one = amqp()
      .send("client", publish(1, "none", "k"))
      .send("server", close(1, 404, "NOT_FOUND", 60, 40));
    one.send("client", closeOk(1)).close();
    expect(lines(one.packets)).toEqual(["1 publish none k -> - ok", "1 close 404 -> close-ok error"]);
  });

  test("the connection's error ends what waits on every channel", () => {
    const one = amqp()
      .send("client", together(select(3), declare(1, "a"), declare(2, "b")))
      .send("server", selectOk(3));
    one
      .send("client", publish(3, "x", "k"))
      .send("server", close(0, 541, "INTERNAL"))
      .send("client", closeOk(0))
      .close();
    expect(lines(one.packets)).toEqual([
      "3 select -> select-ok ok",
      "1 declare a -> close 541 error",
      "2 declare b -> close 541 error",
      "3 publish x k #1 -> close 541 error",
      "0 close 541 -> close-ok ok",
    ]);
  });

  test("heartbeats are no round trips", () => {
    const one = amqp().send("client", HEARTBEAT).send("server", HEARTBEAT).send("client", declare(1, "a"));
    one.send("server", together(HEARTBEAT, declareOk(1, "a"))).close();
    expect(lines(one.packets)).toEqual(["1 declare a -> declare-ok a ok"]);
  });
});

describe("recognition", () => {
  test("in the middle of a connection, by a method that one side alone sends", () => {
    const one = new Conversation({ serverPort: 2000 }).send("server", deliver(1, 5)).send("client", ack(1, 5));
    const trips = tripsOf(one.packets);
    expect(trips.map(line)).toEqual(["1 deliver x k #5 -> ack #5 ok"]);
    expect(trips[0]!.server.port).toBe(2000);
  });

  test("AMQP 1.0 is none of ours", () => {
    const one = new Conversation({ serverPort: 5672 })
      .open()
      .send("client", hex("414d515000010000"))
      .send("server", hex("414d515000010000"));
    expect(lines(one.close().packets)).toEqual([]);
  });
});

describe("a channel that was not seen to open", () => {
  const joined = () => new Conversation({ serverPort: 5672 }).send("client", declare(1, "q")).send("server", declareOk(1, "q"));
  const DECLARED = "1 declare q -> declare-ok q ok";

  test("its publishes are not known to need no confirm", () => {
    const one = joined().send("client", publish(1, "x", "a"));
    expect(lines(one.packets)).toEqual([DECLARED, "1 publish x a -> - unobserved"]);
  });

  test("an ack of the server tells that they do", () => {
    const one = joined();
    one.send("client", publish(1, "x", "a")).send("server", ack(1, 71));
    one.send("client", publish(1, "x", "b")).send("server", nack(1, 72));
    expect(lines(one.packets)).toEqual([DECLARED, "1 publish x a #71 -> ack #71 ok", "1 publish x b #72 -> nack #72 error"]);
  });

  test("most do not wait where no ack comes", () => {
    const one = joined();
    for (let count = 0; count < 100; count++) one.send("client", publish(1, "x", "a"));
    const told = tripsOf(one.packets).filter(({ request }) => request?.method === "publish");
    expect(told.map(({ status }) => status)).toEqual(Array.from({ length: 100 }, () => "unobserved"));
  });

  test("one that opens later is known, and so is one with transactions", () => {
    const open = joined()
      .send("client", method(2, 20, 10, short("")))
      .send("client", publish(2, "x", "a"));
    expect(lines(open.packets)).toContain("2 publish x a -> - ok");
    const transacted = joined()
      .send("client", method(1, 90, 20))
      .send("server", method(1, 90, 21));
    expect(lines(transacted.send("client", publish(1, "x", "a")).packets)).toContain("1 publish x a -> - ok");
  });
});

describe("confirms that were asked for in missing bytes", () => {
  test("the server's answer tells of them, its first ack of their numbers", () => {
    const one = amqp().lose("client", select(1)).send("server", selectOk(1));
    one.send("client", publish(1, "x", "a")).send("server", ack(1, 1));
    one
      .send("client", publish(1, "x", "b"))
      .send("server", nack(1, 2))
      .close();
    expect(lines(one.packets)).toEqual([
      "1 - -> select-ok ok",
      "1 publish x a #1 -> ack #1 ok",
      "1 publish x b #2 -> nack #2 error",
    ]);
  });

  test("without the answer too, a publish is ok where it is acked and else not known", () => {
    const lost = () => amqp().lose("client", select(1)).lose("server", selectOk(1));
    const acked = lost()
      .send("client", publish(1, "x", "a"))
      .send("server", ack(1, 1))
      .close();
    expect(lines(acked.packets)).toEqual(["1 publish x a #1 -> ack #1 ok"]);
    const alone = lost()
      .send("client", publish(1, "x", "a"))
      .acknowledge("server")
      .close();
    expect(lines(alone.packets)).toEqual(["1 publish x a -> - unobserved"]);
  });

  test("bytes that go missing behind a first publish say nothing of it", () => {
    const one = amqp()
      .send("client", publish(1, "x", "a"))
      .lose("client", publish(1, "x", "b"))
      .lose("server", selectOk(2));
    one
      .send("client", publish(1, "x", "c"))
      .acknowledge("server")
      .close();
    expect(lines(one.packets)).toEqual(["1 publish x a -> - ok", "1 publish x c -> - ok"]);
  });
});

describe("the numbers of publishes behind missing bytes", () => {
  /** A client that publishes so many at once and waits for all of them, so often; what the next number is. */
  function waited(batches: number[]) {
    const one = amqp().send("client", select(1)).send("server", selectOk(1));
    let number = 0;
    for (const count of batches) {
      one.send("client", together(...Array.from({ length: count }, (_, index) => publish(1, "x", `k${number + index + 1}`))));
      for (let index = 0; index < count; index++) one.send("server", ack(1, ++number));
    }
    return { one, next: number + 1 };
  }
  const FIVE = [1, 1, 1, 1, 1];
  const publishes = (one: Conversation) =>
    tripsOf(one.close().packets)
      .filter(({ request }) => request?.method === "publish")
      .map(line);

  test("the first of several at once: the others' numbers are not known, those of the next are", () => {
    const { one, next } = waited(FIVE);
    one.lose("client", publish(1, "x", "a")).send("client", together(publish(1, "x", "b"), publish(1, "x", "c")));
    for (let index = 0; index < 3; index++) one.send("server", ack(1, next + index));
    one.send("client", together(publish(1, "x", "d"), publish(1, "x", "e")));
    one.send("server", together(ack(1, next + 3), nack(1, next + 4)));
    expect(publishes(one).slice(FIVE.length).sort()).toEqual([
      "1 publish x b -> - unobserved",
      "1 publish x c -> - unobserved",
      `1 publish x d #${next + 3} -> ack #${next + 3} ok`,
      `1 publish x e #${next + 4} -> nack #${next + 4} error`,
    ]);
  });

  test("the first of two: the ack that comes first may be its", () => {
    const { one, next } = waited(FIVE);
    one.lose("client", publish(1, "x", "a")).send("client", publish(1, "x", "b"));
    one.send("server", nack(1, next)).send("server", ack(1, next + 1));
    expect(publishes(one).slice(FIVE.length)).toEqual(["1 publish x b -> - unobserved"]);
  });

  test("the last of two: the one that was seen keeps its number", () => {
    const { one, next } = waited(FIVE);
    one.send("client", publish(1, "x", "a")).lose("client", publish(1, "x", "b"));
    one.send("server", ack(1, next)).send("server", nack(1, next + 1));
    one.send("client", publish(1, "x", "c")).send("server", ack(1, next + 2));
    expect(publishes(one).slice(FIVE.length)).toEqual([
      `1 publish x a #${next} -> ack #${next} ok`,
      `1 publish x c #${next + 2} -> ack #${next + 2} ok`,
    ]);
  });

  test("one alone, which the broker has acked: the next is known by that", () => {
    const { one, next } = waited(FIVE);
    one.lose("client", publish(1, "x", "a")).send("server", ack(1, next));
    one.send("client", publish(1, "x", "b")).send("server", nack(1, next + 1));
    expect(publishes(one).slice(FIVE.length)).toEqual([`1 publish x b #${next + 1} -> nack #${next + 1} error`]);
  });

  test("of a client that does not wait they are not known again", () => {
    const { one, next } = waited([2, 2, 2, 2, 2]);
    one
      .send("client", publish(1, "x", "a"))
      .send("server", deliver(2, 1))
      .send("client", publish(1, "x", "b"));
    one.send("server", ack(1, next)).send("client", publish(1, "x", "c"));
    one.lose("client", publish(1, "x", "d")).send("server", together(ack(1, next + 1), ack(1, next + 2)));
    one
      .send("client", publish(1, "x", "e"))
      .send("server", ack(1, next + 3))
      .send("server", ack(1, next + 4));
    expect(publishes(one).slice(10)).toEqual([
      `1 publish x a #${next} -> ack #${next} ok`,
      `1 publish x b #${next + 1} -> ack #${next + 1} ok`,
      `1 publish x c #${next + 2} -> ack #${next + 2} ok`,
      "1 publish x e -> - unobserved",
    ]);
  });

  test("too few bytes for a publish cost none", () => {
    const { one, next } = waited([1]);
    one
      .lose("client", HEARTBEAT)
      .send("client", publish(1, "x", "a"))
      .send("server", ack(1, next));
    expect(publishes(one).slice(1)).toEqual([`1 publish x a #${next} -> ack #${next} ok`]);
  });

  test("asking for confirms again does not count anew", () => {
    const { one, next } = waited([2]);
    one.send("client", select(1)).send("server", selectOk(1));
    one.send("client", publish(1, "x", "a")).send("server", ack(1, next));
    expect(publishes(one).slice(2)).toEqual([`1 publish x a #${next} -> ack #${next} ok`]);
  });

  test("the server's close says nothing of one that may have been settled", () => {
    const { one, next } = waited(FIVE);
    one.send("client", publish(1, "x", "a")).lose("server", ack(1, next));
    one.acknowledge("client").wait(200_000_000n).acknowledge("client");
    one.send("server", close(0, 541, "INTERNAL")).send("client", closeOk(0));
    const told = tripsOf(one.close().packets).map(line).slice(-2);
    expect(told).toEqual(["1 publish x a #6 -> - unobserved", "0 close 541 -> close-ok error"]);
  });
});
