/** The packed form of registers: one form for each set of registers, and no other bytes are taken for one. */
import { describe, expect, test } from "vitest";
import { decodeRegisters } from "../support/registers";
import { Sketches } from "../support/sketches";
import { Random } from "../support/traffic";

const PACKED = 34;
const DENSE = 35;
/** What a filled register can be. */
const VALID = Array.from({ length: 168 }, (_, value) => value).filter((value) => value >= 20 || [12, 16, 18].includes(value));

const sketches = new Sketches();

function encoded(precision: number, elements: number): Uint8Array {
  const state = sketches.create("distinct", precision);
  sketches.core.distinctFill(state, 7n, elements);
  const encoding = sketches.encode("distinct", state);
  sketches.release("distinct", state);
  return encoding;
}

/** Decodes into an empty state and encodes it again. */
function again(precision: number, encoding: Uint8Array): Uint8Array | null {
  const state = sketches.create("distinct", precision);
  const valid = sketches.decode("distinct", state, precision, encoding);
  const result = valid ? sketches.encode("distinct", state) : null;
  sketches.release("distinct", state);
  return result;
}

describe.each([12, 14])("2^%i registers", (precision) => {
  const registers = 1 << precision;

  test.each([1 / 32, 0.2, 1, 4, 60, 600])("are packed to below what deflate makes of them, %d elements a register", (share) => {
    const encoding = encoded(precision, Math.round(registers * share));
    expect(encoding[0]).toBe(PACKED);
    expect(encoding.length).toBeLessThan((registers * 17) / 32 + 200);
    const values = decodeRegisters(encoding, precision);
    let entropy = 0;
    for (let value = 0; value < 256; value++) {
      const count = values.filter((each) => each === value).length;
      if (count > 0) entropy -= count * Math.log2(count / registers);
    }
    expect(encoding.length).toBeLessThan((entropy / 8) * 1.02 + 120);
  });

  test("few are written one by one, many packed", () => {
    expect(encoded(precision, 48)[0]).toBe(33);
    expect(encoded(precision, registers >> 5)[0]).toBe(PACKED);
  });

  test("values of every kind in no order are written as they are, and not otherwise", () => {
    const random = new Random(precision);
    const values = Uint8Array.from({ length: registers }, () => VALID[random.below(VALID.length)] as number);
    const dense = Uint8Array.from([DENSE, ...values]);
    expect(again(precision, dense)).toEqual(dense);
    expect(sketches.skip("distinct", precision, dense)).toBe(0);
    const packable = Uint8Array.from([DENSE, ...decodeRegisters(encoded(precision, registers), precision)]);
    expect(again(precision, packable)).toBeNull();
    expect(sketches.skip("distinct", precision, packable)).toBe(-1);
  });

  test("one value in every register takes next to nothing", () => {
    const encoding = Uint8Array.from([PACKED, 0, 20, 0, 0x80, 0x10, 0, ...Array(4).fill([0, 0, 1, 0]).flat()]);
    expect(again(precision, encoding)).toEqual(encoding);
    expect(decodeRegisters(encoding, precision)).toEqual(new Uint8Array(registers).fill(20));
  });

  test("every cut, and every byte changed, is refused", () => {
    const encoding = encoded(precision, registers >> 4);
    for (let length = 0; length < encoding.length; length += 3) {
      expect(sketches.skip("distinct", precision, encoding.slice(0, length))).toBe(-1);
    }
    for (let at = 0; at < encoding.length; at++) {
      const changed = encoding.map((byte, index) => (index === at ? byte ^ (1 << (at & 7)) : byte));
      const valid = sketches.skip("distinct", precision, changed) === 0;
      expect(again(precision, changed)).toEqual(valid ? changed : null);
    }
  });
});
