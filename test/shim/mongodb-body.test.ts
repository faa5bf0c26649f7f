/** What is shown of documents that were kept: any bytes are read, none that is to be hidden is told. */
import fc from "fast-check";
import { BSON } from "mongodb";
import { expect, test } from "vitest";
import type { BodyOwner } from "../../engine/round-trip";
import { bodyReader } from "../../shim/output/body";
import { bson, EVERY_TYPE } from "../support/mongo";

const OPCODES = ["OP_MSG", "OP_QUERY", "OP_REPLY", "OP_INSERT", "OP_UPDATE", "OP_DELETE", "OP_COMMAND", "OP_COMMANDREPLY"];

/** What is shown of the bytes of an operation. */
function read(
  opCode: string,
  bytes: Uint8Array,
  raw: boolean,
  side: BodyOwner["side"] = "response",
  bodyBytes = bytes.length,
): string {
  return bodyReader(raw)(bytes, { bytes: 0, opCode, bodyBytes }, { protocol: "mongodb", side, asked: undefined });
}

const SECRET = "s3cr3t";
const SENT = bson({ a: SECRET, b: { c: [SECRET, { d: SECRET }] }, ...EVERY_TYPE, e: SECRET });
const MESSAGE = Uint8Array.from([0, 0, 0, 0, 0, ...SENT]);
const opCode = fc.constantFrom(...OPCODES);
const side = fc.constantFrom<BodyOwner["side"]>("request", "response");

test("any bytes", () => {
  fc.assert(
    fc.property(opCode, side, fc.uint8Array({ maxLength: 300 }), fc.boolean(), (operation, of, bytes, raw) => {
      expect(typeof read(operation, bytes, raw, of)).toBe("string");
    }),
    { numRuns: 3000 },
  );
});

test("documents that are cut, and changed anywhere", () => {
  const change = fc.array(fc.tuple(fc.nat(MESSAGE.length), fc.nat(255)), { maxLength: 4 });
  fc.assert(
    fc.property(opCode, side, fc.nat(MESSAGE.length), change, (operation, of, cut, changes) => {
      const bytes = MESSAGE.slice(0, cut);
      for (const [at, byte] of changes) if (at < bytes.length) bytes[at] = byte;
      for (const raw of [true, false]) expect(typeof read(operation, bytes, raw, of, MESSAGE.length)).toBe("string");
      if (changes.length === 0) expect(read("OP_MSG", bytes, false, of, MESSAGE.length)).not.toMatch(/s3|cr3|3t/);
    }),
    { numRuns: 3000 },
  );
});

test("what is cut has an end that says so", () => {
  for (let cut = 0; cut < MESSAGE.length; cut++) {
    const text = read("OP_MSG", MESSAGE.subarray(0, cut), true, "request", MESSAGE.length);
    if (cut > 0) expect(text).toContain("…");
  }
  expect(read("OP_MSG", MESSAGE, true)).not.toContain("…");
  expect(read("OP_MSG", MESSAGE.subarray(0, -1), true, "request", MESSAGE.length + 9)).toContain("…");
  expect(read("OP_MSG", MESSAGE, true, "request", MESSAGE.length + 9)).toMatch(/\n…$/);
});

test("documents in documents, as deep as they may be", () => {
  let document = bson({});
  for (let depth = 0; depth < 250; depth++)
    document = [
      ...[document.length + 8, 0, 0, 0].map((_, at) => ((document.length + 8) >> (8 * at)) & 255),
      3,
      97,
      0,
      ...document,
      0,
    ];
  const text = read("OP_MSG", Uint8Array.from([0, 0, 0, 0, 0, ...document]), true);
  expect(text).toBe(`${'{"a":'.repeat(100)}…${"}".repeat(100)}`);
});

test("decimals are what the driver says", () => {
  const digits = fc.oneof(fc.bigInt({ min: 0n, max: 99999n }), fc.bigInt({ min: 0n, max: 10n ** 34n - 1n }));
  const exponent = fc.oneof(fc.integer({ min: -45, max: 10 }), fc.integer({ min: -6176, max: 6111 }));
  fc.assert(
    fc.property(digits, exponent, fc.boolean(), (value, scale, isNegative) => {
      const decimal = BSON.Decimal128.fromString(`${isNegative ? "-" : ""}${value}E${scale}`);
      const text = read("OP_MSG", Uint8Array.from([0, 0, 0, 0, 0, ...BSON.serialize({ a: decimal })]), true);
      expect(JSON.parse(text).a.$numberDecimal).toBe(decimal.toString());
    }),
    { numRuns: 2000 },
  );
});
