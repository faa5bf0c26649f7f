/**
 * Live records, as the capture hands them over in batches.
 *
 * ```
 * | seconds u32 | nanoseconds u32 | captured u32 | wire u32 | bytes ... |     least significant byte first, no padding
 * ```
 */
import { wordOf } from "./chunk";
import { Input, inputBreak, oversize, RECORD_BYTES_MAX } from "./input-state";
import { Direction, Packet } from "./packet";
import { record } from "./record";
import { Malformed } from "./tally";
import { fromSeconds } from "./time";

const SECONDS: usize = 0;
const NANOSECONDS: usize = 4;
const CAPTURED: usize = 8;
const WIRE: usize = 12;
const HEADER_BYTES: u32 = 16;
const CAPTURED_BYTES_MAX: u32 = 0x8000000;

/** Takes the whole records from `at` on; answers where the first one starts that is not whole. */
export function liveFeed(input: Input, at: usize, end: usize): usize {
  const linkType = input.linkType;
  Packet.interfaceId = 0;
  Packet.direction = Direction.UNKNOWN;
  Packet.isTimed = true;
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
