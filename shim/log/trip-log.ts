import { existsSync } from "node:fs";
import { formatNumberOf } from "../../engine/units";
import { Failure, reasonOf } from "../failure";
import { isOutOfRoom, LineFile } from "./line-file";
import { OldFiles } from "./old-files";

/** What is held before it is written without being asked for. */
const BATCH_BYTES = 1 << 16;
/** What waits in memory while there is no room on disk; then the oldest make room. */
const HELD_BYTES_MAX = 1 << 20;
/** How long a file goes on that could not be moved. */
const TRY_AGAIN_MS = 60_000;

export interface TripLogOptions {
  /** Bytes after which another file is begun. */
  rotateBytes: number;
  /** Age at which another file is begun, ms; undefined for any. */
  rotateMs?: number;
  /** Files that are kept beside the one that is written to. */
  keep: number;
  /** Whether those are compressed. */
  gzip: boolean;
  say(line: string): void;
}

/** Round trips in a file, a line each, which makes room for another when it is large or old. */
export class TripLog {
  /** Round trips that are in a file, and those for which there was no room. */
  written = 0;
  lost = 0;
  private held: Buffer[] = [];
  private heldBytes = 0;
  private file: LineFile | undefined;
  private readonly old: OldFiles;
  private isFull = false;
  private lostBefore = 0;
  private notBeforeMs = 0;

  constructor(
    private readonly path: string,
    private readonly options: TripLogOptions,
  ) {
    this.old = new OldFiles(path, options);
  }

  /** Takes a line. Throws Failure. */
  write(line: string): void {
    const bytes = Buffer.from(line);
    this.held.push(bytes);
    this.heldBytes += bytes.length;
    if (this.heldBytes >= (this.isFull ? HELD_BYTES_MAX : BATCH_BYTES)) this.push();
  }

  /** Writes what is held. Throws Failure. */
  push(): void {
    while (this.hasFile() && this.held.length > 0) {
      const count = this.file!.append(this.held, this.options.rotateBytes);
      this.drop(count);
      this.written += count;
      if (count === 0) break;
    }
    if (this.held.length > 0) {
      this.wait();
      return;
    }
    if (this.isFull) this.options.say(`the disk has room again: the log goes on${this.lostWords()}`);
    this.isFull = false;
  }

  /** Goes on in a new file where the old one was moved away. Throws Failure. */
  reopen(): void {
    this.push();
    this.close();
  }

  /** Writes what is held, the last time: what has no room now is lost. Throws Failure. */
  async end(): Promise<void> {
    // A run that never began leaves no file.
    if (this.file !== undefined || this.held.length > 0) this.push();
    this.lost += this.held.length;
    this.drop(this.held.length);
    this.close();
    await this.old.ready();
  }

  /** Whether there is a file for the next line: a new one where the last is large or old. */
  private hasFile(): boolean {
    if (this.file !== undefined && this.isDue()) this.rotate();
    if (this.file !== undefined) return true;
    try {
      this.file = new LineFile(this.path);
    } catch (error) {
      if (error instanceof Failure && isOutOfRoom(error.cause)) return false;
      throw error;
    }
    const { mendedBytes, openMode } = this.file;
    if (openMode !== undefined && process.platform !== "win32")
      this.options.say(`others may read ${this.path} (${openMode.toString(8)}), which stays so; run: chmod 600 ${this.path}`);
    if (mendedBytes > 0)
      this.options.say(`${this.path} ended within a round trip, whose ${formatNumberOf(mendedBytes, "byte")} were taken away`);
    this.old.tidy();
    return true;
  }

  private close(): void {
    this.file?.close();
    this.file = undefined;
  }

  private isDue(): boolean {
    const { rotateBytes, rotateMs = Number.POSITIVE_INFINITY } = this.options;
    const { bytes, bornMs } = this.file!;
    const nowMs = Date.now();
    const [next] = this.held;
    const isLarge = next !== undefined && bytes + next.length > rotateBytes;
    return bytes > 0 && (isLarge || nowMs - bornMs >= rotateMs) && nowMs >= this.notBeforeMs;
  }

  private rotate(): void {
    try {
      if (existsSync(this.path)) this.old.take();
    } catch (error) {
      this.options.say(`${this.path} cannot be moved out of the way and goes on growing: ${reasonOf(error)}`);
      this.notBeforeMs = Date.now() + TRY_AGAIN_MS;
      return;
    }
    this.close();
  }

  /** Nothing can be written now. */
  private wait(): void {
    if (!this.isFull)
      this.options.say(`the disk is full: round trips wait in memory, ${HELD_BYTES_MAX >> 20} MiB of them at the most`);
    this.isFull = true;
    let excess = 0;
    for (let bytes = this.heldBytes; bytes > HELD_BYTES_MAX - BATCH_BYTES; excess++) bytes -= this.held[excess]!.length;
    this.lost += excess;
    this.drop(excess);
  }

  private drop(count: number): void {
    for (const { length } of this.held.splice(0, count)) this.heldBytes -= length;
  }

  private lostWords(): string {
    const lost = this.lost - this.lostBefore;
    this.lostBefore = this.lost;
    return lost === 0 ? "" : `, ${formatNumberOf(lost, "round trip")} lost`;
  }
}
