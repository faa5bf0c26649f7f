/** TLS handshakes: each case as the bytes of both sides and the round trips that they are. */
import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { RoundTrip } from "../../engine/round-trip";
import { Conversation, hex, join, number, pcap, u16 } from "../support/pcap-builder";
import { readRoundTrips } from "../support/round-trips";
import {
  alert,
  CHANGE_CIPHER_SPEC,
  clientHello,
  EXTENSION,
  extension,
  handshake12,
  handshake13,
  lines,
  message,
  RETRY_RANDOM,
  record,
  records,
  sealed,
  serverHello,
  talkOf,
  tls,
  tripsOf,
} from "../support/tls";

const md5 = (text: string) => createHash("md5").update(text).digest("hex");
const short = (text: string) => createHash("sha256").update(text).digest("hex").slice(0, 12);
const GREASE = 0x3a3a;

describe("fields", () => {
  test("of TLS 1.3", () => {
    const [trip] = tripsOf(talkOf(handshake13()).close().packets);
    expect(trip).toMatchObject({ status: "ok", marks: [] });
    expect(trip?.request).toEqual({
      bytes: handshake13()[0]![1].length,
      version: "TLS 1.3",
      serverName: "lab.test",
      alpn: "h2,http/1.1",
      ja3: md5("771,4865-49199,0-10-13-16-43-51,29-23,"),
      ja4: `t13d0206h2_${short("1301,c02f")}_${short("000a,000d,002b,0033_0403,0804")}`,
      ech: false,
    });
    expect(trip?.response).toEqual({
      bytes: 5 + 4 + 38 + 32 + 2 + 6 + 42 + 6,
      version: "TLS 1.3",
      cipher: "TLS_AES_128_GCM_SHA256",
      ja3s: md5("771,4865,43-51"),
      resumed: false,
    });
  });

  test("of TLS 1.2", () => {
    const [trip] = tripsOf(talkOf(handshake12()).close().packets);
    expect(trip?.request).toMatchObject({ version: "TLS 1.2", serverName: "old.lab.test", alpn: "http/1.1" });
    expect(trip?.response).toEqual({
      bytes: handshake12()[1]![1].length,
      version: "TLS 1.2",
      cipher: "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
      alpn: "http/1.1",
      ja3s: md5("771,49199,16"),
      resumed: false,
    });
    expect(trip?.status).toBe("ok");
  });

  test("the time ends with the server's last message in the clear", () => {
    const [trip] = tripsOf(talkOf(handshake12(), 100).close().packets);
    const segments = (flight: number) => Math.ceil(handshake12()[flight]![1].length / 100);
    expect(trip?.durationNs).toBe((segments(0) + segments(1) - 1) * 1_000_000);
  });

  test("GREASE is ignored in fingerprints", () => {
    const plain = [EXTENSION.groups(29), EXTENSION.signatures(0x0403), EXTENSION.versions(0x0304)];
    const greased = [
      extension(GREASE),
      EXTENSION.groups(GREASE, 29),
      EXTENSION.signatures(0x0403),
      EXTENSION.versions(GREASE, 0x0304),
      extension(0xfafa, [0]),
    ];
    const fingerprints = [
      clientHello({ ciphers: [0x1301], extensions: plain }),
      clientHello({ ciphers: [GREASE, 0x1301], extensions: greased }),
    ].map((hello) => {
      const [trip] = tripsOf(talkOf([["client", record(22, hello)]]).packets);
      return [trip?.request?.version, trip?.request?.ja3, trip?.request?.ja4];
    });
    expect(fingerprints[0]).toEqual([
      "TLS 1.3",
      md5("771,4865,10-13-43,29,"),
      `t13i010300_${short("1301")}_${short("000a,000d,002b_0403")}`,
    ]);
    expect(fingerprints[1]).toEqual(fingerprints[0]);
  });

  test("the published JA4 of a browser", () => {
    const ciphers = [
      0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x9c, 0x9d, 0x2f, 0x35,
    ];
    const extensions = [
      extension(0x1b),
      EXTENSION.serverName("x.test"),
      extension(0x33, hex("0000")),
      EXTENSION.alpn("h2"),
      extension(0x4469),
      extension(0x17),
      extension(0x2d),
      EXTENSION.signatures(0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601),
      extension(5),
      extension(0x23),
      extension(0x12),
      EXTENSION.versions(0x0304),
      extension(0xff01),
      EXTENSION.formats(0),
      EXTENSION.groups(29),
      extension(0x15),
    ];
    const [trip] = tripsOf(talkOf([["client", record(22, clientHello({ ciphers, extensions }))]]).packets);
    // FoxIO, "JA4: TLS client fingerprinting", the example of its technical details.
    expect(trip?.request?.ja4).toBe("t13d1516h2_8daaf6152771_e5627efa2ab1");
  });

  test.each([
    [[0x0304, 0x0303], "13", "TLS 1.3"],
    [[0x7f1c, 0x0303, 0x0302], "00", "TLS 1.3"],
    [[0x7f1c, 0x0304, 0x0303], "00", "TLS 1.3"],
    [[0xfb17, 0x0303], "00", "TLS 1.2"],
    [[0x0301, 0x0302], "11", "TLS 1.1"],
    [[0x2a2a, 0x0303], "12", "TLS 1.2"],
    [[0x2a2a], "00", "TLS 1.2"],
    [[0x0300], "s3", "SSL 3.0"],
    [[0xfefd], "d2", "TLS 1.2"],
  ])(
    "JA4 has the highest version of the list as it stands there, and 00 for one that it does not name: %j",
    (offered, letters, version) => {
      const hello = clientHello({ extensions: [EXTENSION.versions(...offered)] });
      const [trip] = tripsOf(talkOf([["client", record(22, hello)]]).packets);
      expect([String(trip?.request?.ja4).slice(0, 4), trip?.request?.version]).toEqual([`t${letters}i`, version]);
    },
  );

  test("an ALPN that is no text, a hello without extensions and one without ciphers", () => {
    const ja4 = (hello: Uint8Array) => tripsOf(talkOf([["client", record(22, hello)]]).packets)[0]?.request?.ja4;
    expect(ja4(clientHello({ extensions: [EXTENSION.alpn("\u0001x\u0002")] }))).toMatch(/^t12i020102_/);
    expect(ja4(clientHello({ version: 0x0301 }))).toBe(`t11i020000_${short("1301,c02f")}_000000000000`.replace("t11", "t10"));
    expect(ja4(clientHello({ version: 0x0300, ciphers: [] }))).toBe("ts3i000000_000000000000_000000000000");
  });

  test("texts are cut at their limits", () => {
    const hello = clientHello({
      extensions: [EXTENSION.serverName("n".repeat(300)), EXTENSION.alpn("a".repeat(200), "b".repeat(100))],
    });
    const [trip] = tripsOf(talkOf([["client", record(22, hello)]]).packets);
    expect(trip?.marks).toEqual(["truncated"]);
    expect([String(trip?.request?.serverName).length, trip?.request?.alpn]).toEqual([255, "a".repeat(200)]);
  });

  test("a number without a name", () => {
    const flights = handshake12();
    flights[1] = ["server", join(record(22, serverHello({ cipher: 0xeeee })), record(22, message(14, [])))];
    expect(tripsOf(talkOf(flights).packets)[0]?.response?.cipher).toBe(String(0xeeee));
  });
});

