/** What the core asks of its host: the only imports. */

/** The event region is full in the middle of a packet: the host takes its events out before it returns. */
export declare function eventsFull(): void;

/**
 * Makes keys of the secrets that the host has for the connection whose hellos `at` describes (protocols/tls/opened.ts): their number, 0
 * where it has none yet, or all ones where it never will, as for a cipher that it does not open.
 */
export declare function keysOpen(at: usize): u32;

/**
 * Opens the record of `length` bytes at `start`, its header with it, with keys `keys` as the one numbered `sequence` that `sender` sent: 0 the
 * client, 1 the server, 2 the client before the server answered, 3 the server in its handshake of TLS 1.3. The keys are those `ahead` times after the sender's last ones (`keysNext`).
 * Answers the bytes of plaintext that it wrote to `to`, no more than `length`; -1 where the keys do not open it.
 */
export declare function keysRecord(keys: u32, sender: u32, sequence: u32, start: usize, length: u32, to: usize, ahead: u32): i32;

/** What `sender` sends from here on is under the keys that follow from its last ones (RFC 8446 section 7.2). */
export declare function keysNext(keys: u32, sender: u32): void;

/** What is known of the host's secrets of TLS. */
export class HostSecrets {
  /** Whether it has some, or may have. */
  static areThere: bool = false;
  /** Whether the file that is read may bring some. */
  static mayCome: bool = false;
}

/**
 * Gives the host `length` bytes of a key log that a file brings, or of the part of one that `part` says: bit 0 where it begins there, bit 1
 * where it ends.
 */
export declare function secretsTake(start: usize, length: u32, part: u32): void;

/** Keys are not asked for any more. */
export declare function keysClose(keys: u32): void;
/** Whose an end of a connection is: the host reads the question at this address and writes its answer behind it (roundtrip/ask-owner.ts). */
export declare function askOwner(question: usize): void;
