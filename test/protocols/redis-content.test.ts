/** What Redis commands and replies carry, kept where it is asked for: as it was sent, up to what was not captured, and without passwords. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import module from "../../build/core.wasm";
import { Core, type CoreOptions } from "../../engine/core";
import { type RoundTrip, RoundTripReader } from "../../engine/round-trip";
import { bodyReader } from "../../shim/output/body";
import { tripsThrough } from "../support/core-trips";
import { corpusBytes, HAS_CORPUS } from "../support/corpus";
import { fixtureBytes } from "../support/fixtures";
import { type Captured, pcap } from "../support/pcap-builder";
import { array, bulk, command, OK, redis } from "../support/redis";
import { HAS_TSHARK, tsharkFields } from "../support/tshark";

const N = 2048;

/** The Redis round trips of a capture, bodies as they are shown. */
function read(file: Uint8Array, raw = true, options: CoreOptions = { bodyBytes: N }): RoundTrip[] {
  const core = new Core(module, { events: true, budgetBytes: 8 << 20, raw, ...options });
  const reader = new RoundTripReader(core.schema, () => undefined, bodyReader(raw));
  return tripsThrough(core, file, reader).filter(({ protocol }) => protocol === "redis");
}

const shown = (trips: RoundTrip[]) => trips.map(({ request, response }) => [request?.body, response?.body]);
const tripsOf = (packets: Captured[], raw = true, options?: CoreOptions) => read(pcap(packets), raw, options);

/** What is shown of one side's bytes and the other's, `segment` of them a packet. */
function exchange(asked: string, answered: string, segment = 1400, raw = true, options?: CoreOptions) {
  const talk = redis().send("client", asked, segment).send("server", answered, segment).close();
  return shown(tripsOf(talk.packets, raw, options));
}

describe("what was sent", () => {
  const asked =
    command("SET", "user:1", "Anna", "EX", 10) + command("HGETALL", "h") + command("LRANGE", "l", 0, -1) + command("GET", "x");
  const map = `%2\r\n${bulk("a")}:-7\r\n${bulk("b")},1.5\r\n`;
  const list = array(bulk("é"), "$-1\r\n", "#t\r\n", "_\r\n", array(":1\r\n", "*-1\r\n"), "(12345678901234567890\r\n", "*0\r\n");
  const answered = `${OK}${map}${list}-WRONGTYPE Operation against a key\r\n`;

  test.each([1, 2, 3, 7, 64, 1400])("is shown, in pieces of %i bytes", (segment) => {
    expect(exchange(asked, answered, segment)).toEqual([
      ['SET "user:1" "Anna" "EX" "10"', '"OK"'],
      ['HGETALL "h"', '{"a":-7,"b":1.5}'],
      ['LRANGE "l" "0" "-1"', '["é",null,true,null,[1,null],12345678901234567890,[]]'],
      ['GET "x"', '{"error":"WRONGTYPE"}'],
    ]);
  });

  test("is hidden unless it is asked for raw, but for names of commands, the first key and codes of errors", () => {
    expect(exchange(asked, answered, 1400, false)).toEqual([
      ['SET "user:1" "?" "?" "?"', '"OK"'],
      ['HGETALL "h"', '{"?":?,"?":?}'],
      ['LRANGE "l" "?" "?"', '["?",null,true,null,[?,null],?,[]]'],
      ['GET "x"', '{"error":"WRONGTYPE"}'],
    ]);
  });

  test("bytes that are no text are in base64; verbatim strings, attributes, pushes and a line of text too", () => {
    expect(exchange("SET k 'two words'\r\n", "=8\r\ntxt:some\r\n")).toEqual([['SET "k" "two words"', '"some"']]);
    expect(exchange(command("GET", "k"), `|1\r\n+ttl\r\n:9\r\n${bulk("\u0001\u0002")}`)).toEqual([['GET "k"', '"base64:AQI="']]);
  });

  test("confirmations of a subscription are lines of their own, messages are none of it", () => {
    const confirmed = (channel: string, count: number) => array(bulk("subscribe"), bulk(channel), `:${count}\r\n`);
    const message = array(bulk("message"), bulk("a"), bulk("hello"));
    const [trip] = exchange(command("SUBSCRIBE", "a", "b"), confirmed("a", 1) + message + confirmed("b", 2));
    expect(trip).toEqual(['SUBSCRIBE "a" "b"', '["subscribe","a",1]\n["subscribe","b",2]']);
  });

  test.each([1, 7, 1400])("anything, of any length, in pieces of %i bytes", (segment) => {
    const value = fc.oneof(fc.string({ unit: "grapheme", maxLength: 30 }), fc.string({ minLength: 200, maxLength: 500 }));
    const lists = fc.array(fc.array(value, { maxLength: 3 }), { minLength: 1, maxLength: 4 });
    const clean = (text: string) => text.replaceAll(/\p{Cc}/gu, "");
    fc.assert(
      fc.property(lists, (given) => {
        const all = given.map((some) => some.map(clean));
        const found = exchange(
          all.map((some) => command("RPUSH", "list", ...some)).join(""),
          all.map((some) => array(...some.map(bulk))).join(""),
          segment,
        );
        expect(found).toEqual(
          all.map((some) => [
            ["RPUSH", '"list"', ...some.map((one) => JSON.stringify(one))].join(" "),
            `[${some.map((one) => JSON.stringify(one)).join(",")}]`,
          ]),
        );
      }),
      { numRuns: 25 },
    );
  });
});

