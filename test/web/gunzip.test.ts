/** Gzip files of any form, in any chunks, against zlib. */
import { deflateRawSync, gunzipSync, gzipSync, constants as Z } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { GzipError } from "../../engine/gzip";
import { Gunzip } from "../../web/capture/gunzip";

interface Outcome {
  content: Buffer;
  fault?: string;
  /** Something else follows. */
  isFollowed?: boolean;
}

/** What comes out of a file in chunks of the lengths that `next` gives. */
function gunzip(file: Uint8Array, next: () => number = () => file.length): Outcome {
  const parts: Buffer[] = [];
  const reader = new Gunzip((chunk) => parts.push(Buffer.from(chunk)));
  try {
    for (let at = 0; at < file.length; ) {
      const length = Math.max(1, next());
      reader.write(file.subarray(at, at + length));
      at += length;
    }
    reader.end();
    return { content: Buffer.concat(parts), ...(reader.isFollowed ? { isFollowed: true } : {}) };
  } catch (error) {
    if (!(error instanceof GzipError)) throw error;
    return { content: Buffer.concat(parts), fault: error.message };
  }
}

/** What zlib makes of it; nothing where it finds a fault. */
function byZlib(file: Uint8Array): Buffer | undefined {
  try {
    return gunzipSync(file, { maxOutputLength: 1 << 26 });
  } catch {
    return undefined;
  }
}

/** Content that compresses as captures do, as noise does, and as nothing does. */
const content = fc.oneof(
  fc.uint8Array({ maxLength: 3000 }),
  fc
    .array(fc.constantFrom("GET /a", "HTTP/1.1 200 OK\r\n", "x", "\0\0\0\0", "example.com"), { maxLength: 400 })
    .map((words) => Buffer.from(words.join(""))),
  fc.tuple(fc.nat(255), fc.nat(200_000)).map(([byte, length]) => Buffer.alloc(length, byte)),
);
const options = fc.record({
  level: fc.integer({ min: 0, max: 9 }),
  memLevel: fc.integer({ min: 1, max: 9 }),
  strategy: fc.constantFrom(Z.Z_DEFAULT_STRATEGY, Z.Z_FILTERED, Z.Z_HUFFMAN_ONLY, Z.Z_RLE, Z.Z_FIXED),
  windowBits: fc.integer({ min: 9, max: 15 }),
});
const member = fc.tuple(content, options).map(([bytes, how]) => ({ bytes: Buffer.from(bytes), packed: gzipSync(bytes, how) }));
const members = fc.array(member, { minLength: 1, maxLength: 4 });
const chunk = fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 70 }), fc.integer({ min: 1, max: 100_000 }));

