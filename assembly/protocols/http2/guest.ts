/**
 * A protocol inside HTTP/2 streams, known by their content type: the same streams, reported under its own number.
 *
 * HTTP/2 does not know its guest; the guest sets the functions below when it is declared.
 */
export class Guest {
  /** The guest's number, 0 while there is none. */
  static number: u32 = 0;
  /** (message, start, length): bytes of a message's body, in order. */
  static body: u32 = 0;
  /** (message, bytes): so many bytes of the body are missing. */
  static gap: u32 = 0;
  /** (message): a message of the guest begins, its headers are read; it must not move. */
  static begin: u32 = 0;
  /** (request, response, outcome) -> outcome by the guest's rules, `outcome` where they say nothing. */
  static outcome: u32 = 0;
  /** (): a response found no room. */
  static refused: u32 = 0;
  /** (request, response): the stream is over, and is reported next; there may be no response. */
  static end: u32 = 0;
}

/** Forgets the guest. */
export function resetGuest(): void {
  Guest.number = 0;
}
