/** A step of a walk: whether its bytes are there, and past them. */
import { Parse } from "../protocol";
import { Turn } from "../shared/turn";
import { Walk, Walked } from "./walk-state";

/** Whether `bytes` more of the message are in hand. */
export function have(w: Walk, bytes: u32): u32 {
  if (bytes > w.left) return Walked.FAULT;
  if (bytes <= Turn.left) return Walked.GO;
  Parse.need = bytes;
  return Walked.MORE;
}

/** Passes over bytes that `have` found. */
export function take(w: Walk, bytes: u32): void {
  Turn.at += bytes;
  w.left -= bytes;
}
