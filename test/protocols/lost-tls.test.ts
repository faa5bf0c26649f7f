/** Bytes of TLS that are lost: no request inside has another's response, and those behind the loss are paired again. */
import { describe, expect, test } from "vitest";
import { type Conversation, join } from "../support/pcap-builder";
import { get, told } from "../support/sealed-talk";
import { finishedOf, HANDSHAKE, Lab12, Lab13 } from "../support/sealed-tls";
import { CHANGE_CIPHER_SPEC, message, record, tls } from "../support/tls";

type Lab = Lab12 | Lab13;
const LABS = [
  { version: "TLS 1.3", Lab: Lab13 },
  { version: "TLS 1.2", Lab: Lab12 },
];

const KEY_EXCHANGE = record(HANDSHAKE, message(16, new Uint8Array(66).fill(3)));
/** The response to request `index`, known by its status. */
const answerTo = (index: number, body = "yes") => `HTTP/1.1 ${400 + index} OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
const right = (index: number) => `/${index} ${400 + index}`;
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index);

/** Requests `from` to before `to`, each with its response. */
function exchange(talk: Conversation, lab: Lab, from: number, to: number): Conversation {
  for (const index of range(from, to))
    talk.send("client", lab.client.say(get(`${index}`))).send("server", lab.server.say(answerTo(index)));
  return talk;
}

/** No request has a response that is another's, and those from `from` to before `to` have theirs. */
function expectRight(talk: Conversation, lab: Lab, from: number, to: number): void {
  const lines = told(talk.close(), lab.log);
  const pairs = lines.filter((line) => /^\/\d+ \d+$/.test(line));
  expect(pairs.filter((line) => line !== right(Number(/\d+/.exec(line))))).toEqual([]);
  expect(pairs).toEqual(expect.arrayContaining(range(from, to).map(right)));
}

/** The server's hello in the clear, and what it says of the handshake behind it. */
function answerOf(lab: Lab13): [Uint8Array, Uint8Array] {
  const said = lab.answer();
  const clear = 5 + ((said[3]! << 8) | said[4]!);
  return [said.subarray(0, clear), said.subarray(clear)];
}

describe("the first records under keys are lost", () => {
  test("the server's of TLS 1.2, and its first response", () => {
    const lab = new Lab12();
    const talk = tls().send("client", record(HANDSHAKE, lab.hello())).send("server", record(HANDSHAKE, lab.answer()));
    talk.send("client", join(KEY_EXCHANGE, CHANGE_CIPHER_SPEC, finishedOf(lab.client)));
    talk.lose("server", join(CHANGE_CIPHER_SPEC, finishedOf(lab.server)));
    talk.send("client", lab.client.say(get("0"))).lose("server", lab.server.say(answerTo(0)));
    expectRight(exchange(talk, lab, 1, 7), lab, 3, 7);
  });

  test("the server's of TLS 1.3, and its first response", () => {
    const lab = new Lab13();
    const [hello, rest] = answerOf(lab);
    const talk = tls().send("client", lab.hello()).send("server", hello).lose("server", rest);
    talk.send("client", join(lab.finished(), lab.client.say(get("0")))).lose("server", lab.server.say(answerTo(0)));
    expectRight(exchange(talk, lab, 1, 7), lab, 3, 7);
  });

  test.each(["client", "server"] as const)("the %s's Finished of TLS 1.2 alone, which costs no pair", (side) => {
    const lab = new Lab12();
    const talk = tls().send("client", record(HANDSHAKE, lab.hello())).send("server", record(HANDSHAKE, lab.answer()));
    talk.send("client", KEY_EXCHANGE);
    for (const one of ["client", "server"] as const)
      talk[one === side ? "lose" : "send"](one, join(CHANGE_CIPHER_SPEC, finishedOf(lab[one])));
    expectRight(exchange(talk, lab, 0, 4), lab, 0, 4);
  });
});

describe.each(LABS)("the first request inside of $version is lost", ({ Lab }) => {
  test.each([
    ["its first bytes", 20],
    ["all of it", get("0").length],
  ])("%s, and its response is none of those that follow", (_, lost) => {
    const lab = new Lab();
    const talk = lab.open().lose("client", lab.client.say(get("0").slice(0, lost)));
    if (lost < get("0").length) talk.send("client", lab.client.say(get("0").slice(lost)));
    for (const index of range(1, 4)) talk.send("client", lab.client.say(get(`${index}`)));
    for (const index of range(0, 4)) talk.send("server", lab.server.say(answerTo(index)));
    expectRight(exchange(talk, lab, 4, 8), lab, 4, 8);
  });

  test("with the client's Finished, and its response is none of those that follow", () => {
    const lab = new Lab();
    const talk = tls();
    if (lab instanceof Lab13) talk.send("client", lab.hello()).send("server", lab.answer()).lose("client", lab.finished());
    else {
      talk.send("client", record(HANDSHAKE, lab.hello())).send("server", record(HANDSHAKE, lab.answer()));
      talk.send("client", KEY_EXCHANGE).lose("client", join(CHANGE_CIPHER_SPEC, finishedOf(lab.client)));
      talk.send("server", join(CHANGE_CIPHER_SPEC, finishedOf(lab.server)));
    }
    talk.lose("client", lab.client.say(get("0")));
    for (const index of range(1, 4)) talk.send("client", lab.client.say(get(`${index}`)));
    for (const index of range(0, 4)) talk.send("server", lab.server.say(answerTo(index)));
    expectRight(exchange(talk, lab, 4, 8), lab, 4, 8);
  });
});

describe.each(LABS)("the second of a request's two records of $version is lost", ({ Lab }) => {
  test("whole, and its response comes before the next request", () => {
    const lab = new Lab();
    const talk = exchange(lab.open(), lab, 0, 3);
    const [first, second] = [lab.client.say(get("3").slice(0, 20)), lab.client.say(get("3").slice(20))];
    talk
      .send("client", first)
      .lose("client", second)
      .send("server", lab.server.say(answerTo(3)));
    expectRight(exchange(talk, lab, 4, 8), lab, 4, 8);
  });
});

describe.each(LABS)("many small records of $version are lost in a response", ({ Lab }) => {
  const BYTES = 100;

  test.each([60, 66, 80, 200])("%i of them, and what follows is found by and by", (lost) => {
    const lab = new Lab();
    const talk = lab.open().send("client", lab.client.say(get("0")));
    const said = answerTo(0, "y".repeat(BYTES * (lost + 4)));
    const parts = range(0, lost + 5).map((index) => said.slice(index * BYTES, (index + 1) * BYTES));
    parts.forEach((part, index) => {
      talk[index > 1 && index < lost + 2 ? "lose" : "send"]("server", lab.server.say(part));
    });
    expectRight(exchange(talk, lab, 1, 16), lab, 10, 16);
  });
});