describe("hellos in pieces", () => {
  const hello = clientHello({ extensions: [EXTENSION.serverName("pieces.test"), extension(21, new Uint8Array(600))] });

  test.each([1, 2, 3, 5, 6, 7, 50, 200])("records of %i bytes", (bytes) => {
    const flights = handshake12();
    flights[0] = ["client", records(hello, bytes)];
    expect(lines(talkOf(flights).packets)).toEqual(["pieces.test TLS 1.2 ok"]);
    expect(lines(talkOf(flights, 3).packets)).toEqual(["pieces.test TLS 1.2 ok"]);
  });

  test("a hello beyond a block is read as far as it is kept, without fingerprints", () => {
    const long = clientHello({ extensions: [EXTENSION.serverName("long.test"), extension(21, new Uint8Array(9000))] });
    const flights = handshake12();
    flights[0] = ["client", record(22, long)];
    const [trip] = tripsOf(talkOf(flights, 1400).packets);
    expect(trip).toMatchObject({
      status: "ok",
      marks: ["truncated"],
      request: { serverName: "long.test", bytes: long.length + 5 },
    });
    expect(trip?.request?.ja3).toBeUndefined();
  });

  test("a gap in a hello costs what it held", () => {
    const flight = record(22, hello);
    const talk = tls().send("client", flight.subarray(0, 200)).lose("client", flight.subarray(200, 300));
    talk.send("client", flight.subarray(300)).acknowledge("server");
    for (const [side, bytes] of handshake12().slice(1)) talk.send(side, bytes);
    const [trip] = tripsOf(talk.close().packets);
    expect(trip).toMatchObject({ status: "ok", request: { serverName: "pieces.test", bytes: flight.length } });
    expect(trip?.marks).toContain("gap");
    expect(trip?.request?.ja4).toBeUndefined();
  });
});

