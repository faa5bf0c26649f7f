/** MySQL's compressed packets: what is inside is told as without compression, sizes on the wire are those that were sent. */
import { createHash } from "node:crypto";
import { deflateSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { type Bytes, type Conversation, join, number, pcap } from "../support/pcap-builder";
import { randomFrom } from "../support/sketches";
import { CAPABILITY, connection, my, myLine, myLines, mysql, PLAIN, tripsOf } from "../support/sql";
import { totalsOf } from "../support/summaries";

const COMPRESSED = PLAIN | CAPABILITY.compress;
const little = (value: number, bytes: number) => number(value, bytes, true);
const trips = (talk: Conversation) => tripsOf("mysql", talk.packets).filter(({ request }) => request?.command !== "connect");
const lines = (talk: Conversation) => trips(talk).map(myLine);
const open = () => mysql(COMPRESSED);
/** Text that compresses to about half. */
const noise = (bytes: number, seed = 0) =>
  Array.from({ length: Math.ceil(bytes / 64) }, (_, at) => createHash("sha256").update(`${seed} ${at}`).digest("hex"))
    .join("")
    .slice(0, bytes);

const select = my.query("SELECT name FROM t WHERE id = 7");
const SELECT = "query SELECT name FROM t WHERE id = ?";
const rows = (count: number, bytes = 100) => my.result(Array.from({ length: count }, (_, row) => [noise(bytes, row), `${row}`]));
/** An exchange after others, to see whether the place is known. */
const ping = (talk: Conversation) => talk.send("client", my.pack(0, my.command(14))).send("server", my.pack(1, my.ok(1)));

describe("from the handshake on", () => {
  test("requests and responses are told, with the bytes that were sent", () => {
    const asked = my.pack(0, my.query(`SELECT name FROM t WHERE id IN (${"1, ".repeat(50)}1)`));
    const answer = my.packAll(1, rows(20));
    const [trip] = trips(open().send("client", asked).send("server", answer).close());
    expect(myLine(trip!)).toBe("query SELECT name FROM t WHERE id IN (?) 20 rows ok");
    expect(trip!.request).toMatchObject({ bytes: asked.length, bodyBytes: 185 });
    // Payloads are those of ordinary packets: all but 4 bytes of each.
    expect(trip!.response).toMatchObject({ bytes: answer.length, bodyBytes: rows(20).length - 4 * (1 + 2 + 1 + 20 + 1) });
  });

  test("in packets that are stored", () => {
    const talk = open()
      .send("client", my.pack(0, select, true))
      .send("server", my.pack(1, rows(3), true));
    expect(trips(talk)[0]).toMatchObject({
      request: { bytes: select.length + 7 },
      response: { bytes: rows(3).length + 7, rows: 3 },
    });
  });

  test.each([1, 5, 63, 1000, 4000])("in packets of %i bytes of content, which the others cross", (bytes) => {
    const answer = my.packAll(1, rows(30), bytes);
    const talk = open()
      .send("client", my.packAll(0, select, bytes))
      .send("server", answer, 1400);
    expect(lines(ping(talk))).toEqual([`${SELECT} 30 rows ok`, "ping ok"]);
    expect(trips(talk)[0]!.response!.bytes).toBe(answer.length);
  });

  test("several commands in one packet share its bytes", () => {
    const both = my.pack(0, join(my.command(25, [3, 0, 0, 0]), my.query(`SELECT ${"a, ".repeat(40)}b`)));
    const talk = open()
      .send("client", both)
      .send("server", my.pack(1, my.ok(1)));
    const found = trips(talk);
    expect(found.map(({ request }) => request!.command)).toEqual(["stmt_close", "query"]);
    expect(found.reduce((sum, { request }) => sum + Number(request!.bytes), 0)).toBe(both.length);
  });

  test("ids of responses may go on behind those of compressed packets", () => {
    const talk = open().send("client", my.packAll(0, my.query(`SELECT '${noise(40_000)}'`)));
    talk.send("server", my.packAll(3, my.result([["a"]], { id: 3 })));
    expect(lines(ping(talk))).toEqual(["query SELECT ? 1 rows ok truncated", "ping ok"]);
  });

  test("ids go on as those of compressed packets where MariaDB flushes between results, and only there", () => {
    const [one, other] = [my.result([["a", "b"]], { status: 10 }), (id: number) => my.result([["c", "d"]], { id })];
    const answered = (...packets: Bytes[]) =>
      lines(
        ping(
          open()
            .send("client", my.pack(0, my.query("SELECT 1, 2; SELECT 3, 4")))
            .send("server", join(...packets), 7),
        ),
      );
    const told = "query SELECT ?, ?; SELECT ?, ? 2 rows ok";
    expect(answered(my.pack(1, one), my.pack(2, other(2)))).toEqual([told, "ping ok"]);
    expect(answered(my.packAll(1, one, 50), my.packAll(4, other(4), 50))).toEqual([told, "ping ok"]);
    expect(answered(my.pack(1, join(one, other(2))))).not.toContain(told);
    expect(answered(my.pack(1, one), my.pack(2, other(3)))).not.toContain(told);
  });

  test("times are those of the first and last segments of compressed packets", () => {
    const answer = my.packAll(1, rows(100));
    const talk = open().send("client", my.pack(0, select)).wait(10_000_000n).send("server", answer, 500);
    // A step of 1 ms between segments, of which the handshake's way to the server and back takes one.
    const responseNs = (Math.ceil(answer.length / 500) - 1) * 1_000_000;
    expect(trips(talk)[0]!.timing).toMatchObject({ requestNs: 0, serverNs: 10_000_000, responseNs });
  });
});

describe("large content", () => {
  test.each([60_000, 66_000, 131_072, 200_000])("of %i bytes in one packet is read to its end", (bytes) => {
    const content = my.result(
      Array.from({ length: Math.floor(bytes / 1000) }, (_, row) => ["r".repeat(240), `${row}`, "s".repeat(240)]),
    );
    const talk = open().send("client", my.pack(0, select)).send("server", my.pack(1, content), 1400);
    expect(lines(ping(talk))).toEqual([`${SELECT} ${Math.floor(bytes / 1000)} rows ok`, "ping ok"]);
  });

  test("beyond what is unpacked, or held: the outcome is known, rows are not", () => {
    for (const value of ["r".repeat(600_000), noise(300_000)]) {
      const long = join(my.packet(1, [1]), my.column(2), my.eof(3));
      const text = new TextEncoder().encode(value);
      const row = join([253], little(text.length, 3), text);
      const content = join(
        long,
        my.packet(4, row),
        ...Array.from({ length: 3000 }, (_, at) => my.packet(5 + at, my.text("x"))),
        my.eof(3005),
      );
      const answer = my.pack(1, content);
      const talk = open().send("client", my.pack(0, select)).send("server", answer, 1400);
      const found = trips(ping(talk));
      expect(found.map(myLine)).toEqual([`${SELECT} ok truncated`, "ping ok"]);
      expect(found[0]!.response!.bytes).toBe(answer.length);
    }
  });

  test("of a statement: its beginning is kept, its bytes are counted", () => {
    const asked = my.packAll(0, my.query(`SELECT '${noise(500_000)}'`), 400_000);
    const talk = open()
      .send("client", asked, 1400)
      .send("server", my.packAll(2, my.result([["a"]], { id: 2 })));
    const found = trips(ping(talk));
    expect(found.map(myLine)).toEqual(["query SELECT ? 1 rows ok truncated", "ping ok"]);
    expect(found[0]!.request!.bytes).toBe(asked.length);
  });
});

describe("bad content", () => {
  const broken = (bytes: Uint8Array, at: number) => bytes.with(at, bytes[at]! ^ 0x55);

  test("of a response: nothing is told of it but that it was there, and the next one is whole", () => {
    const packed = my.pack(1, rows(10));
    for (let at = 7; at < packed.length; at += 3) {
      const talk = ping(open().send("client", my.pack(0, select)).send("server", broken(packed, at)));
      expect(lines(talk), `byte ${at}`).toEqual([expect.stringContaining(`${SELECT} alone unobserved`), "ping ok"]);
    }
  });

  test("of a request: none is told", () => {
    const packed = my.pack(0, my.query(`SELECT name FROM t WHERE id IN (${"1, ".repeat(50)}1)`));
    for (let at = 7; at < packed.length; at++) {
      const told = lines(ping(open().send("client", broken(packed, at)))).filter((line) => line !== "ping ok");
      expect(told, `byte ${at}`).toEqual([]);
    }
  });

  test("that is longer or shorter than its header says", () => {
    for (const by of [-1, 1, 5000]) {
      const packed = my.pack(1, rows(10));
      const wrong = join(packed.subarray(0, 4), little(rows(10).length + by, 3), packed.subarray(7));
      const talk = ping(open().send("client", my.pack(0, select)).send("server", wrong));
      expect(lines(talk)).toEqual([expect.stringContaining(`${SELECT} alone unobserved`), "ping ok"]);
    }
  });

  test("is counted", () => {
    const talk = open()
      .send("client", my.pack(0, select))
      .send("server", broken(my.pack(1, rows(10)), 20));
    const totals = totalsOf(pcap(ping(talk).packets));
    expect(totals.count("mysql_malformed_total")).toBe(1);
    expect(totals.count("mysql_switched_total", { to: "zlib" })).toBe(1);
  });
});

describe("missing bytes", () => {
  /** A response of one compressed packet, of which segment `lost` is missing. */
  const without = (answer: Bytes, lost: number) => {
    const talk = open().send("client", my.pack(0, select));
    const first = talk.packets.length;
    talk.send("server", answer, 1400).acknowledge("client").wait(20_000_000n);
    talk.packets.splice(first + lost, 1);
    return ping(talk);
  };

  test("inside a compressed packet cost what is behind them in it", () => {
    const answer = my.packAll(1, rows(200), 16_384);
    const segments = Math.ceil(answer.length / 1400);
    expect(segments).toBeGreaterThan(8);
    for (let lost = 1; lost < segments; lost++) {
      const [first, second] = trips(without(answer, lost));
      expect(myLine(first!), `segment ${lost}`).toBe(`${SELECT} ok gap`);
      expect(first!.response!.columns).toBe(2);
      expect(myLine(second!)).toBe("ping ok");
    }
  });

  test("at the beginning of a response leave its outcome open", () => {
    expect(lines(without(my.packAll(1, rows(200)), 0))).toEqual([`${SELECT} alone unobserved`, "ping ok"]);
  });

  test("inside a value that is passed over cost a mark", () => {
    const text = new TextEncoder().encode(noise(60_000));
    const row = my.packet(4, [253], little(text.length, 3), text);
    const answer = my.packAll(1, join(my.packet(1, [1]), my.column(2), my.eof(3), row, my.eof(5)), 16_384);
    const [trip] = trips(without(answer, 9));
    expect(myLine(trip!)).toBe(`${SELECT} 1 rows ok gap`);
    expect(trip!.response!.bytes).toBe(answer.length);
  });

  test("of a stored packet cost no more than themselves", () => {
    const text = new TextEncoder().encode(noise(10_000));
    const row = my.packet(4, [253], little(text.length, 3), text);
    const answer = my.pack(1, join(my.packet(1, [1]), my.column(2), my.eof(3), row, my.eof(5)), true);
    const [trip] = trips(without(answer, 3));
    expect(myLine(trip!)).toBe(`${SELECT} 1 rows ok gap`);
    expect(trip!.response!.bytes).toBe(answer.length);
  });

  test("with the end of the handshake: compression is known from what was agreed on", () => {
    const talk = connection().send("server", my.greeting()).send("client", my.login(COMPRESSED));
    talk.lose("server", my.ok(2)).acknowledge("client").wait(200_000_000n);
    talk.send("client", my.pack(0, select)).send("server", my.packAll(1, rows(5)));
    expect(lines(ping(talk))).toEqual([`${SELECT} 5 rows ok`, "ping ok"]);
  });

  test("with the greeting: compression is known from what the client asks for, and its first packet", () => {
    const talk = connection().lose("server", my.greeting()).acknowledge("client").wait(200_000_000n);
    talk.send("client", my.login(COMPRESSED)).wait(200_000_000n).send("server", my.ok(2));
    talk.send("client", my.pack(0, select)).send("server", my.packAll(1, rows(5)));
    expect(lines(ping(talk))).toEqual([`${SELECT} 5 rows ok`, "ping ok"]);
  });
});

describe("in the middle of a connection", () => {
  test.each([
    ["stored", my.pack(0, select)],
    ["compressed", my.pack(0, my.query(`SELECT name FROM t WHERE id = ${"7".repeat(100)}`))],
    ["long", my.pack(0, my.query(`SELECT name FROM t WHERE id = '${noise(9000)}'`))],
  ])("a command, %s, is known by its content on any port", (_, asked) => {
    const talk = connection({ serverPort: 9999 });
    talk.packets.length = 0;
    talk.send("client", asked, 1400).send("server", my.packAll(1, rows(5)));
    const [line, ...others] = lines(ping(talk));
    expect(line).toMatch(/^query SELECT name FROM t WHERE id = \? 5 rows ok/);
    expect(others).toEqual(["ping ok"]);
  });

  test("zlib's of anything else is not taken", () => {
    for (let seed = 0; seed < 200; seed++) {
      const random = randomFrom(seed);
      const content = Uint8Array.from({ length: 200 }, () => Math.floor(random() * 64));
      const talk = connection({ serverPort: 9999 }).send("client", my.pack(0, content)).send("server", my.pack(1, content));
      expect(tripsOf("mysql", talk.packets)).toEqual([]);
    }
  });
});

describe("zstd", () => {
  const frame = join([0x28, 0xb5, 0x2f, 0xfd], new Uint8Array(60).fill(7));
  const packet = join(little(frame.length, 3), [0], little(500, 3), frame);

  test("agreed on: what follows is not read", () => {
    const talk = mysql(PLAIN | CAPABILITY.zstd)
      .send("client", packet)
      .send("server", packet);
    expect(trips(talk)).toEqual([]);
  });

  test("in the middle of a connection is known, and not read", () => {
    const talk = connection({ serverPort: 9999 })
      .send("client", packet)
      .send("server", packet)
      .send("client", my.pack(0, select));
    expect(trips(talk)).toEqual([]);
    expect(totalsOf(pcap(talk.packets)).count("mysql_switched_total", { to: "zstd" })).toBe(1);
  });
});

test("content that leads nowhere but to more content is bounded", () => {
  // 16 MB of zeros in 16 KB, again and again.
  const bomb = deflateSync(new Uint8Array(16_000_000), { level: 9 });
  const packet = join(little(bomb.length, 3), [1], little(16_000_000, 3), bomb);
  const talk = open().send("client", my.pack(0, select));
  for (let i = 0; i < 50; i++) talk.send("server", packet, 1400);
  expect(myLines(talk.packets).filter((line) => !/^(query|-)/.test(line))).toEqual([]);
});
