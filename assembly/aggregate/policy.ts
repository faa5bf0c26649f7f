/**
 * Policies: a named choice of what is counted and how. There is one so far, `default`, which takes everything in.
 */

export class Policy {
  /** Its number at this edge. */
  static number: u32 = 0;
  /** One packet of this many is looked at. */
  static sampling: u32 = 1;

  /** Its name, the same at every edge. */
  @inline static get name(): string {
    return "default";
  }
}

/** Bytes of a policy's name at the most. */
export const POLICY_NAME_BYTES_MAX: u32 = 63;
