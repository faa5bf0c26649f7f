/** What is shown of records that were kept: any bytes are read, none that is to be hidden is told. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { BodyOwner } from "../../engine/round-trip";
import { bodyReader } from "../../shim/output/body";
import { unlz4 } from "../../shim/output/lz4";
import { unsnap } from "../../shim/output/snappy";
import { type Coding, messages, pack, recordBatch, type SentRecord } from "../support/kafka-records";
import { join } from "../support/pcap-builder";

const OWNER: BodyOwner = { protocol: "kafka", side: "response", asked: undefined };
const FIELDS = { bytes: 0, partitions: [{ topic: "t", partition: 1, errorCode: 0 }] };
const read = (bytes: Uint8Array, raw: boolean) => bodyReader(raw)(bytes, FIELDS, OWNER);
const CODINGS: Coding[] = ["none", "gzip", "snappy", "xerial", "lz4", "zstd"];
const SENT: SentRecord[] = [
  { key: "s3cr3t", value: '{"a":{"b":["s3cr3t",{"c":"s3cr3t"}]}}', headers: [["h", "s3cr3t"]] },
  { key: null, value: "s3cr3t", headers: [["h", null]] },
];
const kept = (batch: Uint8Array) => join([0, 0], [1, 0, 0, 0], batch);
const BATCHES = CODINGS.flatMap((coding) => [
  kept(recordBatch(SENT, { coding })),
  kept(messages(SENT, 0, { coding })),
  kept(messages(SENT, 1, { coding })),
]);

test("any bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), fc.boolean(), (bytes, raw) => {
      expect(typeof read(bytes, raw)).toBe("string");
    }),
    { numRuns: 2000 },
  );
});

test("batches that are cut, and changed anywhere", () => {
  const change = fc.array(fc.tuple(fc.nat(300), fc.nat(255)), { maxLength: 4 });
  fc.assert(
    fc.property(fc.constantFrom(...BATCHES), fc.nat(300), change, (batch, cut, changes) => {
      const bytes = batch.slice(0, cut);
      for (const [at, byte] of changes) if (at < bytes.length) bytes[at] = byte;
      for (const raw of [true, false]) expect(typeof read(bytes, raw)).toBe("string");
      if (changes.length === 0) expect(read(bytes, false)).not.toMatch(/s3|cr3|3t/);
    }),
    { numRuns: 3000 },
  );
});

describe("values", () => {
  const value = (text: string, raw = false) => {
    const line = read(kept(recordBatch([{ key: null, value: text }])), raw);
    return line.slice('{"topic":"t","partition":1,"offset":0,"key":null,"value":'.length, -1);
  };

  test("that are JSON objects and arrays keep their structure, in one line", () => {
    expect(value('{\r\n  "a" : [ "x\\ny",\n 2 ]\n}\n')).toBe('{"a" : [ "?",? ]}');
    expect(value('{\n "a": [1,\n 2]}', true)).toBe('{"a": [1,2]}');
    expect(value("12")).toBe('"?"');
    expect(value('"text"', true)).toBe('"\\"text\\""');
    // None, whatever it looks like.
    expect(value('["s3cr3t": said]')).toBe('"?"');
    expect(value("\0\u0001")).toBe('"?"');
    expect(value("\0\u0001", true)).toBe('"base64:AAE="');
  });

  test("that are cut keep what is whole of it", () => {
    const text = '{"a":{"b":["x",{"c":"y"}]},"d":[1,23],"s3cr3t';
    const batch = kept(recordBatch([{ key: null, value: `${text}":1}` }]));
    const start = batch.length - 1 - `${text}":1}`.length;
    const cut = (length: number, raw: boolean) => {
      const line = read(batch.subarray(0, start + length), raw);
      return line.slice(line.indexOf('"value":') + 8, -1);
    };
    expect(cut(text.length, true)).toBe('{"a":{"b":["x",{"c":"y"}]},"d":[1,23]…');
    expect(cut(text.length, false)).toBe('{"a":{"b":["?",{"c":"?"}]},"d":[?,?]…');
    expect(cut(text.indexOf("y"), false)).toBe('{"a":{"b":["?",{…');
    expect(cut(1, true)).toBe("{…");
    const other = kept(recordBatch([{ key: null, value: '["s3cr3t": said, and more' }]));
    expect(read(other.subarray(0, -8), false)).toContain('"value":"?…"');
  });
});

test("what grows beyond all bounds is bounded", () => {
  const spaces = `{"a":${" ".repeat(1 << 20)}"s3cr3t"}`;
  const nested = `${"[".repeat(1 << 20)}s3cr3t`;
  for (const value of [spaces, nested, "a".repeat(1 << 20)]) {
    for (const batch of [
      recordBatch([{ key: "k", value }], { coding: "gzip" }),
      messages([{ key: "k", value }], 1, { coding: "gzip" }),
    ]) {
      expect(batch.length).toBeLessThan(2048);
      for (const raw of [true, false]) expect(read(kept(batch), raw).length).toBeLessThanOrEqual(8192);
      expect(read(kept(batch), false)).not.toContain("s3");
    }
  }
  // The last of them was not looked at, so at which offsets they are is not known.
  const many = messages(
    Array.from({ length: 900 }, () => ({ key: "k", value: "v".repeat(99) })),
    1,
    { coding: "gzip", base: 5n },
  );
  const [first] = read(kept(many), true).split("\n");
  expect(JSON.parse(first!)).not.toHaveProperty("offset");
});

describe("what was compressed, cut anywhere, gives a beginning of what it was", () => {
  const text = new TextEncoder().encode(
    Array.from({ length: 400 }, (_, index) => `${index % 13} and ${"z".repeat(index % 90)}`).join(" "),
  );

  test.each([
    ["snappy", unsnap],
    ["xerial", unsnap],
    ["lz4", unlz4],
  ] as const)("%s", (coding, unpack) => {
    const packed = pack(text, coding);
    expect(packed.length).toBeLessThan(text.length / 4);
    expect(Buffer.from(unpack(packed)).equals(text)).toBe(true);
    let most = 0;
    for (let cut = 20; cut < packed.length; cut++) {
      const got = unpack(packed.subarray(0, cut));
      expect(Buffer.from(got).equals(text.subarray(0, got.length))).toBe(true);
      expect(got.length).toBeGreaterThanOrEqual(most);
      most = got.length;
    }
    expect(most).toBeGreaterThan(text.length * 0.9);
  });

  test("bytes that are none, or say more than they hold, are refused", () => {
    for (const unpack of [unsnap, unlz4]) {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
          try {
            expect(unpack(bytes).length).toBeLessThan(1 << 20);
          } catch (error) {
            expect(error).toBeInstanceOf(Error);
          }
        }),
      );
    }
    expect(() => unsnap(Uint8Array.of(5, 1, 9))).toThrow("copy");
    expect(() => unlz4(Uint8Array.of(1, 2, 3))).toThrow("lz4");
  });
});