describe("versions", () => {
  test.each([
    [0x0300, "SSL 3.0"],
    [0x0301, "TLS 1.0"],
    [0x0302, "TLS 1.1"],
    [0x0303, "TLS 1.2"],
  ])("%i", (version, name) => {
    const flights = handshake12();
    flights[0] = ["client", record(22, clientHello({ version }), version)];
    flights[1] = ["server", record(22, join(serverHello({ version, cipher: 5 }), message(14, [])), version)];
    const [trip] = tripsOf(talkOf(flights).packets);
    expect([trip?.request?.version, trip?.response?.version, trip?.status]).toEqual([name, name, "ok"]);
  });

  test("a draft of TLS 1.3", () => {
    const flights = handshake13();
    flights[1] = ["server", join(record(22, serverHello({ extensions: [EXTENSION.version(0x7f1c)] })), sealed(60))];
    expect(lines(talkOf(flights).packets)).toEqual(["lab.test TLS 1.3 ok"]);
  });

  test.each([0x7f0e, 0x7f12, 0x7f15, 0x0304])("a draft before the 22nd, whose hello has no session: %i", (version) => {
    const flights = handshake13();
    const hello = join(
      u16(version),
      new Uint8Array(32).fill(7),
      u16(0x1301),
      u16(EXTENSION.keyShare().length),
      EXTENSION.keyShare(),
    );
    flights[1] = ["server", join(record(22, message(2, hello), 0x0301), sealed(60))];
    const [trip] = tripsOf(talkOf(flights).packets);
    expect(trip).toMatchObject({ status: "ok", response: { version: "TLS 1.3", cipher: "TLS_AES_128_GCM_SHA256" } });
    expect(trip?.marks).toEqual([]);
  });

  const ssl2 = (version: number) => {
    const content = join([1], u16(version), u16(6), u16(0), u16(16), hex("00002f 010080"), new Uint8Array(16).fill(8));
    return join(number(0x8000 | content.length, 2), content);
  };

  test("a hello of SSL 2 that begins TLS 1.0", () => {
    const flights = handshake12();
    flights[0] = ["client", ssl2(0x0301)];
    flights[1] = ["server", record(22, join(serverHello({ version: 0x0301, cipher: 0x2f }), message(14, [])), 0x0301)];
    const [trip] = tripsOf(talkOf(flights, 9).packets);
    expect(trip).toMatchObject({ status: "ok", request: { version: "TLS 1.0", bytes: ssl2(2).length } });
    expect(trip?.response).toMatchObject({ version: "TLS 1.0", cipher: "TLS_RSA_WITH_AES_128_CBC_SHA" });
  });

  test("SSL 2 itself", () => {
    const answer = join([0x80, 11], [4, 0, 1], u16(2), u16(0), u16(0), u16(0));
    const talk = talkOf([
      ["client", ssl2(2)],
      ["server", answer],
      ["client", hex("8005 02 01020304")],
      ["server", hex("8003 05 0102")],
    ]);
    expect(lines(talk.packets)).toEqual(["(none) SSL 2.0 ok"]);
  });
});

