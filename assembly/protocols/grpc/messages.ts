/**
 * Messages in a body, counted as they pass: each behind a prefix of five bytes, and cut anywhere by frames and segments.
 *
 * ```
 *   0 compressed u8, 0 or 1 | 1 length u32, in network order | message
 * ```
 */
import { u8At } from "../../bytes/reader";
import { Message } from "../../roundtrip/message";
import * as F from "./fields";
import { GrpcMetrics } from "./metrics";

const PREFIX_BYTES: u32 = 5;

/** The guest's body: `length` bytes at `start` are the next of `message`. */
export function countMessages(message: Message, start: usize, length: u32): void {
  const base = changetype<usize>(message);
  if (load<u8>(base, F.LOST) != 0) return;
  const end = start + length;
  let at = start;
  while (at < end) {
    const left = load<u32>(base, F.LEFT);
    if (left != 0) {
      const there = <u32>(end - at);
      const take = left < there ? left : there;
      store<u32>(base, left - take, F.LEFT);
      at += take;
    } else if (!takePrefix(base, u8At(at++))) {
      GrpcMetrics.malformed();
      lose(message);
      return;
    }
  }
  if (load<u32>(base, F.MESSAGES) == 0) return;
  message.know(F.GrpcField.MESSAGES);
  message.know(F.GrpcField.MESSAGE_BYTES);
}

/** Takes a byte of a prefix; false where it is none. */
function takePrefix(base: usize, byte: u32): bool {
  const count = <u32>load<u8>(base, F.PREFIX_COUNT);
  if (count == 0) {
    if (byte > 1) return false;
    store<u32>(base, 0, F.PREFIX);
    if (byte == 1) store<u8>(base, 1, F.COMPRESSED);
  } else {
    store<u32>(base, (load<u32>(base, F.PREFIX) << 8) | byte, F.PREFIX);
  }
  if (count + 1 < PREFIX_BYTES) {
    store<u8>(base, count + 1, F.PREFIX_COUNT);
    return true;
  }
  const length = load<u32>(base, F.PREFIX);
  store<u8>(base, 0, F.PREFIX_COUNT);
  store<u32>(base, length, F.LEFT);
  store<u32>(base, load<u32>(base, F.MESSAGES) + 1, F.MESSAGES);
  store<u64>(base, load<u64>(base, F.MESSAGE_BYTES) + length, F.MESSAGE_BYTES);
  return true;
}

/** The guest's gap: `bytes` of a body are missing, which cost nothing inside one message. */
export function passMessages(message: Message, bytes: u32): void {
  const base = changetype<usize>(message);
  const left = load<u32>(base, F.LEFT);
  if (bytes > left) lose(message);
  else store<u32>(base, left - bytes, F.LEFT);
}

/** How many messages there are is not known any more. */
function lose(message: Message): void {
  store<u8>(changetype<usize>(message), 1, F.LOST);
  message.present &= ~((1 << F.GrpcField.MESSAGES) | (1 << F.GrpcField.MESSAGE_BYTES));
}
