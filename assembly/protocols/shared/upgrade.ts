/**
 * A request of HTTP/1.1 that is answered in HTTP/2 (RFC 7540 section 3.2): what one protocol hands to the other, neither of which
 * knows the other.
 */
export class Upgrade {
  /** () -> handle: copies the request below; 0 where there is no protocol to take it, or no room. */
  static copy: u32 = 0;
  /** (conversation, client, handle): the conversation is the other protocol's from here. */
  static take: u32 = 0;
  /** The request: its texts, each a start and a length, 0 where it is not known; times and bytes. */
  static methodStart: usize = 0;
  static methodLength: u32 = 0;
  static pathStart: usize = 0;
  static pathLength: u32 = 0;
  static hostStart: usize = 0;
  static hostLength: u32 = 0;
  static userAgentStart: usize = 0;
  static userAgentLength: u32 = 0;
  static traceparentStart: usize = 0;
  static traceparentLength: u32 = 0;
  static firstNs: u64 = 0;
  static lastNs: u64 = 0;
  static wireBytes: u64 = 0;
  static bodyBytes: u64 = 0;
}
