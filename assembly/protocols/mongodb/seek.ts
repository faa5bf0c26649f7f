/**
 * The way back into a stream: the next bytes that can be nothing but a message. Its opcode leaves one chance in millions to others;
 * a response must also answer a request that waits, and a request nothing.
 */
import { u32le } from "../../bytes/reader";
import { Conversation } from "../../roundtrip/conversation";
import { Parse } from "../protocol";
import { Half, Phase } from "../shared/sized-half";
import { Turn } from "../shared/turn";
import { HEADER_BYTES, isMessage, RESPONSE_TO } from "./header";
import { findRequest } from "./match";

/** Looks for a message; true where one begins at `Turn.at`. */
export function seek(conversation: Conversation, half: Half, isResponse: bool): bool {
  if (Turn.left == 0) return false;
  if (Turn.left < HEADER_BYTES && !Parse.isCut) {
    Parse.need = HEADER_BYTES;
    return false;
  }
  for (let at = Turn.at; at + HEADER_BYTES <= Turn.end; at++) {
    if (!isMessage(at, <u32>(Turn.end - at), isResponse)) continue;
    const answered = u32le(at + RESPONSE_TO);
    if (at != Turn.at && (isResponse ? findRequest(conversation, answered) == 0 : answered != 0)) continue;
    Turn.at = at;
    half.phase = Phase.START;
    return true;
  }
  Turn.at = Turn.end;
  return false;
}
