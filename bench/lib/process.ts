/** What a process has taken, as Linux tells (/proc). */
import { readFileSync } from "node:fs";

/** What `/proc/PID/stat` counts in. */
const TICK_MS = 10;

/** CPU of a process so far, ms. */
export function cpuMsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/** The most memory that a process had, MB. */
export function peakMegabytesOf(pid: number): number {
  return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;
}
