/** Inflate against node's zlib: whatever it writes, and whatever becomes of that. */
import { constants, deflateSync, inflateSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { adler32, type Inflated, inflateByPieces, inflateWhole } from "../support/inflate";
import { randomFrom } from "../support/sketches";

const random = (seed: number, length: number) => {
  const next = randomFrom(seed);
  return Buffer.from(Uint8Array.from({ length }, () => Math.floor(next() * 256)));
};
/** Rows as a database sends them, near and far repetitions, letters of unlike frequency. */
const rows = (count: number) => Buffer.from(Array.from({ length: count }, (_, row) => `${row}\tname ${row % 97}\n`).join(""));
const skewed = (seed: number, length: number) => {
  const next = randomFrom(seed);
  return Buffer.from(Uint8Array.from({ length }, () => Math.floor(next() ** 6 * 256)));
};
const CONTENTS: [string, Buffer][] = [
  ["nothing", Buffer.alloc(0)],
  ["one byte", Buffer.from("x")],
  ["zeros", Buffer.alloc(300_000)],
  ["random bytes", random(1, 100_000)],
  ["rows", rows(20_000)],
  ["skewed bytes", skewed(2, 200_000)],
  ["one text twice, as far apart as copies reach", Buffer.concat([random(3, 32_768), random(3, 32_768)])],
  [
    "copies of every distance up to 40",
    Buffer.concat(Array.from({ length: 40 }, (_, at) => Buffer.alloc(300, random(at, at + 1)))),
  ],
];

/** What node makes of bytes: the content as far as it comes, and how it ended. */
function byNode(packed: Uint8Array): Inflated {
  const content = (finishFlush: number) => inflateSync(packed, { finishFlush });
  try {
    return { outcome: "done", content: content(constants.Z_FINISH) };
  } catch (error) {
    if ((error as { code: string }).code !== "Z_BUF_ERROR") return { outcome: "bad", content: Buffer.alloc(0) };
    return { outcome: "truncated", content: content(constants.Z_SYNC_FLUSH) };
  }
}

/** Both agree: on the outcome, and on the content where it is sound. */
function agree(packed: Uint8Array): void {
  const found = inflateWhole(packed);
  const wanted = byNode(packed);
  expect(found.outcome).toBe(wanted.outcome);
  if (wanted.outcome !== "bad") expect(found.content.equals(wanted.content)).toBe(true);
  // The poison law: what lies beside the bytes, and in the window, changes nothing.
  const other = inflateWhole(packed, undefined, 255);
  expect(other.outcome).toBe(found.outcome);
  expect(other.content.equals(found.content)).toBe(true);
}

describe.each(CONTENTS)("%s", (_, content) => {
  test.each([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])("at level %i", (level) => {
    const packed = deflateSync(content, { level });
    const found = inflateWhole(packed);
    expect(found.outcome).toBe("done");
    expect(found.content.equals(content)).toBe(true);
  });

  const { Z_DEFAULT_STRATEGY, Z_FILTERED, Z_HUFFMAN_ONLY, Z_RLE, Z_FIXED } = constants;
  test.each([Z_DEFAULT_STRATEGY, Z_FILTERED, Z_HUFFMAN_ONLY, Z_RLE, Z_FIXED])(
    "with strategy %i, in windows of every size",
    (strategy) => {
      for (const windowBits of [9, 10, 11, 12, 13, 14, 15]) {
        for (const memLevel of [1, 9]) {
          const found = inflateWhole(deflateSync(content, { strategy, windowBits, memLevel }));
          expect(found.outcome).toBe("done");
          expect(found.content.equals(content)).toBe(true);
        }
      }
    },
  );

  test.each([1, 1000, 32_768, 40_000, 65_536])("by pieces of %i bytes behind what copies reach", (room) => {
    for (const level of [0, 6]) {
      const found = inflateByPieces(deflateSync(content, { level }), 32_768 + room);
      expect(found.outcome).toBe("done");
      expect(found.content.equals(content)).toBe(true);
    }
  });
});

describe("bounds", () => {
  const content = rows(3000);
  const packed = deflateSync(content);

  test("cut anywhere: as much comes out as node gives", () => {
    for (let length = 0; length < 2000; length++) agree(packed.subarray(0, length));
    for (let length = packed.length - 40; length <= packed.length; length++) agree(packed.subarray(0, length));
  });

  test.each([0, 6])("cut anywhere, stored or fixed, level %i", (level) => {
    const short = deflateSync(Buffer.from("a text, a text, that is short"), { level });
    for (let length = 0; length <= short.length; length++) agree(short.subarray(0, length));
  });

  test("more than the limit is a full window, and what it holds is right", () => {
    for (const limit of [0, 1, 100, 5000, content.length - 1]) {
      for (const level of [0, 6]) {
        const found = inflateWhole(deflateSync(content, { level }), limit);
        expect(found.outcome).toBe("full");
        expect(found.content.length).toBeGreaterThan(limit);
        expect(found.content.equals(content.subarray(0, found.content.length))).toBe(true);
      }
    }
    expect(inflateWhole(packed, content.length).outcome).toBe("done");
  });

  test("bytes behind the end are none of it", () => {
    expect(inflateWhole(Buffer.concat([packed, random(5, 100)])).outcome).toBe("done");
  });
});

describe("what zlib does not write", () => {
  test.each([
    ["another method", [0x79, 0x9c]],
    ["a window that there is not", [0x88, 0x1c]],
    ["a header that is no multiple of 31", [0x78, 0x9d]],
    ["a dictionary", [0x78, 0xbb, 0, 0, 0, 0]],
    ["a block of type 3", [0x78, 0x9c, 7]],
    ["a stored length without its complement", [0x78, 0x9c, 1, 5, 0, 5, 0]],
    ["a distance before the beginning", [0x78, 0x9c, 3, 2, 0]],
    ["more codes than there are", [0x78, 0x9c, 0xfd, 0xff, 0xff, 0xff]],
    ["another sum", [...deflateSync(Buffer.from("sum")).subarray(0, -1), 0]],
  ])("%s", (_, bytes) => {
    const packed = Uint8Array.from(bytes);
    expect(inflateWhole(packed).outcome).toBe("bad");
    expect(byNode(packed).outcome).toBe("bad");
  });
});

describe("damage", () => {
  const content = fc.oneof(
    fc.uint8Array({ maxLength: 600 }),
    fc.string({ maxLength: 600 }).map((text) => Buffer.from(text)),
    fc.integer({ min: 0, max: 400 }).map(rows),
    fc.tuple(fc.integer(), fc.integer({ min: 0, max: 4000 })).map(([seed, length]) => skewed(seed, length)),
  );
  const options = fc.record({
    level: fc.integer({ min: 0, max: 9 }),
    strategy: fc.integer({ min: 0, max: 4 }),
    windowBits: fc.integer({ min: 9, max: 15 }),
    memLevel: fc.integer({ min: 1, max: 9 }),
  });

  test("of some bytes: the outcome is node's", () => {
    const changes = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(content, options, changes, fc.boolean(), (bytes, form, flips, isEarly) => {
        const packed = deflateSync(bytes, form);
        for (const [at, mask] of flips) packed[at % (isEarly ? Math.min(packed.length, 80) : packed.length)]! ^= mask;
        agree(packed);
      }),
      { numRuns: 3000, seed: 1 },
    );
  });

  test("to random bytes behind a header: the outcome is node's", () => {
    const first = fc.constantFrom(3, 4, 5, 0, 1);
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 400 }), first, (bytes, type) => {
        bytes[0] = (bytes[0]! & 0xf8) | type;
        agree(Uint8Array.from([0x78, 0x9c, ...bytes]));
      }),
      { numRuns: 3000, seed: 2 },
    );
  });
});

describe("adler-32", () => {
  test("is node's, in one run and in many", () => {
    for (const bytes of [Buffer.alloc(0), Buffer.from("a"), Buffer.alloc(400_000, 255), random(7, 100_003)]) {
      // What zlib writes ends with it.
      const wanted = deflateSync(bytes).readUInt32BE(deflateSync(bytes).length - 4);
      for (const step of [1, 15, 16, 17, 5536, 5537, 1 << 20]) expect(adler32(bytes, step)).toBe(wanted);
    }
  });
});
