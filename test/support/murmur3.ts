/** MurmurHash3_x64_128 after Austin Appleby's public description, in BigInt: slow, and of nothing in common with the core. */

const MASK = (1n << 64n) - 1n;
const C1 = 0x87c37b91114253d5n;
const C2 = 0x4cf5ad432745937fn;

const rotate = (value: bigint, bits: bigint) => ((value << bits) | (value >> (64n - bits))) & MASK;
const mixFirst = (k: bigint) => (rotate((k * C1) & MASK, 31n) * C2) & MASK;
const mixSecond = (k: bigint) => (rotate((k * C2) & MASK, 33n) * C1) & MASK;

function avalanche(value: bigint): bigint {
  let mixed = ((value ^ (value >> 33n)) * 0xff51afd7ed558ccdn) & MASK;
  mixed = ((mixed ^ (mixed >> 33n)) * 0xc4ceb9fe1a85ec53n) & MASK;
  return mixed ^ (mixed >> 33n);
}

/** Up to eight bytes as a little-endian number. */
function word(bytes: Uint8Array): bigint {
  return bytes.reduce((sum, byte, index) => sum | (BigInt(byte) << BigInt(8 * index)), 0n);
}

/** Gives bits 0 to 63 and bits 64 to 127 of the hash of `key`. */
export function murmur3(key: Uint8Array, seed: bigint): [bigint, bigint] {
  let h1 = seed;
  let h2 = seed;
  const blocks = key.length >> 4;
  for (let block = 0; block < blocks; block++) {
    h1 ^= mixFirst(word(key.subarray(block * 16, block * 16 + 8)));
    h1 = ((rotate(h1, 27n) + h2) * 5n + 0x52dce729n) & MASK;
    h2 ^= mixSecond(word(key.subarray(block * 16 + 8, block * 16 + 16)));
    h2 = ((rotate(h2, 31n) + h1) * 5n + 0x38495ab5n) & MASK;
  }
  const tail = key.subarray(blocks * 16);
  h1 ^= mixFirst(word(tail.subarray(0, 8)));
  h2 ^= mixSecond(word(tail.subarray(8)));
  h1 ^= BigInt(key.length);
  h2 ^= BigInt(key.length);
  h1 = (h1 + h2) & MASK;
  h2 = (h2 + h1) & MASK;
  h1 = avalanche(h1);
  h2 = avalanche(h2);
  h1 = (h1 + h2) & MASK;
  return [h1, (h2 + h1) & MASK];
}
