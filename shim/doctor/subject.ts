import type { AgentOptions } from "../agent/settings";
import type { HubClock } from "../post/hub-clock";

/** A hub that has answered. */
export interface AnsweringHub {
  address: URL;
  /** How far ahead of its clock a minute may be, and how late it may come, s. */
  aheadSeconds: number;
  lateSeconds: number;
  /** Told by each of its answers. */
  clock: HubClock;
}

/** What is looked at: an agent with these words. What one check learns, those after it may need. */
export interface Subject {
  readonly options: AgentOptions;
  /** Whether packets could be captured. */
  captures?: boolean;
  /** Absent: none was asked for, or it did not answer. */
  hub?: AnsweringHub;
}
