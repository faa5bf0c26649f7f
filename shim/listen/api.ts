import { CoreError } from "../../engine/core";
import { isLogLevel, type LevelledLog, LOG_LEVELS } from "../agent/log-level";
import type { ReloadOutcome } from "../agent/reload";
import type { Reply } from "./reply";
import { type RecentMinutes, WINDOW_MINUTES_MAX } from "./window";

const ITEMS_MAX = 1024;

/** An answer in JSON. */
export function json(status: number, value: object): Reply {
  return { status, body: `${JSON.stringify(value)}\n`, headers: { "content-type": "application/json" } };
}

/** `/api/v1/window/N`: what the last N minutes add up to. */
export function windowReply(recent: RecentMinutes, minutes: string, parameters: URLSearchParams): Reply {
  const asked = wholeOf(minutes);
  if (asked < 1 || asked > WINDOW_MINUTES_MAX)
    return json(400, { error: `a window has 1 to ${WINDOW_MINUTES_MAX} minutes: /api/v1/window/5` });
  const items = wholeOf(parameters.get("items") ?? "10");
  if (items < 0 || items > ITEMS_MAX) return json(400, { error: `items are 0 to ${ITEMS_MAX}` });
  const wanted = parameters.get("metric")?.split(",");
  const unknown = wanted?.find((name) => !recent.knows(name));
  if (unknown !== undefined) return json(400, { error: `there is no metric ${unknown}; tallywire schema lists them` });
  try {
    const { metrics, ...rest } = recent.sum(asked, items);
    return json(200, { ...rest, metrics: metrics.filter(({ metric }) => wanted?.includes(metric) ?? true) });
  } catch (error) {
    if (!(error instanceof CoreError) || error.fault === undefined) throw error;
    return json(503, { error: "the sum of so many minutes finds no room; ask for fewer" });
  }
}

/** A whole number as it is written, -1 for anything else. */
export function wholeOf(text: string): number {
  return /^\d{1,9}$/.test(text) ? Number(text) : -1;
}

/** `POST /api/v1/reload`: what changed, or why nothing did. */
export async function reloadReply(reload: (() => Promise<ReloadOutcome>) | undefined): Promise<Reply> {
  if (reload === undefined) return json(409, { error: "this agent has no configuration file; start it with --config FILE" });
  const { changed, sinceMs, refused, reason, below } = await reload();
  const since = sinceMs === undefined ? undefined : new Date(sinceMs).toISOString();
  return reason === undefined ? json(200, { changed, since }) : json(409, { error: reason, refused, below });
}

/** `GET /api/v1/log-level`, and `PUT` with the level as its body. */
export function logLevelReply(log: LevelledLog, body: string | undefined): Reply {
  if (body !== undefined) {
    const word = body.trim().replace(/^"(.*)"$/, "$1");
    if (!isLogLevel(word)) return json(400, { error: `levels are ${LOG_LEVELS.join(", ")}; send one of them as the body` });
    log.level = word;
  }
  return json(200, { level: log.level });
}
