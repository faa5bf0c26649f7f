/** Lines in files: whole, none lost or doubled by rotation, none torn by a full disk or by what a killed run left. */
import {
  appendFileSync,
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { TripLog, type TripLogOptions } from "../../shim/log/trip-log";
import { type SmallDisk, smallDisk } from "../crash/faults";
import { randomOf } from "../crash/random";

const SEED = 27;
const LENGTHS = [10, 500, 4095, 4096, 4097, 9000];

let folder: string;
let path: string;
let said: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tallywire-log-"));
  path = join(folder, "trips.json");
  said = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const logOf = (options: Partial<TripLogOptions> = {}) =>
  new TripLog(path, { rotateBytes: 1 << 30, keep: 1000, gzip: false, say: (line) => said.push(line), ...options });

/** A line that says which it is. */
const lineOf = (number: number, length = 100) => `${JSON.stringify({ number, fill: "x".repeat(length) })}\n`;
const textOf = (file: string) => (file.endsWith(".gz") ? gunzipSync(readFileSync(file)).toString() : readFileSync(file, "utf8"));
const numbersIn = (file: string) =>
  textOf(file)
    .split(/(?<=\n)/)
    .map((line) => {
      expect(line.endsWith("\n"), line).toBe(true);
      return (JSON.parse(line) as { number: number }).number;
    });
/** The old files, the oldest first. */
const oldFiles = (of = folder) =>
  readdirSync(of)
    .filter((name) => /^trips-.*Z(-\d+)?\.json(\.gz)?$/.test(name))
    .sort((one, other) => timeOf(one).localeCompare(timeOf(other), undefined, { numeric: true }))
    .map((name) => join(of, name));
const timeOf = (name: string) => name.replace(/\.json(\.gz)?$/, "");
const counted = (count: number, from = 0) => Array.from({ length: count }, (_, index) => from + index);

describe("pages", () => {
  /** How many lines of a file lie in two pages. */
  function crossing(file: string): number {
    let at = 0;
    return textOf(file)
      .split(/(?<=\n)/)
      .filter((line) => {
        const start = at;
        at += line.length;
        return start >> 12 !== (at - 1) >> 12;
      }).length;
  }

  test.each([
    ["one by one", 1],
    ["some together", 7],
    ["many together", 100],
  ])("no line crosses one that is no longer than those before it, %s", async (_, together) => {
    const log = logOf();
    for (const number of counted(2000)) {
      log.write(lineOf(number, 500 - (number % 40)));
      if (number % together === 0) log.push();
    }
    await log.end();
    expect(crossing(path)).toBe(0);
    expect(numbersIn(path)).toEqual(counted(2000));
    expect(statSync(path).size).toBeLessThan(2000 * 520 * 1.2);
  });

  test("few cross that are of any length, and none where it is known what comes", async () => {
    const random = randomOf(SEED);
    const lengths = counted(2000).map(() => 300 + Math.floor(random() * 1200));
    for (const isKnown of [false, true]) {
      const log = logOf();
      for (const [number, length] of lengths.entries()) {
        log.write(lineOf(number, length));
        if (!isKnown) log.push();
      }
      await log.end();
      expect(numbersIn(path)).toEqual(counted(2000));
      expect(crossing(path)).toBeLessThanOrEqual(isKnown ? 40 : 100);
      rmSync(path);
    }
  });
});

describe("rotation", () => {
  test("no file is larger than allowed, and together they hold every line once, in order", async () => {
    const random = randomOf(SEED);
    const log = logOf({ rotateBytes: 20_000 });
    for (const number of counted(500)) {
      log.write(lineOf(number, LENGTHS[Math.floor(random() * LENGTHS.length)]));
      if (random() < 0.05) log.push();
    }
    await log.end();
    const files = [...oldFiles(), path];
    expect(files.length).toBeGreaterThan(50);
    for (const file of files) expect(statSync(file).size).toBeLessThanOrEqual(20_000);
    expect(files.flatMap(numbersIn)).toEqual(counted(500));
    expect([log.written, log.lost, said]).toEqual([500, 0, []]);
  });

  test("a line that is larger than a file may be has one for itself", async () => {
    const log = logOf({ rotateBytes: 1000 });
    for (const number of counted(3)) log.write(lineOf(number, 5000));
    await log.end();
    expect([...oldFiles(), path].map(numbersIn)).toEqual([[0], [1], [2]]);
  });

  test("so many are kept, and compressed where that is wanted", async () => {
    const log = logOf({ rotateBytes: 1000, keep: 3, gzip: true });
    for (const number of counted(100)) {
      log.write(lineOf(number));
      log.push();
    }
    await log.end();
    const files = oldFiles();
    expect(files.map((file) => file.endsWith(".gz"))).toEqual([true, true, true]);
    expect(readdirSync(folder)).toHaveLength(4);
    const kept = [...files, path].flatMap(numbersIn);
    expect(kept).toEqual(counted(kept.length, 100 - kept.length));
    for (const file of [...files, path]) expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  test("nothing is said of one that is let go of while it waits to be compressed", async () => {
    const log = logOf({ rotateBytes: 100, keep: 1, gzip: true });
    for (const number of counted(40)) {
      log.write(lineOf(number));
      log.push();
      // So long that compressing begins, and not so long that it ends.
      for (let turn = 0; turn < 5; turn++) await Promise.resolve();
    }
    await log.end();
    expect(said).toEqual([]);
    expect(oldFiles()).toHaveLength(1);
  });

  test("the newest are kept, however many are moved in one millisecond", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.UTC(2026, 10, 28) });
    onTestFinished(() => void vi.useRealTimers());
    for (const keep of [1, 3, 12]) {
      const log = logOf({ rotateBytes: 200, keep });
      for (const number of counted(40)) {
        log.write(lineOf(number));
        log.push();
      }
      await log.end();
      expect([...oldFiles(), path].flatMap(numbersIn), `keep ${keep}`).toEqual(counted(keep + 1, 39 - keep));
      for (const file of [...oldFiles(), path]) rmSync(file);
    }
  });

  test("the newest are kept where the clock is set back, by another run too", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.UTC(2099, 0, 1) });
    onTestFinished(() => void vi.useRealTimers());
    for (const first of [0, 10, 20]) {
      const log = logOf({ rotateBytes: 200, keep: 5 });
      for (const number of counted(10, first)) {
        log.write(lineOf(number));
        log.push();
        vi.setSystemTime(Date.now() - 86_400_000);
      }
      await log.end();
      expect([...oldFiles(), path].flatMap(numbersIn)).toEqual(counted(6, first + 4));
    }
  });

  test("a file that is old makes room, though nothing comes, and an empty one does not", async () => {
    const log = logOf({ rotateMs: 100 });
    log.push();
    await new Promise((done) => setTimeout(done, 150));
    log.push();
    expect(oldFiles()).toEqual([]);
    log.write(lineOf(0));
    log.push();
    await new Promise((done) => setTimeout(done, 150));
    log.push();
    expect(oldFiles().flatMap(numbersIn)).toEqual([0]);
    await log.end();
  });

  test("files of others that are named alike are left", async () => {
    for (const name of ["trips-old.json", "trips-2026-11-27.json", "other-2026-11-27T00-00-00.000Z.json"])
      writeFileSync(join(folder, name), "kept");
    const log = logOf({ rotateBytes: 200, keep: 0 });
    for (const number of counted(10)) log.write(lineOf(number));
    await log.end();
    expect(readdirSync(folder).sort()).toEqual([
      "other-2026-11-27T00-00-00.000Z.json",
      "trips-2026-11-27.json",
      "trips-old.json",
      "trips.json",
    ]);
  });

  test("who moves the file away has the log begin it anew", async () => {
    const log = logOf();
    log.write(lineOf(0));
    log.push();
    const moved = join(folder, "moved");
    renameSync(path, moved);
    log.write(lineOf(1));
    log.reopen();
    log.write(lineOf(2));
    await log.end();
    expect([numbersIn(moved), numbersIn(path)]).toEqual([[0, 1], [2]]);
  });

  test("who cuts the file finds the lines that come after", async () => {
    const log = logOf();
    log.write(lineOf(0));
    log.push();
    truncateSync(path);
    log.write(lineOf(1));
    await log.end();
    expect(numbersIn(path)).toEqual([1]);
  });
});

