import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** Where /proc/PID/stat has the time at which a process began, and its state, behind its name (proc(5)). */
const BEGAN_FIELD = 22 - 3;
const STATE_FIELD = 0;

/** A process, told from others that have its number at another time. */
export interface OneProcess {
  pid: number;
  /** When it began, as the system says it. */
  began: string;
}

/** The one that asks. */
export function thisProcess(): OneProcess {
  return { pid: process.pid, began: beganOf(process.pid) };
}

/** Whether it still runs. */
export function isRunning({ pid, began }: OneProcess): boolean {
  return isAlive(pid) && beganOf(pid) === began;
}

/** Whether a process that this user may signal has this number now, and has not ended. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  return fieldsOf(pid)[STATE_FIELD] !== "Z";
}

/** When a process began; on Linux in ticks since a start of the system, which is named too. */
function beganOf(pid: number): string {
  if (process.platform !== "linux")
    return spawnSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" }).stdout ?? "";
  return `${fieldsOf(pid)[BEGAN_FIELD] ?? ""} ${textOf("/proc/sys/kernel/random/boot_id").trim()}`;
}

/** What Linux says of a process behind its name; nothing elsewhere. */
function fieldsOf(pid: number): string[] {
  const stat = textOf(`/proc/${pid}/stat`);
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

/** A file's text; nothing where it cannot be read, as a service may be shown processes alone of /proc. */
function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
