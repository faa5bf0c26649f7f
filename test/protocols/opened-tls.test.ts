/** What is inside of TLS, of connections under secrets of our own: handshake messages in several records, and what is no alert. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join as pathOf } from "node:path";
import { describe, expect, test } from "vitest";
import { type Conversation, join } from "../support/pcap-builder";
import { answer, ask, counted, fileOf, get, told } from "../support/sealed-talk";
import { finishedOf, HANDSHAKE, Lab12, Lab13 } from "../support/sealed-tls";
import { lines, message, tls } from "../support/tls";
import { HAS_TSHARK, tsharkFields } from "../support/tshark";

const KEY_UPDATE = message(24, [0]);
const NEW_TICKET = 4;
const CHANGE = 20;
const FALSE_UPDATE = [24, 0, 0, 1];

test.runIf(HAS_TSHARK)("tshark opens what is sealed here, in both versions", () => {
  const folder = mkdtempSync(pathOf(tmpdir(), "tallywire-sealed-"));
  const keys = pathOf(folder, "keys.log");
  try {
    for (const lab of [new Lab13(), new Lab12()]) {
      writeFileSync(keys, lab.log);
      const talk = ask(lab.open(), lab, "a").close();
      const rows = tsharkFields(fileOf(talk), ["http.request.uri", "http.response.code"], ["-o", `tls.keylog_file:${keys}`]);
      expect(rows.map((row) => row.join("")).filter(Boolean)).toEqual(["/a", "200"]);
      expect(told(talk, lab.log)).toEqual(["/a 200"]);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

describe("handshake messages of TLS 1.3 behind the handshake", () => {
  const ticket = (end: Uint8Array | number[]) => message(NEW_TICKET, join(new Uint8Array(508).fill(7), end));

  /** The server sends `parts`, each a record, and new keys follow where `isUpdate`; all that is told behind it. */
  function behind(parts: (Uint8Array | number[])[], isUpdate: boolean): string[] {
    const lab = new Lab13();
    const talk = ask(lab.open(), lab, "a");
    for (const part of parts) talk.send("server", lab.server.record(HANDSHAKE, part));
    if (isUpdate) lab.server.update();
    for (const path of ["b", "c"]) ask(talk, lab, path);
    expect(counted(talk, lab.log)).toEqual({ opened: 6 + parts.length });
    return told(talk.close(), lab.log);
  }

  const ALL = ["/a 200", "/b 200", "/c 200"];

  test("what goes on in the next record and looks like a KeyUpdate is none", () => {
    const whole = ticket([...FALSE_UPDATE, 0, 9, 9]);
    expect(behind([whole.subarray(0, 512), whole.subarray(512)], false)).toEqual(ALL);
  });

  test("a KeyUpdate behind the rest of another message is one", () => {
    const whole = ticket([1, 2, 3, 4, 5]);
    expect(behind([whole.subarray(0, 512), join(whole.subarray(512), KEY_UPDATE)], true)).toEqual(ALL);
  });

  test("a KeyUpdate is cut anywhere", () => {
    for (let cut = 1; cut < KEY_UPDATE.length; cut++)
      expect(behind([KEY_UPDATE.subarray(0, cut), KEY_UPDATE.subarray(cut)], true)).toEqual(ALL);
    expect(
      behind(
        [...KEY_UPDATE].map((byte) => [byte]),
        true,
      ),
    ).toEqual(ALL);
  });

  test("a record that is lost in a message: the next one begins a message", () => {
    const lab = new Lab13();
    const talk = ask(lab.open(), lab, "a");
    const whole = ticket([1, 2, 3, 4, 5]);
    talk.send("server", lab.server.record(HANDSHAKE, whole.subarray(0, 400)));
    talk.lose("server", lab.server.record(HANDSHAKE, whole.subarray(400)));
    talk.send("server", lab.server.record(HANDSHAKE, KEY_UPDATE));
    lab.server.update();
    for (const path of ["b", "c"]) ask(talk, lab, path);
    expect(told(talk.close(), lab.log).filter((line) => line === "/c 200")).toEqual(["/c 200"]);
  });
});

describe("a handshake inside of TLS 1.2", () => {
  const KEY_EXCHANGE = message(16, new Uint8Array(66).fill(3));
  const REQUEST = message(0, []);

  /** The second handshake, each side's messages cut into records of `bytes`. */
  function renewed(bytes: number): { talk: Conversation; log: string } {
    const [first, second] = [new Lab12(1), new Lab12(2)];
    const talk = ask(first.open(), first, "a");
    const put = (side: "client" | "server", content: Uint8Array) => {
      for (let at = 0; at < content.length; at += bytes)
        talk.send(side, first[side].record(HANDSHAKE, content.subarray(at, at + bytes)));
    };
    put("server", REQUEST);
    put("client", second.hello());
    // Its certificate is what a hello of others would be, wherever it is cut.
    put("server", join(second.answer().subarray(0, -4), message(12, new Uint8Array(600).fill(2)), message(14, [])));
    put("client", KEY_EXCHANGE);
    talk.send("client", join(first.client.record(CHANGE, [1]), finishedOf(second.client)));
    talk.send("server", join(first.server.record(CHANGE, [1]), finishedOf(second.server)));
    ask(talk, second, "b");
    return { talk: talk.close(), log: first.log + second.log };
  }

  test.each([16384, 512, 100, 64, 7, 1])("in records of %i bytes", (bytes) => {
    const { talk, log } = renewed(bytes);
    expect(told(talk, log)).toEqual(["/a 200", "/b 200"]);
    expect(Object.keys(counted(talk, log))).toEqual(["opened"]);
  });

  test("with a hello that is not the first message of its record", () => {
    const [first, second] = [new Lab12(1), new Lab12(2)];
    const talk = ask(first.open(), first, "a");
    talk.send("client", first.client.record(HANDSHAKE, second.hello()));
    talk.send("server", first.server.record(HANDSHAKE, join(REQUEST, second.answer())));
    talk.send("client", join(first.client.record(HANDSHAKE, KEY_EXCHANGE), first.client.record(CHANGE, [1])));
    talk.send("client", finishedOf(second.client));
    talk.send("server", join(first.server.record(CHANGE, [1]), finishedOf(second.server)));
    expect(told(ask(talk, second, "b").close(), first.log + second.log)).toEqual(["/a 200", "/b 200"]);
  });
});

