/** WebSocket: each case as the bytes of both sides and the round trips that they are. */
import { describe, expect, test } from "vitest";
import { data, fields, headers, http2, plain, statusFields } from "../support/http2";
import { join, number, pcap } from "../support/pcap-builder";
import { readRoundTrips } from "../support/round-trips";
import { AGREED, closing, lines, OPCODE, pushed, sent, tripsOf, websocket } from "../support/websocket";

const BYE = closing(1000);
const end = (talk: ReturnType<typeof websocket>) =>
  talk.send("client", sent(OPCODE.close, BYE)).send("server", pushed(OPCODE.close, BYE)).close().packets;

describe("fields", () => {
  const talk = websocket({ stepNs: 1_000_000n });
  talk.send("client", join(sent(OPCODE.text, "hello"), sent(OPCODE.binary, "12", { more: true }), sent(OPCODE.ping, "p")));
  talk.send("client", sent(OPCODE.continuation, "345"));
  talk.send("server", join(pushed(OPCODE.pong, "p"), pushed(OPCODE.text, "x".repeat(200)), pushed(OPCODE.text)));
  talk.send("server", join(pushed(OPCODE.ping, "pp"), pushed(OPCODE.binary, "123", { more: true }), pushed(0, "4567")));
  const packets = end(talk);
  const trips = readRoundTrips(pcap(packets));

  test("the handshake is a round trip of its own", () => {
    expect(trips.map(({ protocol, status }) => [protocol, status])).toEqual([
      ["http", "ok"],
      ["websocket", "ok"],
    ]);
    expect(trips[0]).toMatchObject({ response: { statusCode: 101 }, marks: ["upgrade"] });
  });

  test("of what the client sent", () => {
    expect(trips[1]?.request).toEqual({
      host: "ws.lab.test",
      target: "/live/17",
      path: "/live/17",
      userAgent: "probe/1",
      bytes: 11 + 8 + 7 + 9 + 8,
      messages: 2,
      frames: 5,
      bodyBytes: 10,
      textFrames: 1,
      textBytes: 5,
      binaryFrames: 1,
      binaryBytes: 2,
      continuationFrames: 1,
      continuationBytes: 3,
      pingFrames: 1,
      pingBytes: 1,
      pongFrames: 0,
      pongBytes: 0,
      closeCode: 1000,
      closeName: "normal closure",
    });
  });

  test("of what the server sent", () => {
    expect(trips[1]?.response).toEqual({
      bytes: 3 + 204 + 2 + 4 + 5 + 6 + 4,
      messages: 3,
      frames: 7,
      bodyBytes: 207,
      textFrames: 2,
      textBytes: 200,
      binaryFrames: 1,
      binaryBytes: 3,
      continuationFrames: 1,
      continuationBytes: 4,
      pingFrames: 1,
      pingBytes: 2,
      pongFrames: 1,
      pongBytes: 1,
      closeCode: 1000,
      closeName: "normal closure",
    });
  });

  test("times: from the handshake's end to the last frame, and no server's time", () => {
    expect(trips[1]?.durationNs).toBe(6_000_000);
    expect(trips[1]?.timing).not.toHaveProperty("serverNs");
  });
});

describe("frames", () => {
  test("lengths of two and of eight bytes, also longer than they need be", () => {
    const talk = websocket();
    talk.send("client", sent(OPCODE.binary, "a".repeat(126)), 50).send("server", pushed(OPCODE.binary, "b".repeat(70_000)), 1400);
    talk.send("client", join(sent(OPCODE.text, "c", { lengthBytes: 2 }), sent(OPCODE.text, "d", { lengthBytes: 8 })));
    expect(lines(end(talk))).toEqual(["/live/17 4/128/1000 2/70000/1000 ok"]);
  });

  test("thousands in one segment", () => {
    const many = Array.from({ length: 5000 }, () => pushed(OPCODE.text, "tick"));
    expect(lines(end(websocket().send("server", join(...many))))).toEqual(["/live/17 1/0/1000 5001/20000/1000 ok"]);
  });

  test("control frames amid the fragments of a message", () => {
    const talk = websocket();
    talk.send("client", join(sent(OPCODE.text, "a", { more: true }), sent(OPCODE.ping), sent(OPCODE.continuation, "b")));
    const [trip] = tripsOf(end(talk));
    expect(trip?.request).toMatchObject({ messages: 1, textFrames: 1, continuationFrames: 1, pingFrames: 1 });
  });

  test("compressed messages", () => {
    const talk = websocket().send("server", pushed(OPCODE.text, "\x01\x02\x03", { reserved: 4 }));
    expect(lines(end(talk))).toEqual(["/live/17 1/0/1000 2/3/1000 ok"]);
  });

  test("frames in the segment of the handshake's response", () => {
    const talk = websocket();
    talk.packets.pop();
    talk.next.server -= AGREED.length;
    talk.send("server", join(AGREED, pushed(OPCODE.ping, "ab")));
    expect(lines(end(talk))).toEqual(["/live/17 1/0/1000 2/0/1000 ok"]);
  });

  test("a client that does not mask is read, and marked", () => {
    const talk = websocket().send("client", pushed(OPCODE.text, "plain"));
    expect(lines(end(talk))).toEqual(["/live/17 2/5/1000 1/0/1000 ok malformed"]);
  });

  test("a lengthy payload that never comes is counted as far as it came", () => {
    const head = join([0x82, 127], number(0, 4), number(1 << 30, 4));
    const talk = websocket().send("server", join(head, "x".repeat(10)));
    expect(lines(talk.close().packets)).toEqual(["/live/17 0/0 1/10 closed incomplete"]);
  });

  test("a payload of more than 4 GB, of which most was not captured", () => {
    const bytes = 2 ** 32 + 20;
    const head = join([0x82, 127], number(Math.floor(bytes / 2 ** 32), 4), number(20, 4));
    const talk = websocket().send("server", join(head, "x".repeat(20), pushed(OPCODE.text, "more")));
    // What looks like a frame there is payload.
    expect(lines(talk.close().packets)).toEqual(["/live/17 0/0 1/26 closed incomplete"]);
  });

  test("it lasts until the last byte of either side", () => {
    const talk = websocket().send("server", pushed(OPCODE.close, BYE)).wait(50_000_000n).send("client", sent(OPCODE.close, BYE));
    expect(tripsOf(talk.packets)[0]?.durationNs).toBe(52_000_000);
  });
});

