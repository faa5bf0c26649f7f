/** Files that are there in whole or not at all: where there is no room, and where somebody laid a link in the way. */
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import { putWhole, writeWhole } from "../../shim/write-whole";
import { smallDisk } from "../crash/faults";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tallywire-whole-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const waysToWrite: [string, (path: string, text: string) => void | Promise<void>][] = [
  ["at once", writeWhole],
  ["beside other work", (path, text) => putWhole(path, Buffer.from(text))],
];

describe.each(waysToWrite)("written %s", (_, write) => {
  test("a file is its owner's alone, and takes the place of the one before", async () => {
    const path = join(folder, "file");
    writeFileSync(path, "before", { mode: 0o644 });
    await write(path, "after");
    expect(readFileSync(path, "utf8")).toBe("after");
    if (process.platform !== "win32") expect(lstatSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(["file"]);
  });

  test("nothing is written through a link that lies where the draft goes", async () => {
    const other = join(folder, "other");
    writeFileSync(other, "another's");
    symlinkSync(other, join(folder, "file.draft"));
    await write(join(folder, "file"), "mine");
    expect(readFileSync(other, "utf8")).toBe("another's");
    expect(readFileSync(join(folder, "file"), "utf8")).toBe("mine");
    expect(readdirSync(folder).sort()).toEqual(["file", "other"]);
  });

  test("what cannot take its place leaves no draft", async () => {
    mkdirSync(join(folder, "file/inside"), { recursive: true });
    await expect((async () => write(join(folder, "file"), "mine"))()).rejects.toThrow();
    expect(readdirSync(folder)).toEqual(["file"]);
  });
});

const disk = smallDisk(1);
if (disk === null) console.warn("full disks are not tested: this user may not mount one");
afterAll(() => disk?.end());

test.runIf(disk !== null)("a full disk keeps the file of before", async () => {
  const path = join(disk!.folder, "file");
  writeWhole(path, "before");
  // A write comes to the end of the disk first, and only the next one fails.
  const large = "x".repeat(2 << 20);
  expect(() => writeWhole(path, large)).toThrow(/ENOSPC/);
  await expect(putWhole(path, Buffer.from(large))).rejects.toThrow(/ENOSPC/);
  expect(readFileSync(path, "utf8")).toBe("before");
  expect(readdirSync(disk!.folder)).toEqual(["file"]);
});
