/**
 * A frame (AMQP 0-9-1 section 2.3.5), and whether bytes can be one.
 *
 * ```
 * 0 type u8 | 1 channel u16 | 3 size u32 | 7 payload ... | 7 + size  0xCE
 * ```
 */
import { u8At, u16be, u32be } from "../../bytes/reader";
import { traitsOf } from "./methods";

export const METHOD_FRAME: u32 = 1;
export const HEADER_FRAME: u32 = 2;
export const BODY_FRAME: u32 = 3;
export const HEARTBEAT_FRAME: u32 = 8;

export const CHANNEL: u32 = 1;
export const SIZE: u32 = 3;
export const PAYLOAD: u32 = 7;
/** Bytes of a frame without payload: a heartbeat. */
export const FRAME_BYTES_MIN: u32 = 8;
/** Bytes that tell a method. */
export const METHOD_BYTES: u32 = 11;
export const FRAME_END: u32 = 0xce;
/** Bytes of a payload at the most; servers agree on 131,072 and less. */
export const SIZE_MAX: u32 = 16 << 20;

const BASIC: u32 = 60;
/** Class, weight, body size and flags of a content header (section 4.2.6.1). */
const HEADER_BYTES_MIN: u32 = 14;

/** "AMQP" 0 0 9 1, or what a server offers instead. */
export function isProtocolHeader(at: usize): bool {
  return u32be(at) == 0x414d5150;
}

/** "AMQP" 0 0 9 1. */
export function isOurHeader(at: usize): bool {
  return isProtocolHeader(at) && u32be(at + 4) == 0x00000901;
}

/** Whether `left` bytes at `at`, FRAME_BYTES_MIN or more, can be a frame as far as they go. */
export function isFrame(at: usize, left: u32): bool {
  const type = u8At(at);
  const channel = u16be(at + CHANNEL);
  const size = u32be(at + SIZE);
  if (size > SIZE_MAX) return false;
  const bytes = size + FRAME_BYTES_MIN;
  if (bytes <= left && u8At(at + PAYLOAD + size) != FRAME_END) return false;
  if (type == HEARTBEAT_FRAME) return channel == 0 && size == 0;
  if (type == BODY_FRAME) return channel != 0;
  if (type == HEADER_FRAME) return channel != 0 && size >= HEADER_BYTES_MIN && isContentHeader(at + PAYLOAD, left - PAYLOAD);
  if (type != METHOD_FRAME || size < 4) return false;
  if (left < METHOD_BYTES) return true;
  const classId = u16be(at + PAYLOAD);
  return traitsOf(classId, u16be(at + PAYLOAD + 2)) != 0 && (classId == 10) == (channel == 0);
}

function isContentHeader(at: usize, left: u32): bool {
  return left < 4 || u32be(at) == BASIC << 16;
}
