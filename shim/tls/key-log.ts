import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import { KeyLines } from "../../engine/tls/key-lines";
import type { Secrets } from "../../engine/tls/secrets";
import { reasonOf } from "../failure";

const CHUNK_BYTES = 1 << 16;
/** Of what was read last so many bytes are looked at again, by which a log that was written anew is known: a line has more, and is random. */
const TAIL_BYTES = 64;

/**
 * A key log that programs append to: what came since the last look is read when it is asked for. A file that is not there yet may come, and
 * one that was replaced or cut is read from its beginning.
 */
export class KeyLog {
  private descriptor: number | undefined;
  private inode = 0;
  private offset = 0;
  private tail = Buffer.alloc(0);
  private readonly chunk = new Uint8Array(CHUNK_BYTES);
  private readonly lines: KeyLines;

  constructor(
    private readonly path: string,
    secrets: Secrets,
  ) {
    this.lines = new KeyLines(secrets);
  }

  /** Whether there was a file. */
  get isThere(): boolean {
    return this.descriptor !== undefined;
  }

  /** Reads what is new; why it cannot be read, where the file is there and cannot. */
  refresh(): string | undefined {
    try {
      const now = statSync(this.path, { throwIfNoEntry: false });
      if (now === undefined) return undefined;
      // What is a pipe would have its opener wait.
      if (!now.isFile()) return `the key log ${this.path} is no plain file`;
      if (this.descriptor === undefined || now.ino !== this.inode || !this.goesOn()) this.reopen();
      this.readOn();
      return undefined;
    } catch (cause) {
      return `cannot read the key log ${this.path}: ${reasonOf(cause)}`;
    }
  }

  close(): void {
    if (this.descriptor !== undefined) closeSync(this.descriptor);
    this.descriptor = undefined;
  }

  private reopen(): void {
    this.close();
    this.descriptor = openSync(this.path, "r");
    this.inode = fstatSync(this.descriptor).ino;
    this.offset = 0;
    this.tail = Buffer.alloc(0);
    this.lines.begin();
  }

  /** Whether what was read last is still there, so that what is new stands behind it. */
  private goesOn(): boolean {
    const { length } = this.tail;
    const now = Buffer.alloc(length);
    return readSync(this.descriptor!, now, 0, length, this.offset - length) === length && now.equals(this.tail);
  }

  private readOn(): void {
    while (true) {
      const length = readSync(this.descriptor!, this.chunk, 0, CHUNK_BYTES, this.offset);
      if (length === 0) break;
      this.offset += length;
      const bytes = this.chunk.subarray(0, length);
      this.tail = Buffer.concat([this.tail, bytes.subarray(-TAIL_BYTES)]).subarray(-TAIL_BYTES);
      this.lines.take(bytes);
    }
    this.lines.takeRest();
  }
}
