import { closeSync, constants, fstatSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs";
import { Failure, reasonToWrite } from "../failure";

const NEWLINE = 0x0a;
const SPACE = 0x20;
/** What a line of JSON begins with. */
const BRACE = 0x7b;
/** A signal that kills is obeyed between two pages of a write, so what lies in one page is written whole or not at all. */
const PAGE_BYTES = 4096;
/** What lets others read a file. */
const FOR_OTHERS = 0o044;
const LOOK_BACK_BYTES = 1 << 16;
/** A length that was usual loses this power of two's part with each line. */
const FORGETTING = 5;

/**
 * A file of JSON lines that is added to, each line whole. Where the next one would cross a page, spaces before a line's end fill the page, which
 * are none of its JSON. A run that was killed in the midst of one that crosses a page all the same, as it is longer than those before it, leaves a
 * part of it: that is taken away when the file is opened again.
 */
export class LineFile {
  /** When it was made, ms since the epoch. */
  readonly bornMs: number;
  /** Bytes of a line's beginning that a run before left, and that were taken away. */
  readonly mendedBytes: number;
  /** Its mode, where others than its owner may read it: it was there already. */
  openMode: number | undefined;
  private readonly file: number;
  /** How long the next line may well be: as the longest of those before it, of which the last ones count most. */
  private usualBytes = 0;

  /** Opens it, or makes it, for its owner alone. Throws Failure. */
  constructor(readonly path: string) {
    const { O_RDWR, O_APPEND, O_CREAT, O_NONBLOCK } = constants;
    try {
      this.file = openSync(path, O_RDWR | O_APPEND | O_CREAT | O_NONBLOCK, 0o600);
    } catch (cause) {
      throw new Failure(`cannot write ${path}: ${reasonToWrite(cause)}`, 1, { cause });
    }
    try {
      this.bornMs = this.check();
      this.mendedBytes = this.mend();
    } catch (error) {
      closeSync(this.file);
      throw error;
    }
  }

  /** Bytes in it now, whoever wrote or cut them. */
  get bytes(): number {
    return fstatSync(this.file).size;
  }

  /**
   * Adds lines, each with its end, at least one and others as long as it has at most so many bytes then; gives how many are written, in order.
   * Fewer than those where there is no room on the disk.
   */
  append(lines: readonly Buffer[], bytesMost: number): number {
    let at = this.bytes;
    let written = 0;
    while (written < lines.length && (written === 0 || at + lines[written]!.length <= bytesMost)) {
      const part = this.partOf(lines, written, at, bytesMost);
      const bytes = Buffer.concat(part);
      if (!this.write(bytes, at)) break;
      at += bytes.length;
      written += part.length;
    }
    return written;
  }

  close(): void {
    closeSync(this.file);
  }

  /** The lines that are written next at `at`: as many as lie in one page, with what fills it, or one that does not. */
  private partOf(lines: readonly Buffer[], from: number, at: number, bytesMost: number): Buffer[] {
    const pageEnd = at + PAGE_BYTES - (at % PAGE_BYTES);
    let left = Math.min(pageEnd, bytesMost) - at;
    const part: Buffer[] = [];
    for (let line = lines[from]; line !== undefined && line.length <= left; line = lines[from + part.length]) {
      part.push(line);
      left -= line.length;
      this.usualBytes = Math.max(line.length, this.usualBytes - (this.usualBytes >> FORGETTING));
    }
    const last = part.pop();
    if (last === undefined) {
      const crossing = lines[from]!;
      this.usualBytes = Math.max(crossing.length, this.usualBytes);
      return [crossing];
    }
    const next = lines[from + part.length + 1]?.length ?? this.usualBytes;
    const isFilled = left < next && next <= PAGE_BYTES && pageEnd <= bytesMost;
    return [...part, isFilled ? Buffer.concat([last.subarray(0, -1), Buffer.alloc(left, SPACE), last.subarray(-1)]) : last];
  }

  /** Writes all of it or nothing. */
  private write(bytes: Buffer, at: number): boolean {
    let done = 0;
    try {
      done = writeSync(this.file, bytes);
    } catch (error) {
      if (!isOutOfRoom(error)) throw new Failure(`cannot write ${this.path}: ${reasonToWrite(error)}`, 1, { cause: error });
    }
    if (done > 0 && done < bytes.length) ftruncateSync(this.file, at);
    return done === bytes.length;
  }

  private check(): number {
    const state = fstatSync(this.file);
    if (!state.isFile()) throw new Failure(`${this.path} is no plain file; watch -o json writes to standard output`, 2);
    if (state.size > 0 && this.byteAt(0) !== BRACE)
      throw new Failure(`${this.path} is no log of round trips, and is left as it is; name another file`, 2);
    if ((state.mode & FOR_OTHERS) !== 0) this.openMode = state.mode & 0o777;
    return state.birthtimeMs > 0 ? state.birthtimeMs : state.mtimeMs;
  }

  private mend(): number {
    const size = this.bytes;
    const whole = this.endOfLines(size);
    if (whole < size) ftruncateSync(this.file, whole);
    return size - whole;
  }

  /** Where the last whole line ends. */
  private endOfLines(size: number): number {
    const buffer = Buffer.alloc(LOOK_BACK_BYTES);
    for (let end = size; end > 0; ) {
      const start = Math.max(0, end - LOOK_BACK_BYTES);
      const length = readSync(this.file, buffer, 0, end - start, start);
      const found = buffer.subarray(0, length).lastIndexOf(NEWLINE);
      if (found >= 0) return start + found + 1;
      end = start;
    }
    return 0;
  }

  private byteAt(position: number): number {
    const one = Buffer.alloc(1);
    readSync(this.file, one, 0, 1, position);
    return one[0]!;
  }
}

/** Whether there is no room for more. */
export function isOutOfRoom(error: unknown): boolean {
  return ["ENOSPC", "EDQUOT", "EFBIG"].includes((error as NodeJS.ErrnoException | undefined)?.code ?? "");
}