describe("what is not all there", () => {
  test.each([1, 100, 1400])("of long values so many bytes are kept as were asked for, in pieces of %i", (segment) => {
    const long = "0123456789".repeat(1000);
    const bodies = exchange(command("SET", "k", long), bulk(long), segment, true, { bodyBytes: 300 });
    // Of 300 bytes the heads of three words, and of one value, take these.
    const asked = 300 - "$3\r\nSET\r\n$1\r\nk\r\n$10000\r\n".length;
    const answered = 300 - "$10000\r\n".length;
    expect(bodies).toEqual([[`SET "k" "${long.slice(0, asked)}…"`, `"${long.slice(0, answered)}…"`]]);
  });

  test("behind missing bytes nothing more is kept", () => {
    const values = Array.from({ length: 40 }, (_, index) => `value ${index}`);
    const talk = redis().send("client", command("MGET", ...values.map((_, index) => `k${index}`)));
    talk
      .send("server", array(...values.map(bulk)), 50)
      .send("client", command("GET", "a"))
      .send("server", bulk("b"))
      .close();
    const whole = String(tripsOf(talk.packets)[0]!.response!.body);
    for (let lost = 5; lost < talk.packets.length; lost++) {
      for (const { response } of tripsOf(talk.packets.filter((_, index) => index !== lost))) {
        const body = String(response?.body ?? "").replace(/("?…"?)*\]?$/, "");
        expect(whole.startsWith(body) || body === '"b"', `${lost}: ${body}`).toBe(true);
      }
    }
  });
});

