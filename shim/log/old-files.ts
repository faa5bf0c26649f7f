import {
  closeSync,
  createReadStream,
  createWriteStream,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
} from "node:fs";
import { basename, dirname, extname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { reasonOf } from "../failure";

const MOVED = /^(\d{4}-\d{2}-\d{2}T\d{2}-\d{2}-\d{2}\.\d{3}Z)(?:-(\d+))?$/;
const PACKED = ".gz";
const DRAFT = ".draft";

export interface OldFilesOptions {
  /** Files that are kept beside the one that is written to. */
  keep: number;
  /** Whether they are compressed. */
  gzip: boolean;
  say(line: string): void;
}

/** When a file was moved, and which one it is of those with that time. */
interface Moved {
  time: string;
  nth: number;
}

const inOrder = (one: Moved, other: Moved) => (one.time === other.time ? one.nth - other.nth : one.time < other.time ? -1 : 1);

/**
 * The files that a log was moved to: `trips.json` becomes `trips-2026-11-27T14-05-33.120Z.json`, its time when it was moved,
 * and `-1`, `-2` ... behind the time of more in the same millisecond, or of those that were moved after the clock was set back.
 */
export class OldFiles {
  private readonly folder: string;
  private readonly stem: string;
  private readonly extension: string;
  private packing: Promise<void> = Promise.resolve();
  private last: Moved = { time: "", nth: 0 };

  constructor(
    private readonly path: string,
    private readonly options: OldFilesOptions,
  ) {
    this.folder = dirname(path);
    this.extension = extname(path);
    this.stem = basename(path, this.extension);
  }

  /** Moves the log out of the way, and lets go of what is too old. */
  take(nowMs = Date.now()): void {
    const now = { time: new Date(nowMs).toISOString().replaceAll(":", "-"), nth: 0 };
    // Names go on in order where the clock was set back, or where a name of this millisecond was let go of:
    // the newest file would look like the oldest.
    const [last] = [this.last, ...this.own()].sort(inOrder).slice(-1);
    this.last = last!.time < now.time ? now : { time: last!.time, nth: last!.nth + 1 };
    renameSync(this.path, join(this.folder, this.nameOf(this.last)));
    this.tidy();
  }

  /** Lets go of what is too old, and compresses the others where that is wanted; says where it cannot. */
  tidy(): void {
    try {
      this.tidyAll();
    } catch (error) {
      this.options.say(`files of before in ${this.folder} stay: ${reasonOf(error)}`);
    }
  }

  private tidyAll(): void {
    const names = this.names();
    const excess = names.slice(0, Math.max(0, names.length - this.options.keep));
    for (const name of excess) rmSync(join(this.folder, name), { force: true });
    if (!this.options.gzip) return;
    for (const name of names.slice(excess.length)) {
      if (!name.endsWith(PACKED)) this.packing = this.packing.then(() => this.pack(join(this.folder, name)));
    }
  }

  /** Resolves when nothing is being compressed any more. */
  async ready(): Promise<void> {
    await this.packing;
  }

  /** All of them, the oldest first. */
  private names(): string[] {
    return this.own()
      .sort(inOrder)
      .map(({ name }) => name);
  }

  private own(): (Moved & { name: string })[] {
    return readdirSync(this.folder).flatMap((name) => {
      const moved = this.movedOf(name);
      return moved === undefined ? [] : [{ name, ...moved }];
    });
  }

  private nameOf({ time, nth }: Moved): string {
    return `${this.stem}-${time}${nth === 0 ? "" : `-${nth}`}${this.extension}`;
  }

  /** When a file was moved, as its name says; undefined of one that is not of this log. */
  private movedOf(name: string): Moved | undefined {
    const plain = name.endsWith(PACKED) ? name.slice(0, -PACKED.length) : name;
    if (!plain.startsWith(`${this.stem}-`) || !plain.endsWith(this.extension)) return undefined;
    const found = MOVED.exec(plain.slice(this.stem.length + 1, plain.length - this.extension.length));
    return found === null ? undefined : { time: found[1]!, nth: Number(found[2] ?? 0) };
  }

  /** Compresses a file; it stays as it is until that is whole on disk. */
  private async pack(path: string): Promise<void> {
    if (!existsSync(path)) return;
    const draft = `${path}${PACKED}${DRAFT}`;
    try {
      await pipeline(createReadStream(path), createGzip(), createWriteStream(draft, { mode: 0o600 }));
      const file = openSync(draft, "r+");
      fsyncSync(file);
      closeSync(file);
      // It was let go of meanwhile.
      if (!existsSync(path)) return rmSync(draft, { force: true });
      renameSync(draft, path + PACKED);
      rmSync(path);
    } catch (error) {
      rmSync(draft, { force: true });
      // It was let go of while it waited.
      if ((error as NodeJS.ErrnoException).code === "ENOENT" && !existsSync(path)) return;
      this.options.say(`${path} stays uncompressed: ${reasonOf(error)}`);
    }
  }
}
