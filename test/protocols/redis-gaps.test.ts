/** Redis where packets are missing: what is known is told, what is not is not invented, and no later pair shifts. */
import { describe, expect, test } from "vitest";
import type { Conversation } from "../support/pcap-builder";
import { array, bulk, command, lines, OK, redis, tripsOf } from "../support/redis";

const get = (key: string) => command("GET", key);
const error = (code: string) => `-${code} is what it says\r\n`;

/** Lets the hole be given up: time passes, and both sides go on to acknowledge. */
function goOn(talk: Conversation): Conversation {
  return talk.acknowledge("client").wait(200_000_000n).acknowledge("client").acknowledge("server");
}

/** Sends a text of which the bytes from `from` to `to` were not captured. */
function sendWithout(talk: Conversation, side: "client" | "server", text: string, from: number, to: number): Conversation {
  return talk.send(side, text.slice(0, from)).lose(side, text.slice(from, to)).send(side, text.slice(to));
}

describe("missing bytes", () => {
  test("inside a value cost a mark", () => {
    const talk = sendWithout(redis().send("client", get("a")), "server", bulk("v".repeat(5000)), 1000, 2500);
    goOn(talk).send("client", get("b")).send("server", bulk("w")).close();
    expect(lines(talk.packets)).toEqual(["GET a bulk string ok gap", "GET b bulk string ok"]);
    expect(tripsOf(talk.packets)[0]?.response).toMatchObject({ bytes: bulk("v".repeat(5000)).length, bodyBytes: 5000 });
  });

  test("at the very end of a value too", () => {
    const answer = bulk("v".repeat(5000));
    const talk = redis().send("client", get("a")).send("server", answer.slice(0, 4000)).lose("server", answer.slice(4000));
    goOn(talk).send("client", get("b")).wait(200_000_000n).send("server", bulk("w")).close();
    expect(lines(talk.packets)).toEqual(["GET a bulk string ok gap", "GET b bulk string ok"]);
  });

  test("inside an argument", () => {
    const talk = sendWithout(redis(), "client", command("SET", "a", "v".repeat(5000)), 1000, 2500);
    goOn(talk).send("server", OK).send("client", get("b")).send("server", bulk("w")).close();
    expect(lines(talk.packets)).toEqual(["SET a simple string ok gap", "GET b bulk string ok"]);
    expect(tripsOf(talk.packets)[0]?.request).toMatchObject({ bodyBytes: 5004, database: 0 });
  });

  test("among many elements: the outcome stands, the next pair too", () => {
    const answer = array(...Array.from({ length: 500 }, (_, index) => bulk(`value ${index}`)));
    const talk = sendWithout(redis().send("client", command("LRANGE", "l", 0, -1)), "server", answer, 1000, 2500);
    goOn(talk).send("client", get("b")).send("server", error("B")).close();
    expect(lines(talk.packets)).toEqual(["LRANGE l array ok gap", "GET b error error"]);
    expect(tripsOf(talk.packets)[0]?.response).toMatchObject({ elements: 500 });
    expect(tripsOf(talk.packets)[0]?.response).not.toHaveProperty("bodyBytes");
  });

  test("among many arguments", () => {
    const asked = command("MSET", ...Array.from({ length: 400 }, (_, index) => `word${index}`));
    const talk = sendWithout(redis(), "client", asked, 1000, 2500);
    goOn(talk).send("server", OK).send("client", get("b")).send("server", error("B")).close();
    expect(lines(talk.packets)).toEqual(["MSET word0 simple string ok gap", "GET b error error"]);
    expect(tripsOf(talk.packets)[0]?.request?.argumentCount).toBe(400);
  });

  test("cut off by the snap length", () => {
    const talk = redis();
    for (const key of ["a", "b", "c"])
      talk.send("client", get(key)).send("server", array(bulk("v".repeat(40)), bulk("w".repeat(40))));
    const cut = talk.close().packets.map((packet) => {
      return { ...packet, bytes: packet.bytes.subarray(0, 80), wireBytes: packet.bytes.length };
    });
    expect(lines(cut)).toEqual(["GET a array ok gap", "GET b array ok gap", "GET c array ok gap"]);
  });
});

