/**
 * Headers, and whether bytes are one.
 *
 * ```
 * request:   0 size i32 | 4 api key i16 | 6 api version i16 | 8 correlation id i32 | 12 client id, nullable string | [tags] | body
 * response:  0 size i32 | 4 correlation id i32 | [tags] | body
 * ```
 * `size` counts what follows it. ControlledShutdown 0 has no client id.
 */
import { u8At, u16be, u32be } from "../../bytes/reader";
import { API_KEYS, newestVersion } from "./numbers";

export const SIZE_BYTES: u32 = 4;
export const API_KEY: u32 = 4;
export const API_VERSION: u32 = 6;
export const CORRELATION_ID: u32 = 8;
export const CLIENT_ID: u32 = 12;
export const CLIENT_ID_TEXT: u32 = 14;
/** Where a response's correlation id lies. */
export const ANSWERED_ID: u32 = 4;
/** Bytes of a response's size and correlation id. */
export const RESPONSE_HEADER_BYTES: u32 = 8;

/** The largest message that is taken for one: what brokers accept by default (socket.request.max.bytes). */
export const SIZE_MAX: u32 = 104857600;
/** The largest of other requests than Produce, and of other responses than that to Fetch. */
export const SIZE_USUAL_MAX: u32 = 4194304;
/** Versions beyond the newest that is known which may be asked for. */
const VERSIONS_AHEAD: u32 = 2;
/** Bytes of a client's name at the most. */
export const CLIENT_ID_MAX: u32 = 255;
const NULL_LENGTH: u32 = 0xffff;
const CONTROLLED_SHUTDOWN: u32 = 7;

/** Whether a request of this API key and version has no client id. */
export function isBare(key: u32, version: u32): bool {
  return key == CONTROLLED_SHUTDOWN && version == 0;
}

/** Whether `length` bytes at `start`, 14 at least, begin like a request. */
export function isRequest(start: usize, length: u32): bool {
  const size = u32be(start);
  const key = u16be(start + API_KEY);
  const version = u16be(start + API_VERSION);
  if (key >= API_KEYS || version > newestVersion(key) + VERSIONS_AHEAD) return false;
  if (size > (key == 0 ? SIZE_MAX : SIZE_USUAL_MAX)) return false;
  if (u32be(start + CORRELATION_ID) > 0x7fffffff) return false;
  if (isBare(key, version)) return size >= CORRELATION_ID;
  const bytes = u16be(start + CLIENT_ID);
  if (bytes == NULL_LENGTH) return size >= 10;
  return bytes <= CLIENT_ID_MAX && bytes + 10 <= size && isText(start + CLIENT_ID_TEXT, min<u32>(bytes, length - CLIENT_ID_TEXT));
}

/** Whether bytes are printable. */
function isText(start: usize, length: u32): bool {
  for (let i: u32 = 0; i < length; i++) {
    const byte = u8At(start + i);
    if (byte < 32 || byte == 127) return false;
  }
  return true;
}

/** The client id of a request of `length` bytes in hand in a number, so that two can be compared. */
export function clientMark(start: usize, length: u32): u32 {
  const bytes = u16be(start + CLIENT_ID);
  let mark = bytes + 1;
  const there: u32 = bytes == NULL_LENGTH ? 0 : min<u32>(min<u32>(bytes, length - CLIENT_ID_TEXT), 16);
  if (there < min<u32>(bytes, 16) && bytes != NULL_LENGTH) return 0;
  for (let i: u32 = 0; i < there; i++) mark = mark * 31 + u8At(start + CLIENT_ID_TEXT + i);
  return mark;
}