describe("a record of the size of an alert", () => {
  const TWO = [7, 7];
  const statuses = (talk: Conversation) => lines(talk.close().packets);

  test("is of the client's early data where the server has not answered", () => {
    const lab = new Lab13();
    const talk = tls().send("client", lab.hello()).send("client", lab.early.say(TWO));
    talk.send("server", lab.answer()).send("client", lab.finished());
    expect(statuses(ask(talk, lab, "a"))).toEqual(["(none) TLS 1.3 ok"]);
  });

  test("is an alert where it is the first that a side says behind the server's hello", () => {
    const lab = new Lab13();
    const talk = tls().send("client", lab.hello()).send("server", lab.answer());
    expect(statuses(talk.send("client", lab.clientHandshake.record(21, TWO)))).toEqual(["(none) TLS 1.3 error"]);
  });

  test("is anything where bytes are missing before it", () => {
    const lab = new Lab13();
    const talk = tls().send("client", lab.hello()).send("server", lab.answer());
    talk.lose("client", lab.finished()).send("client", lab.client.say(TWO)).send("server", lab.server.say(TWO));
    for (const path of ["a", "b", "c"]) ask(talk, lab, path);
    expect(statuses(talk)).toEqual(["(none) TLS 1.3 ok"]);
  });
});

describe("bytes that are lost behind the server's hello", () => {
  /** The last bytes of the server's handshake and the answers to the first `lost` requests are not there. */
  function behind(lost: number): string[] {
    const lab = new Lab13();
    const said = lab.answer();
    const cut = said.length - 50;
    const talk = tls().send("client", lab.hello()).send("server", said.subarray(0, cut)).lose("server", said.subarray(cut));
    talk.send("client", lab.finished());
    for (const path of ["a", "b", "c", "d"].slice(0, lost))
      talk.send("client", lab.client.say(get(path))).lose("server", lab.server.say(answer(`${path}!`)));
    for (const path of ["a", "b", "c", "d"].slice(lost)) ask(talk, lab, path);
    return told(talk.close(), lab.log);
  }

  test("are of the handshake alone where the first record that is opened has number 0", () => {
    expect(behind(0)).toEqual(["/a 200", "/b 200", "/c 200", "/d 200"]);
  });

  test("are of what is inside too where it has not", () => {
    const lines = behind(2);
    expect(lines).toEqual(expect.arrayContaining(["/d 200"]));
    expect(lines.filter((line) => line === "/a 200" || line === "/b 200")).toEqual([]);
  });
});

const LABS = [
  { version: "TLS 1.3", Lab: Lab13 },
  { version: "TLS 1.2", Lab: Lab12 },
];

describe.each(LABS)("records of $version that are lost in a response of many", ({ Lab }) => {
  const CONTENT = 5000;
  const BODY = answer("x".repeat(8 * CONTENT));
  const RECORD = new Lab().server.say(BODY.slice(0, CONTENT)).length;
  const RECORDS = Math.ceil(BODY.length / CONTENT);

  test.each([
    ["one, whole", 2, 0, 3, 0],
    ["the end of one", 2, 100, 3, 0],
    ["the middle of one", 7, 900, 7, 1000],
    ["the header of one", 4, 2, 4, 9],
    ["the end of one to the beginning of another", 2, 100, 5, 50],
    ["some, whole", 3, 0, 7, 0],
    ["some, and the beginning of one", 3, 0, 7, 900],
  ])("%s: what follows begins where it did", (_, from, fromBytes, to, toBytes) => {
    const lab = new Lab();
    const talk = lab.open().send("client", lab.client.say(get("a")));
    const part = (index: number) => lab.server.say(BODY.slice(index * CONTENT, (index + 1) * CONTENT));
    const records = join(...Array.from({ length: RECORDS }, (_, index) => part(index)));
    const [start, end] = [from * RECORD + fromBytes, to * RECORD + toBytes];
    talk.send("server", records.subarray(0, start)).lose("server", records.subarray(start, end));
    talk.send("server", records.subarray(end));
    for (const path of ["b", "c"]) ask(talk, lab, path);
    expect(told(talk.close(), lab.log)).toEqual(["/a 200", "/b 200", "/c 200"]);
  });
});
