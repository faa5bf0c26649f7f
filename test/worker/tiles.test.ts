import { runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import type { Environment } from "../../worker/environment";
import { TILE_PARTS_MAX, TILE_ROW_BYTES_MAX } from "../../worker/limits";
import type { MergeCore } from "../../worker/merge";
import type { Entry } from "../../worker/object/batches";
import { expireTiles } from "../../worker/object/expiry";
import { migrate, readNumber } from "../../worker/object/schema";
import { mergeParts, sealTiles } from "../../worker/object/seal";
import { listSetApart, listTiles, readTile, writeTile } from "../../worker/object/tiles";
import { retentionOf } from "../../worker/retention";
import { hubOf, MINUTE } from "./support/client";

const RETENTION = retentionOf({} as Environment);
const bytes = (length: number, first = 1) => new Uint8Array(length).map((_, index) => (index + first) % 251);
const inObject = <T>(name: string, run: (sql: SqlStorage, storage: DurableObjectStorage) => T) =>
  runInDurableObject(hubOf(name), (_, { storage }) => run(storage.sql, storage));

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}

describe("tiles", () => {
  it.each([
    ["one small part", [bytes(10)]],
    ["nothing", []],
    ["a part that fills a row", [bytes(TILE_ROW_BYTES_MAX)]],
    ["a part that takes three rows, and two more", [bytes(TILE_ROW_BYTES_MAX * 2 + 1), bytes(5, 7), bytes(6, 9)]],
    ["two parts that fill rows", [bytes(TILE_ROW_BYTES_MAX, 2), bytes(TILE_ROW_BYTES_MAX, 3)]],
  ])("%s comes back as it was, whatever was there before", async (name, parts) => {
    await inObject(name.replaceAll(/\W/g, "-"), (sql) => {
      const place = { level: 0, start: MINUTE, group: 3 };
      writeTile(sql, place, [bytes(TILE_ROW_BYTES_MAX * 3), bytes(1)], 1);
      writeTile(sql, place, parts, 2);
      const found = readTile(sql, place) ?? [];
      // Byte by byte: a matcher takes half a minute for megabytes.
      expect(found.map((part, index) => isSame(part, parts[index]!))).toEqual(parts.map(() => true));
    });
  });

  it("lie in the order of time and group, and do not touch their neighbours", async () => {
    await inObject("order", (sql) => {
      const places = [
        { level: 0, start: MINUTE, group: 0 },
        { level: 0, start: MINUTE, group: 999 },
        { level: 0, start: MINUTE + 60, group: 0 },
        { level: 1, start: 0, group: 0 },
        { level: 2, start: 0, group: 0 },
      ];
      for (const [index, place] of [...places.entries()].reverse())
        writeTile(sql, place, [bytes(index + 1), bytes(index + 1)], index);
      for (const [index, place] of places.entries()) expect(readTile(sql, place)).toEqual([bytes(index + 1), bytes(index + 1)]);
      const listed = [...listTiles(sql, 0, MINUTE, MINUTE + 60)];
      expect(listed).toEqual(places.slice(0, 2).map((place, index) => ({ ...place, revision: index, isEmpty: false })));
    });
  });

  it("go when their level's time is up", async () => {
    await inObject("expire", (sql) => {
      const now = MINUTE;
      const kept = [
        { level: 0, start: now - 47 * 3600, group: 1 },
        { level: 1, start: now - 29 * 86400, group: 1 },
        { level: 2, start: now - 399 * 86400, group: 1 },
      ];
      const gone = kept.map((place) => ({ ...place, start: place.start - 2 * (place.level === 0 ? 3600 : 86400) }));
      for (const place of [...kept, ...gone]) writeTile(sql, place, [bytes(1)], 1);
      expireTiles(sql, RETENTION, now);
      expect(kept.map((place) => readTile(sql, place).length)).toEqual([1, 1, 1]);
      expect(gone.map((place) => readTile(sql, place).length)).toEqual([0, 0, 0]);
    });
  });
});

describe("parts that do not fit the core together", () => {
  /** A core that adds single bytes up to 10; a second byte says how many bundles there are. */
  const small: Pick<MergeCore, "merge" | "bundlesIn"> = {
    merge: (parts) => {
      const all = [...parts];
      const sum = all.reduce((total, part) => total + part[0]!, 0);
      return sum > 10 ? null : Uint8Array.of(sum, ...all.flatMap((part) => [...part.subarray(1)]));
    },
    bundlesIn: (part) => part[1] ?? 1,
  };
  const total = (parts: readonly Uint8Array[]) => parts.reduce((sum, part) => sum + part[0]!, 0);

  it("stay apart, none lost", () => {
    const given = [7, 6, 1, 2, 9, 3].map((value) => Uint8Array.of(value));
    const { parts, setApart } = mergeParts(small as MergeCore, given);
    expect(parts.length).toBeLessThan(given.length);
    expect([total(parts), setApart]).toEqual([28, 0]);
  });

  it("find no place beyond as many as a tile has, and what most bundles agree on goes first", () => {
    const forged = Array.from({ length: 40 }, () => Uint8Array.of(10));
    const given = [...forged, Uint8Array.of(4, 70), ...forged, Uint8Array.of(1, 1)];
    const { parts, setApart } = mergeParts(small as MergeCore, given);
    expect(parts).toHaveLength(TILE_PARTS_MAX);
    expect(parts[0]!.subarray(0, 2)).toEqual(Uint8Array.of(4, 70));
    expect(setApart).toBeGreaterThanOrEqual(80 - TILE_PARTS_MAX);
    expect(setApart + parts.length).toBe(82);
  });

  it("do not keep the others from being sealed, and are counted", async () => {
    await inObject("apart", (sql) => {
      const entry = (value: number) => ({ group: 3, minute: MINUTE, bytes: Uint8Array.of(value) }) as Entry;
      for (let round = 1; round <= 2; round++) {
        sealTiles(
          small as MergeCore,
          sql,
          Array.from({ length: 2000 }, () => entry(9)),
          round,
          () => {},
        );
        expect(readTile(sql, { level: 0, start: MINUTE, group: 3 })).toHaveLength(TILE_PARTS_MAX);
        const apart = [...listSetApart(sql, 0, MINUTE, MINUTE + 60)];
        expect(apart).toEqual([{ place: { level: 0, start: MINUTE, group: 3 }, bundles: round * 2000 - TILE_PARTS_MAX }]);
      }
    });
  });
});

describe("the tables", () => {
  it("open again as they are, and refuse a format from the future", async () => {
    await inObject("tables", (sql, storage) => {
      const format = readNumber(sql, "format");
      migrate(storage);
      expect(readNumber(sql, "format")).toBe(format);
      sql.exec("UPDATE numbers SET value = value + 1 WHERE name = 'format'");
      expect(() => migrate(storage)).toThrow("run a newer hub");
    });
  });
});
