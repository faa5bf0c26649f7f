/**
 * Names that pcapng files give their interfaces (if_name), each kept once, by a number that stays its own: a file may have several sections,
 * and what was seen in one is told in the next.
 *
 * ```
 * name: length u8 | bytes ...      64 bytes each, number 1 first
 * ```
 */
import { INTERFACE_NAMES_BYTES, Regions } from "../regions";
import { byteOf } from "./chunk";

const NAME_BYTES: u32 = 64;
/** Names that are kept, with room for one to compare; of further interfaces only the numbers are known. */
const NAMES_MAX: u32 = INTERFACE_NAMES_BYTES / NAME_BYTES - 1;

export class InterfaceNames {
  private static count: u32 = 0;

  static reset(): void {
    InterfaceNames.count = 0;
  }

  private static at(number: u32): usize {
    return Regions.interfaceNames + (number - 1) * NAME_BYTES;
  }

  /** The number of the name of `length` bytes at `start` of the chunk, cut to what fits; 0 where there is none, or no room. */
  static numberOf(start: usize, length: u32): u32 {
    if (Regions.interfaceNames == 0) return 0;
    const taken = min(length, NAME_BYTES - 1);
    if (taken == 0) return 0;
    const next = InterfaceNames.at(InterfaceNames.count + 1);
    store<u8>(next, taken);
    for (let index: u32 = 0; index < taken; index++) store<u8>(next + 1 + index, byteOf(start + index));
    for (let number: u32 = 1; number <= InterfaceNames.count; number++) {
      if (memory.compare(InterfaceNames.at(number), next, taken + 1) == 0) return number;
    }
    return InterfaceNames.count == NAMES_MAX ? 0 : ++InterfaceNames.count;
  }

  /** Where the name with this number begins. */
  static start(number: u32): usize {
    return InterfaceNames.at(number) + 1;
  }

  /** Its bytes, 0 where there is no such name. */
  static length(number: u32): u32 {
    return number == 0 || number > InterfaceNames.count ? 0 : <u32>load<u8>(InterfaceNames.at(number));
  }
}
