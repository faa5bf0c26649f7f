/** Whether bytes are AMQP 0-9-1: the protocol header, or a method of which one side alone is the sender. */
import { u8At, u16be, u32be } from "../../bytes/reader";
import { Found, Parse } from "../protocol";
import { FRAME_BYTES_MIN, isFrame, isOurHeader, METHOD_BYTES, METHOD_FRAME, PAYLOAD, SIZE } from "./frame";
import { Trait, traitsOf } from "./methods";

/** Bytes of a method that is taken for one before its end is seen, at the most. */
const UNENDED_BYTES_MAX: u32 = 4096;

/** The contract's probe. */
export function probeAmqp(start: usize, length: u32): u32 {
  // The parser finds its place by itself.
  if (Parse.isKnown) return Found.REQUEST;
  if (length == 0) return Found.MORE;
  const first = u8At(start);
  if (first != METHOD_FRAME && first != 65) return Found.NO;
  if (length < FRAME_BYTES_MIN) return mayBegin(start, length) ? Found.MORE : Found.NO;
  if (isOurHeader(start)) return Found.REQUEST;
  if (first != METHOD_FRAME || !isFrame(start, length)) return Found.NO;
  const size = u32be(start + SIZE);
  if (size > UNENDED_BYTES_MAX) return Found.NO;
  if (length < METHOD_BYTES || length < size + FRAME_BYTES_MIN) return Found.MORE;
  const traits = traitsOf(u16be(start + PAYLOAD), u16be(start + PAYLOAD + 2));
  const sender = traits & (Trait.CLIENT | Trait.SERVER);
  if (sender == Trait.CLIENT) return Found.REQUEST;
  return sender == Trait.SERVER ? Found.RESPONSE : Found.NO;
}

/** Whether fewer bytes than a frame has may be the beginning of one or of the header. */
function mayBegin(start: usize, length: u32): bool {
  if (u8At(start) == METHOD_FRAME) return length <= SIZE || u8At(start + SIZE) == 0;
  for (let i: u32 = 1; i < length; i++) {
    const wanted: u32 = i == 1 ? 77 : i == 2 ? 81 : i == 3 ? 80 : i == 6 ? 9 : i == 7 ? 1 : 0;
    if (u8At(start + i) != wanted) return false;
  }
  return true;
}
