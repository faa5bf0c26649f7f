/** What is said against an edge. */
import { expect, test } from "vitest";
import type { Edge } from "../../web/hub/client";
import { healthOf } from "../../web/hub/edge-health";

const GOOD: Edge = {
  edge: "web-1",
  tags: { site: "fra" },
  version: "tallywire/0.1.0",
  last_seen: "2026-01-31T12:00:20Z",
  last_minute: "2026-01-31T11:59:00Z",
  silent_seconds: 20,
  skew_seconds: -0.2,
  lag_seconds: 21,
  bundles: 60,
  dropped: 0,
  malformed: 0,
  unknown_sections: 0,
  lost_minutes: 0,
  down_minutes: 3,
  starts: 2,
};

test.each([
  [{}, []],
  [{ silent_seconds: 180 }, []],
  [{ silent_seconds: 181 }, ["silent"]],
  [{ skew_seconds: null }, []],
  [{ skew_seconds: 5.1 }, ["skewed"]],
  [{ skew_seconds: -90 }, ["skewed"]],
  [{ lag_seconds: 121 }, ["lagging"]],
  [{ unknown_sections: 1 }, ["newer than the hub"]],
  [{ lost_minutes: 1 }, ["lost minutes"]],
  [{ silent_seconds: 900, lost_minutes: 2 }, ["silent", "lost minutes"]],
])("%j: %j", (change, complaints) => {
  expect(healthOf({ ...GOOD, ...change }).complaints).toEqual(complaints);
});
