/** HTTP/2 where packets are missing: what is known is told, what is not is not invented. */
import { describe, expect, test } from "vitest";
import {
  added,
  answer,
  data,
  FLAG,
  fields,
  frame,
  get,
  headers,
  http2,
  indexed,
  lines,
  START,
  statusFields,
  TYPE,
  tripsOf,
} from "../support/http2";
import { Conversation, join } from "../support/pcap-builder";

/** Lets the hole be given up: time passes, and both sides go on to acknowledge. */
function goOn(talk: Conversation): Conversation {
  return talk.acknowledge("client").wait(200_000_000n).acknowledge("client").acknowledge("server");
}

describe("missing bytes", () => {
  test("inside a body cost a mark", () => {
    const body = data(1, "x".repeat(5000));
    const talk = http2()
      .send("client", get(1, "/a"))
      .send("server", headers(1, statusFields(200), false));
    talk.send("server", body.slice(0, 1000)).lose("server", body.slice(1000, 2500)).send("server", body.slice(2500));
    goOn(talk).send("client", get(3, "/b")).send("server", answer(3)).close();
    expect(lines(talk.packets)).toEqual(["1 GET /a 200 ok gap", "3 GET /b 200 ok"]);
    expect(tripsOf(talk.packets)[0]?.response).toMatchObject({ bodyBytes: 5000, bytes: 10 + body.length });
  });

  test("at the very end of a body too", () => {
    const body = data(1, "x".repeat(5000));
    const talk = http2()
      .send("client", get(1, "/a"))
      .send("server", join(headers(1, statusFields(200), false), body.slice(0, 4000)));
    goOn(talk.lose("server", body.slice(4000)))
      .send("client", get(3, "/b"))
      .wait(200_000_000n)
      .send("server", answer(3))
      .close();
    expect(lines(talk.packets)).toEqual(["1 GET /a 200 ok gap", "3 GET /b 200 ok"]);
  });

  test("with the end of a response: its outcome stands, later streams too", () => {
    const talk = http2()
      .send("client", get(1, "/a"))
      .send("server", headers(1, statusFields(503), false));
    goOn(talk.lose("server", data(1, "end")))
      .send("client", get(3, "/b"))
      .wait(200_000_000n)
      .send("server", answer(3))
      .close();
    expect(lines(talk.packets)).toEqual(["3 GET /b 200 ok", "1 GET /a 503 error gap"]);
    expect(tripsOf(talk.packets)[1]?.response?.bodyBytes).toBeUndefined();
  });

  test("of a server whose settings came before the client's preface", () => {
    for (const captured of [0, 4, 8]) {
      const talk = new Conversation().open().send("server", frame(TYPE.settings, 0, 0, [0, 3, 0, 0, 0, 100]));
      talk.send("client", join(START, get(1, "/a"), get(3, "/b")));
      const bytes = join(answer(1, 200, "x".repeat(900)), answer(3, 200, "x".repeat(2000)));
      talk.send("server", bytes.slice(0, captured)).lose("server", bytes.slice(captured, 1400));
      goOn(talk.send("server", bytes.slice(1400))).close();
      const outcomes = tripsOf(talk.packets).map(({ request, status }) => [request?.path, status]);
      expect(outcomes).toEqual([
        ["/a", "unobserved"],
        ["/b", "unobserved"],
      ]);
    }
  });

  test("with a whole response: unobserved, not closed", () => {
    const talk = http2().send("client", get(1, "/a"));
    goOn(talk.lose("server", answer(1)))
      .send("client", get(3, "/b"))
      .wait(200_000_000n)
      .send("server", answer(3))
      .close();
    expect(lines(talk.packets)).toEqual(["3 GET /b 200 ok", "1 GET /a - unobserved"]);
  });

  test("with responses to requests that were made among them: unobserved, not closed", () => {
    const talk = http2()
      .send("client", get(1, "/a"))
      .lose("server", answer(1))
      .send("client", get(3, "/b"))
      .lose("server", answer(3));
    goOn(talk.send("client", get(5, "/c")).send("server", answer(5))).close();
    expect(lines(talk.packets)).toEqual(["5 GET /c 200 ok", "1 GET /a - unobserved", "3 GET /b - unobserved"]);
  });

  test("with the server's first responses, before it was known what it speaks", () => {
    const talk = new Conversation()
      .open()
      .send("server", frame(TYPE.settings, 0, 0))
      .send("client", join(START, get(1, "/a")));
    goOn(talk.lose("server", join(frame(TYPE.settings, FLAG.acknowledge, 0), answer(1))))
      .send("client", get(3, "/b"))
      .send("server", answer(3))
      .close();
    expect(lines(talk.packets)).toEqual(["3 GET /b 200 ok", "1 GET /a - unobserved"]);
  });

  test("with a request: its response is an orphan", () => {
    const talk = http2().lose("client", get(1, "/a")).send("server", answer(1, 500));
    goOn(talk).send("client", get(3, "/b")).send("server", answer(3)).close();
    expect(lines(talk.packets)).toEqual(["1 - 500 error", "3 GET /b 200 ok"]);
  });

  test("inside a header block: what came before stands", () => {
    const ask = headers(1, join(fields("GET", "/a", [["x-long", "y".repeat(3000)]])));
    const talk = http2().send("client", ask.slice(0, 1000)).lose("client", ask.slice(1000, 2000)).send("client", ask.slice(2000));
    goOn(talk).send("server", answer(1)).send("client", get(3, "/b")).send("server", answer(3)).close();
    expect(lines(talk.packets)).toEqual(["1 GET /a 200 ok gap", "3 GET /b 200 ok"]);
  });

  test("with entries of the table: fields are absent until they are learned again", () => {
    const talk = http2()
      .send("client", headers(1, join(indexed(2), added(1, "lab.test"), added(4, "/a"))))
      .send("server", answer(1));
    goOn(talk.lose("client", headers(3, join(indexed(2), added(4, "/lost")))));
    talk.send("client", headers(5, join(indexed(2), indexed(64), indexed(62)))).send("server", answer(5));
    talk.send("client", headers(7, join(indexed(2), indexed(64), added(4, "/new")))).send("server", answer(7));
    talk
      .send("client", headers(9, join(indexed(2), indexed(65), indexed(62))))
      .send("server", answer(9))
      .close();
    expect(lines(talk.packets)).toEqual(["1 GET /a 200 ok", "5 GET - 200 ok", "7 GET /new 200 ok", "9 GET /new 200 ok"]);
    expect(tripsOf(talk.packets).map(({ request }) => request?.partial)).toEqual([undefined, true, true, true]);
  });

  test("a status that only the table knows is not guessed", () => {
    const talk = new Conversation().send("client", get(5, "/a"));
    talk
      .send("server", join(headers(5, indexed(70), false), data(5, "x")))
      .send("client", get(7, "/b"))
      .send("server", answer(7));
    expect(lines(talk.packets)).toEqual(["5 GET /a - unobserved", "7 GET /b 200 ok"]);
  });

  test("a frame is found again in the middle of a segment", () => {
    const talk = http2().send("client", join(get(1, "/a"), get(3, "/b")));
    const body = data(1, "z".repeat(3000));
    const bytes = join(headers(1, statusFields(200), false), body, answer(3));
    talk.lose("server", bytes.slice(0, 1000)).send("server", bytes.slice(1000));
    goOn(talk).close();
    expect(lines(talk.packets)).toEqual(["3 GET /b 200 ok", "1 GET /a - unobserved"]);
  });
});
