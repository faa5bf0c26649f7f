/** The trailers of HTTP/2 responses: names and values, whichever way they are encoded. */
import { describe, expect, test } from "vitest";
import type { CoreOptions } from "../../engine/core";
import { added, data, get, headers, http2, indexed, plain, SERVER_START, statusFields, tripsOf } from "../support/http2";
import { type Bytes, join } from "../support/pcap-builder";

type Row = { name: string; value: string };

/** The fields of the responses to streams 1, 3, 5 and so on, whose trailers are these blocks. */
function responses(blocks: Bytes[], options: CoreOptions = {}, segmentBytes = Number.POSITIVE_INFINITY) {
  const ids = blocks.map((_, index) => 2 * index + 1);
  const talk = http2().send("client", join(...ids.map((id) => get(id, `/${id}`))));
  const answers = ids.map((id, index) =>
    join(headers(id, statusFields(200), false), data(id, "body", false), headers(id, blocks[index]!)),
  );
  talk.send("server", join(SERVER_START, ...answers), segmentBytes).close();
  return tripsOf(talk.packets, options).map(({ response, marks }) => ({
    trailers: response!.trailers as unknown as Row[],
    marks: marks.filter((mark) => mark === "truncated"),
  }));
}
const rowsOf = (blocks: Bytes[], options: CoreOptions = {}, segmentBytes?: number) =>
  responses(blocks, options, segmentBytes).map(({ trailers }) => trailers.map(({ name, value }) => `${name}: ${value}`));
/** A field that is to be in no table. */
const secret = (name: string, value: string) => {
  const bytes = plain(name, value);
  return Uint8Array.from([0x10, ...bytes.subarray(1)]);
};

test("a response without has none", () => {
  const talk = http2()
    .send("client", get(1, "/a"))
    .send("server", headers(1, statusFields(204)));
  expect(tripsOf(talk.close().packets)[0]!.response).not.toHaveProperty("trailers");
});

test.each([Number.POSITIVE_INFINITY, 1, 7])(
  "names and values, in texts, by the static table and by reference, in segments of %d",
  (bytes) => {
    const blocks = [
      join(plain("x-sum", "9"), added("server-timing", "db;dur=5"), added(34, '"7f"')),
      // 62 is the newest entry: the etag, then server-timing; a new value for its name; a static entry with a value of its own.
      join(indexed(62), indexed(63), added(63, "db;dur=6"), indexed(16)),
      join(indexed(62), plain(63, "w/1"), plain("empty", "")),
    ];
    expect(rowsOf(blocks, {}, bytes)).toEqual([
      ["x-sum: 9", "server-timing: db;dur=5", 'etag: "7f"'],
      ['etag: "7f"', "server-timing: db;dur=5", "server-timing: db;dur=6", "accept-encoding: gzip, deflate"],
      ["server-timing: db;dur=6", "etag: w/1", "empty: "],
    ]);
  },
);

describe("what is not known", () => {
  test("a name that was added in headers is not kept: the response is partial", () => {
    const talk = http2().send("client", get(1, "/a"));
    const begin = headers(1, join(statusFields(200), added("x-run", "1")), false);
    talk.send("server", join(SERVER_START, begin, data(1, "b", false), headers(1, join(indexed(62), plain("x-sum", "9")))));
    const response = tripsOf(talk.close().packets)[0]!.response!;
    expect(response).toMatchObject({ partial: true, trailers: [{ name: "x-sum", value: "9" }] });
  });

  test("headers do not show what trailers brought to the table", () => {
    const talk = http2().send("client", join(get(1, "/a"), get(3, "/b")));
    talk.send("server", join(SERVER_START, headers(1, statusFields(200), false), headers(1, added("x-sum", "9"))));
    talk.send("server", headers(3, join(statusFields(200), indexed(62), plain(62, "8"))));
    const [, second] = tripsOf(talk.close().packets);
    expect(second!.response).toMatchObject({ statusCode: 200 });
    expect(second!.response).not.toHaveProperty("trailers");
    expect(second!.response).not.toHaveProperty("partial");
  });
});

describe("limits", () => {
  test("a long name, a long value, and too many fields are cut, with a mark", () => {
    const long = responses([join(plain("n".repeat(70), "1"), plain("v", "v".repeat(300)))]);
    expect(long[0]!.trailers).toEqual([
      { name: "n".repeat(64), value: "1" },
      { name: "v", value: "v".repeat(256) },
    ]);
    expect(long[0]!.marks).toEqual(["truncated"]);
    const many = responses([join(...Array.from({ length: 200 }, (_, index) => plain(`x-${index}`, "value")))]);
    expect(many[0]!.trailers.length).toBeGreaterThan(50);
    expect(many[0]!.trailers.length).toBeLessThan(100);
    expect(many[0]!.marks).toEqual(["truncated"]);
  });

  test("the table keeps as much of a value as is shown", () => {
    const blocks = [added("x-note", "n".repeat(300)), indexed(62)];
    expect(rowsOf(blocks)).toEqual([[`x-note: ${"n".repeat(256)}`], [`x-note: ${"n".repeat(256)}`]]);
    expect(responses(blocks).map(({ marks }) => marks)).toEqual([["truncated"], ["truncated"]]);
  });
});

describe("secrets", () => {
  const blocks = [
    join(plain("set-cookie", "id=7"), secret("x-token", "t"), plain("authentication-info", "a"), plain("x-open", "o")),
  ];

  test("values are a question mark where their sender, or their name, says that they are secret", () => {
    expect(rowsOf(blocks)).toEqual([["set-cookie: ?", "x-token: ?", "authentication-info: ?", "x-open: o"]]);
  });

  test("but for those who ask for what was said", () => {
    expect(rowsOf(blocks, { raw: true })).toEqual([["set-cookie: id=7", "x-token: t", "authentication-info: a", "x-open: o"]]);
  });
});

test("a call of gRPC has its own", () => {
  const talk = http2().send(
    "client",
    headers(1, join(indexed(3), indexed(6), plain(1, "lab"), plain(4, "/a.B/C"), plain("content-type", "application/grpc"))),
  );
  talk.send("server", join(SERVER_START, headers(1, join(statusFields(200), plain("content-type", "application/grpc")), false)));
  talk.send("server", headers(1, join(plain("grpc-status", "0"), plain("x-sum", "9")))).close();
  const [trip] = tripsOf(talk.packets);
  expect(trip).toMatchObject({ protocol: "grpc", response: { grpcStatus: 0 } });
  expect(trip!.response).not.toHaveProperty("trailers");
  expect(trip!.response).not.toHaveProperty("partial");
});
