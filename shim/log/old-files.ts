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

const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}-\d{2}-\d{2}\.\d{3}Z(-\d+)?$/;
const PACKED = ".gz";
const DRAFT = ".draft";

export interface OldFilesOptions {
  /** Files that are kept beside the one that is written to. */
  keep: number;
  /** Whether they are compressed. */
  gzip: boolean;
  say(line: string): void;
}

/** The files that a log was moved to: `trips.json` becomes `trips-2026-11-27T14-05-33.120Z.json`, its time when it was moved. */
export class OldFiles {
  private readonly folder: string;
  private readonly stem: string;
  private readonly extension: string;
  private packing: Promise<void> = Promise.resolve();

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
    const time = new Date(nowMs).toISOString().replaceAll(":", "-");
    let name = `${this.stem}-${time}${this.extension}`;
    for (let again = 1; this.has(name); again++) name = `${this.stem}-${time}-${again}${this.extension}`;
    renameSync(this.path, join(this.folder, name));
    this.tidy();
  }

  /** Lets go of what is too old, and compresses the others where that is wanted. */
  tidy(): void {
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
    const own = readdirSync(this.folder).flatMap((name) => {
      const time = this.timeOf(name);
      return time === undefined ? [] : [{ name, time }];
    });
    return own.sort((one, other) => (one.time < other.time ? -1 : 1)).map(({ name }) => name);
  }

  /** When a file was moved, as its name says; undefined of one that is not of this log. */
  private timeOf(name: string): string | undefined {
    const plain = name.endsWith(PACKED) ? name.slice(0, -PACKED.length) : name;
    if (!plain.startsWith(`${this.stem}-`) || !plain.endsWith(this.extension)) return undefined;
    const time = plain.slice(this.stem.length + 1, plain.length - this.extension.length);
    return TIME.test(time) ? time : undefined;
  }

  private has(name: string): boolean {
    return existsSync(join(this.folder, name)) || existsSync(join(this.folder, name + PACKED));
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
      this.options.say(`${path} stays uncompressed: ${reasonOf(error)}`);
    }
  }
}
