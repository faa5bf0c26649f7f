import { describe, expect, test } from "vitest";
import { readBundleHeader } from "../../engine/bundle";
import { readCounters, readSections } from "../support/bundle";
import { BASE, feed, Random, Truth } from "../support/traffic";
import { Wire } from "../support/wire";

const hub = new Wire();

/** Bundles of `edges` edges with traffic of `names` names each, and all of it counted. */
function edges(count: number, names: number, requests = 400): { bundles: Uint8Array[]; truth: Truth } {
  const truth = new Truth();
  const bundles = Array.from({ length: count }, (_, index) =>
    feed(new Wire({ bootId: 100 + index }), truth, { seed: index + 1, requests, names }),
  ).flat();
  return { bundles, truth };
}

function shuffled<T>(items: T[], random: Random): T[] {
  const left = [...items];
  return items.map(() => left.splice(random.below(left.length), 1)[0] as T);
}

function expectSame(a: Uint8Array, b: Uint8Array): void {
  expect(Buffer.from(a).equals(Buffer.from(b))).toBe(true);
}

describe("merging bundles", () => {
  test("one bundle merged is that bundle", () => {
    for (const names of [1, 20, 3000]) {
      for (const bundle of edges(2, names).bundles) expectSame(hub.merge([bundle]), bundle);
    }
  });

  test("any order and any grouping give the same bytes while no key is cut", () => {
    const { bundles } = edges(7, 40);
    const sum = hub.merge(bundles);
    expect(hub.validate(sum)).toBe(0);
    const random = new Random(5);
    for (let round = 0; round < 10; round++) {
      const order = shuffled(bundles, random);
      expectSame(hub.merge(order), sum);
      const at = 1 + random.below(order.length - 1);
      expectSame(hub.merge([hub.merge(order.slice(0, at)), hub.merge(order.slice(at))]), sum);
    }
  });

  test("exact kinds give the same bytes in any order, whatever the tops keep", () => {
    const { bundles } = edges(5, 5000, 2000);
    const exact = (bundle: Uint8Array) => readSections(bundle).sections.filter(({ kind }) => kind < 6);
    const sum = exact(hub.merge(bundles));
    expect(sum.map(({ kind }) => kind)).toEqual(expect.arrayContaining([1, 2, 3, 4, 5]));
    const random = new Random(6);
    for (let round = 0; round < 5; round++) expect(exact(hub.merge(shuffled(bundles, random)))).toEqual(sum);
  });

  test("counters are exact", () => {
    const { bundles, truth } = edges(6, 100);
    const counted = [...readCounters(hub.merge(bundles))].map(([key, value]) => [key, Number(value)]);
    expect(Object.fromEntries(counted)).toEqual(Object.fromEntries(truth.packets));
  });

  test("counters that pass 64 bits stay at the greatest number, in any order", () => {
    const huge = (n: number, value: number) => {
      const wire = new Wire({ bootId: n });
      wire.packet(BASE);
      wire.core.count(0, value);
      wire.core.flush();
      return wire.take()[0]!;
    };
    const bundles = [huge(1, 2 ** 63), huge(2, 2 ** 63), huge(3, 5)];
    expect(readCounters(hub.merge(bundles)).get("1/0/0")).toBe(2n ** 64n - 1n);
    expectSame(hub.merge([...bundles].reverse()), hub.merge(bundles));
  });

  test("headers cover all that was merged", () => {
    const first = new Wire({ bootId: 1 });
    first.packet(BASE + 10, 5);
    first.core.lose(7, 1);
    first.packet(BASE + 70);
    const second = new Wire({ bootId: 2 });
    second.packet(BASE + 190, 9);
    for (const wire of [first, second]) wire.core.flush();
    const bundles = [...first.take(), ...second.take()];
    const header = readBundleHeader(hub.merge(bundles));
    expect(header).toMatchObject({ minute: BASE / 60, lengthSeconds: 240, seen: 3, dropped: 7, malformed: 1, bundles: 3 });
    expect(header).toMatchObject({
      bootId: "0000000000000000",
      sequence: 0,
      policy: { number: 0, name: "default" },
      sampling: 1,
    });
    expect([header.firstNs, header.lastNs]).toEqual([BigInt(BASE + 10) * 10n ** 9n + 5n, BigInt(BASE + 190) * 10n ** 9n + 9n]);
    expect(header.edgeClockNs).toBe(header.lastNs);
    expect(header.schema).toBe(readBundleHeader(bundles[0]!).schema);
    expect(header.schema).toBe(JSON.parse(first.schema()).schema);
  });

  test("a supplement and its minute add up", () => {
    const wire = new Wire();
    for (const second of [10, 70, 20, 30]) {
      wire.packet(BASE + second);
      wire.core.count(0, second);
    }
    wire.core.flush();
    const bundles = wire.take();
    expect(bundles.map(readBundleHeader).map(({ minute, sequence }) => [minute - BASE / 60, sequence])).toEqual([
      [0, 0],
      [0, 1],
      [1, 0],
    ]);
    expect(readCounters(hub.merge(bundles.slice(0, 2))).get("1/0/0")).toBe(60n);
  });

  test("all memory comes back", () => {
    const wire = new Wire();
    const before = wire.core.poolBytes();
    const { bundles } = edges(3, 3000);
    for (let round = 0; round < 3; round++) {
      wire.merge(bundles);
      wire.core.mergeReset();
      expect(wire.core.poolBytes()).toBe(before);
    }
    feed(wire, new Truth(), { seed: 1, requests: 500, names: 300 });
    expect(wire.core.poolBytes()).toBe(before);
  });

  test("nothing added is nothing encoded", () => {
    hub.core.mergeReset();
    expect(hub.encode()).toHaveLength(0);
  });
});

