import { KEYS_CACHED_MAX, LATE_SECONDS_MAX, MINUTES_CACHED_MAX, SEQUENCE_MAX } from "../limits";
import type { Entry } from "./batches";

/** Sequences stay below this, so that source and sequence together are exact in a double. */
const SEQUENCE_SPAN = SEQUENCE_MAX + 1;

/** A bit for each edge, by its number. */
export type Bits = Uint8Array<ArrayBuffer>;

/** The number that stands for a bundle within its minute. */
export function entryKey(entry: { source: number; sequence: number }): number {
  return entry.source * SEQUENCE_SPAN + entry.sequence;
}

/** Whether a bundle is among these keys; undefined is a source that is not known yet. */
export function isIn(keys: ReadonlySet<number>, source: number | undefined, { sequence }: { sequence: number }): boolean {
  return source !== undefined && keys.has(entryKey({ source, sequence }));
}

/** The source of an entry's key. */
export function sourceOf(key: number): number {
  return Math.floor(key / SEQUENCE_SPAN);
}

/**
 * Which bundles each minute has: what makes a second delivery a duplicate.
 *
 * Invariant: the set of a minute is the keys of its row, of the bundles of quarantined edges that are kept apart, and of the `live`
 * entries (committed or waiting, not yet sealed), at every moment. Sets are a cache: one that was dropped is built anew.
 */
export class Minutes {
  private readonly cache = new Map<number, Set<number>>();

  constructor(
    private readonly sql: SqlStorage,
    private readonly live: () => Iterable<Entry>,
  ) {}

  /** The keys of a minute, sealed or not. */
  keys(minute: number): Set<number> {
    const known = this.cache.get(minute);
    if (known !== undefined) {
      this.cache.delete(minute);
      this.cache.set(minute, known);
      return known;
    }
    const keys = this.keysWith(minute, this.live());
    this.cache.set(minute, keys);
    this.trim();
    return keys;
  }

  /** The keys of a minute's row, of what is kept apart of it, and of some entries. */
  private keysWith(minute: number, entries: Iterable<Entry>): Set<number> {
    const keys = this.sealedKeys(minute);
    const apart = this.sql.exec<{ source: number; sequence: number }>(
      "SELECT source, sequence FROM apart WHERE minute = ?",
      minute,
    );
    for (const bundle of apart) keys.add(entryKey(bundle));
    for (const entry of entries) if (entry.minute === minute) keys.add(entryKey(entry));
    return keys;
  }

  /** Drops the sets that were not asked for longest, all but the last one. */
  private trim(): void {
    let count = 0;
    for (const keys of this.cache.values()) count += keys.size;
    for (const [minute, keys] of this.cache) {
      if (this.cache.size === 1 || (this.cache.size <= MINUTES_CACHED_MAX && count <= KEYS_CACHED_MAX)) return;
      this.cache.delete(minute);
      count -= keys.size;
    }
  }

  /**
   * Writes what a minute has once `committed` is sealed; inside the caller's transaction. What waits to be committed is not in it: its key would
   * outlive a crash that the bundle does not.
   */
  seal(minute: number, committed: readonly Entry[], revision: number, edgeOf: (source: number) => number): void {
    let edges = this.sealedEdges(minute);
    for (const entry of committed) if (entry.minute === minute) edges = setBit(edges, edgeOf(entry.source));
    const partial = after(committed, minute, this.sealedPartial(minute), edgeOf);
    this.write(minute, revision, edges, partial, this.keysWith(minute, committed));
  }

  private write(minute: number, revision: number, edges: Bits, partial: Bits, keys: ReadonlySet<number>): void {
    const values = [minute, revision, edges, packKeys(keys), partial];
    this.sql.exec("INSERT OR REPLACE INTO minutes (minute, revision, edges, keys, partial) VALUES (?, ?, ?, ?, ?)", ...values);
  }

  /** Notes bundles of a minute that are in no tile, so that they count as duplicates; inside the caller's transaction. */
  remember(minute: number, keys: readonly number[]): void {
    const all = this.sealedKeys(minute);
    for (const key of keys) all.add(key);
    this.sql.exec(
      "INSERT INTO minutes (minute, revision, edges, keys) VALUES (?, 0, x'', ?) ON CONFLICT (minute) DO UPDATE SET keys = excluded.keys",
      minute,
      packKeys(all),
    );
  }

  /** Notes whether what an edge reported of a sealed minute is there; inside the caller's transaction. */
  setReported(minute: number, edge: number, isReported: boolean): void {
    const edges = setBit(this.sealedEdges(minute), edge, isReported);
    this.sql.exec("UPDATE minutes SET edges = ? WHERE minute = ?", edges, minute);
  }

