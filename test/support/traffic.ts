/** Made-up traffic for bundles, with everything about it counted exactly beside. */
import type { Wire } from "./wire";

/** Start of the first minute, seconds since the epoch. */
export const BASE = 28_000_000 * 60;
const DIRECTIONS = 3;

/** A small generator with a seed (Lehmer, modulus 2^31 - 1). */
export class Random {
  private state: number;

  constructor(seed: number) {
    this.state = (seed % 2147483646) + 1;
  }

  /** 0 to below 1. */
  next(): number {
    this.state = (this.state * 48271) % 2147483647;
    return (this.state - 1) / 2147483646;
  }

  /** 0 to below `count`. */
  below(count: number): number {
    return Math.floor(this.next() * count);
  }

  /** 0 to below `count`, small ones more often. */
  skewed(count: number): number {
    return Math.floor(count ** this.next()) - 1;
  }
}

export interface Breakdown {
  requests: number;
  errors: number;
  bytes: number;
  durations: number[];
}

/** What was put in, exactly, by `direction` where it is an array. */
export class Truth {
  packets = new Map<string, number>();
  names = Array.from({ length: DIRECTIONS }, () => new Map<string, number>());
  durations: number[][] = Array.from({ length: DIRECTIONS }, () => []);
  seconds = Array.from({ length: DIRECTIONS }, () => new Map<number, number>());
  sets = Array.from({ length: DIRECTIONS }, () => new Map<string, Breakdown>());
  gauge: { value: number; min: number; max: number; time: number } | undefined;
}

export interface Traffic {
  seed: number;
  requests: number;
  names: number;
  /** First second, from BASE on. */
  from?: number;
  seconds?: number;
}

/** Key of a breakdown in the entry: server address and method, each with its length before it. */
export function setKey(server: number, method: string): Uint8Array {
  const text = new TextEncoder().encode(method);
  return new Uint8Array([4, 10, 0, server >> 8, server & 255, text.length, ...text]);
}

/** Puts traffic into an edge and flushes it; gives its bundles and adds to `truth`. */
export function feed(wire: Wire, truth: Truth, { seed, requests, names, from = 0, seconds = 60 }: Traffic): Uint8Array[] {
  const random = new Random(seed);
  const { core } = wire;
  const [count, rate, duration, distinct, top, breakdown] = [1, 3, 4, 5, 6, 7].map((id) => core.series(id)) as number[];
  const bundles: Uint8Array[] = [];
  for (let i = 0; i < requests; i++) {
    const second = from + Math.floor((i * seconds) / requests);
    wire.packet(BASE + second, i % 1_000_000);
    const direction = random.below(DIRECTIONS);
    const transport = random.below(2);
    core.count(count! + direction * 2 + transport, 1 + direction);
    add(truth.packets, `1/${direction}/${transport}`, 1 + direction);
    core.rate(rate! + direction, 2);
    add(truth.seconds[direction]!, second, 2);
    const name = `n${random.skewed(names)}.example.com`;
    core.distinct(distinct! + direction, wire.stage(name));
    core.top(top! + direction, wire.stage(name), 1);
    add(truth.names[direction]!, name, 1);
    const durationNs = random.below(20) === 0 ? 0 : Math.floor(1e4 * 10 ** (random.next() * 5));
    core.histogram(duration! + direction, durationNs, 1);
    truth.durations[direction]!.push(durationNs / 1e9);
    const server = random.skewed(Math.max(names >> 3, 2));
    const method = ["GET", "POST"][random.below(2)]!;
    const errors = random.below(10) === 0 ? 1 : 0;
    core.breakdown(breakdown! + direction, wire.stage(setKey(server, method)), 1, errors, 100 + server, durationNs);
    const key = `10.0.${server >> 8}.${server & 255} ${method}`;
    const set = truth.sets[direction]!.get(key) ?? { requests: 0, errors: 0, bytes: 0, durations: [] };
    truth.sets[direction]!.set(key, set);
    set.requests += 1;
    set.errors += errors;
    set.bytes += 100 + server;
    set.durations.push(durationNs / 1e9);
    if (i % 100 === 0) setGauge(wire, truth, random.below(1000), second);
    bundles.push(...wire.take());
  }
  core.flush();
  return [...bundles, ...wire.take()];
}

function add<Key>(counts: Map<Key, number>, key: Key, n: number): void {
  counts.set(key, (counts.get(key) ?? 0) + n);
}

function setGauge(wire: Wire, truth: Truth, value: number, time: number): void {
  wire.core.gauge(wire.core.series(2), value);
  const { min = value, max = value } = truth.gauge ?? {};
  const last = truth.gauge === undefined || time >= truth.gauge.time ? { value, time } : truth.gauge;
  truth.gauge = { ...last, min: Math.min(min, value), max: Math.max(max, value) };
}