describe("what a build does not know", () => {
  const later = (seed: number) => {
    const wire = new Wire({ bootId: seed, later: true });
    wire.packet(BASE);
    wire.core.count(wire.core.series(1) + 2, seed);
    wire.core.count(wire.core.series(8) + 1, 10 + seed);
    for (let i = 0; i < 100; i++) wire.core.distinct(wire.core.series(20), wire.stage(`${seed}/${i}`));
    wire.core.flush();
    return wire.take()[0]!;
  };

  test("metrics and label values of a later build merge by their kind", () => {
    const bundles = [1, 2, 3].map(later);
    const here = hub.merge(bundles);
    expectSame(here, new Wire({ later: true }).merge(bundles));
    expect(readCounters(here)).toEqual(
      new Map([
        ["1/0/2", 6n],
        ["8/1/0", 36n],
      ]),
    );
  });

  /** The bundle with its sections of kind 5 turned into ones of an unknown kind. */
  const unknownKind = (bundle: Uint8Array) => {
    const copy = bundle.slice();
    const { sections } = readSections(copy);
    const at = copy.findIndex((byte, index) => byte === 5 && copy[index + 1] === 12 && index > readSections(copy).directoryAt);
    expect(sections.filter(({ kind }) => kind === 5)).toHaveLength(1);
    copy[at] = 99;
    return hub.signed(copy);
  };

  test("sections of unknown kinds are carried byte for byte, in any order", () => {
    const bundles = [1, 2, 3, 3].map(later).map(unknownKind);
    expect(bundles.map((bundle) => hub.validate(bundle))).toEqual([0, 0, 0, 0]);
    const sum = hub.merge(bundles);
    expect(hub.validate(sum)).toBe(0);
    expectSame(hub.merge([...bundles].reverse()), sum);
    expectSame(hub.merge([hub.merge(bundles.slice(0, 2)), hub.merge(bundles.slice(2))]), sum);
    const carried = (list: Uint8Array[]) =>
      list
        .flatMap((bundle) => readSections(bundle).sections.filter(({ kind }) => kind === 99))
        .map(({ payload }) => Buffer.from(payload).toString("hex"));
    expect(carried([sum]).sort()).toEqual(carried(bundles).sort());
    expect(readBundleHeader(sum).lost).toBe(0);
  });

  test("validation counts what a later build wrote", () => {
    const unknownIn = (wire: Wire, bundle: Uint8Array) => {
      expect(wire.validate(bundle)).toBe(0);
      return wire.core.unknownSections();
    };
    const bundle = later(1);
    expect(unknownIn(hub, bundle)).toBe(2);
    expect(unknownIn(hub, unknownKind(bundle))).toBe(2);
    expect(unknownIn(new Wire({ later: true }), bundle)).toBe(0);
  });

  test("what finds no room is counted in the header", () => {
    const bundle = unknownKind(later(1));
    const [carried] = readSections(bundle).sections.filter(({ kind }) => kind === 99);
    const header = readBundleHeader(hub.merge(Array.from({ length: 500 }, () => bundle)));
    expect([header.bundles, header.lost]).toEqual([500, 500 - Math.floor(65536 / carried!.payload.length)]);
  });
});

describe("what does not merge", () => {
  test("bundles of two policies or sampling rates, and the sum stays as it was", () => {
    const wire = new Wire();
    wire.packet(BASE);
    wire.core.count(0, 1);
    wire.core.flush();
    const [bundle] = wire.take() as [Uint8Array];
    const at = Buffer.from(bundle).indexOf("default");
    const other = hub.signed(bundle.map((byte, index) => (index === at ? 0x44 : byte)));
    const sampled = hub.signed(bundle.map((byte, index) => (index === at + 7 ? 2 : byte)));
    hub.core.mergeReset();
    expect([bundle, other, sampled, bundle].map((each) => hub.add(each))).toEqual([0, 8, 9, 0]);
    expect(readCounters(hub.encode()).get("1/0/0")).toBe(2n);
  });

  test("more than fits is a fault until the accumulator is reset", () => {
    const small = new Wire();
    const random = new Random(9);
    const many = (seed: number) => {
      const wire = new Wire({ bootId: seed });
      wire.packet(BASE);
      for (let i = 0; i < 20000; i++) wire.core.top(wire.core.series(6), wire.stage(`${random.next()}${"x".repeat(200)}`), 1);
      wire.core.flush();
      return wire.take()[0]!;
    };
    const bundles = Array.from({ length: 3 }, (_, index) => many(index));
    small.core.fillPool();
    small.core.mergeReset();
    const faults = bundles.map((bundle) => small.add(bundle));
    expect(faults.at(-1)).toBe(10);
    expect(small.encode()).toHaveLength(0);
  });
});
