/** Headers and bodies of HTTP/1 that are kept where they are asked for: what was written, in whatever pieces it came. */
import { describe, expect, test } from "vitest";
import type { CoreOptions } from "../../engine/core";
import type { MessageFields, RoundTrip } from "../../engine/round-trip";
import { FIXTURES, fixtureBytes } from "../support/fixtures";
import { Conversation, pcap } from "../support/pcap-builder";
import { readRoundTrips } from "../support/round-trips";

const CONTENT = { headers: true, bodyBytes: 2048, raw: true };
type Row = [name: string, value: string];

const head = (first: string, rows: readonly Row[]) =>
  `${[first, ...rows.map(([name, value]) => `${name}: ${value}`)].join("\r\n")}\r\n\r\n`;
const rowsOf = (message: MessageFields | undefined) =>
  ((message?.headers ?? []) as { name: string; value: string }[]).map(({ name, value }): Row => [name, value]);

/** What is asked and answered on one connection, `segment` bytes at a time. */
function talk(request: string, response: string, options: CoreOptions = CONTENT, segment = 1400): RoundTrip[] {
  const conversation = new Conversation().open().send("client", request, segment).send("server", response, segment);
  return readRoundTrips(pcap(conversation.close().packets), options);
}

const ASKED: Row[] = [
  ["X-First", "1"],
  ["Host", "shop.example"],
  ["Accept", "*/*"],
  ["User-Agent", "a client of some length/1.0"],
  ["X-Empty", ""],
  ["traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"],
  ["Content-Type", "application/json"],
  ["X-Twice", "a"],
  ["X-Twice", "b"],
  ["Content-Length", "13"],
];
const ANSWERED: Row[] = [
  ["Server", "one"],
  ["Content-Type", "text/plain"],
  ["Transfer-Encoding", "chunked"],
  ["X-Last", "z"],
];
const CHUNKED = "5\r\nhello\r\n1\r\n,\r\n6;a=b\r\n world\r\n0\r\nX-Trailer: 1\r\n\r\n";

describe("headers", () => {
  test.each([1, 2, 3, 7, 20, 64, 1400])("are all there, in their order, in pieces of %i bytes", (segment) => {
    const request = `${head("POST /a?b=c HTTP/1.1", ASKED)}{"a":"secret"`;
    const [trip] = talk(request, head("HTTP/1.1 200 OK", ANSWERED) + CHUNKED, CONTENT, segment);
    expect(rowsOf(trip?.request)).toEqual(ASKED);
    expect(rowsOf(trip?.response)).toEqual(ANSWERED);
    expect(trip?.request).toMatchObject({
      host: "shop.example",
      userAgent: "a client of some length/1.0",
      contentType: "application/json",
      contentLength: 13,
      body: '{"a":"secret"',
    });
    expect(trip?.response).toMatchObject({ contentType: "text/plain", body: "hello, world", bodyBytes: 12 });
    expect(trip?.marks).toEqual([]);
  });

  test("what lets a client in, and queries, are hidden", () => {
    const secret: Row[] = ["Cookie", "Authorization", "Proxy-Authorization", "X-Api-Key", "X-Amz-Security-Token"].map((name) => [
      name,
      "s3cr3t",
    ]);
    const asked: Row[] = [["host", "a"], ...secret, ["Referer", "http://a/b?s3cr3t"]];
    const answered: Row[] = [
      ["SET-COOKIE", "s3cr3t=1"],
      ["Location", "/c?s3cr3t#s3cr3t"],
      ["Content-Length", "0"],
    ];
    const [trip] = talk(head("GET /?s3cr3t HTTP/1.1", asked), head("HTTP/1.1 302 Found", answered), { headers: true });
    expect(rowsOf(trip?.request)).toEqual([
      ["host", "a"],
      ...secret.map(([name]): Row => [name, "?"]),
      ["Referer", "http://a/b"],
    ]);
    expect(rowsOf(trip?.response)).toEqual([
      ["SET-COOKIE", "?"],
      ["Location", "/c"],
      ["Content-Length", "0"],
    ]);
    expect(JSON.stringify(trip)).not.toContain("s3cr3t");
    const [raw] = talk(head("GET /?s3cr3t HTTP/1.1", asked), head("HTTP/1.1 302 Found", answered), { headers: true, raw: true });
    expect([rowsOf(raw?.request), rowsOf(raw?.response)]).toEqual([asked, answered]);
  });

  test("are bounded: those without room are left out and said so, and fields behind them are known", () => {
    const many = Array.from({ length: 100 }, (_, index): Row => [`X-Number-${index}`, "v".repeat(40)]);
    const asked: Row[] = [...many, ["Host", "late.example"], ["User-Agent", "late"]];
    const [trip] = talk(head("GET / HTTP/1.1", asked), head("HTTP/1.1 204 No Content", []));
    const kept = rowsOf(trip?.request);
    expect(kept.length).toBeGreaterThan(30);
    const left = kept.map((row) => JSON.stringify(row));
    expect(asked.map((row) => JSON.stringify(row)).filter((row) => left.includes(row))).toEqual(left);
    expect(trip?.request).toMatchObject({ host: "late.example", userAgent: "late" });
    expect(trip?.marks).toEqual(["truncated"]);
  });

  test("a line longer than is looked at, and one that goes on in the next, are cut and said so", () => {
    const long: Row = ["X-Long", "x".repeat(6000)];
    const [trip] = talk(
      head("GET / HTTP/1.1", [long, ["Host", "a"]]),
      head("HTTP/1.1 204 No Content", [["X-Folded", "a\r\n b"]]),
    );
    expect(trip?.marks).toEqual(["truncated"]);
    expect(trip?.request?.host).toBe("a");
    expect(rowsOf(trip?.response)).toEqual([["X-Folded", "a"]]);
  });
});

