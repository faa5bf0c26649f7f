/** What the spool keeps, for how long, and what a crash leaves of it. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deflateSync, inflateSync } from "node:zlib";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import CORE from "../../build/core.wasm";
import { readBundleHeader } from "../../engine/bundle";
import { Core } from "../../engine/core";
import { Delivery } from "../../shim/post/delivery";
import type { Verdict } from "../../shim/post/verdict";
import { BootTags } from "../../shim/spool/boot-tags";
import { bundleFileName, Spool } from "../../shim/spool/spool";
import { sealMinuteBy } from "../support/seal-minute";

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

test("a folder that somebody takes away is made again", async () => {
  const spool = new Spool(folder);
  await spool.put(nameOf(1), bytes(10));
  rmSync(folder, { recursive: true });
  await spool.put(nameOf(2), bytes(10));
  expect(await spool.read(nameOf(1))).toBeUndefined();
  await spool.setAside(nameOf(2), "bad");
  expect([spool.waitingCount, readdirSync(join(folder, "refused"))]).toEqual([0, [nameOf(2), `${nameOf(2)}.txt`]]);
});

test("files that are not the spool's are left alone, drafts of a crash go", () => {
  mkdirSync(join(folder, "refused"));
  writeFileSync(join(folder, "notes.txt"), "mine");
  writeFileSync(join(folder, `${nameOf(1)}.draft`), "half a bundle");
  expect(new Spool(folder).names).toEqual([]);
  expect(existsSync(join(folder, "notes.txt"))).toBe(true);
  expect(existsSync(join(folder, `${nameOf(1)}.draft`))).toBe(false);
});

test("what is named as a bundle and is no file is left alone", async () => {
  mkdirSync(join(folder, nameOf(1)));
  mkdirSync(join(folder, `${nameOf(2)}.draft`));
  symlinkSync("/nowhere", join(folder, nameOf(3)));
  const spool = new Spool(folder);
  await spool.put(nameOf(4), bytes(10));
  expect(spool.names).toEqual([nameOf(4)]);
  expect(readdirSync(folder)).toEqual(expect.arrayContaining([nameOf(1), `${nameOf(2)}.draft`, nameOf(3)]));
});

describe("whatever lies in the spool", () => {
  const hub = new Core(CORE, { role: "hub" });
  const good = (minute: number) =>
    deflateSync(sealMinuteBy(CORE, { minute: minute * 60, boot: 1n, exchanges: [{ client: "10.0.0.1", name: "a.test" }] }));

  /** A hub that takes what is a bundle and refuses for good what is none. */
  const poster = (posted: string[]) => ({
    post: async (body: Uint8Array): Promise<Verdict> => {
      let fault = "400 bad_body";
      try {
        const bundle = inflateSync(body, { maxOutputLength: 1 << 20 });
        const code = hub.validate(bundle);
        if (code === 0) {
          posted.push(String(readBundleHeader(bundle).minute));
          return { kind: "stored", duplicate: false };
        }
        fault = `422 fault ${code}`;
      } catch {}
      return { kind: "refused", reason: fault };
    },
  });

  const garbage = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.constant(Buffer.alloc(0)),
    fc.uint8Array({ maxLength: 300 }).map((content) => deflateSync(content)),
    fc.double({ min: 0, max: 0.99, noNaN: true }).map((share) => {
      const whole = good(1000);
      return whole.subarray(0, Math.floor(share * whole.length));
    }),
  );
  const file = fc.record({ minute: fc.nat(60), kind: fc.constantFrom("good", "garbage", "folder", "vanishes"), garbage });

  test("is named where it is no bundle, and the rest is delivered", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(file, { selector: ({ minute }) => minute, maxLength: 12 }), async (files) => {
        const inside = mkdtempSync(join(folder, "any-"));
        for (const { minute, kind, garbage } of files) {
          const path = join(inside, nameOf(minute));
          if (kind === "folder") mkdirSync(path);
          else writeFileSync(path, kind === "good" ? good(minute) : garbage);
        }
        const spool = new Spool(inside);
        for (const { minute, kind } of files) {
          if (kind !== "vanishes") continue;
          rmSync(join(inside, nameOf(minute)));
          // Half of them come back as what cannot be read.
          if (minute % 2 === 0) mkdirSync(join(inside, nameOf(minute)));
        }
        const posted: string[] = [];
        const said: string[] = [];
        const delivery = new Delivery(spool, poster(posted), { tagsOf: () => "", say: (line) => said.push(line) });
        delivery.start();
        await delivery.finish();
        const minutes = (kind: string) => files.filter((one) => one.kind === kind).map(({ minute }) => minute);
        expect(posted.map(Number).sort((a, b) => a - b)).toEqual(minutes("good").sort((a, b) => a - b));
        const named = [...minutes("garbage"), ...minutes("vanishes").filter((minute) => minute % 2 === 0)].map((minute) =>
          nameOf(minute),
        );
        for (const name of named) expect(said.some((line) => line.includes(name))).toBe(true);
        expect(said).toHaveLength(named.length);
        expect(readdirSync(join(inside, "refused")).filter((name) => name.endsWith(".twb"))).toHaveLength(
          minutes("garbage").length,
        );
        expect(spool.waitingCount).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  test("one that cannot be set aside is left, and the rest is delivered", async () => {
    const spool = new Spool(folder);
    await spool.put(nameOf(1), bytes(10));
    await spool.put(nameOf(2), good(2));
    mkdirSync(join(folder, "refused", nameOf(1)));
    const posted: string[] = [];
    const said: string[] = [];
    const delivery = new Delivery(spool, poster(posted), { tagsOf: () => "", say: (line) => said.push(line) });
    delivery.start();
    await delivery.finish();
    expect(posted).toEqual(["2"]);
    expect(said.at(-1)).toContain(`cannot deliver ${nameOf(1)}, which is left in ${folder}`);
    expect(new Spool(folder).names).toEqual([nameOf(1)]);
  });
});

test("a folder that cannot be one is named, with what mends it", () => {
  writeFileSync(join(folder, "file"), "");
  const open = (name: string) => () => new Spool(join(folder, name));
  expect(open("file")).toThrow(/cannot use the spool .*file: a file of that name is there; name another with --spool/);
  expect(open("file/e")).toThrow(
    /cannot use the spool .*e: a file stands where it should have a folder; name another with --spool/,
  );
});

describe("tags of an edge's starts", () => {
  const first = 0xaan;
  const second = 0xbbn;
  const nameOfBoot = (boot: string) => bundleFileName({ minute: 1, sequence: 0, bootId: boot, policy: { number: 0 } });

  test("stay what they were at first, and each bundle has those of its own", () => {
    const tags = new BootTags(folder);
    tags.note(first, "site=fra");
    tags.note(second, "site=ams");
    tags.note(first, "site=oslo");
    const later = new BootTags(folder);
    expect(later.tagsOf(nameOfBoot("00000000000000aa"))).toBe("site=fra");
    expect(later.tagsOf(nameOfBoot("00000000000000bb"))).toBe("site=ams");
    expect(later.tagsOf(nameOfBoot("00000000000000cc"))).toBeUndefined();
  });

  test("are forgotten when they are old and nothing waits under them", () => {
    const tags = new BootTags(folder);
    tags.note(first, "site=fra");
    tags.note(second, "site=ams");
    const old = new Date(Date.now() - 49 * 3_600_000);
    for (const name of readdirSync(folder)) utimesSync(join(folder, name), old, old);
    tags.forgetAllBut([nameOfBoot("00000000000000bb")]);
    expect(readdirSync(folder)).toEqual(["tags-00000000000000bb.txt"]);
  });
});
