/** What the spool keeps, for how long, and what a crash leaves of it. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { bundleFileName, Spool } from "../../shim/spool/spool";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tallywire-spool-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const nameOf = (minute: number, sequence = 0) =>
  bundleFileName({ minute, sequence, bootId: "00000000000000aa", policy: { number: 0 } });
const bytes = (length: number) => new Uint8Array(length).fill(7);

describe("bundles", () => {
  test("wait oldest minute first, over a new start", async () => {
    const spool = new Spool(folder);
    for (const minute of [30, 9, 200]) await spool.put(nameOf(minute), bytes(minute));
    expect(spool.names).toEqual([nameOf(9), nameOf(30), nameOf(200)]);
    const later = new Spool(folder);
    expect(later.names).toEqual(spool.names);
    expect(await later.read(nameOf(30))).toHaveLength(30);
    await later.remove(nameOf(30));
    expect(await later.read(nameOf(30))).toBeUndefined();
    expect(later.waitingCount).toBe(2);
  });

  test("make room for newer ones, which is counted", async () => {
    const spool = new Spool(folder, { bytesMax: 1000, refusedBytesMax: 100 });
    for (let minute = 1; minute <= 10; minute++) await spool.put(nameOf(minute), bytes(300));
    expect(spool.names).toEqual([8, 9, 10].map((minute) => nameOf(minute)));
    expect(spool.droppedCount).toBe(7);
    expect(readdirSync(folder).filter((name) => name.endsWith(".twb"))).toHaveLength(3);
  });

  test("that are refused are set aside with the reason, in bounded bytes", async () => {
    const spool = new Spool(folder, { bytesMax: 10_000, refusedBytesMax: 700 });
    for (let minute = 1; minute <= 3; minute++) {
      await spool.put(nameOf(minute), bytes(300));
      await spool.setAside(nameOf(minute), `422 too_late ${minute}`);
    }
    expect(spool.waitingCount).toBe(0);
    const refused = join(folder, "refused");
    expect(readdirSync(refused).sort()).toEqual([nameOf(2), `${nameOf(2)}.txt`, nameOf(3), `${nameOf(3)}.txt`].sort());
    expect(readFileSync(join(refused, `${nameOf(3)}.txt`), "utf8")).toBe("422 too_late 3\n");
  });

  test("that another agent posted are no error", async () => {
    const spool = new Spool(folder);
    await spool.put(nameOf(1), bytes(10));
    rmSync(join(folder, nameOf(1)));
    expect(await spool.read(nameOf(1))).toBeUndefined();
    expect(spool.names).toEqual([]);
  });
});

test("files that are not the spool's are left alone, drafts of a crash go", () => {
  mkdirSync(join(folder, "refused"));
  writeFileSync(join(folder, "notes.txt"), "mine");
  writeFileSync(join(folder, `${nameOf(1)}.draft`), "half a bundle");
  expect(new Spool(folder).names).toEqual([]);
  expect(existsSync(join(folder, "notes.txt"))).toBe(true);
  expect(existsSync(join(folder, `${nameOf(1)}.draft`))).toBe(false);
});

test("a folder that cannot be one is named, with what mends it", () => {
  writeFileSync(join(folder, "file"), "");
  expect(() => new Spool(join(folder, "file"))).toThrow(/cannot use the spool .*file: .*; name another with --spool/);
});
