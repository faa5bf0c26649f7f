/** The searches by sixteen bytes and their scalar twins answer the same, for every length, place and byte around. */
import { describe, expect, test } from "vitest";
import module from "../../build/test/http.wasm";
import { instantiate } from "../support/instantiate";

interface Exports {
  memory: WebAssembly.Memory;
  open(length: number): number;
  findByte(start: number, end: number, byte: number): number;
  findByteScalar(start: number, end: number, byte: number): number;
  findControl(start: number, end: number): number;
  findControlScalar(start: number, end: number): number;
  findLineEnd(start: number, end: number): number;
  findLineEndScalar(start: number, end: number): number;
  colon(): number;
  lowerText(target: number, start: number, length: number): void;
  lowerTextScalar(target: number, start: number, length: number): void;
  same(start: number, length: number, scalar: boolean): number;
}

const core = instantiate<Exports>(module);
const LF = 10;

/** Fills `length` bytes with `filler` and what is around them with what is looked for. */
function lay(length: number, filler: number): number {
  const start = core.open(length);
  const bytes = new Uint8Array(core.memory.buffer);
  bytes.fill(LF, start - 32, start + length + 32);
  bytes.fill(filler, start, start + length);
  return start;
}

describe.each([
  ["by sixteen", core.findByte, core.findControl],
  ["scalar", core.findByteScalar, core.findControlScalar],
] as const)("%s", (_, findByte, findControl) => {
  test("finds the first of one or two, or nothing", () => {
    for (let length = 0; length <= 80; length++) {
      const start = lay(length, 120);
      const bytes = new Uint8Array(core.memory.buffer);
      expect([findByte(start, start + length, LF), findControl(start, start + length)]).toEqual([start + length, start + length]);
      for (let first = 0; first < length; first++) {
        bytes[start + first] = LF;
        if (first + 1 < length) bytes[start + length - 1] = LF;
        expect([findByte(start, start + length, LF), findControl(start, start + length)]).toEqual([start + first, start + first]);
        bytes.fill(120, start, start + length);
      }
    }
  });

  test("knows every byte for what it is", () => {
    for (let byte = 0; byte < 256; byte++) {
      const start = lay(33, byte);
      const isControl = byte < 32 && byte !== 9;
      expect(findControl(start, start + 33)).toBe(isControl ? start : start + 33);
      expect(findByte(start, start + 33, byte)).toBe(start);
      expect(findByte(start, start + 33, byte ^ 128)).toBe(start + 33);
    }
  });
});

describe.each([
  ["by sixteen", core.findLineEnd],
  ["scalar", core.findLineEndScalar],
] as const)("%s", (_, findLineEnd) => {
  test("finds the end of a line and its colon, if that is among the first sixteen bytes", () => {
    for (let length = 0; length <= 48; length++) {
      for (let end = 0; end <= length; end++) {
        for (let colon = 0; colon <= length; colon++) {
          const start = core.open(length);
          const bytes = new Uint8Array(core.memory.buffer);
          bytes.fill(58, start - 32, start + length + 32);
          bytes.fill(120, start, start + length);
          if (colon < length) bytes[start + colon] = 58;
          if (end < length) bytes[start + end] = LF;
          const isSeen = colon < length && colon < end && colon < 16;
          expect([findLineEnd(start, start + length), core.colon()]).toEqual([start + end, isSeen ? colon : 16]);
        }
      }
    }
  });
});

const NAME = "a-header-name-of-thirty-eight-letters!";
const LOWERED = (text: string) => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());

describe.each([
  ["by sixteen", core.lowerText, false],
  ["scalar", core.lowerTextScalar, true],
] as const)("%s", (_, lowerText, scalar) => {
  test("makes letters small and leaves every other byte", () => {
    const start = core.open(512);
    const bytes = new Uint8Array(core.memory.buffer);
    for (let byte = 0; byte < 256; byte++) bytes[start + byte] = byte;
    lowerText(start + 256, start, 256);
    for (let byte = 0; byte < 256; byte++) {
      expect(bytes[start + 256 + byte]).toBe(byte >= 65 && byte <= 90 ? byte + 32 : byte);
    }
  });

  test("knows a name whatever its letters' case, and no other", () => {
    for (const length of [4, 16, NAME.length]) {
      for (let other = 0; other <= length; other++) {
        for (const byte of other === length ? [0] : [0, 64, 91, 255, NAME.charCodeAt(other) ^ 32]) {
          const start = core.open(length);
          const bytes = new Uint8Array(core.memory.buffer);
          bytes.fill(97, start - 32, start + length + 32);
          const text = NAME.slice(0, length);
          bytes.set(new TextEncoder().encode(text), start);
          if (other < length) bytes[start + other] = byte;
          const read = String.fromCharCode(...bytes.subarray(start, start + length));
          expect(Boolean(core.same(start, length, scalar))).toBe(LOWERED(read) === text);
        }
      }
    }
  });
});
