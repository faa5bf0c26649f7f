import type { Allowance } from "../allowance";
import { MINUTE_SECONDS, PACES_MAX } from "../limits";
import type { Refused } from "../refusal";

const MINUTE_MS = MINUTE_SECONDS * 1000;

/** When an edge would have used up what it took, at the allowed rate, ms: of bundles and of bytes. */
interface Used {
  bundlesUntilMs: number;
  bytesUntilMs: number;
}

/**
 * How fast edges post: a bucket for each, which holds what it may post in a minute and fills as fast.
 *
 * A bucket is one time: that at which it will be full. It lives in memory alone; one that is forgotten is full.
 */
export class Paces {
  private readonly used = new Map<string, Used>();

  constructor(private readonly allowance: Allowance) {}

  /** Takes one body of an edge out of its buckets; where one does not hold it, says when it will. */
  take(edge: string, bytes: number, nowMs: number): Refused | null {
    const { edgeBundlesPerMinute, edgeBytesPerMinute } = this.allowance;
    const before = this.used.get(edge);
    const bundlesUntilMs = startMs(before?.bundlesUntilMs, nowMs) + MINUTE_MS / edgeBundlesPerMinute;
    const bytesUntilMs = startMs(before?.bytesUntilMs, nowMs) + (bytes * MINUTE_MS) / edgeBytesPerMinute;
    const waitMs = Math.max(bundlesUntilMs, bytesUntilMs) - nowMs - MINUTE_MS;
    if (waitMs > 0) {
      const isBytes = bytesUntilMs > bundlesUntilMs;
      return tooFast(edge, isBytes ? `${edgeBytesPerMinute} bytes` : numberOf(edgeBundlesPerMinute), isBytes, waitMs);
    }
    this.used.delete(edge);
    this.used.set(edge, { bundlesUntilMs, bytesUntilMs });
    if (this.used.size > PACES_MAX) this.forget(nowMs);
    return null;
  }

  /** Forgets the buckets that are full again, and else the one that was used longest ago. */
  private forget(nowMs: number): void {
    for (const [edge, { bundlesUntilMs, bytesUntilMs }] of this.used) {
      if (Math.max(bundlesUntilMs, bytesUntilMs) <= nowMs) this.used.delete(edge);
    }
    const [oldest] = this.used.keys();
    if (this.used.size > PACES_MAX) this.used.delete(oldest!);
  }
}

/** From when on a bucket fills: now where it is full; no later than an empty one would, however the clock was set. */
function startMs(untilMs: number | undefined, nowMs: number): number {
  return Math.min(Math.max(untilMs ?? nowMs, nowMs), nowMs + MINUTE_MS);
}

function tooFast(edge: string, most: string, isBytes: boolean, waitMs: number): Refused {
  const retryAfterSeconds = Math.ceil(waitMs / 1000);
  return {
    status: 429,
    code: isBytes ? "too_many_bytes" : "too_fast",
    reason: `edge ${edge} posted ${most} within a minute, which is as much as it may; post again in ${retryAfterSeconds} s`,
    retryAfterSeconds,
  };
}

function numberOf(bundles: number): string {
  return bundles === 1 ? "1 bundle" : `${bundles} bundles`;
}
