import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readBundleHeader } from "../../engine/bundle";
import { readCounters } from "../support/bundle";
import { Wire } from "../support/wire";

const BASE = 28_000_000 * 60;

interface Sealed {
  minute: number;
  sequence: number;
  seen: number;
  first: number;
  last: number;
}

/** The rules of minutes in seconds, written down without slots or spans. */
class Model {
  readonly sealed: Sealed[] = [];
  private clock: number | null = null;
  private run: number[] = [];
  private open = new Map<number, Sealed & { due: number }>();
  private sequences = new Map<number, number>();

  packet(time: number): void {
    const counted = this.advance(time);
    const clock = this.clock as number;
    this.sealWhere(({ due }) => clock >= due);
    const number = Math.floor(counted / 60);
    const end = (number + 1) * 60;
    const due = clock >= end + 5 ? end + 60 : end + 5;
    const minute = this.open.get(number) ?? { minute: number, sequence: 0, seen: 0, first: counted, last: counted, due };
    this.open.set(number, minute);
    minute.seen += 1;
    minute.first = Math.min(minute.first, counted);
    minute.last = Math.max(minute.last, counted);
  }

  flush(): void {
    this.sealWhere(() => true);
    this.clock = null;
    this.run = [];
  }

  /** Moves the clock and gives the time that the packet counts at. */
  private advance(time: number): number {
    const clock = this.clock;
    if (clock === null || Math.abs(time - clock) <= 60) {
      this.run = [];
      this.clock = Math.max(clock ?? time, time);
      return time;
    }
    const before = this.run.at(-1);
    const goesOn = before !== undefined && time > clock === before > clock && time >= before - 60;
    this.run = goesOn ? [...this.run, time] : [time];
    if (this.run.length < 16) return clock;
    this.sealWhere(() => true);
    this.run = [];
    this.clock = time;
    return time;
  }

  private sealWhere(isDue: (minute: { due: number }) => boolean): void {
    for (const [number, { due, ...minute }] of [...this.open].sort(([a], [b]) => a - b)) {
      if (!isDue({ due })) continue;
      const sequence = this.sequences.get(number) ?? 0;
      this.sequences.set(number, sequence + 1);
      this.sealed.push({ ...minute, sequence });
      this.open.delete(number);
    }
  }
}

/** Milliseconds as seconds. */
function seconds(ns: bigint | undefined): number {
  return Number((ns ?? 0n) / 1_000_000n) / 1000;
}

function sealedOf(wire: Wire): Sealed[] {
  return wire.take().map((bundle) => {
    const { minute, sequence, seen, firstNs, lastNs } = readBundleHeader(bundle);
    return { minute, sequence, seen, first: seconds(firstNs), last: seconds(lastNs) };
  });
}

/** Takes packets at `times`, seconds with up to three digits behind the point, and gives the sealed minutes. */
function run(times: number[], wire = new Wire()): Sealed[] {
  const sealed: Sealed[] = [];
  for (const time of times) {
    const milliseconds = Math.round(time * 1000);
    wire.packet(Math.floor(milliseconds / 1000), (milliseconds % 1000) * 1_000_000);
    sealed.push(...sealedOf(wire));
  }
  wire.core.flush();
  return [...sealed, ...sealedOf(wire)];
}

/** Minute from BASE on, sequence and packets of each. */
function numbers(sealed: Sealed[]): [number, number, number][] {
  return sealed.map(({ minute, sequence, seen }) => [minute - BASE / 60, sequence, seen]);
}

function times(count: number, first: number, step = 0): number[] {
  return Array.from({ length: count }, (_, index) => first + index * step);
}

