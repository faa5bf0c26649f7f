import type { Environment } from "../environment";
import { ALARM_LATE_MIN_MS, ALARM_RETRY_MS, MINUTE_SECONDS, SEAL_SECOND } from "../limits";
import { type WholeNumber, wholeNumberOf } from "../whole-number";
import { messageOf } from "./not-now";

const PERIOD: WholeNumber = { name: "SEAL_PERIOD_SECONDS", usual: MINUTE_SECONDS, least: 1, most: 86_400 };

/** Seconds between two seals. Refuses a setting that is no whole number or out of range. */
export const sealPeriodOf = (environment: Environment): number => wholeNumberOf(environment, PERIOD);

/** When an object wakes to seal: once a period, at a second of its own. */
export class AlarmClock {
  private alarmAtMs = 0;
  private retry: ReturnType<typeof setTimeout> | null = null;

  constructor(
    private readonly storage: Pick<DurableObjectStorage, "getAlarm" | "setAlarm">,
    readonly periodSeconds: number,
  ) {}

  /** Takes note that the alarm has come. */
  rang(): void {
    this.alarmAtMs = 0;
  }

  /** Sets the alarm to the next seal second, where none is on its way. */
  arm(): void {
    const nowMs = Date.now();
    const nextMs = this.nextMs(nowMs);
    // One that is further away than the next was set by a clock that has been put back since.
    if (this.alarmAtMs > nowMs - this.lateMaxMs && this.alarmAtMs <= nextMs) return;
    void this.set(nextMs);
  }

  /** Sets the alarm. Never throws: what was stored is stored; where it fails it is tried again soon, and by whatever is stored meanwhile. */
  private async set(atMs: number): Promise<void> {
    this.alarmAtMs = atMs;
    try {
      await this.storage.setAlarm(atMs);
    } catch (error) {
      console.error(`the alarm was not set, and is tried again: ${messageOf(error)}`);
      if (this.alarmAtMs === atMs) this.alarmAtMs = 0;
      this.retry ??= setTimeout(() => {
        this.retry = null;
        this.arm();
      }, ALARM_RETRY_MS);
    }
  }

  /** Sets the alarm where a crash lost it. One that is due may be what woke this object, and setting another would cancel it: it has some time. */
  async rearm(): Promise<void> {
    this.alarmAtMs = await this.storage.getAlarm().then(
      (atMs) => atMs ?? 0,
      () => 0,
    );
    this.arm();
    if (this.alarmAtMs <= Date.now()) setTimeout(() => this.arm(), this.lateMaxMs);
  }

  /** The next time after now that lies SEAL_SECOND into a period. */
  nextMs(nowMs: number): number {
    const periodMs = this.periodSeconds * 1000;
    const phaseMs = (SEAL_SECOND * 1000) % periodMs;
    return Math.floor((nowMs - phaseMs) / periodMs + 1) * periodMs + phaseMs;
  }

  /** How late an alarm may be before it is taken for lost. */
  private get lateMaxMs(): number {
    return Math.max(ALARM_LATE_MIN_MS, this.periodSeconds * 1000);
  }
}
