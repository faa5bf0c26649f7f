/** Numbers of control groups, in a hierarchy of folders. */
import { existsSync, lstatSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { ControlGroups } from "../../shim/owner/control-groups";

test("a group's path is found by the number of its folder, and a new one's after a while", async () => {
  const root = mkdtempSync(join(tmpdir(), "groups-"));
  onTestFinished(() => rmSync(root, { recursive: true }));
  const make = (path: string) => {
    mkdirSync(join(root, path), { recursive: true });
    return lstatSync(join(root, path)).ino;
  };
  let nowMs = 1_000_000;
  const groups = new ControlGroups(root, () => nowMs);
  const nginx = make("system.slice/nginx.service");
  expect(groups.pathOf(nginx)).toBeUndefined();
  await groups.refresh();
  expect(groups.pathOf(nginx)).toBe("/system.slice/nginx.service");
  expect(groups.pathOf(lstatSync(root).ino)).toBe("/");
  const redis = make("system.slice/redis.service");
  await groups.refresh();
  expect(groups.pathOf(redis)).toBeUndefined();
  nowMs += 5000;
  expect(groups.pathOf(redis)).toBeUndefined();
  await groups.refresh();
  expect(groups.pathOf(redis)).toBe("/system.slice/redis.service");
});

test("where there is no such hierarchy nothing is known", async () => {
  const groups = new ControlGroups(join(tmpdir(), "no-such-folder"));
  await groups.refresh();
  expect(groups.pathOf(1)).toBeUndefined();
  expect(existsSync(join(tmpdir(), "no-such-folder"))).toBe(false);
});
