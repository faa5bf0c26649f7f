/**
 * MD5 (RFC 1321), a byte at a time, for fingerprints that are defined by it. Nothing is kept of what went by but one block.
 *
 * `open`, then `byte` and `run` as often as needed, then `close`, which writes 16 bytes.
 */
/** Shifts of the four rounds, and the sines of RFC 1321 section 3.4. */
const SHIFTS: usize = memory.data<u8>([7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21]);
const SINES: usize = memory.data<u32>([
  0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501, 0x698098d8, 0x8b44f7af,
  0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821, 0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa,
  0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8, 0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8,
  0x676f02d9, 0x8d2a4c8a, 0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
  0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665, 0xf4292244, 0x432aff97,
  0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1, 0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1,
  0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
]);
const BLOCK: usize = memory.data(64, 8);

export class Md5 {
  private static a: u32 = 0;
  private static b: u32 = 0;
  private static c: u32 = 0;
  private static d: u32 = 0;
  private static bytes: u64 = 0;

  /** Begins a digest. */
  static open(): void {
    Md5.a = 0x67452301;
    Md5.b = 0xefcdab89;
    Md5.c = 0x98badcfe;
    Md5.d = 0x10325476;
    Md5.bytes = 0;
  }

  /** Adds one byte. */
  static byte(value: u32): void {
    const at = <u32>Md5.bytes & 63;
    store<u8>(BLOCK + at, value);
    Md5.bytes += 1;
    if (at == 63) Md5.block();
  }

  /** Adds `length` bytes at `start`. */
  static run(start: usize, length: u32): void {
    for (let i: u32 = 0; i < length; i++) Md5.byte(load<u8>(start + i));
  }

  /** Ends the digest: 16 bytes at `target`. */
  static close(target: usize): void {
    const bits = Md5.bytes << 3;
    Md5.byte(0x80);
    while ((<u32>Md5.bytes & 63) != 56) Md5.byte(0);
    for (let i: u32 = 0; i < 8; i++) Md5.byte(<u32>(bits >> (i << 3)) & 0xff);
    store<u32>(target, Md5.a);
    store<u32>(target, Md5.b, 4);
    store<u32>(target, Md5.c, 8);
    store<u32>(target, Md5.d, 12);
  }

  private static block(): void {
    let a = Md5.a;
    let b = Md5.b;
    let c = Md5.c;
    let d = Md5.d;
    for (let i: u32 = 0; i < 64; i++) {
      const round = i >> 4;
      let f: u32;
      let word: u32;
      if (round == 0) {
        f = (b & c) | (~b & d);
        word = i;
      } else if (round == 1) {
        f = (d & b) | (~d & c);
        word = (5 * i + 1) & 15;
      } else if (round == 2) {
        f = b ^ c ^ d;
        word = (3 * i + 5) & 15;
      } else {
        f = c ^ (b | ~d);
        word = (7 * i) & 15;
      }
      f += a + load<u32>(SINES + (i << 2)) + load<u32>(BLOCK + (word << 2));
      a = d;
      d = c;
      c = b;
      b += rotl<u32>(f, load<u8>(SHIFTS + (round << 2) + (i & 3)));
    }
    Md5.a += a;
    Md5.b += b;
    Md5.c += c;
    Md5.d += d;
  }
}