describe("bodies", () => {
  const body = Array.from({ length: 9000 }, (_, index) => String.fromCharCode(97 + ((index * 7) % 26))).join("");
  const sized = head("HTTP/1.1 200 OK", [["Content-Length", "9000"]]) + body;
  const untilClose = head("HTTP/1.0 200 OK", []) + body;
  const pieces = [...body.matchAll(/.{1,61}/g)].map(([piece]) => `${piece.length.toString(16)}\r\n${piece}\r\n`);
  const chunked = `${head("HTTP/1.1 200 OK", [["Transfer-Encoding", "chunked"]])}${pieces.join("")}0\r\n\r\n`;
  const ask = head("GET / HTTP/1.1", [["Host", "a"]]);

  for (const [form, response] of Object.entries({ sized, untilClose, chunked }))
    test.each([1, 60, 61, 1000, 2048])(`${form}: the first %i bytes, in any pieces`, (bodyBytes) => {
      for (const segment of [13, 100, 1400]) {
        const [trip] = talk(ask, response, { bodyBytes }, segment);
        expect(trip?.response).toMatchObject({ body: body.slice(0, bodyBytes), bodyBytes: 9000 });
        expect(trip?.request).not.toHaveProperty("body");
      }
    });

  test("of several requests in one segment", () => {
    const post = (text: string) =>
      head("POST / HTTP/1.1", [
        ["Host", "a"],
        ["Content-Length", `${text.length}`],
      ]) + text;
    const answer = (text: string) => head("HTTP/1.1 200 OK", [["Content-Length", `${text.length}`]]) + text;
    const trips = talk(["one", "", "three"].map(post).join(""), ["1", "22", ""].map(answer).join(""));
    expect(trips.map(({ request, response }) => [request?.body, response?.body])).toEqual([
      ["one", "1"],
      [undefined, "22"],
      ["three", undefined],
    ]);
  });

  test("come with their coding, up to 63 bytes of it", () => {
    for (const [length, marks] of [
      [63, []],
      [64, ["truncated"]],
    ] as const) {
      const rows: Row[] = [
        ["Content-Encoding", "x".repeat(length)],
        ["Content-Length", "1"],
      ];
      const [trip] = talk(ask, `${head("HTTP/1.1 200 OK", rows)}a`, { bodyBytes: 10 });
      expect(trip?.response).toMatchObject({ contentEncoding: "x".repeat(63), body: "a" });
      expect(trip?.marks).toEqual(marks);
    }
  });

  test("end before bytes that are missing", () => {
    const conversation = new Conversation().open().send("client", ask).send("server", sized, 500).close();
    const packets = conversation.packets.filter((_, index) => index !== 6);
    const [trip] = readRoundTrips(pcap(packets), CONTENT);
    expect(trip?.marks).toContain("gap");
    const kept = String(trip?.response?.body);
    expect(kept.length).toBeGreaterThan(100);
    expect(body.startsWith(kept)).toBe(true);
  });

  test("a response to HEAD has none", () => {
    const [trip] = talk(head("HEAD / HTTP/1.1", [["Host", "a"]]), head("HTTP/1.1 200 OK", [["Content-Length", "9000"]]));
    expect(trip?.response).not.toHaveProperty("body");
  });
});

test.each(FIXTURES)("%s: all else is what it is without them", (name) => {
  const strip = ({ request, response, marks, ...rest }: RoundTrip) => {
    const plain = (message: MessageFields | undefined) => {
      const { headers, body, contentEncoding, trailers, ...others } = message ?? { bytes: -1 };
      // A call's trailers are its own fields without.
      return { ...others, ...(rest.protocol === "grpc" ? {} : { trailers }) };
    };
    return { ...rest, marks: marks.filter((mark) => mark !== "truncated"), request: plain(request), response: plain(response) };
  };
  const bytes = fixtureBytes(name);
  const without = readRoundTrips(bytes);
  for (const { request, response } of without) {
    expect(request ?? {}).not.toHaveProperty("headers");
    expect(response ?? {}).not.toHaveProperty("body");
  }
  expect(readRoundTrips(bytes, { headers: true, bodyBytes: 2048 }).map(strip)).toEqual(without.map(strip));
});