describe("outcomes", () => {
  const closed = (code: number) =>
    lines(
      websocket()
        .send("server", pushed(OPCODE.close, closing(code, "why")))
        .send("client", sent(OPCODE.close, closing(code)))
        .close().packets,
    );
  test.each([
    [1000, "ok"],
    [1001, "ok"],
    [1002, "error"],
    [1011, "error"],
    [4001, "error"],
  ])("close code %i", (code, status) => {
    expect(closed(code)).toEqual([`/live/17 1/0/${code} 1/0/${code} ${status}`]);
  });

  test("a close frame without a code", () => {
    const talk = websocket().send("client", sent(OPCODE.close)).send("server", pushed(OPCODE.close));
    const [trip] = tripsOf(talk.packets);
    expect(trip).toMatchObject({ status: "ok", request: { closeCode: 1005, closeName: "no status received" } });
  });

  test("the close frame that came first decides, also where the other side sends none", () => {
    expect(lines(websocket().send("client", sent(OPCODE.close, BYE)).close().packets)).toEqual(["/live/17 1/0/1000 0/0 ok"]);
    const talk = websocket()
      .send("server", pushed(OPCODE.close, closing(1009)))
      .send("client", sent(OPCODE.close, BYE));
    expect(lines(talk.packets)).toEqual(["/live/17 1/0/1000 1/0/1009 error"]);
    expect(lines(websocket().send("client", sent(OPCODE.close, BYE)).reset("server").packets)).toEqual([
      "/live/17 1/0/1000 0/0 ok",
    ]);
  });

  test("without one: closed, reset, unobserved", () => {
    expect(lines(websocket().send("client", sent(1, "a")).close().packets)).toEqual(["/live/17 1/1 0/0 closed"]);
    expect(lines(websocket().send("client", sent(1, "a")).reset("client").packets)).toEqual(["/live/17 1/1 0/0 reset"]);
    expect(lines(websocket().send("client", sent(1, "a")).packets)).toEqual(["/live/17 1/1 0/0 unobserved"]);
    // The server ends its side first: the client may still send.
    const half = websocket().finish("server").acknowledge("client").send("client", sent(1, "late")).finish("client");
    expect(lines(half.packets)).toEqual(["/live/17 1/4 0/0 closed"]);
  });

  test("a client that ends its side before the handshake is answered", () => {
    const talk = websocket();
    talk.packets.splice(4);
    talk.next.server -= AGREED.length;
    talk
      .finish("client")
      .send("server", join(AGREED, pushed(1, "one")))
      .finish("server")
      .acknowledge("client");
    talk.send("server", pushed(1, "two")).send("client", sent(1, "three"));
    expect(lines(talk.packets)).toEqual(["/live/17 0/0 - closed"]);
  });

  test("what comes behind both ends is not looked at", () => {
    const talk = websocket().send("client", sent(1, "a")).close();
    for (let i = 0; i < 5; i++) talk.send("client", sent(1, "late")).send("server", pushed(1, "late"));
    expect(lines(talk.packets)).toEqual(["/live/17 1/1 0/0 closed"]);
    const done = websocket().send("client", sent(8, BYE)).send("server", pushed(8, BYE)).send("client", sent(1, "late"));
    expect(lines(done.close().packets)).toEqual(["/live/17 1/0/1000 1/0/1000 ok"]);
  });

  test("a handshake that is refused begins none", () => {
    const talk = websocket();
    talk.packets.pop();
    talk.next.server -= AGREED.length;
    talk.send("server", "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n").close();
    expect(readRoundTrips(pcap(talk.packets)).map(({ protocol, status }) => [protocol, status])).toEqual([["http", "error"]]);
  });
});

