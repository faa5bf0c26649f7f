import type { LoggedEvent } from "../object/event-log";
import { formatTime } from "../time";
import type { FlatRow } from "./flatten";

/** An event as answers and the webhook have it; what is unknown is null. */
export function describeEvent({ id, timeMs, trouble, state, subject, tags, seconds }: LoggedEvent): FlatRow & { id: number } {
  const isShard = trouble === "shard_silent";
  return {
    ...Object.fromEntries(Object.entries(tags)),
    time: formatTime(Math.floor(timeMs / 1000)),
    id,
    event: trouble,
    state,
    edge: isShard ? null : subject,
    shard: isShard ? subject : null,
    seconds,
  };
}
