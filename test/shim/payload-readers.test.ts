/** What protocols carry, from any bytes: a packet may hold whatever its sender likes. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { BodyOwner } from "../../engine/round-trip";
import { PAYLOADS } from "../../shim/output/bodies/payloads";
import { bodyReader } from "../../shim/output/body";

const CHARACTERS_MAX = 8192;
/** Bytes that begin something in one of the forms are likelier than others. */
const byte = fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 2, 3, 4, 255, ...Buffer.from("$*%|>~=!+-:_#,(\r\n0129TDBd")));
const bytes = fc
  .uint8Array({ maxLength: 40 })
  .chain((some) => fc.array(byte, { maxLength: 400 }).map((more) => Uint8Array.from([...some, ...more])));

describe.each(Object.keys(PAYLOADS))("%s", (protocol) => {
  test.each(["request", "response"] as const)("of a %s: a text of bounded length, and no fault", (side) => {
    const owner: BodyOwner = { protocol, side, asked: undefined };
    fc.assert(
      fc.property(bytes, fc.boolean(), (some, raw) => {
        expect(bodyReader(raw)(some, { bytes: 0 }, owner).length).toBeLessThanOrEqual(CHARACTERS_MAX);
      }),
      { numRuns: 1500 },
    );
  });
});
