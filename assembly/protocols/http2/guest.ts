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
  /** (request, response, outcome) -> outcome by the guest's rules: the stream ends, `outcome` where they say nothing. */
  static end: u32 = 0;
}

/** Forgets the guest. */
export function resetGuest(): void {
  Guest.number = 0;
}
