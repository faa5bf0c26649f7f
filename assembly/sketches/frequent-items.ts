/**
 * A top as a frequent-items sketch of strings of Apache DataSketches (serial version 1, ArrayOfStringsSerDe).
 *
 * ```
 * byte   0         1       2       3      4      5      6  7   8          12     16          24          32 ...
 * empty  1         1       10      lgMax  lgCur  5      0
 * else   4         1       10      lgMax  lgCur  0      0      items u32  0 u32  total u64   offset u64  weight u64 x items, key ...
 *        preamble  serial  family  log2 of the reader's        key: | bytes u32 | UTF-8 |
 *        longs     version         table, most and now
 * ```
 * A reader takes an item's weight for its lower bound, weight + offset for its upper bound, and the offset for the upper bound of
 * every key that is not there. The weights here are the lower bounds, and the offset is the greatest that either of the two can
 * need, so all bounds hold; what is lost is how much less than the offset most keys may have lost. Addresses are written as text.
 */
import { putIpv4, putIpv6 } from "../bytes/address";
import { Writer } from "../bytes/writer";
import { selectedKey, selectedKeyLength, selectedLower } from "./select";
import { topBound, topSelect, topTotal, topUpper } from "./top";

const SERIAL_VERSION: u32 = 1;
const FAMILY: u32 = 10;
/** Both bits by which versions of the library have said it. */
const FLAGS_EMPTY: u32 = 5;
/** log2 of the table that a reader starts with, and of the one that it may grow to when it goes on merging: as large as ours. */
const LOG2_MIN: u32 = 3;
const LOG2_MAX: u32 = 11;
const IPV4_BYTES: u32 = 4;
const IPV6_BYTES: u32 = 16;

const TEXT: usize = memory.data(48);

/** Writes the `most` heaviest keys of `state`; `isAddress` says that they are addresses in raw bytes. */
export function topEncodeFrequentItems(state: usize, most: u32, isAddress: bool): void {
  const count = topSelect(state, most);
  const total = topTotal(state);
  Writer.u8(total == 0 ? 1 : 4);
  Writer.u8(SERIAL_VERSION);
  Writer.u8(FAMILY);
  Writer.u8(LOG2_MAX);
  Writer.u8(log2Of(count));
  Writer.u8(total == 0 ? FLAGS_EMPTY : 0);
  Writer.u16(0);
  if (total == 0) return;
  Writer.u32(count);
  Writer.u32(0);
  Writer.u64(total);
  Writer.u64(offsetOf(state, count));
  for (let index: u32 = 0; index < count; index++) Writer.u64(selectedLower(index));
  for (let index: u32 = 0; index < count; index++) writeKey(selectedKey(index), selectedKeyLength(index), isAddress);
}

/** log2 of the least table that holds `count` keys at 3/4. */
function log2Of(count: u32): u32 {
  let log2 = LOG2_MIN;
  while (count * 4 > (<u32>3) << log2) log2++;
  return log2;
}

/** The most by which a key's weight can be above what is written for it, 0 where nothing is. */
function offsetOf(state: usize, count: u32): u64 {
  let offset = topBound(state);
  for (let index: u32 = 0; index < count; index++) offset = max(offset, topUpper(state, index) - selectedLower(index));
  return offset;
}

function writeKey(start: usize, length: u32, isAddress: bool): void {
  let text = start;
  let bytes = length;
  if (isAddress && (length == IPV4_BYTES || length == IPV6_BYTES)) {
    text = TEXT;
    bytes = <u32>((length == IPV4_BYTES ? putIpv4(TEXT, start) : putIpv6(TEXT, start)) - TEXT);
  }
  Writer.u32(bytes);
  Writer.bytes(text, bytes);
}
