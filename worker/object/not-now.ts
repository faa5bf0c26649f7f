/** Refusals of an object that cannot take anything now, whatever it is. */
import { RETRY_AFTER_SECONDS } from "../limits";
import type { Refused } from "../refusal";

/** The refusal of what could not be written. */
export function notStored(): Refused {
  return { status: 503, code: "not_stored", reason: `the hub could not write; try again in ${RETRY_AFTER_SECONDS} s` };
}

/** The refusal of an object that has more unsealed than it may, until its next seal. */
export function behind(waitMs: number): Refused {
  const retryAfterSeconds = Math.ceil(waitMs / 1000);
  const reason = `the hub cannot seal what it has; try again in ${retryAfterSeconds} s`;
  return { status: 503, code: "behind", reason, retryAfterSeconds };
}

/** The refusal of an object whose parent has not taken what it sealed for so long that there is room for no more, until it tries again. */
export function outboxFull(waitMs: number): Refused {
  const retryAfterSeconds = Math.ceil(waitMs / 1000);
  const reason = `what this hub object sealed waits for its root, and no more may wait; try again in ${retryAfterSeconds} s`;
  return { status: 503, code: "outbox_full", reason, retryAfterSeconds };
}

/** What an error says. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