describe("minutes", () => {
  test("a minute seals once the clock is 5 s past its end", () => {
    const wire = new Wire();
    for (const time of [0, 59, 60, 64]) {
      wire.packet(BASE + time, 999_999_999);
      expect(wire.take()).toHaveLength(0);
    }
    wire.packet(BASE + 65);
    expect(numbers(sealedOf(wire))).toEqual([[0, 0, 2]]);
  });

  test("packets that come late within 5 s count in their minute", () => {
    expect(numbers(run([BASE + 59, BASE + 64, BASE + 58, BASE + 61]))).toEqual([
      [0, 0, 2],
      [1, 0, 2],
    ]);
  });

  test("what comes after the seal forms a supplement with the next sequence number", () => {
    expect(numbers(run([59, 66, 58, 57, 119, 120, 119].map((time) => BASE + time)))).toEqual([
      [0, 0, 1],
      [0, 1, 2],
      [1, 0, 3],
      [2, 0, 1],
    ]);
  });

  test("one wild time changes nothing", () => {
    for (const wild of [0, 1, BASE - 86400, BASE + 86400, 4294967295]) {
      expect(numbers(run([BASE + 1, wild, BASE + 2]))).toEqual([[0, 0, 3]]);
    }
  });

  test("a jump counts with the 16th packet and makes no empty minutes", () => {
    expect(numbers(run([BASE, ...times(20, BASE + 7200, 1)]))).toEqual([
      [0, 0, 16],
      [120, 0, 5],
    ]);
    expect(numbers(run([BASE, ...times(20, BASE - 7200, 1), ...times(16, BASE)]))).toEqual([
      [0, 0, 16],
      [-120, 0, 20],
      [0, 1, 1],
    ]);
  });

  test("a packet near the clock ends a run", () => {
    const fifteen = times(15, BASE + 7200);
    expect(numbers(run([BASE, ...fifteen, BASE + 1, ...fifteen]))).toEqual([[0, 0, 32]]);
  });

  test("sparse packets jump at every sixteenth", () => {
    expect(numbers(run(times(33, BASE, 600))).map(([minute]) => minute)).toEqual([0, 160, 320]);
  });

  test("times at the end of the range do not trap and make no bundle a packet", () => {
    const wire = new Wire();
    for (let i = 0; i < 100; i++) wire.packet(0xffffffff, 0xffffffff);
    for (let i = 0; i < 100; i++) wire.core.packetRaw(-1, -1);
    wire.core.flush();
    expect(wire.take()).toHaveLength(2);
  });

  test("a later input begins with a clock of its own", () => {
    const wire = new Wire();
    expect(numbers(run([BASE, BASE + 1], wire))).toEqual([[0, 0, 2]]);
    expect(numbers(run([BASE - 6000], wire))).toEqual([[-100, 0, 1]]);
    expect(numbers(run([BASE + 2], wire))).toEqual([[0, 1, 1]]);
  });

  test("a sequence number is never given twice for a minute, however many minutes lie between", () => {
    const wire = new Wire();
    const given = new Set<string>();
    for (let round = 0; round < 3; round++) {
      for (let minute = 0; minute < 200; minute++) {
        const [sealed] = run([BASE + minute * 60], wire) as [Sealed];
        expect(given).not.toContain(`${sealed.minute}/${sealed.sequence}`);
        given.add(`${sealed.minute}/${sealed.sequence}`);
        if (round === 0) expect(sealed.sequence).toBe(0);
      }
    }
    expect(given.size).toBe(600);
  });

  test("ticks stand for packets on an idle host", () => {
    const wire = new Wire();
    wire.packet(BASE + 30);
    for (let second = 31; second <= 190; second++) wire.core.tick(BASE + second, 0);
    const bundles = wire.take();
    expect(readBundleHeader(bundles[1] as Uint8Array).firstNs).toBeUndefined();
    expect(bundles.map(readBundleHeader).map(({ minute, seen }) => [minute - BASE / 60, seen])).toEqual([
      [0, 1],
      [1, 0],
      [2, 0],
    ]);
  });

  test("round trips count in the minute in which they were decided and move no clock", () => {
    const wire = new Wire();
    wire.packet(BASE + 61);
    const minuteOf = (time: number) => {
      wire.core.use(time, 0);
      return wire.core.minute() - BASE / 60;
    };
    expect(minuteOf(BASE + 30)).toBe(0);
    expect(wire.core.second()).toBe(30);
    expect([1000, -1000, 60].map((time) => minuteOf(BASE + time))).toEqual([1, 1, 1]);
    wire.packet(BASE + 66);
    expect(numbers(sealedOf(wire))).toEqual([[0, 0, 0]]);
  });

  test("the hook before a seal adds to the minute that seals", () => {
    const wire = new Wire();
    wire.core.setFolded(1000);
    wire.packet(BASE);
    wire.core.count(0, 1);
    wire.packet(BASE + 60);
    wire.core.count(0, 2);
    wire.core.flush();
    expect(wire.take().map((bundle) => readCounters(bundle).get("1/0/0"))).toEqual([1001n, 1002n]);
  });

  test("a full queue says so before it is too late", () => {
    const wire = new Wire();
    let minute = 0;
    while (wire.core.hasRoom()) {
      wire.packet(BASE + minute++ * 60);
      for (let series = 0; series < 3; series++) wire.core.count(series, 1e15);
    }
    const waiting = wire.take();
    expect([wire.core.lost(), wire.core.hasRoom(), waiting.length > 100]).toEqual([0, 1, true]);
    expect(waiting.map((bundle) => readBundleHeader(bundle).minute)).toEqual(waiting.map((_, i) => BASE / 60 + i));
  });

  test("any times seal as the rules say", () => {
    const step = fc.oneof(
      { weight: 8, arbitrary: fc.integer({ min: 0, max: 3000 }) },
      { weight: 3, arbitrary: fc.integer({ min: -70_000, max: 70_000 }) },
      { weight: 1, arbitrary: fc.integer({ min: -400_000, max: 400_000 }) },
    );
    const burst = fc.record({ step, packets: fc.integer({ min: 1, max: 20 }) });
    fc.assert(
      fc.property(fc.array(burst, { maxLength: 60 }), (bursts) => {
        let milliseconds = BASE * 1000;
        const all = bursts.flatMap(({ step, packets }) => {
          milliseconds += step;
          return times(packets, milliseconds / 1000);
        });
        const model = new Model();
        for (const time of all) model.packet(time);
        model.flush();
        expect(run(all)).toEqual(model.sealed);
      }),
      { numRuns: 200 },
    );
  });
});
