/** Same input, same bytes: what the core gives out here, in any chunks, is what it gave out in Node for the whole file. */
import { expect, inject, test } from "vitest";
import { digestsOf } from "../support/digests";
import { coreModule } from "../support/round-trips";

const CHUNKS = [1 << 20, 65_521, 1031, 61, 1];

const captures = import.meta.glob<Uint8Array>("../fixtures/*.pcap", { query: "?bytes", import: "default", eager: true });
const inNode = inject("nodeDigests");

test("there are as many captures here as in Node", () => {
  expect(Object.keys(captures).map((path) => path.replace("../fixtures/", ""))).toEqual(Object.keys(inNode));
});

test.each(Object.entries(captures))("%s", async (path, capture) => {
  const whole = inNode[path.replace("../fixtures/", "")]!;
  expect(whole.bundles.length).toBeGreaterThan(0);
  for (const bytes of CHUNKS) expect([bytes, await digestsOf(coreModule(), capture, bytes)]).toEqual([bytes, whole]);
});