describe("missing messages", () => {
  test("a whole response", () => {
    const talk = redis().send("client", get("a")).lose("server", bulk("v"));
    goOn(talk).send("client", get("b")).wait(200_000_000n).send("server", error("B")).close();
    expect(lines(talk.packets)).toEqual(["GET a - unobserved", "GET b error error"]);
  });

  test("the first segment of a response: nothing in the rest is taken for one", () => {
    const answer = bulk(`${"v".repeat(2000)}\r\n+OK\r\n:5\r\n`);
    const talk = redis().send("client", get("a")).lose("server", answer.slice(0, 1400)).send("server", answer.slice(1400));
    goOn(talk).send("client", get("b")).send("server", error("B")).close();
    expect(lines(talk.packets)).toEqual(["GET a - unobserved", "GET b error error"]);
  });

  test("a whole request", () => {
    const talk = redis().send("client", get("z")).send("server", bulk("z")).lose("client", get("a")).send("server", error("A"));
    goOn(talk).send("client", get("b")).send("server", error("B")).close();
    expect(lines(talk.packets)).toEqual(["GET z bulk string ok", "- error error", "GET b error error"]);
  });

  test("a request and its response", () => {
    const talk = redis().send("client", get("z")).send("server", bulk("z")).lose("client", get("a")).lose("server", error("A"));
    goOn(talk).send("client", get("b")).wait(200_000_000n).send("server", error("B")).close();
    expect(lines(talk.packets)).toEqual(["GET z bulk string ok", "GET b error error"]);
  });

  test("replies in the middle of a pipeline: those behind pair from its end", () => {
    const talk = redis().send("client", ["1", "2", "3", "4", "5"].map(get).join(""));
    talk.send("server", error("E1")).lose("server", error("E2")).send("server", error("E3").slice(9));
    talk.send("server", error("E4") + error("E5"));
    goOn(talk).send("client", get("6")).send("server", error("E6")).close();
    const pairs = tripsOf(talk.packets).map(({ request, response }) => `${request?.key} ${response?.errorCode ?? "-"}`);
    expect(pairs.sort()).toEqual(["1 E1", "2 -", "3 -", "4 E4", "5 E5", "6 E6"]);
  });

  test("requests at the beginning of a pipeline: those behind pair from its end", () => {
    const talk = redis()
      .send("client", get("0"))
      .send("server", error("E0"))
      .lose("client", get("1") + get("2"));
    talk.send("client", get("3") + get("4")).send("server", ["E1", "E2", "E3", "E4"].map(error).join(""));
    goOn(talk).send("client", get("5")).send("server", error("E5")).close();
    const pairs = tripsOf(talk.packets).map(({ request, response }) => `${request?.key ?? "-"} ${response?.errorCode ?? "-"}`);
    expect(pairs.sort()).toEqual(["- E1", "- E2", "0 E0", "3 E3", "4 E4", "5 E5"]);
  });

  test("twice in one pipeline: nothing between is paired by guess", () => {
    const talk = redis().send("client", ["1", "2", "3", "4", "5", "6"].map(get).join(""));
    talk
      .send("server", error("E1"))
      .lose("server", error("E2"))
      .send("server", error("E3") + error("E4"));
    talk.lose("server", error("E5")).send("server", error("E6"));
    goOn(talk).wait(200_000_000n).send("client", get("7")).send("server", error("E7")).close();
    const pairs = tripsOf(talk.packets).map(({ request, response }) => `${request?.key ?? "-"} ${response?.errorCode ?? "-"}`);
    expect(pairs.sort()).toEqual(["- E3", "- E4", "1 E1", "2 -", "3 -", "4 -", "5 -", "6 E6", "7 E7"]);
  });

  test("of a client that does not wait: pairs are sure again when both were quiet", () => {
    const talk = redis();
    talk.send("client", get("1")).send("client", get("2")).send("server", error("E1")).send("client", get("3"));
    talk.send("server", error("E2")).lose("server", error("E3")).send("client", get("4")).send("client", get("5"));
    talk.send("server", error("E4")).send("server", error("E5"));
    goOn(talk).send("client", get("6")).send("server", error("E6")).close();
    for (const { request, response } of tripsOf(talk.packets)) {
      if (request && response) expect(response.errorCode).toBe(`E${request.key}`);
    }
    expect(lines(talk.packets).at(-1)).toBe("GET 6 error error");
  });

  test("before the capture began", () => {
    const talk = redis({ clientSequence: 70, serverSequence: 90 });
    talk.packets.splice(0);
    talk.send("server", OK).send("client", get("b")).send("server", error("B")).close();
    expect(lines(talk.packets)).toEqual(["GET b error error"]);
  });

  test("a response of which only its acknowledgement was captured", () => {
    const talk = redis().send("client", get("a")).lose("server", OK).acknowledge("client");
    expect(lines(talk.packets)).toEqual(["GET a - unobserved"]);
    expect(lines(talk.close().packets)).toEqual(["GET a - unobserved"]);
  });

  test("a request cut off by the end of the connection", () => {
    expect(lines(redis().send("client", get("a").slice(0, 18)).close().packets)).toEqual(["GET a - closed incomplete"]);
    expect(lines(redis().send("client", "*2\r\n").close().packets)).toEqual([]);
  });

  test("a connection joined in the middle whose server was taken for the client", () => {
    const talk = redis();
    talk.packets.splice(0);
    talk
      .send("server", array(bulk("get"), bulk("set")))
      .send("client", get("a"))
      .send("server", bulk("x"));
    talk.send("client", get("b")).send("server", bulk("y")).close();
    expect(lines(talk.packets).at(-1)).toBe("GET b bulk string ok");
  });
});
