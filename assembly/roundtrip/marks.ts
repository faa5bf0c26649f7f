/** What a reader should know of a round trip beside its figures; one bit each, named in `MARK_NAMES` in the same order. */
export class Mark {
  /** Bytes inside were missing from the capture. */
  static readonly GAP: u32 = 1;
  /** A text or a record list was cut at a limit, or the capture cut the packet. */
  static readonly TRUNCATED: u32 = 2;
  /** The connection's start was not captured. */
  static readonly MID_STREAM: u32 = 4;
  /** The request was sent more than once. */
  static readonly RETRY: u32 = 8;
  /** Bytes in between were no message of the protocol and were stepped over. */
  static readonly RESYNCHRONIZED: u32 = 16;
  /** The connection goes on in another protocol from here. */
  static readonly UPGRADE: u32 = 32;
  /** Part of the message broke the protocol's rules. */
  static readonly MALFORMED: u32 = 64;
  /** The connection ended inside a message. */
  static readonly INCOMPLETE: u32 = 128;
  /** It lay under keys of TLS and was opened with them. */
  static readonly TLS: u32 = 256;
}

/** Names of the marks, lowest bit first. */
export const MARK_NAMES: string = "gap,truncated,mid-stream,retry,resynchronized,upgrade,malformed,incomplete,tls";

/** Outcome of a round trip; the order is the label `status`. */
export class Status {
  static readonly OK: u32 = 0;
  static readonly ERROR: u32 = 1;
  static readonly TIMEOUT: u32 = 2;
  static readonly RESET: u32 = 3;
  static readonly CLOSED: u32 = 4;
  static readonly UNOBSERVED: u32 = 5;
}

/** Names of the outcomes in the order of their numbers. */
export const STATUS_NAMES: string = "ok,error,timeout,reset,closed,unobserved";