  /** Writes a minute that a shard sent anew, and whether it misses edges; inside the caller's transaction, with nothing waiting. */
  replace(minute: number, revision: number, shard: number, isPartial: boolean): void {
    const edges = setBit(this.sealedEdges(minute), shard);
    const partial = setBit(this.sealedPartial(minute), shard, isPartial);
    this.write(minute, revision, edges, partial, this.keys(minute));
  }

  private sealedEdges(minute: number): Bits {
    const [row] = this.sql.exec<{ edges: ArrayBuffer }>("SELECT edges FROM minutes WHERE minute = ?", minute).toArray();
    return new Uint8Array(row?.edges ?? new ArrayBuffer(0));
  }

  /** A bit for each shard that last said of a minute that edges of it are missing. */
  private sealedPartial(minute: number): Bits {
    const [row] = this.sql.exec<{ partial: ArrayBuffer }>("SELECT partial FROM minutes WHERE minute = ?", minute).toArray();
    return new Uint8Array(row?.partial ?? new ArrayBuffer(0));
  }

  /** The same for each minute of [from, to) of which a shard said something. */
  *partials(from: number, to: number, edgeOf: (source: number) => number): Generator<Bits> {
    const rows = this.sql.exec<{ minute: number; partial: ArrayBuffer }>(
      "SELECT minute, partial FROM minutes WHERE minute >= ? AND minute < ?",
      from,
      to,
    );
    const sealed = new Map(rows.toArray().map(({ minute, partial }) => [minute, new Uint8Array(partial)]));
    for (const { minute, upward } of this.live()) {
      if (upward !== undefined && minute >= from && minute < to && !sealed.has(minute)) sealed.set(minute, new Uint8Array(0));
    }
    for (const [minute, bits] of sealed) yield after(this.live(), minute, bits, edgeOf);
  }

  /** Minutes of [from, to) with a bit for each edge that reported, sealed or not; in no order, some twice. */
  *reported(from: number, to: number, edgeOf: (source: number) => number): Generator<[minute: number, edges: Uint8Array]> {
    const rows = this.sql.exec<{ minute: number; edges: ArrayBuffer }>(
      "SELECT minute, edges FROM minutes WHERE minute >= ? AND minute < ?",
      from,
      to,
    );
    for (const row of rows) yield [row.minute, new Uint8Array(row.edges)];
    const live = new Map<number, Bits>();
    for (const entry of this.live()) {
      if (entry.minute < from || entry.minute >= to) continue;
      live.set(entry.minute, setBit(live.get(entry.minute) ?? new Uint8Array(0), edgeOf(entry.source)));
    }
    yield* live;
  }

  /** Deletes the minutes that no bundle can come for any more. */
  expire(nowSeconds: number): void {
    const oldest = nowSeconds - LATE_SECONDS_MAX - 3600;
    this.sql.exec("DELETE FROM minutes WHERE minute < ?", oldest);
    for (const minute of this.cache.keys()) if (minute < oldest) this.cache.delete(minute);
  }

  private sealedKeys(minute: number): Set<number> {
    const keys = new Set<number>();
    const [row] = this.sql.exec<{ keys: ArrayBuffer }>("SELECT keys FROM minutes WHERE minute = ?", minute).toArray();
    if (row === undefined) return keys;
    const pairs = new Uint32Array(row.keys);
    for (let index = 0; index < pairs.length; index += 2) keys.add(pairs[index]! * SEQUENCE_SPAN + pairs[index + 1]!);
    return keys;
  }
}

/** Bits of a minute's row after what entries of shards say. */
function after(entries: Iterable<Entry>, minute: number, sealed: Bits, edgeOf: (source: number) => number): Bits {
  let bits = sealed;
  for (const entry of entries) {
    if (entry.minute === minute && entry.upward !== undefined) bits = setBit(bits, edgeOf(entry.source), entry.upward.partial);
  }
  return bits;
}

/** Keys as a row has them: pairs of source and sequence, ascending. */
function packKeys(keys: Iterable<number>): Uint8Array {
  const sorted = Float64Array.from(keys).sort();
  const pairs = new Uint32Array(sorted.length * 2);
  sorted.forEach((key, index) => {
    pairs[index * 2] = sourceOf(key);
    pairs[index * 2 + 1] = key % SEQUENCE_SPAN;
  });
  return new Uint8Array(pairs.buffer);
}

/** Sets or clears one bit; gives the bits, which are others where they had to grow. */
function setBit(bits: Bits, index: number, isSet = true): Bits {
  let wide = bits;
  if (index >> 3 >= bits.length) {
    if (!isSet) return bits;
    wide = new Uint8Array((index >> 3) + 1);
    wide.set(bits);
  }
  if (isSet) wide[index >> 3]! |= 1 << (index & 7);
  else wide[index >> 3]! &= ~(1 << (index & 7));
  return wide;
}
