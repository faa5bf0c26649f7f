/**
 * The Internet checksum (RFC 1071).
 *
 * Sums are kept in the order of the machine: one's complement addition does not care, as long as the checksum field is read in
 * the same order.
 */
import { Window } from "../bytes/window";
import { Packet } from "../capture/packet";
import { Count, Tally } from "../capture/tally";

/** Which transport checksums are verified; see `Checksums.bytesMax`. */
export class Checksums {
  /**
   * Longest transport segment, header included, whose checksum is verified; 0 for none. A setting: the sum of a full Ethernet
   * frame costs about as much as everything else that is done to it here.
   */
  static bytesMax: u32 = 0xffffffff;
}

/** What became of a checksum. */
export enum Verdict {
  RIGHT = 0,
  /** The network card was to fill it in: zero, or the sum of the pseudo header only. */
  OFFLOADED = 1,
  WRONG = 2,
}

/** Bytes after which the lanes of a sum are emptied: 4,096 additions of 16 bits. */
const BLOCK_BYTES_MAX: u32 = 65536;

/** Folds a sum of 32-bit words to 16 bits. */
export function fold(sum: u64): u32 {
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffffffff) + (sum >> 32);
  let half = (<u32>sum & 0xffff) + (<u32>sum >> 16);
  half = (half & 0xffff) + (half >> 16);
  return half;
}

/**
 * Sums `length` bytes at `p`, to be folded.
 *
 * In blocks of 64 bytes: `whole` adds 32-bit lanes with wrapping, `upper` their upper halves; what the lower halves add up to is
 * then known without masking each. Emptied every BLOCK_BYTES_MAX bytes, no lane overflows.
 */
export function sumBytes(p: usize, length: u32): u64 {
  assert(Window.holds(p, length));
  let sum: u64 = 0;
  while (length >= 64) {
    let whole = i32x4.splat(0);
    let upper = i32x4.splat(0);
    const block = length < BLOCK_BYTES_MAX ? length & ~63 : BLOCK_BYTES_MAX;
    const end = p + block;
    for (; p < end; p += 64) {
      const a = v128.load(p);
      const b = v128.load(p, 16);
      const c = v128.load(p, 32);
      const d = v128.load(p, 48);
      whole = i32x4.add(whole, i32x4.add(i32x4.add(a, b), i32x4.add(c, d)));
      const e = i32x4.add(i32x4.shr_u(a, 16), i32x4.shr_u(b, 16));
      const f = i32x4.add(i32x4.shr_u(c, 16), i32x4.shr_u(d, 16));
      upper = i32x4.add(upper, i32x4.add(e, f));
    }
    const lower = i32x4.sub(whole, i32x4.shl(upper, 16));
    const low = i64x2.add(i64x2.extend_low_i32x4_u(lower), i64x2.extend_high_i32x4_u(lower));
    const high = i64x2.add(i64x2.extend_low_i32x4_u(upper), i64x2.extend_high_i32x4_u(upper));
    const both = i64x2.add(low, high);
    sum += i64x2.extract_lane(both, 0) + i64x2.extract_lane(both, 1);
    length -= block;
  }
  while (length >= 8) {
    const word = load<u64>(p);
    sum += (word & 0xffffffff) + (word >> 32);
    p += 8;
    length -= 8;
  }
  if (length >= 4) {
    sum += load<u32>(p);
    p += 4;
    length -= 4;
  }
  if (length >= 2) {
    sum += load<u16>(p);
    p += 2;
    length -= 2;
  }
  if (length != 0) sum += load<u8>(p);
  return sum;
}

/** Sum of the addresses of the packet in hand; the fixed bytes of IPv4's form are left out. */
function sumAddresses(): u64 {
  if (Packet.ipVersion == 4) return <u64>load<u32>(Packet.source, 12) + <u64>load<u32>(Packet.destination, 12);
  const a = load<u64>(Packet.source);
  const b = load<u64>(Packet.source, 8);
  const c = load<u64>(Packet.destination);
  const d = load<u64>(Packet.destination, 8);
  const low = (a & 0xffffffff) + (b & 0xffffffff) + (c & 0xffffffff) + (d & 0xffffffff);
  return low + (a >> 32) + (b >> 32) + (c >> 32) + (d >> 32);
}

/** Verifies a checksum over `length` bytes at `p` and the pseudo header of `protocol`; `field` is the checksum as it lies. */
export function verifyTransport(p: usize, length: u32, protocol: u32, field: u32): u32 {
  Tally.add(Count.CHECKSUMS, 1);
  const pseudo = sumAddresses() + <u64>(protocol << 8);
  const withLength = pseudo + <u64>bswap<u16>(<u16>length) + <u64>bswap<u16>(<u16>(length >> 16));
  if (fold(withLength + sumBytes(p, length)) == 0xffff) return Verdict.RIGHT;
  // A segment that the card was to cut up carries a pseudo header without its length.
  if (field == fold(withLength) || field == fold(pseudo)) return Verdict.OFFLOADED;
  return Verdict.WRONG;
}