describe("what a run before left", () => {
  test("a file that others may read is named, with what mends it", async () => {
    for (const [mode, words] of [
      [0o644, `others may read ${path} (644), which stays so; run: chmod 600 ${path}`],
      [0o600, undefined],
    ] as const) {
      writeFileSync(path, lineOf(0));
      chmodSync(path, mode);
      said = [];
      const log = logOf();
      log.write(lineOf(1));
      await log.end();
      expect(said).toEqual(words === undefined ? [] : [words]);
      expect(statSync(path).mode & 0o777).toBe(mode);
    }
  });

  test("a part of a line is taken away, wherever it was cut", async () => {
    const whole = lineOf(0) + lineOf(1, 70_000);
    const torn = lineOf(2, 150_000);
    for (const length of [1, 2, 50, 65_536, 100_000, torn.length - 1]) {
      writeFileSync(path, whole + torn.slice(0, length), { mode: 0o600 });
      const log = logOf();
      log.write(lineOf(3));
      await log.end();
      expect(numbersIn(path)).toEqual([0, 1, 3]);
      expect(said.splice(0)).toEqual([
        expect.stringContaining(`ended within a round trip, whose ${length.toLocaleString("en")} byte`),
      ]);
    }
  });

  test("a file that holds something else is left as it is", () => {
    for (const other of ["a text\n", "\n", "\xd4\xc3\xb2\xa1"]) {
      writeFileSync(path, other, "latin1");
      expect(() => logOf().push()).toThrow(/is no log of round trips, and is left as it is/);
      expect(readFileSync(path, "latin1")).toBe(other);
    }
  });

  test("a file that was not compressed to its end is compressed", async () => {
    const old = join(folder, "trips-2026-11-27T00-00-00.000Z.json");
    writeFileSync(old, lineOf(0));
    appendFileSync(`${old}.gz.draft`, "half");
    const log = logOf({ gzip: true });
    log.write(lineOf(1));
    await log.end();
    expect(readdirSync(folder).sort()).toEqual(["trips-2026-11-27T00-00-00.000Z.json.gz", "trips.json"]);
    expect(oldFiles().flatMap(numbersIn)).toEqual([0]);
  });
});

