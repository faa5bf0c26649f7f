/** Processes of this machine, by what Linux tells of them. */
import { readdirSync, readFileSync } from "node:fs";

/** Command lines of the processes that have `word` in theirs; those of other systems are not known, and none is given. */
export function processesWith(word: string): string[] {
  if (process.platform !== "linux") return [];
  const lines = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
      } catch {
        return "";
      }
    });
  return lines.filter((line) => line.includes(word));
}
