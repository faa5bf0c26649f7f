/** Laws of the whole core over every capture, asserts on: chunks, cuts, flipped bytes, and memory that nobody may read. */
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { corpusBytes, corpusIndex, HAS_CORPUS } from "../support/corpus";
import { numbers, recordLengths } from "../support/record-lengths";
import { WholeCore } from "../support/whole-core";

const TIMEOUT_MS = 300_000;

describe.runIf(HAS_CORPUS)("over every capture", () => {
  const core = HAS_CORPUS ? new WholeCore() : (undefined as never);
  const files = HAS_CORPUS ? corpusIndex() : [];
  const quick = files.filter((file) => file.core);
  // Not a Buffer, whose slices share its memory.
  const bytesOf = (file: (typeof files)[number]) =>
    new Uint8Array(file.format.startsWith("gz:") ? gunzipSync(corpusBytes(file.file)) : corpusBytes(file.file));

  /** What comes out with other bytes in free memory and behind each record. */
  const poisoned = (bytes: Uint8Array, poison: number) => {
    const lengths = recordLengths(bytes);
    return core.run(bytes, { poison, chunk: () => lengths.next().value ?? 1 << 18 });
  };

  test("what lies beyond the captured bytes, and in free memory, does not matter", { timeout: TIMEOUT_MS }, () => {
    for (const file of files) {
      const bytes = bytesOf(file);
      expect(poisoned(bytes, 0xff), file.file).toBe(poisoned(bytes, 0x00));
    }
  });

  test("whole = any chunks", { timeout: TIMEOUT_MS }, () => {
    for (const [index, file] of quick.entries()) {
      const next = numbers(index);
      const bytes = bytesOf(file);
      const most = Math.max(200, bytes.length >> 8);
      expect(core.run(bytes, { chunk: () => 1 + next(most) }), file.file).toBe(core.run(bytes));
    }
  });

  test("cut anywhere, it is read as far as it goes", { timeout: TIMEOUT_MS }, () => {
    for (const [index, file] of quick.entries()) {
      const bytes = bytesOf(file);
      const cut = bytes.subarray(0, numbers(index + 1)(bytes.length + 1));
      expect(poisoned(cut, 0x45), file.file).toBe(poisoned(cut, 0x00));
    }
  });

  test("with bytes flipped, nothing traps and nothing foreign is read", { timeout: TIMEOUT_MS }, () => {
    for (const [index, file] of quick.entries()) {
      const next = numbers(index + 7);
      const bytes = bytesOf(file);
      for (let flips = 1 + (bytes.length >> 8); flips > 0; flips--) bytes[next(bytes.length)]! ^= 1 << next(8);
      expect(poisoned(bytes, 0xa5), file.file).toBe(poisoned(bytes, 0x00));
    }
  });
});
