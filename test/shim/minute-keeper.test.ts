/** Minutes that cannot be written wait in memory until there is room, or are lost and counted. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import CORE from "../../build/core.wasm";
import { MinuteKeeper } from "../../shim/agent/minute-keeper";
import { Spool } from "../../shim/spool/spool";
import { type SmallDisk, smallDisk } from "../crash/faults";
import { sealMinuteBy } from "../support/seal-minute";

const FIRST_MINUTE = 29_000_000;
const MINUTE_MS = 60_000;
const EXCHANGE = { client: "10.0.0.1", name: "example.com" };

const probe = smallDisk(1);
probe?.end();
if (probe === null) console.warn("full disks are not tested: this user may not mount one");

const minute = (index: number) => sealMinuteBy(CORE, { minute: (FIRST_MINUTE + index) * 60, boot: 1n, exchanges: [EXCHANGE] });

describe.runIf(probe !== null)("with a full disk", () => {
  let disk: SmallDisk;
  let spool: Spool;
  let said: string[];
  beforeEach(() => {
    disk = smallDisk(1)!;
    spool = new Spool(join(disk.folder, "spool"));
    said = [];
  });
  afterEach(() => disk.end());

  const keeperOf = (heldBytesMax: number) =>
    new MinuteKeeper(spool, {
      heldBytesMax,
      onKept: () => said.push("kept"),
      onHeld: ({ message }) => said.push(message),
      onWritten: () => said.push("written"),
      onLost: () => said.push("lost"),
    });
  const minutesIn = (folder: string) =>
    readdirSync(folder)
      .filter((name) => name.endsWith(".twb"))
      .map((name) => Number(name.slice(0, 10)) - FIRST_MINUTE);

  test("minutes wait, and are written in order once there is room", async () => {
    const keeper = keeperOf(1 << 20);
    keeper.take(minute(0));
    await keeper.save();
    disk.fill();
    for (const index of [1, 2]) {
      keeper.take(minute(index));
      await keeper.save();
    }
    expect([keeper.kept, keeper.held, keeper.heldSinceMs]).toEqual([1, 2, (FIRST_MINUTE + 1) * MINUTE_MS]);
    disk.free();
    await keeper.save();
    expect([keeper.kept, keeper.held, keeper.heldSinceMs, keeper.lost]).toEqual([3, 0, undefined, 0]);
    expect(minutesIn(spool.folder)).toEqual([0, 1, 2]);
    expect(said).toEqual([
      "kept",
      expect.stringMatching(/cannot write to the spool .*: the disk is full/),
      "kept",
      "kept",
      "written",
    ]);
  });

  test("the oldest make room where more wait than may", async () => {
    const one = minute(0);
    const keeper = keeperOf(one.length);
    disk.fill();
    // Each takes less than it does inflated, and five take more.
    for (let index = 0; index < 60; index++) {
      keeper.take(minute(index));
      await keeper.save();
    }
    const { held, lost } = keeper;
    expect(held).toBeGreaterThan(0);
    expect(lost).toBeGreaterThan(0);
    expect(held + lost).toBe(60);
    disk.free();
    await keeper.save();
    expect(minutesIn(spool.folder)).toEqual(Array.from({ length: held }, (_, index) => lost + index));
    expect(said.filter((words) => words === "lost")).toHaveLength(lost);
  });

  test("what waits at the end is lost, and counted", async () => {
    const keeper = keeperOf(1 << 20);
    disk.fill();
    for (const index of [0, 1]) keeper.take(minute(index));
    await keeper.end();
    expect([keeper.kept, keeper.lost, keeper.held]).toEqual([0, 2, 0]);
    expect(said.slice(1)).toEqual(["lost", "lost"]);
  });

  test("nothing waits where nothing may", async () => {
    const keeper = keeperOf(0);
    disk.fill();
    keeper.take(minute(0));
    await keeper.save();
    expect([keeper.lost, keeper.held, said]).toEqual([1, 0, ["lost"]]);
  });
});

test("a fault that is no matter of the disk is not taken for one", async () => {
  const keeper = new MinuteKeeper({ put: () => Promise.reject(new TypeError("no")) } as unknown as Spool, {
    heldBytesMax: 1,
    onKept: () => {},
    onLost: () => {},
  });
  keeper.take(minute(0));
  await expect(keeper.save()).rejects.toThrow(TypeError);
});