const probe = smallDisk(1);
probe?.end();
if (probe === null) console.warn("full disks are not tested: this user may not mount one");

describe.runIf(probe !== null)("with a full disk", () => {
  let disk: SmallDisk;
  beforeEach(() => {
    disk = smallDisk(4)!;
    path = join(disk.folder, "trips.json");
  });
  afterEach(() => disk.end());

  test("lines wait, and are written in order once there is room", async () => {
    const log = logOf();
    log.write(lineOf(0));
    log.push();
    disk.fill();
    // The page that the file has already may have room.
    for (const number of counted(1000, 1)) log.write(lineOf(number, 500));
    log.push();
    expect(said).toEqual([expect.stringMatching(/^the disk is full: round trips wait in memory/)]);
    const during = numbersIn(path);
    expect(during).toEqual(counted(during.length));
    expect(during.length).toBeLessThan(100);
    disk.free();
    log.push();
    await log.end();
    expect(numbersIn(path)).toEqual(counted(1001));
    expect([log.written, log.lost, said[1]]).toEqual([1001, 0, "the disk has room again: the log goes on"]);
  });

  test("the oldest are lost and counted when too many wait, and nothing is torn", async () => {
    const log = logOf({ rotateBytes: 100_000, keep: 100 });
    const filled = () => [...oldFiles(disk.folder), path].flatMap(numbersIn);
    log.write(lineOf(0));
    log.push();
    disk.fill();
    for (const number of counted(20_000, 1)) log.write(lineOf(number, 500));
    log.push();
    disk.free();
    log.push();
    await log.end();
    const all = filled();
    expect(all).toHaveLength(log.written);
    expect(log.written + log.lost).toBe(20_001);
    expect(log.lost).toBeGreaterThan(10_000);
    expect([...new Set(all)].sort((one, other) => one - other)).toEqual(all);
    expect(all.at(-1)).toBe(20_000);
    expect(said.at(-1)).toBe(`the disk has room again: the log goes on, ${log.lost.toLocaleString("en")} round trips lost`);
  });

  test("what waits at the end is lost, and counted", async () => {
    const log = logOf();
    disk.fill();
    for (const number of counted(100)) log.write(lineOf(number, 500));
    await log.end();
    expect(log.written + log.lost).toBe(100);
    expect(log.lost).toBeGreaterThan(80);
  });
});
