/** Records of TLS that stay closed: each is counted, whatever the reason and however many there are. */
import { describe, expect, test } from "vitest";
import { join } from "../support/pcap-builder";
import { answer, ask, counted, get, told } from "../support/sealed-talk";
import { finishedOf, HANDSHAKE, Lab12, Lab13 } from "../support/sealed-tls";
import { message, tls } from "../support/tls";

const CBC = 0xc027;
const CHANGE = 20;
const PATHS = Array.from({ length: 60 }, (_, index) => `a${index}`);
/** What a handshake of TLS 1.2 has under keys. */
const FINISHED = 2;

describe("all that follows is counted", () => {
  test("of a suite that is not opened, in pieces of any size", () => {
    for (const segmentBytes of [1400, 100, 7]) {
      const lab = new Lab12();
      const closed = lab.open({}, CBC);
      for (const path of PATHS)
        closed.send("client", lab.client.say(get(path)), segmentBytes).send("server", lab.server.say(answer(path)), segmentBytes);
      expect(counted(closed.close(), lab.log)).toEqual({ opened: 0, cipher: 2 * PATHS.length + FINISHED });
    }
  });

  test("of keys that do not come", () => {
    const lab = new Lab12();
    const talk = lab.open();
    for (const path of PATHS) ask(talk, lab, path);
    expect(counted(talk.close(), "")).toEqual({ opened: 0, keys: 2 * PATHS.length + FINISHED });
  });

  test("of a handshake inside to a suite that is not opened", () => {
    const [first, second] = [new Lab12(1), new Lab12(2)];
    const talk = ask(first.open(), first, "a");
    talk.send("client", first.client.record(HANDSHAKE, second.hello()));
    talk.send("server", first.server.record(HANDSHAKE, second.answer(CBC)));
    talk.send("client", join(first.client.record(HANDSHAKE, message(16, new Uint8Array(66))), first.client.record(CHANGE, [1])));
    talk.send("client", finishedOf(second.client));
    talk.send("server", join(first.server.record(CHANGE, [1]), finishedOf(second.server)));
    for (const path of PATHS) ask(talk, second, path);
    const expected = { opened: 4 + 4, cipher: 1 + 2 + 2 * PATHS.length };
    expect(counted(talk.close(), first.log + second.log)).toEqual(expected);
  });

  test("of secrets that are wrong, in TLS 1.2 and 1.3", () => {
    for (const [right, wrong] of [
      [new Lab12(1), new Lab12(2)],
      [new Lab13(1), new Lab13(2)],
    ] as const) {
      const talk = right.open();
      for (const path of PATHS) ask(talk, right, path);
      const random = "01".repeat(32);
      const log = wrong.log.replaceAll("02".repeat(32), random);
      // A first request of TLS 1.3 may be of the client's handshake.
      const expected = right instanceof Lab12 ? 2 * PATHS.length + FINISHED : 2 * PATHS.length - 1;
      expect(counted(talk.close(), log)).toEqual({ opened: 0, failed: expected });
    }
  });
});

test("one side of TLS 1.3 whose records cannot be found is given up, and the other told on", () => {
  const lab = new Lab13();
  const talk = lab.open().send("client", lab.client.say(get("first")));
  const lost = join(...Array.from({ length: 1000 }, () => lab.server.say("lost")));
  talk.lose("server", lost);
  for (const path of PATHS) ask(talk, lab, path);
  const lines = told(talk.close(), lab.log);
  expect(lines.map((line) => line.split(" ")[0])).toEqual(["first", ...PATHS].map((path) => `/${path}`));
  expect(counted(talk, lab.log)).toEqual({ opened: 1 + PATHS.length, failed: PATHS.length });
});

test("a handshake of TLS 1.3 in many records is none that is lost", () => {
  const lab = new Lab13();
  const certificate = message(11, new Uint8Array(20_000));
  const talk = tls().send("client", lab.hello()).send("server", lab.answer());
  for (let at = 0; at < certificate.length; at += 100)
    talk.send("server", lab.serverHandshake.record(HANDSHAKE, certificate.subarray(at, at + 100)));
  talk.send("client", lab.finished());
  expect(told(ask(talk, lab, "a").close(), lab.log)).toEqual(["/a 200"]);
  expect(counted(talk, lab.log)).toEqual({ opened: 2 });
});
