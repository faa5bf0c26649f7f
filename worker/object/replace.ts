import type { Refused } from "../refusal";
import { writeBatch } from "./batches";
import type { CutterHost } from "./cutter";
import { finestKept } from "./expiry";
import { isFullOfCuts, keptWholeFrom, writeCut } from "./kept";
import type { Receipt } from "./node";
import type { Replacement } from "./outbox";
import { arrivalsOf } from "./receive";
import { keptIn, keptOfGroups, type RecutContext, remakeTiles } from "./recut";
import { writeNumber } from "./schema";

/**
 * Takes a minute that a shard made anew in the place of all that it sent of it before, in one transaction, with nothing waiting to be sealed: the
 * minute's tiles are made anew of what batches hold of the other shards, and of this. Where batches do not hold all of them any more the minute stays as
 * it was, and the shard is told; the decision is kept, so that a message that comes again is told the same.
 */
export function replaceMinute(host: CutterHost, context: RecutContext, shard: number, message: Replacement): Receipt {
  const { sql, registry, edges, transact } = host;
  const { boot, number, recut } = message;
  const nowMs = Date.now();
  const decided = decisionOf(sql, shard, boot, recut.first);
  if (number <= edges.cursorOf(shard, boot)) return { stored: false, timeMs: nowMs, replaced: decided === true };
  const isWhole = recut.minute >= keptWholeFrom(sql) && finestKept(sql, recut.minute) === 0 && !isFullOfCuts(sql);
  const isTaken = number === recut.first ? isWhole : decided === true;
  const { revision } = host.state();
  const refused = transact(() => {
    if (isTaken) {
      const why = take(host, context, shard, message, nowMs);
      if (why !== null) return why;
    }
    edges.advance(shard, boot, number);
    sql.exec(
      "INSERT OR REPLACE INTO decisions (edge, boot, number, taken) VALUES (?, ?, ?, ?)",
      shard,
      boot,
      recut.first,
      Number(isTaken),
    );
    registry.save();
    edges.save();
    return null;
  });
  if (refused !== null) return refused;
  registry.saved();
  edges.saved();
  if (isTaken) host.revise(revision + 2, revision + 1);
  return { stored: true, timeMs: nowMs, replaced: isTaken };
}

/** Writes the minute: its bundles as a batch that is sealed at once, and the tiles of all groups that had some or have some now. */
function take(host: CutterHost, context: RecutContext, shard: number, message: Replacement, nowMs: number): Refused | null {
  const { sql, registry, minutes, edges } = host;
  const { boot, number, recut } = message;
  const { minute } = recut;
  const { revision: before, sealed } = host.state();
  const batch = before + 1;
  const revision = before + 2;
  const arrivals = arrivalsOf(message, registry, minutes, nowMs);
  if ("status" in arrivals) return arrivals;
  if (arrivals.length > 0) writeBatch(sql, batch, arrivals, nowMs);
  const groups = new Set(arrivals.map(({ entry }) => entry.group));
  const isOwn = (source: number) => context.edgeOf(source) === shard && registry.sources.get(source)?.boot === boot;
  for (const kept of number === recut.first ? keptIn(sql, sealed, minute) : []) {
    if (!isOwn(kept.source)) continue;
    groups.add(kept.group);
    writeCut(sql, kept.source, minute, sealed);
    edges.unobserve(shard, kept);
  }
  for (const { entry } of arrivals) edges.observe(shard, boot, entry);
  remakeTiles(context, minute, keptOfGroups(keptIn(sql, batch, minute), groups), revision);
  minutes.replace(minute, revision, shard, recut.partial);
  writeNumber(sql, "sealed", batch);
  writeNumber(sql, "revision", revision);
  return null;
}

/** What was said about the message of this number; null where nothing was, or it is too long ago. */
function decisionOf(sql: SqlStorage, shard: number, boot: string, first: number): boolean | null {
  const [row] = sql
    .exec<{ number: number; taken: number }>("SELECT number, taken FROM decisions WHERE edge = ? AND boot = ?", shard, boot)
    .toArray();
  return row?.number === first ? row.taken !== 0 : null;
}
