/** What an edge knows of the hub's clock, and what it does about it. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { startLocalHub } from "../../shim/hub/local-hub";
import { HubClock } from "../../shim/post/hub-clock";
import { workerWithClockOff } from "../crash/faults";
import { tallywire } from "../support/command";
import { manyMinutes } from "../support/many-minutes";
import { ROOT } from "../support/repository";

/** A host with a clock that can be set, and one that cannot. */
function host() {
  const clocks = { wallMs: 1e12, steadyMs: 5_000 };
  const pass = (ms: number) => {
    clocks.wallMs += ms;
    clocks.steadyMs += ms;
  };
  const clock = new HubClock(
    () => clocks.wallMs,
    () => clocks.steadyMs,
  );
  /** Asks a hub whose clock is `offMs` behind this one, at some moment of the way. */
  const ask = (offMs: number, wayMs: number, atMs = wayMs / 2) => {
    const sentMs = clocks.wallMs;
    pass(wayMs);
    clock.note(sentMs, clocks.wallMs, sentMs + atMs - offMs);
  };
  return { clock, clocks, pass, ask };
}

describe("the hub's clock", () => {
  test("is known within what answers tell for certain, however long the hub takes", () => {
    const { clock, ask } = host();
    expect(clock.offsetMs).toBe(0);
    for (const [wayMs, atMs] of [
      [1_000, 0],
      [1_000, 1_000],
      [40, 20],
      [900, 30],
    ] as const) {
      ask(90_000, wayMs, atMs);
      expect(clock.offsetMs).toBeLessThanOrEqual(90_000);
      expect(clock.offsetMs).toBeGreaterThanOrEqual(89_000);
    }
    expect(90_000 - clock.offsetMs).toBeLessThanOrEqual(20);
  });

  test("may agree: then nothing is corrected, though the way is not the same both ways", () => {
    for (const atMs of [0, 400, 799, 800]) {
      const { clock, ask } = host();
      ask(0, 800, atMs);
      expect(Math.abs(clock.offsetMs)).toBe(0);
    }
  });

  test("behind or ahead is told apart", () => {
    const { clock, ask } = host();
    ask(-5_000, 100);
    expect(clock.offsetMs).toBeGreaterThanOrEqual(-5_000);
    expect(clock.offsetMs).toBeLessThanOrEqual(-4_900);
  });

  test("that is set is learnt from the next answer", () => {
    const { clock, ask, pass } = host();
    ask(60_000, 20);
    pass(60_000);
    ask(0, 20);
    expect(Math.abs(clock.offsetMs)).toBe(0);
  });

  test("is not known any more when this host's was set, until the next answer", () => {
    const { clock, clocks, ask } = host();
    ask(60_000, 20);
    clocks.wallMs -= 60_000;
    expect(Math.abs(clock.offsetMs)).toBe(0);
    ask(0, 20);
    expect(Math.abs(clock.offsetMs)).toBe(0);
    clocks.wallMs += 7_000;
    ask(7_000, 20);
    expect(Math.abs(clock.offsetMs - 7_000)).toBeLessThanOrEqual(20);
  });
});

describe("a hub whose clock is behind", () => {
  const folder = mkdtempSync(join(tmpdir(), "tallywire-clock-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("gets each minute when it takes it, under the minute of the capture", async () => {
    const minute = Math.floor(Date.now() / 60_000) * 60 - 180;
    const capture = join(folder, "capture.pcap");
    writeFileSync(capture, manyMinutes({ startNs: BigInt(minute) * 1_000_000_000n, minutes: 2, queriesPerMinute: 20 }));
    // The hub is 65 s before the first minute, which it takes, and takes the second in 5 s.
    const off = minute - 60 - Date.now() / 1000 - 5;
    const workerFolder = workerWithClockOff(join(ROOT, "build/hub"), join(folder, "worker"), off);
    const hub = await startLocalHub({ dataFolder: join(folder, "hub"), workerFolder });
    const key = await hub.key({ kind: "write", tenant: "clock", edge: "a" });
    const env = { TALLYWIRE_HUB: hub.origin, TALLYWIRE_KEY: key };
    const { code, stderr } = await tallywire(["agent", "--file", capture, "--spool", join(folder, "spool")], { env });
    const authorization = `Bearer ${await hub.key({ kind: "read", tenant: "clock", edge: "" })}`;
    const window = `from=${minute}&to=${minute + 300}&step=60`;
    const path = `${hub.origin}/v1/query?metric=dns_requests_total&op=sum&${window}`;
    const { data } = (await (await fetch(path, { headers: { authorization } })).json()) as { data: object[] };
    await hub.stop();
    expect([code, stderr]).toEqual([
      0,
      expect.stringMatching(/this host's clock is [23]\d\d s ahead of the hub's; minutes are named by/),
    ]);
    expect(stderr).toContain("the hub's clock is behind this host's: 422 clock_ahead");
    const time = (seconds: number) => new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
    expect(data).toEqual([
      { time: time(minute), value: 20 },
      { time: time(minute + 60), value: 20 },
    ]);
  });
});
