/** A live agent that is killed: what it had open is lost, and the hub can be asked how much that was. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type LocalHub, startLocalHub } from "../../shim/hub/local-hub";
import { findLoopback } from "../support/capture/loopback";
import { runOf, startCommand, tallywire, untilSays } from "../support/command";
import { ROOT } from "../support/repository";

const { name: loopback, missing } = findLoopback();
if (missing !== undefined) console.warn(`a live agent that is killed is not tested: ${missing}`);

const ONE_KILL = /the run before was killed: what it had open, (\d) minutes? from (\S+)Z on, is lost/;

/** An agent on loopback, once it reads. */
async function agent(hub: LocalHub, folder: string) {
  const key = await hub.key({ kind: "write", tenant: "t", edge: "e" });
  const words = ["agent", "-i", loopback, "--spool", folder];
  const child = startCommand(words, { TALLYWIRE_HUB: hub.origin, TALLYWIRE_KEY: key });
  const run = runOf(child);
  await untilSays(child, /reading interface/);
  return { child, run };
}

/** How many minutes the hub knows to be lost. */
async function lostMinutes(hub: LocalHub): Promise<number> {
  const key = await hub.key({ kind: "read", tenant: "t", edge: "" });
  const words = ["query", "capture_lost_minutes_total", "--from", "-2h", "--edge", "e", "-o", "json"];
  const { code, stdout, stderr } = await tallywire(words, { env: { TALLYWIRE_HUB: hub.origin, TALLYWIRE_READ_KEY: key } });
  expect([code, stderr]).toEqual([0, ""]);
  const { data } = JSON.parse(stdout) as { data: { value: number }[] };
  return data.reduce((sum, { value }) => sum + value, 0);
}

test.runIf(missing === undefined)(
  "the minute that was open is counted once, and none of an end that was told",
  { timeout: 120_000 },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "tallywire-killed-"));
    const hub = await startLocalHub({ dataFolder: join(folder, "hub"), workerFolder: join(ROOT, "build/hub") });
    try {
      const first = await agent(hub, folder);
      const startMs = Date.now();
      first.child.kill("SIGKILL");
      await first.run;
      // This one is killed too, before it could tell the hub.
      const second = await agent(hub, folder);
      second.child.kill("SIGKILL");
      const endMs = Date.now();
      const between = await second.run;
      expect(between.stderr).toMatch(ONE_KILL);
      const third = await agent(hub, folder);
      third.child.kill("SIGTERM");
      const { code, stderr } = await third.run;
      const [, count, since] = ONE_KILL.exec(stderr) ?? [];
      // Mostly they are one minute; a run may reach into the next.
      const minute = (ms: number) => Math.floor(ms / 60_000);
      expect(Number(count)).toBeLessThanOrEqual(minute(endMs + 3000) - minute(startMs - 3000) + 1);
      expect([code, await lostMinutes(hub), stderr]).toEqual([0, Number(count), stderr]);
      expect(minute(Date.parse(`${since}Z`))).toBeLessThanOrEqual(minute(startMs));

      const fourth = await agent(hub, folder);
      fourth.child.kill("SIGTERM");
      expect((await fourth.run).stderr).not.toMatch(ONE_KILL);
      expect(await lostMinutes(hub)).toBe(Number(count));
    } finally {
      await hub.stop();
      rmSync(folder, { recursive: true });
    }
  },
);
