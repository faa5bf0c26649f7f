/**
 * Live records, as the capture hands them over in batches.
 *
 * ```
 * | seconds u32 | nanoseconds u32 | captured u32 | wire u32 | interface u32 | link type u16 | direction u8 | 0 u8 | bytes ... |
 * ```
 * Least significant byte first, no padding. The interface has the host's number, 0 where it is not known; a Direction. One batch
 * may hold packets of several interfaces and link types, as a capture on all of them brings.
 */
import { byteOf, halfOf, wordOf } from "./chunk";
import { Input, inputBreak, oversize, RECORD_BYTES_MAX } from "./input-state";
import { Direction, Packet } from "./packet";
import { record } from "./record";
import { Malformed } from "./tally";
import { fromSeconds } from "./time";

const SECONDS: usize = 0;
const NANOSECONDS: usize = 4;
const CAPTURED: usize = 8;
const WIRE: usize = 12;
const INTERFACE: usize = 16;
const LINK_TYPE: usize = 20;
const DIRECTION: usize = 22;
const HEADER_BYTES: u32 = 24;
const CAPTURED_BYTES_MAX: u32 = 0x8000000;

/** Takes the whole records from `at` on; answers where the first one starts that is not whole. */
export function liveFeed(input: Input, at: usize, end: usize): usize {
  Packet.isTimed = true;
  Packet.interfaceName = 0;
  while (at + HEADER_BYTES <= end) {
    const captured = wordOf(at + CAPTURED, false);
    const wire = wordOf(at + WIRE, false);
    const start = at + HEADER_BYTES;
    if (captured > CAPTURED_BYTES_MAX) {
      inputBreak(input, Malformed.FILE_BROKEN);
      return at;
    }
    const whole = captured <= RECORD_BYTES_MAX;
    if (start + (whole ? captured : RECORD_BYTES_MAX) > end) return at;
    const linkType = halfOf(at + LINK_TYPE, false);
    Packet.interfaceId = wordOf(at + INTERFACE, false);
    const direction = byteOf(at + DIRECTION);
    Packet.direction = direction <= <u32>Direction.OUT ? direction : <u32>Direction.UNKNOWN;
    Packet.timeNs = fromSeconds(wordOf(at + SECONDS, false), wordOf(at + NANOSECONDS, false));
    if (!whole) {
      oversize(input, captured);
      record(start, RECORD_BYTES_MAX, wire, linkType);
      return start + RECORD_BYTES_MAX;
    }
    record(start, captured, wire, linkType);
    at = start + captured;
    if (Packet.stop) return at;
  }
  return at;
}
