import { REFUSAL_REASON_LENGTH_MAX, REFUSALS_PER_HOUR_MAX, REFUSALS_SECONDS } from "../limits";

/** What was refused, and how often; edge and code are null for all those that there was no room to tell apart. */
export interface RefusalCount {
  edge: string | null;
  code: string | null;
  count: number;
  /** Of the last one. */
  reason: string;
  lastMs: number;
}

/** The refusals of one hour. */
export interface RefusalHour {
  /** Its start, seconds since the epoch. */
  hour: number;
  counts: RefusalCount[];
}

const HOUR_SECONDS = 3600;
const OTHERS = { edge: null, code: null };

/** Adds a refusal to those of an hour. Where there are too many kinds, those that are refused least are counted as others. */
export function addRefusal(counts: Map<string, RefusalCount>, given: RefusalCount): void {
  const name = nameOf(given);
  const known = counts.get(name);
  if (known === undefined) {
    counts.set(name, { ...given, reason: given.reason.slice(0, REFUSAL_REASON_LENGTH_MAX) });
    if (counts.size > REFUSALS_PER_HOUR_MAX) foldLeast(counts, name);
    return;
  }
  known.count += given.count;
  if (given.lastMs < known.lastMs) return;
  known.lastMs = given.lastMs;
  known.reason = given.reason.slice(0, REFUSAL_REASON_LENGTH_MAX);
}

/** Counts the least of all but the newest as others. */
function foldLeast(counts: Map<string, RefusalCount>, newest: string): void {
  let least: RefusalCount | undefined;
  for (const [name, one] of counts) {
    if (name === newest || one.code === null) continue;
    if (least === undefined || one.count < least.count) least = one;
  }
  if (least === undefined) return;
  counts.delete(nameOf(least));
  addRefusal(counts, { ...least, ...OTHERS });
}

function nameOf({ edge, code }: Pick<RefusalCount, "edge" | "code">): string {
  return JSON.stringify([edge, code]);
}

/**
 * What an object refused, by the hour. Memory holds the hours that changed since the last seal, whose transaction writes them; what a
 * crash takes before that was never acknowledged to anyone.
 */
export class Refusals {
  private readonly changed = new Map<number, Map<string, RefusalCount>>();

  constructor(private readonly sql: SqlStorage) {}

  /** Whether there is something to save. */
  get isChanged(): boolean {
    return this.changed.size > 0;
  }

  /** Takes note of what was refused. */
  note(given: RefusalCount): void {
    const hour = Math.floor(given.lastMs / 1000 / HOUR_SECONDS) * HOUR_SECONDS;
    let counts = this.changed.get(hour);
    if (counts === undefined) {
      const [saved] = this.read(hour, hour + HOUR_SECONDS);
      counts = new Map(saved?.counts.map((one) => [nameOf(one), one]));
      this.changed.set(hour, counts);
    }
    addRefusal(counts, given);
  }

  /** The hours that begin in [from, to), in order. */
  list(from: number, to: number): RefusalHour[] {
    const hours = new Map(this.read(from, to).map((one) => [one.hour, one]));
    for (const [hour, counts] of this.changed) {
      if (hour >= from && hour < to) hours.set(hour, { hour, counts: [...counts.values()] });
    }
    return [...hours.values()].sort((a, b) => a.hour - b.hour);
  }

  /** Writes what changed; inside the caller's transaction, which then calls `saved`. */
  save(): void {
    for (const [hour, counts] of this.changed) {
      const data = JSON.stringify([...counts.values()]);
      this.sql.exec("INSERT OR REPLACE INTO refusals (hour, data) VALUES (?, ?)", hour, data);
    }
  }

  /** Deletes the hours that are too old. */
  expire(nowSeconds: number): void {
    this.sql.exec("DELETE FROM refusals WHERE hour < ?", nowSeconds - REFUSALS_SECONDS - HOUR_SECONDS);
  }

  /** Notes that what `save` wrote is there to stay. */
  saved(): void {
    this.changed.clear();
  }

  private read(from: number, to: number): RefusalHour[] {
    const rows = this.sql.exec<{ hour: number; data: string }>(
      "SELECT hour, data FROM refusals WHERE hour >= ? AND hour < ? ORDER BY hour",
      from,
      Math.min(to, Number.MAX_SAFE_INTEGER),
    );
    return rows.toArray().map(({ hour, data }) => ({ hour, counts: JSON.parse(data) as RefusalCount[] }));
  }
}