describe("ways of the handshake", () => {
  const retry = serverHello({ random: RETRY_RANDOM, extensions: [EXTENSION.version(0x0304)] });
  test("HelloRetryRequest is part of the same handshake", () => {
    const [first, ...rest] = handshake13();
    const hello = first![1];
    const flights: typeof rest = [
      first!,
      ["server", join(record(22, retry), CHANGE_CIPHER_SPEC)],
      ["client", join(CHANGE_CIPHER_SPEC, hello)],
      ...rest,
    ];
    const trips = tripsOf(talkOf(flights).close().packets);
    expect(trips.map(({ status }) => status)).toEqual(["ok"]);
    expect(trips[0]?.request).toMatchObject({ serverName: "lab.test", bytes: 2 * hello.length });
    expect(trips[0]?.response).toMatchObject({ version: "TLS 1.3", helloRetry: true, cipher: "TLS_AES_128_GCM_SHA256" });
  });

  test("behind a HelloRetryRequest it takes until the second hello, also where nothing else is in the clear", () => {
    const hello = handshake13()[0]![1];
    const answer = serverHello({ cipher: 0x1301, extensions: [EXTENSION.version(0x0304), EXTENSION.keyShare()] });
    const talk = talkOf([
      ["client", hello],
      ["server", record(22, retry)],
      ["client", hello],
      ["server", join(record(22, answer), sealed(60))],
      ["client", sealed(53)],
    ]);
    expect(tripsOf(talk.packets)[0]).toMatchObject({ status: "ok", durationNs: 3_000_000, response: { helloRetry: true } });
  });

  test("resumption by session in TLS 1.2", () => {
    const session = new Uint8Array(32).fill(4);
    const talk = talkOf([
      ["client", record(22, clientHello({ session }))],
      ["server", join(record(22, serverHello({ session })), CHANGE_CIPHER_SPEC, sealed(40, 22))],
      ["client", join(CHANGE_CIPHER_SPEC, sealed(40, 22))],
    ]);
    const [trip] = tripsOf(talk.packets);
    expect(trip).toMatchObject({ status: "ok", response: { resumed: true, version: "TLS 1.2" } });
  });

  test("resumption by key in TLS 1.3, with early data", () => {
    const [, , ...rest] = handshake13();
    const asked = clientHello({ extensions: [EXTENSION.versions(0x0304), extension(42), EXTENSION.preShared()] });
    const answer = serverHello({ cipher: 0x1302, extensions: [EXTENSION.version(0x0304), EXTENSION.chosenKey()] });
    const talk = talkOf([
      ["client", join(record(22, asked), CHANGE_CIPHER_SPEC, sealed(300))],
      ["server", join(record(22, answer), CHANGE_CIPHER_SPEC, sealed(60))],
      ...rest,
    ]);
    const [trip, ...more] = tripsOf(talk.packets);
    expect(more).toEqual([]);
    expect(trip).toMatchObject({ status: "ok", response: { resumed: true, cipher: "TLS_AES_256_GCM_SHA384" } });
  });

  test("an encrypted client hello: the outer name is shown", () => {
    const flights = handshake13();
    const asked = clientHello({ extensions: [EXTENSION.serverName("outer.test"), EXTENSION.ech()] });
    flights[0] = ["client", record(22, asked)];
    expect(tripsOf(talkOf(flights).packets)[0]?.request).toMatchObject({ serverName: "outer.test", ech: true });
  });
});

