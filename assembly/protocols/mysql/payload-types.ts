/**
 * Types of a prepared statement's parameters, kept where the host asks for contents: clients send them with the first execution, and
 * again only where they are others.
 *
 * ```
 * block:  0 number of parameters u16 | 2 bytes u16 | 4 types, and names where the client gives them, as on the wire
 * ```
 */
import { copyBytes } from "../../bytes/run";
import { Regions } from "../../regions";
import { Prepared } from "../sql/prepared";
import { Encoded, Packet } from "./state";

const HEADER_BYTES: u32 = 4;
const TYPE_BYTES: u32 = 2;
/** Types of one statement at the most; of those that are longer none is known. */
export const TYPES_BYTES_MAX: u32 = 512;

/** Notes the types of `count` parameters at `offset` of the packet in hand, with names or not; none is known where they are not all here. */
export function noteTypes(one: Prepared, count: u32, offset: u32, isNamed: bool): void {
  forgetTypes(one);
  let end = offset;
  for (let i: u32 = 0; i < count && end <= Packet.held; i++) {
    end += TYPE_BYTES;
    if (!isNamed) continue;
    end = Encoded.read(end);
    if (Encoded.value > <u64>TYPES_BYTES_MAX) return;
    end += <u32>Encoded.value;
  }
  if (end > Packet.held || end - offset > TYPES_BYTES_MAX) return;
  const bytes = end - offset;
  const block = Regions.streamPool.allocate(HEADER_BYTES + bytes);
  if (block == 0) return;
  store<u16>(block, count);
  store<u16>(block, bytes, 2);
  copyBytes(block + HEADER_BYTES, Packet.payload + offset, bytes);
  one.types = <u32>block;
}

/** The types are not known any more. */
export function forgetTypes(one: Prepared): void {
  if (one.types != 0) Regions.streamPool.release(one.types);
  one.types = 0;
}

/** Whether the types of `count` parameters are known. */
export function hasTypes(one: Prepared, count: u32): bool {
  return one.types != 0 && load<u16>(one.types) == count;
}

/** Where types that are known lie, and their bytes. */
export function typesStart(one: Prepared): usize {
  return <usize>one.types + HEADER_BYTES;
}

export function typesLength(one: Prepared): u32 {
  return load<u16>(one.types, 2);
}
