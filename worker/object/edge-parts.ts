import { EDGE_MINUTES_SECONDS, MINUTE_SECONDS, QUERY_PARTS_MAX } from "../limits";
import { quote, type Refused } from "../refusal";
import { formatTime } from "../time";
import type { Entry } from "./batches";
import { tooManyParts } from "./cover";
import { type Kept, keptWholeFrom, listKept, placeOfKept } from "./kept";
import { type Found, groupsOf, type Part, type Source, type Window } from "./parts";
import { readNumber } from "./schema";

/** Finds what one edge posted in a window: in tiles it is merged with the others, so this is what batches hold, and what is not sealed yet. */
export function findEdgeParts(source: Source, window: Window, name: string): Found | Refused {
  const { sql, registry, sealed } = source;
  const edge = registry.numberOf(name);
  if (edge === undefined || registry.isShard(edge)) return unknownEdge(name);
  const keptFrom = keptWholeFrom(sql);
  if (window.from < keptFrom) return tooOld(keptFrom);
  const groups = groupsOf(registry, window, ({ received }) => !received);
  const parts: Part[] = [];
  let revision = readNumber(sql, "recut_revision");
  const take = (one: Kept | Entry, changed: number) => {
    const group = groups.get(one.group);
    const isMeant = registry.sources.get(one.source)?.edge === edge && one.minute >= window.from && one.minute < window.to;
    if (!isMeant || group === undefined) return;
    parts.push({ start: one.minute, group, held: "batch" in one ? placeOfKept(one) : one });
    revision = Math.max(revision, changed);
  };
  for (const kept of listKept(sql, sealed, window.from)) {
    take(kept, kept.batch);
    if (parts.length > QUERY_PARTS_MAX) return tooManyParts();
  }
  for (const entry of source.pending) take(entry, source.revision);
  if (parts.length > QUERY_PARTS_MAX) return tooManyParts();
  return { parts, groups, revision, resolution: MINUTE_SECONDS, setApart: 0, only: { edge, keptFrom } };
}

/** The refusal of an edge that never posted. */
export function unknownEdge(name: string): Refused {
  const reason = `edge ${quote(name)} never posted to this tenant; /v1/edges lists those that did`;
  return { status: 404, code: "unknown_edge", reason };
}

function tooOld(keptFrom: number): Refused {
  const hours = EDGE_MINUTES_SECONDS / 3600;
  const reason = `the minutes of single edges are kept for ${hours} h, all of them from ${formatTime(keptFrom)} on; begin there, or leave edge out`;
  return { status: 422, code: "edge_minutes_gone", reason };
}
