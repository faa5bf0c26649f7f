import { mkdirSync, readdirSync, statSync, unlinkSync } from "node:fs";
import { readFile, rename, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Failure, reasonOf } from "../failure";
import { putWhole, syncFolder } from "../write-whole";

const BUNDLE = /^[0-9]{10}-[0-9a-f]{16}-[0-9]+-[0-9]+\.twb$/;
const DRAFT = /\.draft$/;
const REASON_SUFFIX = ".txt";

/** What a spool may take on disk. */
export interface SpoolLimits {
  bytesMax: number;
  /** Of bundles that the hub refused for good. */
  refusedBytesMax: number;
}

/** 256 MiB are ten days of quiet minutes, or four of busy ones. */
export const SPOOL_LIMITS: SpoolLimits = { bytesMax: 256 << 20, refusedBytesMax: 16 << 20 };

/** What tells one bundle of an edge from every other. */
export interface BundleIdentity {
  minute: number;
  bootId: string;
  policy: { number: number };
  sequence: number;
}

/** Name of a bundle's file; names sort by minute. */
export function bundleFileName({ minute, bootId, policy, sequence }: BundleIdentity): string {
  return `${String(minute).padStart(10, "0")}-${bootId}-${policy.number}-${sequence}.twb`;
}

/** Whether a file of a spool is a bundle's. */
export function isBundleName(name: string): boolean {
  return BUNDLE.test(name);
}

/** When the minute of a bundle's file began, ms since the epoch. */
export function minuteMsOf(name: string): number {
  return Number(name.slice(0, 10)) * 60_000;
}

/** Files of a folder with their sizes, oldest minute first, in bounded bytes: the oldest make room. */
class BoundedFolder {
  private readonly sizes = new Map<string, number>();
  private bytes = 0;
  /** Files that made room for others. */
  dropped = 0;

  constructor(
    readonly path: string,
    private bytesMax: number,
  ) {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    // What is named as a bundle and is no file was put there by somebody else, and stays.
    for (const entry of readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isFile())) {
      const { name } = entry;
      if (DRAFT.test(name)) unlinkSync(join(path, name));
      else if (isBundleName(name)) this.note(name, statSync(join(path, name), { throwIfNoEntry: false })?.size ?? 0);
    }
  }

  get names(): string[] {
    return [...this.sizes.keys()].sort();
  }

  get count(): number {
    return this.sizes.size;
  }

  /** Takes so much at the most, from the next file on. */
  limit(bytesMax: number): void {
    this.bytesMax = bytesMax;
  }

  /** Writes a file so that after a crash it is there in whole or not at all. */
  async put(name: string, bytes: Uint8Array): Promise<void> {
    await this.makeRoom(bytes.length);
    await this.inFolder(() => putWhole(join(this.path, name), bytes));
    this.note(name, bytes.length);
  }

  /** Writes in the folder, which is made again where somebody has taken it away. */
  async inFolder(write: () => Promise<void>): Promise<void> {
    try {
      await write();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      mkdirSync(this.path, { recursive: true, mode: 0o700 });
      await write();
    }
  }

  async remove(name: string): Promise<void> {
    this.forget(name);
    await unlinkIfThere(join(this.path, name));
  }

  note(name: string, bytes: number): void {
    this.forget(name);
    this.sizes.set(name, bytes);
    this.bytes += bytes;
  }

  forget(name: string): number {
    const bytes = this.sizes.get(name) ?? 0;
    this.sizes.delete(name);
    this.bytes -= bytes;
    return bytes;
  }

  async makeRoom(bytes: number): Promise<void> {
    while (this.sizes.size > 0 && this.bytes + bytes > this.bytesMax) {
      const oldest = this.names[0] as string;
      await this.remove(oldest);
      await unlinkIfThere(join(this.path, oldest + REASON_SUFFIX));
      this.dropped += 1;
    }
  }
}

/** Sealed bundles on disk until the hub has them. What is in it survives a crash at any moment. */
export class Spool {
  private readonly waiting: BoundedFolder;
  private readonly refused: BoundedFolder;

  /** Opens the spool in `folder`, made where it is missing. Throws Failure. */
  constructor(folder: string, limits: SpoolLimits = SPOOL_LIMITS) {
    try {
      this.waiting = new BoundedFolder(folder, limits.bytesMax);
      this.refused = new BoundedFolder(join(folder, "refused"), limits.refusedBytesMax);
    } catch (cause) {
      throw new Failure(`cannot use the spool ${folder}: ${reasonOf(cause)}; name another with --spool`, 1, { cause });
    }
  }

  get folder(): string {
    return this.waiting.path;
  }

  /** Names of the bundles that wait, oldest minute first. */
  get names(): string[] {
    return this.waiting.names;
  }

  get waitingCount(): number {
    return this.waiting.count;
  }

  /** Bundles that made room for newer ones. */
  get droppedCount(): number {
    return this.waiting.dropped;
  }

  /** Keeps so many bytes of bundles that wait at the most, from the next one on. */
  limit(bytesMax: number): void {
    this.waiting.limit(bytesMax);
  }

  /** Keeps a bundle. When this resolves it is on disk. */
  async put(name: string, bytes: Uint8Array): Promise<void> {
    try {
      await this.waiting.put(name, bytes);
    } catch (cause) {
      throw new Failure(
        `cannot write to the spool ${this.folder}: ${reasonOf(cause)}; make room or name another with --spool`,
        1,
        {
          cause,
        },
      );
    }
  }

  /** The bytes of a bundle; undefined when it is gone. */
  async read(name: string): Promise<Buffer | undefined> {
    try {
      return await readFile(join(this.folder, name));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      this.waiting.forget(name);
      return undefined;
    }
  }

  /** Leaves a file where it is until the next start: it cannot be read, moved or deleted. */
  skip(name: string): void {
    this.waiting.forget(name);
  }

  /** Forgets a bundle that the hub has. */
  remove(name: string): Promise<void> {
    return this.waiting.remove(name);
  }

  /** Puts a bundle that the hub refuses for good into the folder `refused`, with the reason beside it. */
  async setAside(name: string, reason: string): Promise<void> {
    const bytes = this.waiting.forget(name);
    try {
      await this.refused.makeRoom(bytes);
      const path = join(this.refused.path, name);
      await this.refused.inFolder(() => writeFile(path + REASON_SUFFIX, `${reason}\n`, { mode: 0o600 }));
      await rename(join(this.folder, name), path);
      await syncFolder(this.refused.path);
    } catch (error) {
      this.waiting.note(name, bytes);
      throw error;
    }
    this.refused.note(name, bytes);
  }
}

async function unlinkIfThere(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}
