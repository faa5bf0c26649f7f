/** Laws of the whole core over every capture, asserts on, with bytes, lengths and records that are not as they were written. */
import { describe, test } from "vitest";
import { captureBytes, Laws, ROUNDS } from "../support/core-laws";
import { corpusIndex, HAS_CORPUS } from "../support/corpus";
import { DAMAGES } from "../support/damage";
import { numbers } from "../support/record-lengths";

const TURNS = 2 * ROUNDS;

describe.runIf(HAS_CORPUS)("nothing traps, hangs, is lost or is read that is not there", { timeout: 120_000 * ROUNDS }, () => {
  const laws = HAS_CORPUS ? new Laws() : (undefined as never);
  const files = HAS_CORPUS ? corpusIndex() : [];

  test.each(Object.entries(DAMAGES))("%s", (way, damage) => {
    for (const [index, file] of files.entries()) {
      const whole = captureBytes(file);
      if (whole.length === 0) continue;
      for (let turn = 0; turn < TURNS; turn++) {
        const name = `${file.file}, ${way}, turn ${turn}`;
        laws.keptBy(name, damage(whole.slice(), numbers(index * 64 + turn)), [0xa5, 0x00]);
      }
    }
  });
});
