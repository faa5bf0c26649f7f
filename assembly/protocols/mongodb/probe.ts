/** Whether bytes are a message of MongoDB's: its opcode and what must stand behind it are enough. */
import { u8At, u32le } from "../../bytes/reader";
import { Found, Parse } from "../protocol";
import { HEADER_BYTES, isMessage, OPCODE, REPLY_HEAD_BYTES, RESPONSE_TO } from "./header";

/** The contract's probe. */
export function probeMongo(start: usize, length: u32): u32 {
  // The parser finds its place by itself.
  if (Parse.isKnown) return Found.REQUEST;
  if (length < HEADER_BYTES) return mayBegin(start, length) ? Found.MORE : Found.NO;
  // A few more bytes than the header tell more.
  const isEnough = length >= min<u32>(u32le(start), REPLY_HEAD_BYTES);
  const answered = u32le(start + RESPONSE_TO);
  if (answered == 0 || answered == 0xffffffff) {
    if (isMessage(start, length, false)) return isEnough ? Found.REQUEST : Found.MORE;
  }
  if (answered == 0 || !isMessage(start, length, true)) return Found.NO;
  return isEnough ? Found.RESPONSE : Found.MORE;
}

/** Whether fewer bytes than a header has may be the beginning of one. */
function mayBegin(start: usize, length: u32): bool {
  if (length < 4) return true;
  const bytes = u32le(start);
  if (bytes < HEADER_BYTES + 4 || u8At(start + 3) > 3) return false;
  // Opcodes have two bytes, the higher of which is 0 or 7.
  return length <= OPCODE + 1 || u8At(start + OPCODE + 1) == 7 || u8At(start + OPCODE + 1) == 0;
}
