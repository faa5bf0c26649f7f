import { inflateBody } from "../body";
import { MERGED_BYTES_MAX } from "../limits";
import type { Refused } from "../refusal";
import type { Arrival } from "./batches";
import { entryKey, type Minutes } from "./minutes";
import type { Message, UpwardBundle } from "./outbox";
import type { Place, Registry } from "./registry";

/**
 * What a shard's message comes to here: a bundle each, to be committed together. That it was not there before is for the caller to
 * know, by its number.
 */
export function arrivalsOf(message: Message, registry: Registry, minutes: Minutes, nowMs: number): Arrival[] | Refused {
  const arrivals: Arrival[] = [];
  // Noted when all are taken: of a message of which one is refused nothing has arrived.
  const taken: { keys: Set<number>; key: number }[] = [];
  for (const bundle of message.bundles) {
    const place = placeOf(message, bundle, registry);
    if ("status" in place) return place;
    const { source, group } = place;
    const { minute, partial, setApart, body } = bundle;
    const keys = minutes.keys(minute);
    // A minute that comes in parts is one minute of the shard: only the first counts as that.
    const first = entryKey({ source, sequence: 0 });
    const isFirst = !keys.has(first) && !taken.some((one) => one.keys === keys && one.key === first);
    const sequence = isFirst ? 0 : 1;
    taken.push({ keys, key: entryKey({ source, sequence }) });
    const bytes = inflateBody(body, "deflate", MERGED_BYTES_MAX);
    const upward = { number: message.number, partial, setApart };
    const entry = { source, group, minute, sequence, receivedMs: nowMs, skewMs: null, version: "", bytes, upward };
    arrivals.push({ entry, body, encoding: "deflate" });
  }
  for (const { keys, key } of taken) keys.add(key);
  return arrivals;
}

/** The numbers of one bundle. Where there are too many sets of tags already it goes to those without tags: totals stay exact. */
function placeOf({ shard, boot }: Message, { policy, samplingRate, tags }: UpwardBundle, registry: Registry): Place | Refused {
  const place = registry.place(shard, { policy, samplingRate, tags, received: true }, boot);
  if (!("status" in place) || place.code !== "too_many_groups") return place;
  return registry.place(shard, { policy, samplingRate, tags: {}, received: true }, boot);
}
