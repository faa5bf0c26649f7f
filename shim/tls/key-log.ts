import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import { reasonOf } from "../failure";
import type { Secrets } from "./secrets";

const CHUNK_BYTES = 1 << 16;
/** A longer line is none of a key log. */
const LINE_BYTES_MAX = 4096;

/**
 * A key log that programs append to: what came since the last look is read when it is asked for. A file that is not there yet may come, and
 * one that was replaced or cut is read from its beginning.
 */
export class KeyLog {
  private descriptor: number | undefined;
  private inode = 0;
  private offset = 0;
  private rest = "";
  private readonly chunk = new Uint8Array(CHUNK_BYTES);

  constructor(
    private readonly path: string,
    private readonly secrets: Secrets,
  ) {}

  /** Whether there was a file. */
  get isThere(): boolean {
    return this.descriptor !== undefined;
  }

  /** Reads what is new; why it cannot be read, where the file is there and cannot. */
  refresh(): string | undefined {
    try {
      const now = statSync(this.path, { throwIfNoEntry: false });
      if (now === undefined) return undefined;
      if (this.descriptor === undefined || now.ino !== this.inode || now.size < this.offset) this.reopen();
      if (now.size > this.offset) this.readOn();
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
    this.rest = "";
  }

  private readOn(): void {
    while (true) {
      const length = readSync(this.descriptor!, this.chunk, 0, CHUNK_BYTES, this.offset);
      if (length === 0) return;
      this.offset += length;
      const lines = (this.rest + Buffer.from(this.chunk.buffer, 0, length).toString("latin1")).split("\n");
      this.rest = lines.pop()!;
      if (this.rest.length > LINE_BYTES_MAX) this.rest = "";
      for (const line of lines) this.secrets.takeLine(line);
    }
  }
}
