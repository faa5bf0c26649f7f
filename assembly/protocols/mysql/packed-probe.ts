/** Whether first bytes are a client's compressed packet. */
import { Inflate, Inflated, inflate, inflateOpen, isZlib } from "../../bytes/inflate";
import { u8At, u16be, u32le } from "../../bytes/reader";
import { Window } from "../../bytes/window";
import { Regions } from "../../regions";
import { Found } from "../protocol";
import { isCommandStart } from "./command-start";
import { contentOf, lengthOf, mayBegin, PACKED_HEADER_BYTES, SURE_BYTES, ZSTD_MAGIC } from "./packed-header";

/** Content of a first packet that is looked at, at the most and, where there is more, at the least. */
const PROBED_BYTES: u32 = 2048;
const PROBED_BYTES_MIN: u32 = 64;

/** Whether first bytes are a compressed packet of a client, of which nothing was seen before, that holds a command. */
export function probePacked(start: usize, length: u32): u32 {
  if (length < SURE_BYTES) return mayBegin(start, length) ? Found.MORE : Found.NO;
  const packed = lengthOf(start);
  const content = contentOf(start);
  if (u8At(start + 3) != 0 || packed < 5 || (content != 0 && content <= packed)) return Found.NO;
  const from = start + PACKED_HEADER_BYTES;
  const here = min<u32>(length - PACKED_HEADER_BYTES, packed);
  if (content == 0) return here == length - PACKED_HEADER_BYTES && isCommandStart(from, here) ? Found.REQUEST : Found.NO;
  if (u32le(from) == ZSTD_MAGIC) return Found.REQUEST;
  if (!isZlib(u16be(from))) return Found.NO;
  inflateOpen(from, here, Regions.unpacked);
  const outcome = inflate(PROBED_BYTES);
  const held = <u32>(Inflate.out - Inflate.start);
  if (outcome == Inflated.BAD || (held < PROBED_BYTES_MIN && held < content)) return Found.NO;
  const windowStart = Window.start;
  const windowEnd = Window.end;
  Window.open(Regions.unpacked, held);
  const isFound = isCommandStart(Regions.unpacked, held);
  Window.start = windowStart;
  Window.end = windowEnd;
  return isFound ? Found.REQUEST : Found.NO;
}
