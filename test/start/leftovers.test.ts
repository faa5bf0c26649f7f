/** A start that was killed leaves a hub, edges and a folder; the next one ends them, and no other. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { dataOf, edgePidPath, endLeftovers, spoolOf } from "../../scripts/start/leftovers";
import { configPathOf, pidPathOf } from "../../shim/hub/pid-file";

const place = mkdtempSync(join(tmpdir(), "tallywire-leftovers-"));
const children: ChildProcess[] = [];
afterAll(() => {
  for (const child of children) child.kill("SIGKILL");
  rmSync(place, { recursive: true });
});

/** A process that does nothing, with `word` in its command line. */
function idle(word: string): ChildProcess {
  const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)", word], { stdio: "ignore" });
  children.push(child);
  return child;
}

const runs = (child: ChildProcess) => child.exitCode === null && child.signalCode === null;

/** What a start of process `starter` left in a folder of its own. */
function leave(name: string, starter: number): { folder: string; hub: ChildProcess; edge: ChildProcess } {
  const folder = join(place, name);
  mkdirSync(dataOf(folder), { recursive: true });
  const [hub, edge] = [idle(configPathOf(dataOf(folder))), idle(spoolOf(folder))];
  writeFileSync(pidPathOf(dataOf(folder)), JSON.stringify({ worker: hub.pid, starter }));
  writeFileSync(edgePidPath(folder, "here"), JSON.stringify({ worker: edge.pid, starter }));
  return { folder, hub, edge };
}

/** The number of a process that has ended. */
async function deadPid(): Promise<number> {
  const child = idle("short");
  child.kill("SIGKILL");
  await once(child, "exit");
  return child.pid!;
}

test("what a killed start left is ended, what a running one has is not", async () => {
  const left = leave("start-killed", await deadPid());
  const held = leave("start-running", process.ppid);
  const fresh = join(place, "start-fresh");
  mkdirSync(fresh);
  const ends = [once(left.hub, "exit"), once(left.edge, "exit")];
  await endLeftovers(place);
  await Promise.all(ends);
  expect([existsSync(left.folder), existsSync(held.folder), existsSync(fresh)]).toEqual([false, true, true]);
  expect([runs(held.hub), runs(held.edge)]).toEqual([true, true]);
  expect(JSON.parse(readFileSync(pidPathOf(dataOf(held.folder)), "utf8")).worker).toBe(held.hub.pid);
});

test("a process that has the number of one that ended is left alone", async () => {
  const left = leave("start-renumbered", await deadPid());
  const other = idle("something else");
  writeFileSync(edgePidPath(left.folder, "here"), JSON.stringify({ worker: other.pid, starter: await deadPid() }));
  const ended = once(left.hub, "exit");
  await endLeftovers(place);
  await ended;
  expect([existsSync(left.folder), runs(other)]).toEqual([false, true]);
});
