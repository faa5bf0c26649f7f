/** Notices that npm is gone, which started this process: it hands some signals on to a shell, which hands them on to nobody, and others to none. */
import { readFileSync } from "node:fs";

const LOOK_MS = 500;

/** The process that started another, and its command line; undefined where that is not known, as beyond Linux. */
function lookUp(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const [, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return { parent, command: readFileSync(`/proc/${pid}/cmdline`, "utf8") };
  } catch {
    return undefined;
  }
}

/** Numbers of this process's parent and, where that is a shell that runs one command, of the parent's, which is npm. */
function starters() {
  const shell = lookUp(process.ppid);
  return `${process.ppid} ${shell?.command.includes("sh\0-c\0") ? shell.parent : ""}`;
}

/** Resolves when npm or its shell is gone, of which one started this process; waiting for it keeps nothing alive. */
export function untilOrphaned() {
  const atFirst = starters();
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      if (starters() === atFirst) return;
      clearInterval(timer);
      resolve();
    }, LOOK_MS);
    timer.unref();
  });
}
