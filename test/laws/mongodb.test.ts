/** Laws that MongoDB keeps whatever the segments, the cuts and the bytes. */
import { deflateSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import type { RoundTrip } from "../../engine/round-trip";
import { keepsByteLaws } from "../support/byte-laws";
import {
  compressed,
  EVERY_TYPE,
  int32,
  int64,
  line,
  lines,
  mongo,
  msg,
  msgBody,
  query,
  reply,
  snap,
  together,
  tripsOf,
} from "../support/mongo";
import type { Captured } from "../support/pcap-builder";
import { randomFrom } from "../support/sketches";
import { keepsSegments } from "../support/stream-laws";

const find = (id: number) => msg(id, { find: `c${id}`, filter: { a: id }, $db: "lab" });
const found = (id: number, count = 2, text = "") =>
  msg(
    1000 + id,
    { cursor: { firstBatch: Array.from({ length: count }, () => ({ text })), id: int64(BigInt(id)) }, ok: 1 },
    { responseTo: id },
  );
const packed = msgBody({ count: "c", query: EVERY_TYPE, $db: "lab" });
const sized = msgBody({ n: int32(7), ok: 1 });
const failed = { ok: 0, errmsg: "no", code: int32(59), codeName: "CommandNotFound" };

const TALK: ["client" | "server", Uint8Array][] = [
  ["client", query(1, "admin.$cmd", { ismaster: 1, $db: "admin" })],
  ["server", reply(901, 1, [{ ismaster: true, ok: 1 }])],
  [
    "client",
    together(find(2), msg(3, { insert: "c", $db: "lab" }, { flags: 3, sequences: { documents: [{}, EVERY_TYPE] } }), find(4)),
  ],
  ["server", together(found(4), found(2))],
  ["client", compressed(5, 0, 1, packed, snap(packed))],
  ["server", msg(905, failed, { responseTo: 5, flags: 1 })],
  ["client", compressed(6, 0, 2, packed, [...deflateSync(Uint8Array.from(packed))])],
  ["server", compressed(906, 6, 2, sized, [...deflateSync(Uint8Array.from(sized))])],
];
const LINES = [
  "ismaster admin #1 ok",
  "insert lab.c #3 - ok",
  "find lab.c4 #4 ok",
  "find lab.c2 #2 ok",
  "count lab.c #5 CommandNotFound error",
  "count lab.c #6 ok",
];

function talk(segmentBytes = Number.POSITIVE_INFINITY): Captured[] {
  const one = mongo();
  for (const [side, bytes] of TALK) one.send(side, bytes, segmentBytes);
  return one.close().packets;
}

describe("segments", () => {
  keepsSegments({ talk: TALK, trips: tripsOf, line, whole: LINES, placed: 4 });
});

describe("losses", () => {
  const COUNT = 60;
  const packets = () => {
    const one = mongo({ stepNs: 100_000n });
    for (let i = 1; i <= COUNT; i++) {
      one
        .send("client", find(i))
        .send("server", found(i, 4, "x".repeat(280)), 400)
        .acknowledge("client")
        .wait(20_000_000n);
    }
    return one.close().packets;
  };
  const isWrong = ({ request, response }: RoundTrip) =>
    request !== undefined && response !== undefined && Number(request.requestId) + 1000 !== response.requestId;

  test("of any one segment: no pair is wrong, nothing is invented, one exchange at the most is not whole", () => {
    const all = packets();
    for (let lost = 3; lost < all.length - 3; lost++) {
      const trips = tripsOf(all.filter((_, index) => index !== lost));
      expect(trips.filter(isWrong), `without packet ${lost}`).toEqual([]);
      const asked = trips.filter(({ request }) => request).map(({ request }) => request!.requestId);
      expect(new Set(asked).size, `without packet ${lost}`).toBe(asked.length);
      expect(trips.filter(({ status }) => status === "ok").length, `without packet ${lost}`).toBeGreaterThanOrEqual(COUNT - 1);
      expect(trips.filter(({ status }) => !["ok", "unobserved"].includes(status))).toEqual([]);
      for (const { response, marks } of trips) if (!marks.includes("gap") && response) expect(response.documents).toBe(4);
    }
  });

  test.each([0.01, 0.05, 0.2])("of a share of %d of all segments: what is decidable is decided", (share) => {
    let decidable = 0;
    let right = 0;
    for (let seed = 0; seed < 20; seed++) {
      const random = randomFrom(seed);
      const all = packets();
      const isKept = all.map((_, index) => index < 3 || random() >= share);
      const trips = tripsOf(all.filter((_, index) => isKept[index]));
      for (let i = 1; i <= COUNT; i++) {
        // Each exchange is a request, four segments of the response, whose first knows the request and last the outcome.
        const first = 3 + (i - 1) * 6;
        if (!isKept[first] || !isKept[first + 1] || !isKept[first + 4]) continue;
        decidable += 1;
        const those = trips.filter(({ request }) => request?.requestId === i);
        if (those.length === 1 && those[0]!.status === "ok") right += 1;
      }
      expect(trips.filter(isWrong)).toEqual([]);
      expect(trips.filter(({ status }) => !["ok", "unobserved"].includes(status))).toEqual([]);
    }
    expect(right / decidable).toBeGreaterThanOrEqual(share === 0.01 ? 0.995 : share === 0.05 ? 0.985 : 0.94);
  });

  test("mid-stream: joined at every packet, no pair is wrong and the rest is found", () => {
    const all = packets();
    for (let from = 1; from < 40; from++) {
      const trips = tripsOf(all.slice(from));
      expect(trips.filter(isWrong)).toEqual([]);
      const good = trips.filter(({ status }) => status === "ok").length;
      expect(good, `from ${from}`).toBeGreaterThanOrEqual(COUNT - 1 - Math.ceil(from / 6));
    }
  });

  test("a capture cut after any packet invents nothing", () => {
    const all = talk(60);
    for (let count = 0; count < all.length; count++) {
      for (const { status } of tripsOf(all.slice(0, count))) expect(["ok", "error", "unobserved"]).toContain(status);
    }
  });

  test("a gap that swallows the beginning of the next message", () => {
    const first = found(1, 10, "x".repeat(500));
    const one = mongo()
      .send("client", together(find(1), find(2), find(3)))
      .send("server", first.subarray(0, 1000));
    const rest = together(first.subarray(1000), found(2));
    one.lose("server", rest.subarray(0, rest.length - 30)).send("server", rest.subarray(rest.length - 30));
    one.acknowledge("client").wait(300_000_000n).send("server", found(3)).acknowledge("client").close();
    const trips = tripsOf(one.packets);
    expect(trips.find(({ request }) => request?.requestId === 3)?.status).toBe("ok");
    expect(trips.filter(({ request }) => request?.requestId !== 3).map(({ status }) => status)).toEqual([
      "unobserved",
      "unobserved",
    ]);
  });
});

keepsByteLaws({
  name: "MongoDB",
  port: 27017,
  open: mongo,
  talk: TALK,
  trips: tripsOf,
  lines,
  clean: (number) => ({ asked: find(number), answered: found(number), line: `find lab.c${number} #${number} ok` }),
});
