import { loadNative } from "../capture/native";

/** Time between two looks, ms: what is used all the time has then come back for long. */
const STEP_MS = 10_000;

/**
 * Lets go of pages of Node and libraries that the start used, or what is done now and then: some 20 MB that would stand in memory for
 * months. The system would take them where memory is short; so who looks at a process sees what it needs.
 */
export class ProgramPages {
  private nextMs = 0;

  /** Lets go of them where it is time. */
  turn(nowMs: number): void {
    if (nowMs < this.nextMs) return;
    this.nextMs = nowMs + STEP_MS;
    try {
      loadNative()?.dropProgramPages();
    } catch {
      // A system without them: they stay.
      this.nextMs = Number.POSITIVE_INFINITY;
    }
  }
}
