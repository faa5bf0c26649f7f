/** MurmurHash3_x64_128 against its algorithm in BigInt, and against published values. */
import { describe, expect, test } from "vitest";
import { murmur3 } from "../support/murmur3";
import { bytesOf, randomFrom, Sketches, unsigned } from "../support/sketches";

const DATASKETCHES_SEED = 9001n;
const sketches = new Sketches();

/** Both halves as the core computes them, for a key at `offset` of the input. */
function hashAt(offset: number, key: Uint8Array): [bigint, bigint] {
  sketches.bytes(sketches.input + offset, key.length).set(key);
  const low = sketches.core.hash128(sketches.input + offset, key.length);
  return [unsigned(low), unsigned(sketches.core.hashHigh())];
}

describe("the reference", () => {
  // Values published with other implementations of MurmurHash3_x64_128.
  test.each([
    ["", 0n, 0x0000000000000000n, 0x0000000000000000n],
    ["hello", 0n, 0xcbd8a7b341bd9b02n, 0x5b1e906a48ae1d19n],
    ["hello, world", 0n, 0x342fac623a5ebc8en, 0x4cdcbc079642414dn],
    ["19 Jan 2038 at 3:14:07 AM", 0n, 0xb89e5988b737affcn, 0x664fc2950231b2cbn],
    ["The quick brown fox jumps over the lazy dog.", 0n, 0xcd99481f9ee902c9n, 0x695da1a38987b6e7n],
    // Apache DataSketches' own test of its hash, seed 0.
    ["The quick brown fox jumps over the lazy dog", 0n, 0xe34bbc7bbc071b6cn, 0x7a433ca9c49a9347n],
    ["The quick brown fox jumps over the lazy eog", 0n, 0x362108102c62d1c9n, 0x3285cd100292b305n],
    ["The quick brown fox jumps over the lazy dogdogdog", 0n, 0x9c8205300e612fc4n, 0xcbc0af6136aa3df9n],
    ["The quick brown fox jumps over the lazy1", 0n, 0xe3301a827e5cdfe3n, 0xbdbf05f8da0f0392n],
  ])("%j", (text, seed, low, high) => {
    expect(murmur3(bytesOf(text), seed)).toEqual([low, high]);
  });
});

describe("hash128", () => {
  test("equals the reference for every length up to 200, wherever the key lies and whatever lies around it", () => {
    const random = randomFrom(1);
    for (let length = 0; length <= 200; length++) {
      const key = Uint8Array.from({ length }, () => random() * 256);
      const wanted = murmur3(key, DATASKETCHES_SEED);
      for (const offset of [16, 17, 23, 64]) {
        sketches.bytes(sketches.input, 512).fill(random() * 256);
        expect(hashAt(offset, key)).toEqual(wanted);
      }
    }
  });

  test("equals the reference for keys of up to 5000 bytes", () => {
    const random = randomFrom(2);
    for (let run = 0; run < 20; run++) {
      const key = Uint8Array.from({ length: Math.floor(random() * 5000) }, () => random() * 256);
      expect(hashAt(0, key)).toEqual(murmur3(key, DATASKETCHES_SEED));
    }
  });
});

test("elementHash is made of a DataSketches coupon's address and of the bits that its value counts", () => {
  for (const text of ["", "a", "example.org", "a longer name than sixteen bytes.example"]) {
    const [low, high] = murmur3(bytesOf(text), DATASKETCHES_SEED);
    const element = unsigned(sketches.element(bytesOf(text)));
    expect(element >> 38n).toBe(low & 0x3ffffffn);
    expect(element & 0x3fffffffffn).toBe(high >> 26n);
  }
});
