/** From segments to bytes in order: each condition of a TCP stream, shown with DNS over it. */
import { describe, expect, test } from "vitest";
import { type Captured, Conversation, dnsQuery, dnsResponse, overTcp, pcap } from "../support/pcap-builder";
import { readRoundTrips } from "../support/round-trips";

const query = (name: string, id = 1) => overTcp(dnsQuery(name, { id }));
const response = (name: string, id = 1) => overTcp(dnsResponse(name, { id }));
const dns = (form: ConstructorParameters<typeof Conversation>[0] = {}) => new Conversation({ serverPort: 53, ...form });

/** What the round trips of some packets say: name and status, one a line. */
function outcomes(packets: Captured[]): string[] {
  return readRoundTrips(pcap(packets)).map(({ request, response: answer, status }) => {
    const name = request?.name ?? `(${answer?.name})`;
    return `${name} ${status}`;
  });
}

/** The packets of a conversation with the one at `from` moved behind `by` others. */
function moved(packets: Captured[], from: number, by: number): Captured[] {
  const order = packets.map((_, index) => index);
  order.splice(from + by, 0, ...order.splice(from, 1));
  return order.map((index, place) => ({ bytes: packets[index]!.bytes, timeNs: packets[place]!.timeNs }));
}

describe("a connection", () => {
  test("from SYN to FIN", () => {
    const { packets } = dns().open().send("client", query("a.test")).send("server", response("a.test")).close();
    expect(outcomes(packets)).toEqual(["a.test ok"]);
  });

  test("whose sequence numbers wrap at 2^32 in the middle of a message", () => {
    const talk = dns({ clientSequence: 2 ** 32 - 10, serverSequence: 2 ** 32 - 20 }).open();
    for (const id of [1, 2, 3]) talk.send("client", query(`${id}.test`, id)).send("server", response(`${id}.test`, id));
    expect(outcomes(talk.close().packets)).toEqual(["1.test ok", "2.test ok", "3.test ok"]);
  });

  test("on a tuple that is used again, with a lower sequence number, after a reset", () => {
    const first = dns({ clientSequence: 9_000_000, serverSequence: 8_000_000 }).open();
    first.send("client", query("first.test")).reset("server");
    const second = dns({ clientSequence: 100, serverSequence: 200, startNs: first.packets.at(-1)!.timeNs + 1_000_000n });
    second.open().send("client", query("second.test")).send("server", response("second.test")).close();
    expect(outcomes([...first.packets, ...second.packets])).toEqual(["first.test reset", "second.test ok"]);
  });

  test("on a tuple that is used again without an end of the first connection", () => {
    const first = dns().open().send("client", query("first.test"));
    const second = dns({ clientSequence: 77, serverSequence: 99, startNs: first.packets.at(-1)!.timeNs + 1_000_000n });
    second.open().send("client", query("second.test")).send("server", response("second.test")).close();
    expect(outcomes([...first.packets, ...second.packets])).toEqual(["first.test closed", "second.test ok"]);
  });

  test("on a tuple and with sequence numbers that are used again, as where packets are replayed", () => {
    const talk = (name: string, form = {}) => dns(form).open().send("client", query(name)).send("server", response(name));
    const first = talk("first.test");
    const endNs = first.packets.at(-1)!.timeNs;
    const secondsLater = (seconds: bigint) => talk("again.test", { startNs: endNs + seconds * 1_000_000_000n }).packets;
    expect(outcomes([...first.packets, ...secondsLater(4n)])).toEqual(["first.test ok", "again.test ok"]);
    // So soon the capture may have brought the same packets twice.
    expect(outcomes([...first.packets, ...secondsLater(2n)])).toEqual(["first.test ok"]);
    expect(outcomes([...first.close().packets, ...secondsLater(4n)])).toEqual(["first.test ok", "again.test ok"]);
  });

  test("half closed by the client before the answer", () => {
    const talk = dns().open().send("client", query("half.test")).finish("client").acknowledge("server");
    talk.send("server", response("half.test")).finish("server").acknowledge("client");
    expect(outcomes(talk.packets)).toEqual(["half.test ok"]);
  });

  test("closed by the server without an answer", () => {
    const { packets } = dns().open().send("client", query("none.test")).finish("server").acknowledge("client");
    expect(outcomes(packets)).toEqual(["none.test closed"]);
  });

  test("joined in the middle is marked so", () => {
    const { packets } = dns().send("client", query("mid.test")).send("server", response("mid.test"));
    const [trip] = readRoundTrips(pcap(packets));
    expect([trip?.request?.name, trip?.status, trip?.marks]).toEqual(["mid.test", "ok", ["mid-stream"]]);
  });

  test("joined at an answer gives a response without a request", () => {
    const { packets } = dns().send("server", response("late.test")).send("client", query("b.test", 2));
    packets.push(...dns().packets);
    expect(outcomes(packets)[0]).toBe("(late.test) ok");
  });

  test("whose capture ends before the answer leaves the outcome open", () => {
    expect(outcomes(dns().open().send("client", query("open.test")).packets)).toEqual(["open.test unobserved"]);
  });
});

