import { quote, Refusal } from "./refusal";

const UNIT_SECONDS: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86400, w: 604800 };
const RFC_3339 = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)$/;

/**
 * Latest time that is read, in the year 2477: a larger number is milliseconds by mistake. Tiles are numbered by less than 2^28
 * minutes (tiles.ts), so a later one would be taken for another tile.
 */
const SECONDS_MAX = 16_000_000_000;

/** Reads `90s`, `15m`, `1h`, `2d`, `1w` or a plain number of seconds; null where it is neither. */
export function parseDuration(text: string): number | null {
  const parts = /^(\d{1,9}(?:\.\d{1,3})?)([smhdw]?)$/.exec(text);
  return parts === null ? null : Number(parts[1]) * (UNIT_SECONDS[parts[2] || "s"] ?? 1);
}

/** Reads a time as seconds since the epoch: RFC 3339, unix seconds, `now`, or relative to now like `-1h` or `now-1h`. */
export function parseTime(field: string, given: unknown, nowSeconds: number): number {
  if (typeof given === "number") return checkSeconds(field, given);
  if (typeof given !== "string") throw malformed(field, given);
  const text = given.trim();
  if (text === "now") return nowSeconds;
  if (/^\d+(\.\d+)?$/.test(text)) return checkSeconds(field, Number(text));
  if (RFC_3339.test(text)) {
    const milliseconds = Date.parse(text.replace(" ", "T"));
    if (Number.isFinite(milliseconds) && isDay(text.slice(0, 10))) return checkSeconds(field, milliseconds / 1000);
  }
  const relative = /^(?:now)?-(.+)$/.exec(text);
  const seconds = relative === null ? null : parseDuration(relative[1] ?? "");
  if (seconds === null) throw malformed(field, given);
  return checkSeconds(field, nowSeconds - seconds);
}

/** Whether the calendar has `YYYY-MM-DD`; Date.parse takes February 31 for March 3. */
function isDay(text: string): boolean {
  const milliseconds = Date.parse(text);
  return Number.isFinite(milliseconds) && new Date(milliseconds).toISOString().startsWith(text);
}

function checkSeconds(field: string, seconds: number): number {
  if (Number.isFinite(seconds) && seconds >= 0 && seconds <= SECONDS_MAX) return seconds;
  throw new Refusal(
    400,
    "bad_time",
    `${field} ${quote(seconds)} is out of range; give a time since 1970, in seconds and not milliseconds`,
  );
}

function malformed(field: string, given: unknown): Refusal {
  return new Refusal(
    400,
    "bad_time",
    `${field} ${quote(given)} is no time; use RFC 3339 (2026-01-31T12:00:00Z), unix seconds, now, or a span before now like -1h`,
  );
}

/** RFC 3339 in UTC, without fraction where there is none. */
export function formatTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
}
