/** A host whose clock is set back for hours while commands look on. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Listener, Network, networkMissing } from "../support/capture/network";
import { COMMAND } from "../support/command";

const missing = networkMissing();
if (missing !== undefined) console.warn(`a clock that is set back is not tested: ${missing}`);
/** Has the program that loads it see another time from two seconds after its start on. */
const SET = (hours: number) =>
  `data:text/javascript,const now = Date.now; setTimeout(() => { Date.now = () => now() + ${hours} * 3600000; }, 2000).unref();`;
const LOOK_MS = 8000;

describe.runIf(missing === undefined)("a clock that is set", { timeout: 60_000 }, () => {
  let network: Network;
  beforeAll(() => {
    network = new Network();
  });
  afterAll(() => network?.remove());

  test.each([
    ["back", -8],
    ["on", 8],
  ])("%s: a table goes on to come each second", async (_, hours) => {
    const words = ["stat", "-i", "lo", "--every", "1s", "-o", "json"];
    const running = new Listener(network.near.start(process.execPath, "--import", SET(hours), COMMAND, ...words));
    await running.says(/watching lo/);
    await sleep(LOOK_MS);
    const said = await running.stop();
    const tables = said.split("\n").filter((line) => line.startsWith("{")).length;
    // The last one comes at the end.
    expect(tables).toBeGreaterThan(LOOK_MS / 1000 / 2);
    expect(tables).toBeLessThanOrEqual(LOOK_MS / 1000 + 3);
  });
});