describe("outcomes", () => {
  const hello = handshake12()[0]!;

  test("an alert of the server instead of a hello", () => {
    const [trip] = tripsOf(talkOf([hello, ["server", alert(2, 40)]]).packets);
    expect(trip).toMatchObject({ status: "error", response: { alert: "handshake_failure", alertCode: 40, bytes: 7 } });
  });

  test("an alert of the client who does not trust the server", () => {
    const [trip] = tripsOf(talkOf([hello, handshake12()[1]!, ["client", alert(2, 48)]]).packets);
    expect(trip).toMatchObject({
      status: "error",
      request: { alert: "unknown_ca", alertCode: 48 },
      response: { version: "TLS 1.2" },
    });
  });

  test("an alert under keys of TLS 1.3 in the place of Finished", () => {
    const [asked, answered] = handshake13();
    expect(lines(talkOf([asked!, answered!, ["client", join(CHANGE_CIPHER_SPEC, sealed(19))]]).packets)).toEqual([
      "lab.test TLS 1.3 error",
    ]);
  });

  test("a warning does not end the handshake", () => {
    const flights = handshake12();
    flights[1]![1] = join(alert(1, 112), flights[1]![1]);
    const [trip] = tripsOf(talkOf(flights).packets);
    expect(trip).toMatchObject({ status: "ok", response: { alert: "unrecognized_name", version: "TLS 1.2" } });
  });

  test("closed, reset and unobserved", () => {
    expect(lines(talkOf([hello]).close().packets)).toEqual(["old.lab.test - closed"]);
    expect(lines(talkOf([hello]).reset("server").packets)).toEqual(["old.lab.test - reset"]);
    expect(lines(talkOf([hello, handshake12()[1]!]).close().packets)).toEqual(["old.lab.test TLS 1.2 closed"]);
    expect(lines(talkOf([hello, handshake12()[1]!]).reset("client").packets)).toEqual(["old.lab.test TLS 1.2 reset"]);
    expect(lines(talkOf([hello]).packets)).toEqual(["old.lab.test - unobserved"]);
  });

  test("a server that answers in the clear: the handshake failed, and what it says is read", () => {
    const answered = (text: string) => readRoundTrips(pcap(talkOf([hello, ["server", text]]).close().packets));
    const told = (trips: RoundTrip[]) => trips.map(({ protocol, status }) => [protocol, status]);
    const refusal = "HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\nno";
    for (let cut = 1; cut < refusal.length; cut++) {
      const parts = talkOf([hello, ["server", refusal.slice(0, cut)], ["server", refusal.slice(cut)]]).close();
      const [handshake, answer, ...more] = readRoundTrips(pcap(parts.packets));
      expect([handshake?.status, answer?.response?.statusCode, more], `cut at ${cut}`).toEqual(["error", 400, []]);
    }
    const http = answered(refusal);
    expect(told(http)).toEqual([
      ["tls", "error"],
      ["http", "error"],
    ]);
    expect(http[0]).toMatchObject({ request: { serverName: "old.lab.test" } });
    expect(http[0]!.response).toBeFalsy();
    expect(http[1]!.response).toMatchObject({ statusCode: 400, bodyBytes: 2 });
    expect(told(answered("E\0\0\0\x20SFATAL\0C0A000\0Mno TLS here\0\0"))[0]).toEqual(["tls", "error"]);
    expect(told(answered("SSH-2.0-OpenSSH_9.2\r\n"))).toEqual([["tls", "error"]]);
  });

  test("a hello that is answered in the clear before it has ended is all that there is of it", () => {
    const refusal = "HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\nno";
    for (const length of [11, 44, 60, hello[1].length - 1]) {
      const talk = tls({ serverPort: 8080 }).send("client", hello[1].slice(0, length)).send("server", refusal).close();
      const trips = readRoundTrips(pcap(talk.packets));
      expect(
        trips.map(({ protocol, status, response }) => [protocol, status, response?.statusCode]),
        `after ${length} bytes`,
      ).toEqual([
        ["tls", "error", undefined],
        ["http", "error", 400],
      ]);
      expect(trips[0]!.marks).toContain("incomplete");
    }
  });

  test("the answer in the clear of which the first part is missing decides nothing", () => {
    const talk = tls().send("client", hello[1]).lose("server", "HTTP/1.1 4").acknowledge("client");
    expect(lines(talk.send("server", "00 Bad Request\r\n\r\n").close().packets)).toEqual(["old.lab.test - unobserved"]);
  });

  test("the client's Finished is missing: the server's own shows that it came", () => {
    const [asked, answered, finished, sealedByServer] = handshake12();
    const talk = talkOf([asked!, answered!]).lose("client", finished![1]).acknowledge("server").wait(200_000_000n);
    talk.send("server", sealedByServer![1]).acknowledge("client");
    expect(lines(talk.packets)).toEqual(["old.lab.test TLS 1.2 ok"]);
  });

  test("the server's hello is missing: what became of it is not known", () => {
    const talk = tls().send("client", hello[1]).lose("server", handshake12()[1]![1]).acknowledge("client");
    for (const [side, bytes] of handshake12().slice(2)) talk.send(side, bytes);
    expect(lines(talk.close().packets)).toEqual(["old.lab.test - unobserved"]);
  });

  test("the client's hello is missing: a response alone", () => {
    const talk = tls().lose("client", hello[1]).acknowledge("client");
    for (const [side, bytes] of handshake12().slice(1)) talk.send(side, bytes);
    expect(lines(talk.close().packets).map((text) => text.replace(/ gap$/, ""))).toEqual(["- TLS 1.2 ok"]);
  });
});