describe("missing bytes", () => {
  test("inside a payload cost a mark", () => {
    const one = sent(OPCODE.binary, "x".repeat(5000));
    const talk = websocket().send("client", one.subarray(0, 100)).lose("client", one.subarray(100, 4000));
    talk.acknowledge("server").send("client", one.subarray(4000)).send("client", sent(OPCODE.text, "after"));
    expect(lines(end(talk))).toEqual(["/live/17 3/5005/1000 1/0/1000 ok gap"]);
  });

  test("of whole frames cost these frames", () => {
    const talk = websocket().send("client", sent(1, "one")).lose("client", sent(1, "two")).acknowledge("server");
    expect(lines(end(talk.send("client", sent(1, "three"))))).toEqual(["/live/17 3/8/1000 1/0/1000 ok gap"]);
  });

  test("up to the middle of a payload: frames are known again where segments begin with them", () => {
    const long = pushed(OPCODE.text, "Ab".repeat(3000));
    const talk = websocket().send("server", pushed(1, "one"));
    talk.lose("server", long.subarray(0, 2000)).acknowledge("client").send("server", long.subarray(2000), 1000);
    talk.send("server", pushed(1, "three"));
    expect(lines(end(talk))).toEqual(["/live/17 1/0/1000 3/8/1000 ok gap"]);
  });

  test("in which a close frame may have been: what the outcome was is not known", () => {
    const talk = websocket()
      .send("client", sent(1, "one"))
      .lose("client", sent(8, closing(1011)))
      .acknowledge("server");
    expect(lines(talk.close().packets)).toEqual(["/live/17 1/3 0/0 unobserved gap"]);
    // A frame that follows shows that none was.
    const sure = websocket()
      .send("client", sent(1, "one"))
      .lose("client", sent(1, "two"))
      .acknowledge("server")
      .send("client", sent(1, "three"))
      .wait(200_000_000n)
      .acknowledge("server");
    expect(lines(sure.close().packets)).toEqual(["/live/17 2/8 0/0 closed gap"]);
    const other = websocket().lose("client", sent(8, BYE)).acknowledge("server").send("server", pushed(8, BYE));
    expect(lines(other.close().packets)).toEqual(["/live/17 0/0 1/0/1000 ok gap"]);
  });

  test("the handshake's request: the connection is known, its path is not", () => {
    const talk = websocket();
    const packets = talk.packets.filter((_, index) => index !== 3);
    talk.send("client", sent(1, "a")).send("client", sent(8, BYE)).send("server", pushed(8, BYE));
    packets.push(...talk.packets.slice(5));
    expect(lines(packets)).toEqual(["- 2/1/1000 1/0/1000 ok"]);
  });

  test("the handshake's response, or the whole of it: frames alone are not taken for a WebSocket", () => {
    const talk = websocket();
    for (let i = 0; i < 20; i++) talk.send("client", sent(1, `message ${i}`)).send("server", pushed(1, "x".repeat(i)));
    const { packets } = talk.close();
    expect(lines(packets.filter((_, index) => index !== 4))).toEqual([]);
    expect(readRoundTrips(pcap(packets.slice(5)))).toEqual([]);
  });

  test("bytes that are no frame are stepped over", () => {
    const talk = websocket().send("client", sent(1, "one")).send("client", [0xf3, 0x85, 1, 2, 3]).send("client", sent(1, "two"));
    expect(lines(end(talk))).toEqual(["/live/17 3/6/1000 1/0/1000 ok resynchronized malformed"]);
  });
});

describe("over HTTP/2", () => {
  test("an extended CONNECT (RFC 8441) is a stream whose body are the frames", () => {
    const asked = headers(1, join(fields("CONNECT", "/live"), plain(":protocol", "websocket")), false);
    const talk = http2()
      .send("client", asked)
      .send("server", headers(1, statusFields(200), false));
    talk.send("client", data(1, join(sent(1, "hi"), sent(8, BYE)))).send("server", data(1, pushed(8, BYE)));
    const trips = readRoundTrips(pcap(talk.packets));
    expect(trips.map(({ protocol, status }) => [protocol, status])).toEqual([["http2", "ok"]]);
    expect(trips[0]).toMatchObject({
      request: { method: "CONNECT", bodyBytes: 16 },
      response: { statusCode: 200, bodyBytes: 4 },
    });
  });
});
