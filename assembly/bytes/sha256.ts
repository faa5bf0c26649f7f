/**
 * SHA-256 (FIPS 180-4), a byte at a time, for fingerprints that are defined by it.
 *
 * `open`, then `byte` and `run` as often as needed, then `close`, which writes 32 bytes.
 */

/** The constants of section 4.2.2. */
const ROUNDS: usize = memory.data<u32>([
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01,
  0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc,
  0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
  0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08,
  0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
  0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
]);
/** The hash value of section 5.3.3. */
const INITIAL: usize = memory.data<u32>([
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
]);
const HASH: usize = memory.data(32, 8);
/** The message schedule; its first 16 words are the block as it comes, in network order. */
const SCHEDULE: usize = memory.data(256, 8);

export class Sha256 {
  private static bytes: u64 = 0;

  /** Begins a digest. */
  static open(): void {
    memory.copy(HASH, INITIAL, 32);
    Sha256.bytes = 0;
  }

  /** Adds one byte. */
  static byte(value: u32): void {
    const at = <u32>Sha256.bytes & 63;
    store<u8>(SCHEDULE + at, value);
    Sha256.bytes += 1;
    if (at == 63) Sha256.block();
  }

  /** Adds `length` bytes at `start`. */
  static run(start: usize, length: u32): void {
    for (let i: u32 = 0; i < length; i++) Sha256.byte(load<u8>(start + i));
  }

  /** Ends the digest: 32 bytes at `target`. */
  static close(target: usize): void {
    const bits = Sha256.bytes << 3;
    Sha256.byte(0x80);
    while ((<u32>Sha256.bytes & 63) != 56) Sha256.byte(0);
    for (let i: u32 = 0; i < 8; i++) Sha256.byte(<u32>(bits >> (56 - (i << 3))) & 0xff);
    for (let i: u32 = 0; i < 32; i += 4) store<u32>(target + i, bswap<u32>(load<u32>(HASH + i)));
  }

  private static schedule(): void {
    for (let i: u32 = 0; i < 64; i += 4) store<u32>(SCHEDULE + i, bswap<u32>(load<u32>(SCHEDULE + i)));
    for (let i: u32 = 64; i < 256; i += 4) {
      const w15 = load<u32>(SCHEDULE + i - 60);
      const w2 = load<u32>(SCHEDULE + i - 8);
      const s0 = rotr<u32>(w15, 7) ^ rotr<u32>(w15, 18) ^ (w15 >> 3);
      const s1 = rotr<u32>(w2, 17) ^ rotr<u32>(w2, 19) ^ (w2 >> 10);
      store<u32>(SCHEDULE + i, load<u32>(SCHEDULE + i - 64) + s0 + load<u32>(SCHEDULE + i - 28) + s1);
    }
  }

  private static block(): void {
    Sha256.schedule();
    let a = load<u32>(HASH);
    let b = load<u32>(HASH, 4);
    let c = load<u32>(HASH, 8);
    let d = load<u32>(HASH, 12);
    let e = load<u32>(HASH, 16);
    let f = load<u32>(HASH, 20);
    let g = load<u32>(HASH, 24);
    let h = load<u32>(HASH, 28);
    for (let i: u32 = 0; i < 256; i += 4) {
      const s1 = rotr<u32>(e, 6) ^ rotr<u32>(e, 11) ^ rotr<u32>(e, 25);
      const t1 = h + s1 + ((e & f) ^ (~e & g)) + load<u32>(ROUNDS + i) + load<u32>(SCHEDULE + i);
      const s0 = rotr<u32>(a, 2) ^ rotr<u32>(a, 13) ^ rotr<u32>(a, 22);
      const t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));
      h = g;
      g = f;
      f = e;
      e = d + t1;
      d = c;
      c = b;
      b = a;
      a = t1 + t2;
    }
    store<u32>(HASH, load<u32>(HASH) + a);
    store<u32>(HASH, load<u32>(HASH, 4) + b, 4);
    store<u32>(HASH, load<u32>(HASH, 8) + c, 8);
    store<u32>(HASH, load<u32>(HASH, 12) + d, 12);
    store<u32>(HASH, load<u32>(HASH, 16) + e, 16);
    store<u32>(HASH, load<u32>(HASH, 20) + f, 20);
    store<u32>(HASH, load<u32>(HASH, 24) + g, 24);
    store<u32>(HASH, load<u32>(HASH, 28) + h, 28);
  }
}
