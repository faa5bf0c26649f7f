import { spawnSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isAlive } from "../process";
import { writeWhole } from "../write-whole";

/** Who works in a folder: a process, and the one that started it. */
interface Owner {
  worker: number;
  starter: number;
}

/** Where a hub's data folder says which workerd serves it. */
export function pidPathOf(dataFolder: string): string {
  return join(dataFolder, "hub.pid");
}

/** The configuration that a data folder's workerd is started with. */
export function configPathOf(dataFolder: string): string {
  return join(dataFolder, "hub.capnp");
}

/** Says which process, started by this one, works in the folder from now on. */
export function writePidFile(path: string, worker: number): void {
  writeWhole(path, `${JSON.stringify({ worker, starter: process.pid } satisfies Owner)}\n`);
}

/** Says that none does. */
export function removePidFile(path: string): void {
  rmSync(path, { force: true });
}

/**
 * Makes sure that no other workerd serves the folder, as two on one folder would spoil it. One whose starter was killed is an
 * orphan and is ended; one whose starter lives is somebody's hub, which is an error.
 */
export async function claimFolder(dataFolder: string): Promise<void> {
  const path = pidPathOf(dataFolder);
  if (await endOrphan(path, configPathOf(dataFolder))) return;
  throw new Error(`a hub is running on this data folder (process ${readOwner(path)?.worker}); stop it, or name another folder`);
}

/**
 * Ends the process that a file names where its starter was killed; false where the starter lives. `word` is in the process's
 * command line, by which it is told from another that has its number now.
 */
export async function endOrphan(path: string, word: string): Promise<boolean> {
  const owner = readOwner(path);
  if (owner === null || !commandOf(owner.worker).includes(word)) return true;
  if (owner.starter !== process.pid && isAlive(owner.starter)) return false;
  process.kill(owner.worker, "SIGKILL");
  while (isAlive(owner.worker)) await sleep(5);
  return true;
}

function readOwner(path: string): Owner | null {
  try {
    const { worker, starter } = JSON.parse(readFileSync(path, "utf8"));
    return Number.isInteger(worker) && Number.isInteger(starter) ? { worker, starter } : null;
  } catch {
    return null;
  }
}

/** The command line of a process; empty where it is gone or cannot be read. */
function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return spawnSync("ps", ["-p", String(pid), "-o", "command="], { encoding: "utf8" }).stdout ?? "";
  }
}
