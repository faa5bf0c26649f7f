/** Why bytes are not a bundle that can be taken; the numbers are stable and part of the ABI. */
export class Fault {
  static readonly NONE: u32 = 0;
  /** The first four bytes are not "TWB1". */
  static readonly MAGIC: u32 = 1;
  /** A format number that this build does not read. */
  static readonly FORMAT: u32 = 2;
  /** The bytes are not those that were written. */
  static readonly CHECKSUM: u32 = 3;
  /** The header ends early or one of its fields is out of range. */
  static readonly HEADER: u32 = 4;
  /** The directory ends early, is out of order, or promises more than there is. */
  static readonly DIRECTORY: u32 = 5;
  /** A section contradicts what this build knows of its metric. */
  static readonly METRIC: u32 = 6;
  /** A section's payload is not a state of its kind in canonical form. */
  static readonly PAYLOAD: u32 = 7;
  /** The bundle is of another policy than those it should be merged with. */
  static readonly POLICY: u32 = 8;
  /** The bundle was sampled at another rate than those it should be merged with. */
  static readonly SAMPLING: u32 = 9;
  /** There is no memory left to merge into, or a sum is beyond its limit; the accumulator is of no more use until it is reset. */
  static readonly FULL: u32 = 10;
  /** A question to the accumulator is malformed. */
  static readonly QUERY: u32 = 11;
  /** The answer does not fit the output. */
  static readonly OUTPUT: u32 = 12;
  /** A total beyond what so many bundles of edges may hold: with others of its kind it would not merge. */
  static readonly TOTAL: u32 = 13;
}
