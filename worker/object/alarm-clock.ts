import { ALARM_LATE_MIN_MS, SEAL_SECOND } from "../limits";

/** When an object wakes to seal: once a period, at a second of its own. */
export class AlarmClock {
  private alarmAtMs = 0;

  constructor(
    private readonly storage: DurableObjectStorage,
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
    this.alarmAtMs = nextMs;
    void this.storage.setAlarm(this.alarmAtMs);
  }

  /** Sets the alarm where a crash lost it. One that is due may be what woke this object, and setting another would cancel it: it has some time. */
  async rearm(): Promise<void> {
    this.alarmAtMs = (await this.storage.getAlarm()) ?? 0;
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
