/** Round trips may be asked for and not while packets come by: what they add up to is the same to the byte. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Core } from "../../engine/core";
import { RoundTripReader } from "../../engine/round-trip";
import { FIXTURES, fixtureBytes } from "../support/fixtures";
import { ROOT } from "../support/repository";

const module = new WebAssembly.Module(readFileSync(join(ROOT, "build/core.wasm")));

interface Outcome {
  bundles: Buffer[];
  events: number;
}

/** Reads a capture in chunks, and before each of them says whether round trips are wanted. */
function readWith(file: Uint8Array, chunkBytes: number, wanted: (chunk: number) => boolean): Outcome {
  const core = new Core(module, { bootId: 1n });
  const outcome: Outcome = { bundles: [], events: 0 };
  const reader = new RoundTripReader(core.schema);
  core.drainTo({
    bundle: (bytes) => outcome.bundles.push(Buffer.from(bytes)),
    events: (view) => {
      for (const trip of reader.read(view)) outcome.events += trip.protocol === "" ? 0 : 1;
    },
  });
  const input = core.open("file");
  for (let at = 0, chunk = 0; at < file.length; at += chunkBytes, chunk += 1) {
    core.tellEvents(wanted(chunk));
    input.write(file.subarray(at, at + chunkBytes));
  }
  input.end();
  core.flush();
  return outcome;
}

describe.each(FIXTURES)("%s", (name) => {
  const file = fixtureBytes(name);

  test.each([64, 1500])("in chunks of %s bytes", (chunkBytes) => {
    const never = readWith(file, chunkBytes, () => false);
    const always = readWith(file, chunkBytes, () => true);
    expect(never.events).toBe(0);
    for (const every of [2, 5]) {
      const now = readWith(file, chunkBytes, (chunk) => chunk % every === 1);
      expect(now.bundles).toEqual(never.bundles);
      expect(now.events).toBeLessThanOrEqual(always.events);
    }
    expect(always.bundles).toEqual(never.bundles);
  });
});