describe("segments", () => {
  const talk = () => {
    const one = dns().open();
    for (const id of [1, 2, 3]) {
      one.send("client", query(`${id}.test`, id), 7).send("server", response(`${id}.test`, id), 11);
    }
    return one.close().packets;
  };
  const ALL = ["1.test ok", "2.test ok", "3.test ok"];

  test("of any size", () => expect(outcomes(talk())).toEqual(ALL));

  test.each([1, 2, 3])("that come %i places late", (by) => {
    const packets = talk();
    for (let from = 3; from + by < packets.length - 3; from++) expect(outcomes(moved(packets, from, by)).sort()).toEqual(ALL);
  });

  test("that come twice count once, as a retransmission", () => {
    const packets = talk();
    for (let index = 3; index < packets.length - 3; index++) {
      const again = { ...packets[index]!, bytes: packets[index]!.bytes };
      expect(outcomes([...packets.slice(0, index + 2), again, ...packets.slice(index + 2)])).toEqual(ALL);
    }
  });

  test("that overlap with what came before bring only what is new", () => {
    const one = dns().open();
    const bytes = query("over.test");
    const start = one.next.client;
    one.packet("client", "P.", bytes.subarray(0, 20), start).packet("client", "P.", bytes.subarray(5), start + 5);
    one.next.client = start + bytes.length;
    one.send("server", response("over.test")).close();
    expect(outcomes(one.packets)).toEqual(["over.test ok"]);
  });

  test("that fill a hole and reach behind what waits", () => {
    const one = dns().open();
    const bytes = query("hole.test");
    const start = one.next.client;
    one.packet("client", "P.", bytes.subarray(10, 20), start + 10);
    one.packet("client", "P.", bytes, start);
    one.next.client = start + bytes.length;
    one.send("server", response("hole.test")).close();
    expect(outcomes(one.packets)).toEqual(["hole.test ok"]);
  });

  test("of a keep-alive say nothing", () => {
    const one = dns().open().send("client", query("alive.test"));
    one.packet("client", ".", [0], one.next.client - 1).packet("client", ".", [], one.next.client - 1);
    one.send("server", response("alive.test")).close();
    const [trip] = readRoundTrips(pcap(one.packets));
    expect([trip?.request?.name, trip?.status, trip?.tcp?.retransmissions]).toEqual(["alive.test", "ok", 0]);
  });
});

describe("bytes that were not captured", () => {
  test("cost the message that they are part of, and no other", () => {
    const one = dns().open();
    one.send("client", query("a.test", 1)).send("server", response("a.test", 1));
    one.lose("client", query("lost.test", 2)).acknowledge("server").wait(200_000_000n);
    one.send("client", query("c.test", 3)).send("server", response("c.test", 3)).close();
    expect(outcomes(one.packets)).toEqual(["a.test ok", "c.test ok"]);
  });

  test("leave an orphan where only the response was captured", () => {
    const one = dns().open().lose("client", query("lost.test", 2)).wait(200_000_000n);
    one.send("server", response("lost.test", 2)).close();
    expect(outcomes(one.packets)).toEqual(["(lost.test) ok"]);
  });

  test("are counted in the connection's health", () => {
    const one = dns().open().send("client", query("a.test", 1)).lose("server", response("x.test", 9));
    one.acknowledge("client").wait(200_000_000n).send("server", response("a.test", 1)).acknowledge("client").close();
    const [trip] = readRoundTrips(pcap(one.packets));
    expect([trip?.request?.name, trip?.status, trip?.tcp?.gapBytes]).toEqual(["a.test", "ok", response("x.test", 9).length]);
  });

  test("behind the snap length are a gap", () => {
    const one = dns().open().send("client", query("a.test", 1)).send("server", response("a.test", 1));
    const cut = one.packets.map((packet) => ({ ...packet, wireBytes: packet.bytes.length }));
    cut[3]!.bytes = cut[3]!.bytes.subarray(0, cut[3]!.bytes.length - 4);
    expect(outcomes(cut)).toEqual(["(a.test) ok"]);
  });
});

