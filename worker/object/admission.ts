import { AHEAD_SECONDS_MAX, LATE_SECONDS_MAX, MINUTE_BUNDLES_MAX, MINUTE_SECONDS, SEQUENCE_MAX } from "../limits";
import type { BundleHead } from "../merge";
import type { Refused } from "../refusal";
import { formatTime } from "../time";

/** What speaks against taking a valid bundle now: its window, its sequence, its minute. */
export function refusalOf(header: BundleHead, nowMs: number): Refused | null {
  const { minute } = header;
  if (header.windowSeconds !== MINUTE_SECONDS || minute % MINUTE_SECONDS !== 0) {
    return { status: 422, code: "bad_window", reason: "send bundles of whole UTC minutes of 60 s" };
  }
  if (header.sequence > SEQUENCE_MAX) {
    return { status: 422, code: "bad_sequence", reason: `send at most ${SEQUENCE_MAX + 1} bundles of one minute` };
  }
  if (minute < nowMs / 1000 - LATE_SECONDS_MAX) {
    const reason = `minute ${formatTime(minute)} is more than ${LATE_SECONDS_MAX / 3600} h ago; it is not taken any more`;
    return { status: 422, code: "too_late", reason };
  }
  if (minute > nowMs / 1000 + AHEAD_SECONDS_MAX) {
    const reason = `minute ${formatTime(minute)} is ahead of the hub's ${formatTime(Math.floor(nowMs / 1000))}; set the edge's clock`;
    const retryAfterSeconds = Math.ceil(minute - AHEAD_SECONDS_MAX - nowMs / 1000);
    return { status: 422, code: "clock_ahead", reason, retryAfterSeconds };
  }
  return null;
}

/** The refusal of a bundle whose minute has as many as it may have. */
export function tooManyBundles(minute: number): Refused {
  const reason = `minute ${formatTime(minute)} has ${MINUTE_BUNDLES_MAX} bundles in this hub object; shard the tenant further`;
  return { status: 429, code: "too_many_bundles", reason };
}
