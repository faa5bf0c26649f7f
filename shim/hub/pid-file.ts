import { spawnSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** Who serves a data folder: workerd, and the process that started it. */
interface Owner {
  workerd: number;
  starter: number;
}

/** Says which workerd serves the folder from now on. */
export function writePidFile(path: string, workerd: number): void {
  writeFileSync(path, `${JSON.stringify({ workerd, starter: process.pid } satisfies Owner)}\n`);
}

/** Says that none does. */
export function removePidFile(path: string): void {
  rmSync(path, { force: true });
}

/**
 * Makes sure that no other workerd serves the folder, as two on one folder would spoil it. One whose starter was killed is an
 * orphan and is ended; one whose starter lives is somebody's hub, which is an error.
 */
export async function claimFolder(path: string, configPath: string): Promise<void> {
  const owner = readOwner(path);
  if (owner === null || !commandOf(owner.workerd).includes(configPath)) return;
  if (owner.starter !== process.pid && isAlive(owner.starter)) {
    throw new Error(`a hub is running on this data folder (process ${owner.workerd}); stop it, or name another folder`);
  }
  process.kill(owner.workerd, "SIGKILL");
  while (isAlive(owner.workerd)) await sleep(5);
}

function readOwner(path: string): Owner | null {
  try {
    const { workerd, starter } = JSON.parse(readFileSync(path, "utf8"));
    return Number.isInteger(workerd) && Number.isInteger(starter) ? { workerd, starter } : null;
  } catch {
    return null;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !stateOf(pid).startsWith("Z");
  } catch {
    return false;
  }
}

/** The state letter of a process on Linux; empty elsewhere. */
function stateOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2);
  } catch {
    return "";
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
