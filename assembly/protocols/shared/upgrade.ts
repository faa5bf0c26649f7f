/**
 * What HTTP/1.1 hands to the protocol that a connection goes on with after a 101 (RFC 9110 section 7.8); none knows another.
 *
 * Whoever comes after takes the request first, while it is there, and the conversation once HTTP has left it.
 */

/** Protocols that may come after; each has its place in the table of functions. */
export class Successor {
  static readonly NONE: u32 = 0;
  static readonly HTTP2: u32 = 1;
  static readonly WEBSOCKET: u32 = 2;
}

const FUNCTIONS: usize = memory.data(8 * 3, 4);

/** The request: its texts, each a start and a length, 0 where it is not known; times and bytes. */
export class Upgrade {
  static methodStart: usize = 0;
  static methodLength: u32 = 0;
  static targetStart: usize = 0;
  static targetLength: u32 = 0;
  static pathStart: usize = 0;
  static pathLength: u32 = 0;
  static hostStart: usize = 0;
  static hostLength: u32 = 0;
  static userAgentStart: usize = 0;
  static userAgentLength: u32 = 0;
  static traceparentStart: usize = 0;
  static traceparentLength: u32 = 0;
  /** What is kept of it beside (content.ts): the message, and its place. */
  static message: usize = 0;
  static place: u32 = 0;
  static firstNs: u64 = 0;
  static lastNs: u64 = 0;
  static wireBytes: u64 = 0;
  static bodyBytes: u64 = 0;
  /** Whether it was marked as cut. */
  static isTruncated: bool = false;
}

/** Registers `copy`, () -> handle, 0 where there is no room, and `take`, (conversation, client, handle). */
export function setSuccessor(successor: u32, copy: u32, take: u32): void {
  store<u32>(FUNCTIONS + (successor << 3), copy);
  store<u32>(FUNCTIONS + (successor << 3), take, 4);
}

/** Has `successor` copy the request in `Upgrade`; answers its handle, 0 for none. */
export function copyFor(successor: u32): u32 {
  const copy = load<u32>(FUNCTIONS + (successor << 3));
  return copy != 0 ? call_indirect<u32>(copy) : 0;
}

/** The function that takes the conversation over with a handle. */
export function takerOf(successor: u32): u32 {
  return load<u32>(FUNCTIONS + (successor << 3), 4);
}
