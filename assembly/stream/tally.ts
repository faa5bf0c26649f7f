/** What reassembly gave up or found missing, in all; the module `capture` reports it. */
export class StreamTally {
  /** Holes that were given up. */
  static gaps: u64 = 0;
  /** Bytes in them. */
  static gapBytes: u64 = 0;
  /** Times that the stream pool, or what one stream may hold back, had no room. */
  static memory: u64 = 0;
  /** Message parts longer than a parser may ask for. */
  static tooLong: u64 = 0;
  /** Segments and datagrams that the capture itself saw twice. */
  static duplicates: u64 = 0;

  static reset(): void {
    StreamTally.gaps = 0;
    StreamTally.gapBytes = 0;
    StreamTally.memory = 0;
    StreamTally.tooLong = 0;
    StreamTally.duplicates = 0;
  }
}
