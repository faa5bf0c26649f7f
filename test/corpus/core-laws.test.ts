/** Laws of the whole core over every capture, asserts on: chunks, cuts, keys, and memory that nobody may read. */
import { describe, expect, test } from "vitest";
import { captureBytes, Laws, ROUNDS } from "../support/core-laws";
import { corpusIndex, HAS_CORPUS } from "../support/corpus";
import { numbers } from "../support/record-lengths";

const CUTS = 3 * ROUNDS;
const CHUNKS_MAX = 20_000;

describe.runIf(HAS_CORPUS)("over every capture", { timeout: 120_000 * ROUNDS }, () => {
  const laws = HAS_CORPUS ? new Laws() : (undefined as never);
  const files = HAS_CORPUS ? corpusIndex() : [];

  test("what lies beyond the captured bytes, and in free memory, does not matter", () => {
    for (const file of files) laws.keptBy(file.file, captureBytes(file));
  });

  test("whole = any chunks, and whatever keys the tables", () => {
    for (const [index, file] of files.entries()) {
      const bytes = captureBytes(file);
      const whole = laws.run(bytes);
      for (let round = 0; round < ROUNDS; round++) {
        const next = numbers(index + 10_000 * round);
        const most = Math.max([1, 40, 1500, 70_000][(index + round) & 3]!, Math.ceil(bytes.length / CHUNKS_MAX));
        expect(laws.run(bytes, { chunk: () => 1 + next(most), secret: BigInt(next(1 << 30)) }), file.file).toEqual(whole);
      }
    }
  });

  test("cut anywhere, it is read as far as it goes", () => {
    for (const [index, file] of files.entries()) {
      const bytes = captureBytes(file);
      const { packets } = laws.run(bytes);
      const next = numbers(index + 1);
      for (let turn = 0; turn < CUTS; turn++) {
        const cut = bytes.subarray(0, next(bytes.length + 1));
        expect(laws.keptBy(file.file, cut, [0x45, 0x00]).packets, file.file).toBeLessThanOrEqual(packets);
      }
    }
  });
});
