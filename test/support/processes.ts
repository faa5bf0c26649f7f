/** Processes of this machine, by what Linux tells of them. */
import { readdirSync, readFileSync } from "node:fs";

/** A process. */
interface Process {
  pid: number;
  parent: number;
  /** Its command line, words apart by spaces. */
  command: string;
}

/** All processes that have not ended; none on other systems, where they are not known. */
function processes(): Process[] {
  if (process.platform !== "linux") return [];
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.flatMap((pid) => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
      return state === "Z" ? [] : [{ pid: Number(pid), parent: Number(parent), command }];
    } catch {
      // It has ended meanwhile.
      return [];
    }
  });
}

/** Command lines of the processes that have `word` in theirs. */
export function processesWith(word: string): string[] {
  return processes()
    .map(({ command }) => command)
    .filter((command) => command.includes(word));
}

/** Processes that a process started, and those that they started. */
export function descendantsOf(pid: number): Process[] {
  const all = processes();
  const found = all.filter(({ parent }) => parent === pid);
  for (const one of found) found.push(...all.filter(({ parent }) => parent === one.pid));
  return found;
}

/** Those of some processes that still run, as the same programs. */
export function stillRunning(some: readonly Process[]): Process[] {
  const now = new Map(processes().map((one) => [one.pid, one.command]));
  return some.filter(({ pid, command }) => now.get(pid) === command);
}
