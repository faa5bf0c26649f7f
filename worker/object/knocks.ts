import { KNOCK_PERIODS, KNOCKS_AT_A_TIME, LATE_SECONDS_MAX } from "../limits";
import type { EdgeStates } from "./edge-states";
import type { Hub } from "./hub";
import type { Registry } from "./registry";

/**
 * Wakes shards that have been silent for a while: one whose alarm was lost in a crash, and that no edge posts to any more, would keep what
 * it has to itself.
 */
export class Knocks {
  /** When each shard was woken last, ms. */
  private readonly knockedMs = new Map<string, number>();

  constructor(
    private readonly registry: Registry,
    private readonly edges: EdgeStates,
    private readonly hubs: DurableObjectNamespace<Hub>,
  ) {}

  /** Wakes those whose turn it is; throws where one cannot be woken. */
  async knock(nowMs: number, periodSeconds: number): Promise<void> {
    const waitMs = KNOCK_PERIODS * periodSeconds * 1000;
    const silent: string[] = [];
    for (const shard of this.registry.shards()) {
      const seenMs = this.edges.states.get(this.registry.numberOf(shard) ?? -1)?.lastSeenMs ?? nowMs - waitMs;
      const lastMs = Math.max(seenMs, this.knockedMs.get(shard) ?? 0);
      if (lastMs <= nowMs - waitMs && seenMs > nowMs - LATE_SECONDS_MAX * 1000) silent.push(shard);
      if (silent.length === KNOCKS_AT_A_TIME) break;
    }
    for (const shard of silent) this.knockedMs.set(shard, nowMs);
    await Promise.all(silent.map((shard) => this.hubs.getByName(shard).wake()));
  }
}
