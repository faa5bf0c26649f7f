/** A key log that grows, is cut and is replaced, and what is kept of it. */
import { execFileSync } from "node:child_process";
import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Secrets } from "../../engine/tls/secrets";
import { KeyLog } from "../../shim/tls/key-log";
import { keyLogOpener } from "../../shim/tls/opener";

const random = (index: number) => Uint8Array.from({ length: 32 }, (_, at) => (at === 0 ? index : 7));
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const line = (index: number, label = "CLIENT_RANDOM") =>
  `${label} ${hex(random(index))} ${String(index).repeat(96).slice(0, 96)}\n`;

let folder = "";
let path = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tallywire-keys-"));
  path = join(folder, "keys.log");
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Which of the first connections have secrets. */
const known = (secrets: Secrets) => [1, 2, 3, 4].filter((index) => secrets.of(random(index)) !== undefined);

test("what was appended is read when it is asked for, by whole lines", () => {
  const secrets = new Secrets();
  const log = new KeyLog(path, secrets);
  log.refresh();
  expect([log.isThere, known(secrets)]).toEqual([false, []]);
  writeFileSync(path, line(1) + line(2).slice(0, 50));
  log.refresh();
  expect(known(secrets)).toEqual([1]);
  appendFileSync(path, line(2).slice(50));
  log.refresh();
  expect(known(secrets)).toEqual([1, 2]);
  log.close();
});

test("a log that was written anew is read from its beginning, however long it is now", () => {
  const secrets = new Secrets();
  const log = new KeyLog(path, secrets);
  const logs = [line(1), line(2), line(3) + line(4)];
  for (const [index, text] of logs.entries()) {
    writeFileSync(path, text);
    log.refresh();
    expect(known(secrets)).toEqual([1, 2, 3, 4].slice(0, index === 2 ? 4 : index + 1));
  }
  log.close();
});

test("a last line without an end is taken, and no part of one", () => {
  const secrets = new Secrets();
  const log = new KeyLog(path, secrets);
  writeFileSync(path, line(1) + line(2).trimEnd());
  log.refresh();
  expect(known(secrets)).toEqual([1, 2]);
  for (const length of [141, 145, 160]) {
    writeFileSync(path, line(3).slice(0, length));
    log.refresh();
    expect(known(secrets)).toEqual([1, 2]);
  }
  log.close();
});

test("what is no file is told, and not waited for", () => {
  execFileSync("mkfifo", [path]);
  const log = new KeyLog(path, new Secrets());
  expect(log.refresh()).toBe(`the key log ${path} is no plain file`);
  expect(() => keyLogOpener(path)).toThrow("is no plain file");
});

test("a log that was cut or replaced is read from its beginning", () => {
  const secrets = new Secrets();
  const log = new KeyLog(path, secrets);
  writeFileSync(path, line(1) + line(2));
  log.refresh();
  writeFileSync(path, line(3));
  log.refresh();
  expect(known(secrets)).toEqual([1, 2, 3]);
  writeFileSync(join(folder, "other"), line(4) + line(4));
  renameSync(join(folder, "other"), path);
  log.refresh();
  expect(known(secrets)).toEqual([1, 2, 3, 4]);
  log.close();
});

test("other lines are passed over, and the oldest connections go first", () => {
  const secrets = new Secrets(2);
  for (const text of ["# a comment", "RSA 0011 2233", line(1, "EXPORTER_SECRET"), "", "CLIENT_RANDOM 12 34"])
    secrets.takeLine(text);
  expect(secrets.count).toBe(0);
  for (const index of [1, 2, 1, 3]) secrets.takeLine(line(index).trimEnd());
  expect(known(secrets)).toEqual([2, 3]);
  const copy = secrets.copy();
  for (const index of [4, 1]) copy.takeLine(line(index).trimEnd());
  expect([known(copy), copy.count, known(secrets)]).toEqual([[1, 4], 2, [2, 3]]);
});

test("a log that is not there is said so, unless it may come", () => {
  expect(() => keyLogOpener(path)).toThrow("it is not there");
  expect(() => keyLogOpener(folder)).toThrow("is no plain file");
  expect(() => keyLogOpener(path, { mustBe: false })).not.toThrow();
});