describe("what zlib packed", () => {
  test("comes out whole, of any number of members, in any chunks", () => {
    fc.assert(
      fc.property(members, chunk, fc.nat(600), (all, length, zeros) => {
        const file = Buffer.concat([...all.map(({ packed }) => packed), Buffer.alloc(zeros)]);
        const found = gunzip(file, () => length);
        expect(found.fault).toBeUndefined();
        expect(found.content.equals(Buffer.concat(all.map(({ bytes }) => bytes)))).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  test("comes out as far as it goes where the file is cut", () => {
    fc.assert(
      fc.property(members, fc.double({ min: 0, max: 1, noNaN: true }), chunk, (all, share, length) => {
        const file = Buffer.concat(all.map(({ packed }) => packed));
        const cut = file.subarray(0, Math.floor(share * (file.length - 1)));
        const found = gunzip(cut, () => length);
        const ends = new Set(
          [...all.keys()].map((index) => Buffer.concat(all.slice(0, index).map(({ packed }) => packed)).length),
        );
        expect(found.fault).toBe(ends.has(cut.length) && cut.length > 0 ? undefined : "it ends early");
        const whole = Buffer.concat(all.map(({ bytes }) => bytes));
        expect(whole.subarray(0, found.content.length).equals(found.content)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  test("with bytes flipped or put in, it is taken or refused as zlib does, the same in any chunks", () => {
    const edit = fc.record({ place: fc.nat(), bits: fc.integer({ min: 1, max: 255 }), extra: fc.uint8Array({ maxLength: 3 }) });
    fc.assert(
      fc.property(members, fc.array(edit, { minLength: 1, maxLength: 3 }), chunk, (all, edits, length) => {
        let file = Buffer.concat(all.map(({ packed }) => packed));
        for (const { place, bits, extra } of edits) {
          const at = place % file.length;
          file[at]! ^= bits;
          file = Buffer.concat([file.subarray(0, at), extra, file.subarray(at)]);
        }
        const found = gunzip(file, () => length);
        const theirs = byZlib(file);
        // zlib refuses all that is behind the last member; gzip itself leaves out what is no member.
        expect(found.fault === undefined && !found.isFollowed).toBe(theirs !== undefined);
        if (theirs !== undefined) expect(found.content.equals(theirs)).toBe(true);
        const whole = gunzip(file);
        expect([whole.fault, whole.isFollowed, whole.content.equals(found.content)]).toEqual([
          found.fault,
          found.isFollowed,
          true,
        ]);
      }),
      { numRuns: 500 },
    );
  });

  test("any bytes behind a header end in an outcome, the same as zlib's", () => {
    const head = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const file = Buffer.concat([head, bytes]);
        const { fault, isFollowed } = gunzip(file);
        expect(fault === undefined && !isFollowed).toBe(byZlib(file) !== undefined);
      }),
      { numRuns: 2000 },
    );
  });
});

describe("a header", () => {
  /** A member with every optional field. */
  const rich = (name: string) => {
    const [first, last] = [gzipSync("hello").subarray(0, 10), gzipSync("hello").subarray(-8)];
    first[3] = 4 | 8 | 16;
    const fields = Buffer.concat([Buffer.from([3, 0, 1, 2, 3]), Buffer.from(`${name}\0`), Buffer.from("a comment\0")]);
    return Buffer.concat([first, fields, deflateRawSync("hello"), last]);
  };

  test("may have a name, a comment and more", () => {
    for (const length of [1, 2, 7, 1000]) {
      expect(gunzip(Buffer.concat([rich("x.pcap"), rich("")]), () => length)).toEqual({ content: Buffer.from("hellohello") });
    }
  });

  test.each([
    ["no magic", Buffer.from("hello, world"), "what follows is no gzip stream"],
    ["another method", Buffer.from([0x1f, 0x8b, 7, 0, 0, 0, 0, 0, 0, 3]), "its compression method is unknown"],
    ["flags of the future", Buffer.from([0x1f, 0x8b, 8, 0x80, 0, 0, 0, 0, 0, 3]), "it has unknown flags"],
    ["a name without end", Buffer.concat([rich("").subarray(0, 15), Buffer.alloc(300_000, 65)]), "its header has no end"],
    ["nothing", Buffer.alloc(0), "it ends early"],
    ["a member and the beginning of another", Buffer.concat([gzipSync("hello"), Buffer.from([0x1f])]), "it ends early"],
    [
      "a member and another method",
      Buffer.concat([gzipSync("hello"), Buffer.from([0x1f, 0x8b, 7])]),
      "its compression method is unknown",
    ],
  ])("with %s is refused", (_, file, fault) => {
    expect(gunzip(file).fault).toBe(fault);
  });
});

test("what is behind the last member is left out, whatever it is", () => {
  const [first, second] = [gzipSync("hello"), gzipSync(" world")];
  for (const junk of ["else", "\u001fx", "\u0001\u001f\u008b\b", "x".repeat(100_000)]) {
    const file = Buffer.concat([first, second, Buffer.from(junk, "latin1")]);
    for (const length of [1, 3, file.length]) {
      expect(gunzip(file, () => length)).toEqual({ content: Buffer.from("hello world"), isFollowed: true });
    }
  }
});

test("a great deal of content is given out in bounded pieces", () => {
  let bytes = 0;
  let longest = 0;
  const reader = new Gunzip((chunk) => {
    bytes += chunk.length;
    longest = Math.max(longest, chunk.length);
  });
  reader.write(gzipSync(Buffer.alloc(100_000_000), { level: 9 }));
  reader.end();
  expect(bytes).toBe(100_000_000);
  expect(longest).toBeLessThan(1 << 19);
});
