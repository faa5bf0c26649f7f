import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Failure, reasonToWrite } from "../failure";
import { isRunning, type OneProcess, thisProcess } from "../process";
import { writeWhole } from "../write-whole";

const NAME = "agent.pid";

/**
 * That one agent alone works in a spool: two would take each other's drafts away, and each would count as lost what the other has open. A
 * file says which process it is and when that began, so it holds for no other process, and for none that has ended.
 */
export class SpoolLock {
  private readonly path: string;

  /** Throws Failure where another agent works there, or the folder cannot be used. */
  constructor(folder: string) {
    this.path = join(folder, NAME);
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      this.check(folder);
      writeWhole(this.path, `${JSON.stringify(thisProcess())}\n`);
    } catch (cause) {
      if (cause instanceof Failure) throw cause;
      throw new Failure(`cannot use the spool ${folder}: ${reasonToWrite(cause)}; name another with --spool`, 1, { cause });
    }
    // Of two that began in the same moment the later one has it.
    this.check(folder);
  }

  /** Leaves the spool to others. */
  release(): void {
    if (readOwner(this.path)?.pid === process.pid) rmSync(this.path, { force: true });
  }

  private check(folder: string): void {
    const owner = readOwner(this.path);
    if (owner === undefined || owner.pid === process.pid || !isRunning(owner)) return;
    throw new Failure(
      `another agent works on the spool ${folder} (process ${owner.pid}); stop it, or name another with --spool or --edge`,
    );
  }
}

function readOwner(path: string): OneProcess | undefined {
  try {
    const { pid, began } = JSON.parse(readFileSync(path, "utf8"));
    return Number.isInteger(pid) && typeof began === "string" ? { pid, began } : undefined;
  } catch {
    return undefined;
  }
}