describe("passwords", () => {
  const secret = "hunter2";
  const sent: [string, string, string][] = [
    ["AUTH", command("AUTH", secret), OK],
    ["AUTH of a user", command("AUTH", "me", secret), OK],
    ["a line of text", `AUTH ${secret}\r\n`, OK],
    ["in small letters", command("auth", secret), OK],
    ["HELLO", command("HELLO", 3, "AUTH", "me", secret), "%1\r\n+proto\r\n:3\r\n"],
    ["CONFIG SET", command("CONFIG", "SET", "requirepass", secret), OK],
    ["what CONFIG GET brings", command("CONFIG", "GET", "requirepass"), array(bulk("requirepass"), bulk(secret))],
    ["ACL SETUSER", command("ACL", "SETUSER", "me", `>${secret}`), OK],
    ["MIGRATE", command("MIGRATE", "::1", 6379, "k", 0, 100, "AUTH", secret), OK],
    ["SENTINEL SET", command("SENTINEL", "SET", "m", "auth-pass", secret), OK],
    [
      "what EXEC brings",
      command("MULTI") + command("CONFIG", "GET", "requirepass") + command("EXEC"),
      `${OK}+QUEUED\r\n${array(array(bulk("requirepass"), bulk(secret)))}`,
    ],
  ];

  test.each(sent)("%s", (_, asked, answered) => {
    for (const segment of [1, 5, 1400]) {
      const others = exchange(command("GET", "k") + asked + command("GET", "k"), bulk("v") + answered + bulk("w"), segment);
      expect(JSON.stringify(others)).not.toContain(secret);
      expect([others[0], others.at(-1)]).toEqual([
        ['GET "k"', '"v"'],
        ['GET "k"', '"w"'],
      ]);
    }
  });

  test("nor where the request, or the transaction's beginning, was not captured", () => {
    for (const [, asked, answered] of sent) {
      const talk = redis()
        .send("client", command("GET", "k"))
        .send("server", bulk("v"))
        .send("client", asked)
        .send("server", answered);
      talk.send("client", command("GET", "k")).send("server", bulk("w")).close();
      for (let lost = 3; lost < talk.packets.length; lost++) {
        const bodies = shown(tripsOf(talk.packets.filter((_, index) => index !== lost)));
        expect(JSON.stringify(bodies), `${asked}, without ${lost}`).not.toContain(secret);
      }
    }
  });
});

test("what EXEC brings is shown where all its commands were seen, and none of them is secret", () => {
  const talk = redis().send("client", command("MULTI")).send("server", OK).send("client", command("GET", "k"));
  const queued = talk.packets.length;
  talk
    .send("server", "+QUEUED\r\n")
    .send("client", command("EXEC"))
    .send("server", array(bulk("hunter2")))
    .close();
  const bodies = shown(tripsOf(talk.packets));
  expect(bodies.at(-1)).toEqual(["EXEC", '["hunter2"]']);
  for (let from = 4; from <= queued; from++) {
    expect(JSON.stringify(shown(tripsOf(talk.packets.slice(from)))), `from ${from}`).not.toContain("hunter2");
  }
});

describe("captures", () => {
  const upstream = (name: string) => `upstream/zeek/zeek/testing/btest/Traces/redis/${name}`;
  const others = [
    "django-cloud.pcapng",
    "large-requests-responses.pcap",
    "pubsub.pcap",
    "pipeline-quotes.pcap",
    "reply-off-on.pcap",
  ];
  const files: [string, () => Uint8Array][] = [
    ["redis_ioredis_resp2.pcap", () => fixtureBytes("redis_ioredis_resp2.pcap")],
    ...(HAS_CORPUS ? others.map((name): [string, () => Uint8Array] => [name, () => corpusBytes(upstream(name))]) : []),
  ];

  test.each(files)("%s: nothing else changes", (_, bytes) => {
    const without = read(bytes(), true, {});
    const kept = read(bytes());
    for (const { request, response } of kept) {
      delete request?.body;
      delete response?.body;
    }
    expect(kept).toEqual(without);
  });

  // It reads no lines of text, and only what is on Redis' own port.
  test.runIf(HAS_TSHARK).each(files.filter(([name]) => /ioredis|large|pubsub/.test(name)))(
    "%s: all words are tshark's",
    (_, bytes) => {
      const rows = tsharkFields(bytes(), ["tcp.dstport", "resp.bulk_string.value"], ["-Y", "resp", "-E", "aggregator=|"]);
      const theirs = new Set(rows.flatMap(([, words = ""]) => words.split("|")));
      let words = 0;
      for (const { request } of read(bytes())) {
        for (const [quoted] of String(request?.body ?? "").matchAll(/"(\\.|[^"\\…])*"/g)) {
          const word = Buffer.from(JSON.parse(quoted)).toString("hex");
          if (quoted.includes("base64:")) continue;
          expect(theirs, quoted).toContain(word);
          words += 1;
        }
      }
      expect(words).toBeGreaterThan(3);
    },
  );
});
