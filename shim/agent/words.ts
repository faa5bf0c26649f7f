import { readBundleHeader } from "../../engine/bundle";
import { limitWords } from "../../engine/capture-end";
import type { CaptureCounts } from "../../engine/summary";
import { formatNumberOf } from "../../engine/units";
import { exitSummary } from "../output/exit-summary";
import type { MinuteCounts } from "../output/minute-counts";
import type { DeliveryCounts } from "../post/delivery";
import type { Spool } from "../spool/spool";
import type { MinuteKeeper } from "./minute-keeper";

/** What an agent says of a minute that it has sealed. */
export function sealedWords(bundle: Uint8Array): string {
  const { minute, sequence } = readBundleHeader(bundle);
  const part = sequence === 0 ? "" : `, part ${sequence + 1}`;
  return `minute ${new Date(minute * 60_000).toISOString().slice(0, 16)}Z is sealed${part}: ${formatNumberOf(bundle.length, "byte")}`;
}

/** What a run of an agent came to. */
export interface AgentEnd {
  /** Absent where nothing was read. */
  counts: Pick<MinuteCounts, "total" | "undated"> | undefined;
  knowsDrops: boolean | undefined;
  keeper: Pick<MinuteKeeper, "kept" | "lost">;
  spool: Pick<Spool, "folder" | "waitingCount" | "droppedCount">;
  posted: DeliveryCounts;
}

/** What an agent says at its end. */
export function endLines({ counts, knowsDrops, keeper, spool, posted }: AgentEnd): string[] {
  const seen: CaptureCounts = counts?.total ?? { packets: 0, bytes: 0, dropped: 0, malformed: {}, undecoded: {} };
  const { stored, duplicates, refused } = posted;
  const parts = [
    exitSummary(seen, { knowsDrops }),
    `${formatNumberOf(keeper.kept, "minute")} sealed`,
    `${stored} posted${duplicates > 0 ? ` (${duplicates} again)` : ""}`,
  ];
  const undated = counts?.undated ?? 0;
  if (undated > 0) parts.push(`${formatNumberOf(undated, "packet")} without a time, which belong to no minute and are not sent`);
  if (keeper.lost > 0) parts.push(`${keeper.lost} lost`);
  if (refused > 0) parts.push(`${refused} refused`);
  if (spool.waitingCount > 0) parts.push(`${spool.waitingCount} wait in ${spool.folder}`);
  if (spool.droppedCount > 0) parts.push(`${spool.droppedCount} dropped from the full spool`);
  const limit = limitWords(seen);
  return limit ? [parts.join(", "), limit] : [parts.join(", ")];
}
