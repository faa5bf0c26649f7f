/** Refusals of an object that cannot take anything now, whatever it is. */
import { RETRY_AFTER_SECONDS } from "../limits";
import type { Refused } from "../refusal";

/** The refusal of what could not be written. */
export function notStored(): Refused {
  return { status: 503, code: "not_stored", reason: `the hub could not write; try again in ${RETRY_AFTER_SECONDS} s` };
}

/** The refusal of an object that has more unsealed than it may. */
export function behind(): Refused {
  return {
    status: 503,
    code: "behind",
    reason: `the hub cannot seal what it has; try again in ${RETRY_AFTER_SECONDS} s`,
  };
}

/** What an error says. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
