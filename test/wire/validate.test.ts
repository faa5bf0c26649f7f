import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BundleError, readBundleHeader } from "../../engine/bundle";
import { leb128, readSections } from "../support/bundle";
import { BASE, feed, Truth } from "../support/traffic";
import { Wire } from "../support/wire";

const hub = new Wire();

/** A bundle with every kind of state, small enough to break it at every byte. */
const [small] = feed(new Wire(), new Truth(), { seed: 3, requests: 30, names: 8 }) as [Uint8Array];
/** One whose distinct states have registers and whose tops and breakdowns are cut. */
const [large] = feed(new Wire(), new Truth(), { seed: 4, requests: 3000, names: 3000 }) as [Uint8Array];

/** Names of the faults that a bundle can have on its own. */
const FAULTS = ["none", "magic", "format", "checksum", "header", "directory", "metric", "payload"];

/**
 * Gives the fault of a bundle; one that is accepted must merge, and what comes out must be accepted and, merged again, stay as
 * it is. Where nothing had to be cut it comes out as it went in.
 */
function check(bundle: Uint8Array): string {
  const fault = hub.validate(bundle);
  if (fault === 0) {
    hub.core.mergeReset();
    expect(hub.add(bundle)).toBe(0);
    const merged = hub.encode();
    expect(hub.validate(merged)).toBe(0);
    expect(Buffer.from(merged).equals(Buffer.from(bundle))).toBe(true);
  }
  const name = FAULTS[fault];
  if (name === undefined) throw new Error(`fault ${fault}`);
  return name;
}

function flipped(bundle: Uint8Array, at: number, bits: number): Uint8Array {
  const copy = bundle.slice();
  copy[at] = (copy[at] as number) ^ bits;
  return copy;
}

describe("bad bytes", () => {
  test("real bundles are accepted", () => {
    expect([check(small), check(large)]).toEqual(["none", "none"]);
  });

  test("every cut of a bundle is refused, also with its checksum made right", () => {
    for (let length = 0; length < small.length; length++) {
      const cut = small.slice(0, length);
      expect(check(cut)).toBe(length < 4 ? "magic" : length < 8 ? "header" : "checksum");
      if (length >= 8) expect(check(hub.signed(cut))).toMatch(/header|directory|format/);
    }
    for (let length = 8; length < large.length; length += 97) {
      expect(check(hub.signed(large.slice(0, length)))).toMatch(/header|directory|format/);
    }
  });

  test("bytes behind the end are refused", () => {
    expect(check(hub.signed(new Uint8Array([...small, 0])))).toBe("directory");
  });

  test("every flipped bit is found by the checksum", () => {
    for (let at = 0; at < small.length; at++) {
      for (let bit = 1; bit < 256; bit <<= 1) expect(check(flipped(small, at, bit))).toBe(at < 4 ? "magic" : "checksum");
    }
  });

  test("every flipped byte with the checksum made right is refused or merges", () => {
    const faults = new Map<string, number>();
    for (let at = 8; at < small.length; at++) {
      for (const bits of [0xff, 0x80, 0x40, 0x20, 0x10, 8, 4, 2, 1]) {
        const fault = check(hub.signed(flipped(small, at, bits)));
        faults.set(fault, (faults.get(fault) ?? 0) + 1);
      }
    }
    expect([...faults.keys()].sort()).toEqual(["directory", "format", "header", "metric", "none", "payload"]);
  });

  test("flipped bytes of a large bundle are refused or merge", () => {
    for (let at = 8; at < large.length; at += 7) check(hub.signed(flipped(large, at, 1 << (at & 7))));
  });

  test("anything written over a bundle is refused or merges", () => {
    const { directoryAt, payloadsAt } = readSections(small);
    const place = fc.oneof(
      fc.integer({ min: 8, max: directoryAt }),
      fc.integer({ min: directoryAt, max: payloadsAt }),
      fc.integer({ min: payloadsAt, max: small.length }),
    );
    const number = fc.oneof(
      fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      fc.nat(300).map(BigInt),
      fc.constantFrom(2n ** 62n, 2n ** 63n),
    );
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 12 }),
      number.map((value) => Uint8Array.from(leb128(value))),
    );
    const edit = fc.record({ place, bytes, removed: fc.nat(12) });
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
        let bundle = small;
        for (const { place, bytes, removed } of edits) {
          bundle = new Uint8Array([...bundle.subarray(0, place), ...bytes, ...bundle.subarray(place + removed)]);
        }
        check(hub.signed(bundle));
      }),
      { numRuns: 20_000 },
    );
  });

  test("any bytes at all are refused", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        expect(check(bytes)).not.toBe("none");
        const headed = new Uint8Array([0x54, 0x57, 0x42, 0x31, 0, 0, 0, 0, 1, ...bytes]);
        expect(check(hub.signed(headed))).not.toBe("none");
      }),
      { numRuns: 5000 },
    );
  });

  test("parts of two bundles put together are refused or merge", () => {
    for (let at = 8; at < small.length; at += 3) {
      for (const other of [large, small]) {
        for (const from of [at, at + 1, at * 5])
          check(hub.signed(new Uint8Array([...small.subarray(0, at), ...other.subarray(from)])));
      }
    }
  });
});

describe("what this build knows of a metric", () => {
  /** The bundle with one byte of its directory changed: that of the group of `metric`, `offset` after its number. */
  const changed = (bundle: Uint8Array, offset: number, value: number) => {
    const { directoryAt } = readSections(bundle);
    return hub.signed(bundle.map((byte, index) => (index === directoryAt + 1 + offset ? value : byte)));
  };
  const one = () => {
    const wire = new Wire();
    wire.packet(BASE);
    wire.core.gauge(wire.core.series(2), 5);
    wire.core.flush();
    return wire.take()[0]!;
  };

  test("another kind, parameter or label is refused", () => {
    const bundle = one();
    const groups = readSections(bundle);
    expect(groups.sections.map(({ metric }) => metric)).toEqual([2, 3, 3, 3]);
    expect(check(bundle)).toBe("none");
    expect(check(changed(bundle, 1, 1))).toBe("metric");
    expect(check(changed(bundle, 2, 1))).toBe("metric");
    expect(check(changed(bundle, 4, 1))).toBe("metric");
  });
});

describe("the reader without the core", () => {
  test("reads what the core wrote", () => {
    const header = readBundleHeader(small);
    expect(header).toMatchObject({
      minute: BASE / 60,
      lengthSeconds: 60,
      sequence: 0,
      bootId: "000000000000004d",
      seen: 30,
      bundles: 1,
    });
  });

  test("refuses every cut of the header and throws nothing but its own error", () => {
    const { directoryAt } = readSections(small);
    for (let length = 0; length < directoryAt; length++) {
      expect(() => readBundleHeader(small.subarray(0, length))).toThrow(BundleError);
    }
    for (let at = 0; at < directoryAt; at++) {
      for (const bits of [0xff, 0x80, 1]) {
        try {
          readBundleHeader(flipped(small, at, bits));
        } catch (error) {
          expect(error).toBeInstanceOf(BundleError);
        }
      }
    }
  });
});
