/** A step of a walk: whether its bytes are there, past them, and into documents. */
import { u8At, u32le } from "../../bytes/reader";
import { Parse } from "../protocol";
import { Turn } from "../shared/turn";
import { keepContents } from "./payload";
import { Walk, Walked } from "./walk-state";

/** Longest name of a collection or field that is looked at. */
const NAME_BYTES_MAX: u32 = 255;
/** A document without elements. */
export const DOCUMENT_BYTES_MIN: u32 = 5;

/** Whether `bytes` more are in hand, all before `left` is `end`. */
export function have(w: Walk, bytes: u32, end: u32): u32 {
  if (bytes > w.left - end) return Walked.FAULT;
  if (bytes <= Turn.left) return Walked.GO;
  Parse.need = bytes;
  return Walked.MORE;
}

/** Passes over bytes that `have` found. */
export function take(w: Walk, bytes: u32): void {
  keepContents(w, bytes);
  Turn.at += bytes;
  w.left -= bytes;
}

/** The bytes of a text that ends with 0, `ahead` of the next byte. */
export class Name {
  static length: u32 = 0;
}

/** Finds the end of such a text. */
export function findName(w: Walk, ahead: u32, end: u32): u32 {
  const left = w.left - end;
  for (let i: u32 = 0; i <= NAME_BYTES_MAX; i++) {
    if (ahead + i >= left) return Walked.FAULT;
    if (ahead + i >= Turn.left) {
      Parse.need = ahead + i + 1;
      return Walked.MORE;
    }
    if (u8At(Turn.at + ahead + i) != 0) continue;
    Name.length = i;
    return Walked.GO;
  }
  return Walked.FAULT;
}

/** Enters a document that begins at the next byte as `part`, or steps over it. */
export function enterDocument(w: Walk, part: u8, end: u32, isWanted: bool): u32 {
  const answer = have(w, 4, end);
  if (answer != Walked.GO) return answer;
  const bytes = u32le(Turn.at);
  if (bytes < DOCUMENT_BYTES_MIN || bytes > w.left - end) return Walked.FAULT;
  if (!isWanted) {
    w.skip = bytes;
    return Walked.GO;
  }
  w.enter(part, bytes);
  take(w, 4);
  return Walked.GO;
}
