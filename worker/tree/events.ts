/** Events of a tenant's edges and shards, out of the logs of all its objects. */
import type { Reader } from "../authorize";
import type { Environment } from "../environment";
import { ROWS_MAX } from "../limits";
import type { LoggedEvent } from "../object/event-log";
import { matchesTags } from "../object/parts";
import { Refusal } from "../refusal";
import { askObjects } from "./fan-out";

/** The events that a reader may see of [fromMs, toMs), in the order of their times: of some edges only those of the edges. */
export async function eventsOf(environment: Environment, reader: Reader, fromMs: number, toMs: number): Promise<LoggedEvent[]> {
  const all: LoggedEvent[] = [];
  const isSeen = ({ trouble, tags }: LoggedEvent) =>
    reader.where.length === 0 || (trouble !== "shard_silent" && matchesTags(reader.where, tags));
  const refused = await askObjects<{ events: LoggedEvent[] }>(
    environment,
    reader.tenant,
    { from: 0, to: Number.POSITIVE_INFINITY, tagConditions: [] },
    async (object) => ({ events: await object.listEvents(fromMs, toMs) }),
    ({ events }) => {
      all.push(...events.filter(isSeen));
      const reason = `it has more than ${ROWS_MAX} events; take a shorter window`;
      return all.length > ROWS_MAX ? { status: 422, code: "too_much", reason } : null;
    },
  );
  if (refused !== null) throw Refusal.of(refused);
  return all.sort((a, b) => a.timeMs - b.timeMs);
}