describe("bytes of no protocol", () => {
  test("before a clean exchange cost nothing", () => {
    const one = dns().open().send("client", "this is no message at all").send("client", query("clean.test"));
    one.send("server", response("clean.test")).close();
    expect(outcomes(one.packets)).toEqual(["clean.test ok"]);
  });

  test("between exchanges cost nothing", () => {
    const one = dns().open().send("client", query("a.test", 1)).send("server", response("a.test", 1));
    one.send("client", [0, 3, 1, 2, 3]).send("client", query("b.test", 2)).send("server", response("b.test", 2)).close();
    expect(outcomes(one.packets)).toEqual(["a.test ok", "b.test ok"]);
  });
});

test("times come from the packets, and the way to the server is taken off", () => {
  const one = dns({ stepNs: 10_000_000n }).open().send("client", query("time.test"));
  one.wait(25_000_000n).send("server", response("time.test")).close();
  const [trip] = readRoundTrips(pcap(one.packets, { nanoseconds: true }));
  expect(trip?.durationNs).toBe(35_000_000);
  expect(trip?.timing).toEqual({ requestNs: 0, serverNs: 25_000_000, responseNs: 0, handshakeRttNs: 20_000_000 });
});

describe("the edges of a connection, as captures bring them", () => {
  const http = () => {
    const talk = new Conversation().open();
    for (const code of [200, 404, 500]) {
      talk.send("client", `GET /${code} HTTP/1.1\r\nHost: a\r\n\r\n`);
      talk.send("server", `HTTP/1.1 ${code} X\r\nContent-Length: 5\r\n\r\nabcde`).acknowledge("client");
    }
    return talk.close().packets;
  };
  const told = (packets: Captured[]) =>
    readRoundTrips(pcap(packets)).map(({ request, response: answer, status }) => [request?.path, answer?.statusCode, status]);

  test("without the SYN-ACK and the first response, no other response is taken for it", () => {
    expect(told(http().filter((_, index) => index !== 1 && index !== 4))).toEqual([
      ["/200", undefined, "unobserved"],
      ["/404", 404, "error"],
      ["/500", 500, "error"],
    ]);
  });

  test.each([1, 2, 3, 4])("a SYN-ACK that comes %i places late changes nothing", (by) => {
    expect(told(moved(http(), 1, by))).toEqual(told(http()));
  });

  test("a server that speaks first, its SYN-ACK missing and its words behind the client's answer", () => {
    const talk = dns()
      .open()
      .send("server", query("first.test"))
      .acknowledge("client")
      .send("client", response("first.test"))
      .close();
    const packets = talk.packets.filter((_, index) => index !== 1);
    expect(outcomes(packets)).toEqual(["first.test ok"]);
    expect(outcomes(moved(packets, 2, 1))).toEqual(["first.test ok"]);
  });

  test("a response that the capture brings behind a reset still counts", () => {
    const { packets } = dns()
      .open()
      .send("client", query("late.test"))
      .send("server", response("late.test"))
      .acknowledge("client")
      .reset("client");
    expect(outcomes(packets)).toEqual(["late.test ok"]);
    expect(outcomes(moved(packets, 4, 2))).toEqual(["late.test ok"]);
    const without = packets.filter((_, index) => index !== 4);
    expect(outcomes(without)).toEqual(["late.test unobserved"]);
    const { packets: alone } = dns().open().send("client", query("none.test")).reset("server");
    expect(outcomes(alone)).toEqual(["none.test reset"]);
  });
});
