import type { Losses } from "../merge";

/** Losses as rows have them; the last was not there from the beginning. */
export type PackedLosses = [dropped: number, malformed: number, unknown?: number];

export const NO_LOSSES: Losses = { dropped: 0, malformed: 0, unknown: 0 };

export function packLosses({ dropped, malformed, unknown }: Losses): PackedLosses {
  return [dropped, malformed, unknown];
}

export function unpackLosses([dropped, malformed, unknown = 0]: PackedLosses): Losses {
  return { dropped, malformed, unknown };
}

/** Whether something was lost. */
export function isLoss({ dropped, malformed, unknown }: Losses): boolean {
  return dropped + malformed + unknown > 0;
}

/** The sum, or with -1 the difference. */
export function addLosses(to: Losses, { dropped, malformed, unknown }: Losses, times: 1 | -1 = 1): Losses {
  return {
    dropped: to.dropped + times * dropped,
    malformed: to.malformed + times * malformed,
    unknown: to.unknown + times * unknown,
  };
}
