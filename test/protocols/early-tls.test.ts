/** Early data of TLS 1.3: it is told where the server takes it, and counted where it does not. And keys of a second handshake that come late. */
import { expect, test } from "vitest";
import type { TlsOpener } from "../../engine/tls/opener";
import { join } from "../support/pcap-builder";
import { answer, ask, counted, get, told } from "../support/sealed-talk";
import { finishedOf, HANDSHAKE, Lab12, Lab13, openerOf } from "../support/sealed-tls";
import { message, RETRY_RANDOM, record, serverHello, tls } from "../support/tls";

const END_OF_EARLY_DATA = message(5, []);
const CHANGE = 20;

test("the server takes it, and answers before the client's handshake ends", () => {
  const lab = new Lab13();
  const talk = tls()
    .send("client", lab.hello())
    .send("client", lab.early.say(get("early")));
  talk.send("server", lab.answer({ takesEarly: true })).send("server", lab.server.say(answer("early!")));
  talk.send("client", join(lab.early.record(HANDSHAKE, END_OF_EARLY_DATA), lab.finished()));
  ask(talk, lab, "a");
  expect(told(talk.close(), lab.log)).toEqual(["/early 200", "/a 200"]);
  expect(counted(talk, lab.log)).toEqual({ opened: 5 });
});

test("the server takes it, all of it is sent while its answer comes byte by byte", () => {
  const lab = new Lab13();
  const talk = tls().send("client", lab.hello());
  const said = lab.answer({ takesEarly: true });
  for (let at = 0; at < said.length; at += 9) {
    if (at % 36 === 0) talk.send("client", lab.early.say(get(`early${at}`)));
    talk.send("server", said.subarray(at, at + 9));
  }
  talk.send("client", lab.early.say(get("last")));
  const asked = [...Array.from({ length: Math.ceil(said.length / 36) }, (_, index) => `early${index * 36}`), "last"];
  for (const path of asked) talk.send("server", lab.server.say(answer(`${path}!`)));
  talk.send("client", join(lab.early.record(HANDSHAKE, END_OF_EARLY_DATA), lab.finished()));
  expect(told(talk.close(), lab.log)).toEqual(asked.map((path) => `/${path} 200`));
});

test("the server does not take it: what the client says again is told once", () => {
  const lab = new Lab13();
  const talk = tls()
    .send("client", lab.hello())
    .send("client", lab.early.say(get("early")));
  talk.send("client", lab.early.say("more")).send("server", lab.answer()).send("client", lab.early.say("late"));
  talk.send("client", lab.finished());
  for (const path of ["early", "a"]) ask(talk, lab, path);
  expect(told(talk.close(), lab.log)).toEqual(["/early 200", "/a 200"]);
  expect(counted(talk, lab.log)).toEqual({ opened: 4, early: 3 });
});

test("the server asks for another hello, and takes none", () => {
  const lab = new Lab13();
  const retry = record(HANDSHAKE, serverHello({ random: RETRY_RANDOM, cipher: 0x1301 }));
  const talk = tls()
    .send("client", join(lab.hello(), lab.early.say(get("early"))))
    .send("server", retry);
  talk.send("client", lab.hello()).send("server", lab.answer()).send("client", lab.finished());
  expect(told(ask(talk, lab, "early").close(), lab.log)).toEqual(["/early 200"]);
  expect(counted(talk, lab.log)).toEqual({ opened: 2, early: 1 });
});

test("what the server says of it is lost, or cannot be opened: it is not told", () => {
  for (const isLost of [true, false]) {
    const lab = new Lab13();
    const talk = tls()
      .send("client", lab.hello())
      .send("client", lab.early.say(get("early")));
    const said = lab.answer({ takesEarly: true });
    const cut = said.length - 60;
    talk.send("server", said.subarray(0, cut));
    talk[isLost ? "lose" : "send"]("server", said.subarray(cut)).send("server", lab.server.say(answer("early!")));
    talk.send("client", join(lab.early.record(HANDSHAKE, END_OF_EARLY_DATA), lab.finished()));
    for (const path of ["a", "b"]) ask(talk, lab, path);
    const log = isLost ? lab.log : lab.log.replace(/SERVER_HANDSHAKE.*\n/, "");
    const lines = told(talk.close(), log);
    expect(lines).toEqual(expect.arrayContaining(["/b 200"]));
    expect(lines.filter((line) => line.includes("early"))).toEqual([]);
    expect(counted(talk, log).early).toBe(2);
  }
});

test.each([0, 1, 3, 20])("keys of a handshake inside of TLS 1.2 that come after %i looks", (looks) => {
  const [first, second] = [new Lab12(1), new Lab12(2)];
  const talk = ask(first.open(), first, "a");
  talk.send("client", first.client.record(HANDSHAKE, second.hello()));
  talk.send("server", first.server.record(HANDSHAKE, second.answer()));
  talk.send("client", join(first.client.record(HANDSHAKE, message(16, new Uint8Array(66))), first.client.record(CHANGE, [1])));
  talk.send("client", finishedOf(second.client));
  talk.send("server", join(first.server.record(CHANGE, [1]), finishedOf(second.server)));
  const paths = Array.from({ length: 12 }, (_, index) => `b${index}`);
  for (const path of paths) ask(talk, second, path);
  const opener = openerOf(first.log + second.log);
  let asked = 0;
  const late: TlsOpener = {
    hasOthers: true,
    open: (question) =>
      new Uint8Array(question.buffer, question.byteOffset)[4] === 2 && asked++ < looks ? 0 : opener.open(question),
    record: (...words) => opener.record(...words),
    next: (...words) => opener.next(...words),
    close: (keys) => opener.close(keys),
  };
  expect(told(talk.close(), "", late)).toEqual(["/a 200", ...paths.map((path) => `/${path} 200`)]);
});
