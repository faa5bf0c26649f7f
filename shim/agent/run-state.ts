import { createHash, randomBytes } from "node:crypto";
import { readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { Failure, reasonOf } from "../failure";
import { writeWhole } from "../write-whole";

/** A run over files: which input it reads, and as whom. */
interface RunState {
  input: string;
  bootId: string;
}

/** A run is forgotten when the hub would not take its minutes any more. */
const KEPT_MS = 48 * 3_600_000;
const FILE = /^run-[0-9a-f]{16}\.json$/;
const BOOT_ID = /^[0-9a-f]{16}$/;

/**
 * The boot id of a run over files. It stays behind, and a run over the same files takes it up again, whether the one before was
 * killed or came to its end: the minutes are then the same bundles, which the hub counts once.
 */
export class FileRun {
  readonly bootId: bigint;
  /** Whether there was an earlier run over these files. */
  readonly resumed: boolean;
  private readonly path: string;

  constructor(folder: string, paths: readonly string[], settings: unknown) {
    const input = inputDigest(paths, settings);
    this.path = join(folder, `run-${input.slice(0, 16)}.json`);
    forgetOld(folder);
    const before = readState(this.path);
    this.resumed = before?.input === input;
    const bootId = this.resumed && before ? before.bootId : newBootId();
    this.bootId = BigInt(`0x${bootId}`);
    try {
      writeWhole(this.path, JSON.stringify({ input, bootId } satisfies RunState));
    } catch (cause) {
      throw new Failure(`cannot write to the spool ${folder}: ${reasonOf(cause)}; make room or name another with --spool`, 1, {
        cause,
      });
    }
  }
}

function forgetOld(folder: string): void {
  for (const name of readdirSync(folder)) {
    if (FILE.test(name) && Date.now() - statSync(join(folder, name)).mtimeMs > KEPT_MS)
      rmSync(join(folder, name), { force: true });
  }
}

/** The boot id of a start of its own. */
export function newStart(): bigint {
  return BigInt(`0x${newBootId()}`);
}

/** A name for a run, never 0. */
function newBootId(): string {
  const id = randomBytes(8).toString("hex");
  return /^0+$/.test(id) ? newBootId() : id;
}

function readState(path: string): RunState | undefined {
  try {
    const { input, bootId } = JSON.parse(readFileSync(path, "utf8"));
    return typeof input === "string" && BOOT_ID.test(bootId) ? { input, bootId } : undefined;
  } catch {
    return undefined;
  }
}

/** What the input is, by the files' places, sizes and times, and how it is read. */
function inputDigest(paths: readonly string[], settings: unknown): string {
  const hash = createHash("sha256").update(JSON.stringify(settings));
  for (const path of paths) {
    const { size, mtimeMs } = path === "-" ? { size: 0, mtimeMs: Date.now() } : (statSync(path, { throwIfNoEntry: false }) ?? {});
    hash.update(`\0${resolve(path)} ${size} ${mtimeMs}`);
  }
  return hash.digest("hex");
}