describe("recognition", () => {
  test("on any port", () => {
    const talk = new Conversation({ serverPort: 31337 }).open();
    for (const [side, bytes] of handshake13()) talk.send(side, bytes);
    expect(lines(talk.packets)).toEqual(["lab.test TLS 1.3 ok"]);
  });

  test("behind a protocol that left the connection", () => {
    const talk = tls({ serverPort: 8080 });
    talk
      .send("client", "CONNECT inner.test:443 HTTP/1.1\r\nHost: inner.test:443\r\n\r\n")
      .send("server", "HTTP/1.1 200 Yes\r\n\r\n");
    for (const [side, bytes] of handshake13("inner.test")) talk.send(side, bytes);
    const trips = readRoundTrips(pcap(talk.close().packets));
    expect(trips.map(({ protocol, status }) => [protocol, status])).toEqual([
      ["http", "ok"],
      ["tls", "ok"],
    ]);
  });

  test("behind the cleartext of a database and of a mail server", () => {
    const database = tls({ serverPort: 5432 }).send("client", hex("00000008 04d2162f")).send("server", "S");
    for (const [side, bytes] of handshake13("db.test")) database.send(side, bytes);
    expect(lines(database.close().packets)).toEqual(["db.test TLS 1.3 ok"]);
    const mail = tls({ serverPort: 25 }).send("server", "220 mail ESMTP\r\n").send("client", "EHLO me\r\n");
    mail.send("server", "250-mail\r\n250 STARTTLS\r\n").send("client", "STARTTLS\r\n").send("server", "220 Go ahead\r\n");
    for (const [side, bytes] of handshake12("mail.test")) mail.send(side, bytes);
    expect(lines(mail.close().packets)).toEqual(["mail.test TLS 1.2 ok"]);
  });

  test("a conversation joined after its handshake is none", () => {
    const talk = new Conversation({ serverPort: 443 });
    for (let i = 0; i < 20; i++) talk.send("client", sealed(300)).send("server", sealed(1300));
    expect(lines(talk.packets)).toEqual([]);
  });
});
