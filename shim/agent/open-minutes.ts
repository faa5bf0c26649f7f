import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { writeWhole } from "../write-whole";
import { SEAL_MS } from "./posting-time";

const NAME = "open-minutes.json";
const MINUTE_MS = 60_000;
/** How much earlier than it begins a minute is noted: `note` is called about once a second, and none may begin unnoted. */
const AHEAD_MS = 2000;
/** As many as a hub takes late: an agent may be killed again and again before it seals anything. */
const MINUTES_MAX = 48 * 60;

/**
 * The minutes of a live run that are not in the spool yet, in a file of the spool's folder: what they hold is lost when the agent is killed,
 * and its next start finds here which they were. Minutes since the epoch.
 *
 * What a start has found stays noted until a bundle that counts it is in the spool. An agent that is killed between these two counts it
 * once more, which is better than not at all.
 */
export class OpenMinutes {
  /** Minutes that were open when an earlier run was killed, and that no bundle counts yet. */
  readonly lost: readonly number[];
  private readonly path: string;
  private readonly first: number;
  private isTold = false;
  private noted = "";

  constructor(folder: string, startMs: number) {
    this.path = join(folder, NAME);
    this.lost = readMinutes(this.path);
    this.first = minuteOf(startMs);
  }

  /**
   * Notes what is open at `nowMs` after all that was due at `settledMs` was sealed and kept; `isTold` says that a bundle which counts what was
   * lost is kept. Throws what the system says.
   */
  note(nowMs: number, isTold: boolean, settledMs = nowMs): void {
    this.isTold ||= isTold;
    const last = minuteOf(nowMs + AHEAD_MS);
    const open: number[] = [];
    // A clock that was years behind is set: what is noted stays bounded.
    const first = Math.max(this.first, minuteOf(settledMs - SEAL_MS), last - MINUTES_MAX + 1);
    for (let minute = Math.min(last, first); minute <= last; minute++) open.push(minute);
    this.write(open);
  }

  /** Notes that the run has ended and nothing of it is open. Throws what the system says. */
  close(isTold: boolean): void {
    this.isTold ||= isTold;
    this.write([]);
  }

  private write(open: readonly number[]): void {
    const minutes = [...new Set([...(this.isTold ? [] : this.lost), ...open])].slice(-MINUTES_MAX);
    const text = JSON.stringify(minutes);
    if (text === this.noted) return;
    if (minutes.length === 0) rmSync(this.path, { force: true });
    else writeWhole(this.path, text);
    this.noted = text;
  }
}

const minuteOf = (ms: number) => Math.floor(ms / MINUTE_MS);

/** What an earlier run left; nothing where it left nothing, or somebody something else. */
function readMinutes(path: string): number[] {
  try {
    const minutes: unknown = JSON.parse(readFileSync(path, "utf8"));
    return Array.isArray(minutes) ? minutes.filter(isMinute).slice(-MINUTES_MAX) : [];
  } catch {
    return [];
  }
}

const isMinute = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;
