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
