import { once } from "node:events";
import type { Writable } from "node:stream";
import { Failure, reasonOf } from "../failure";

const BATCH_CHARACTERS = 1 << 16;

/** Text to a stream in large pieces, no faster than its reader takes it. A reader that went away ends it quietly. */
export class TextOutput {
  private held: string[] = [];
  private characters = 0;
  /** Whether the reader went away, so that nothing more needs to be made. */
  closed = false;
  private failure: Failure | undefined;

  constructor(private readonly stream: Writable) {
    stream.on("error", (error) => this.fail(error));
  }

  /** Takes a piece of text. */
  write(text: string): void {
    if (this.closed) return;
    this.held.push(text);
    this.characters += text.length;
    if (this.characters >= BATCH_CHARACTERS) this.push();
  }

  /** Waits until the reader has taken what is too much to hold. */
  async ready(): Promise<void> {
    // Where the reader has taken it meanwhile, nothing more is to be waited for.
    if (this.stream.writableNeedDrain && !this.closed)
      await Promise.race([once(this.stream, "drain"), once(this.stream, "close")]).catch(() => {});
    if (this.failure) throw this.failure;
  }

  /** Sends what is held and waits until the reader has it all. */
  async end(): Promise<void> {
    this.push();
    if (!this.closed) await new Promise<void>((done) => this.stream.write("", () => done()));
    if (this.failure) throw this.failure;
  }

  /** Sends what is held, for somebody who looks on. */
  push(): void {
    if (this.characters === 0 || this.closed) return;
    const text = this.held.join("");
    this.held = [];
    this.characters = 0;
    // A file is written at once, and throws at once.
    try {
      this.stream.write(text);
    } catch (error) {
      this.fail(error as NodeJS.ErrnoException);
    }
  }

  private fail(cause: NodeJS.ErrnoException): void {
    this.closed = true;
    if (cause.code === "EPIPE") return;
    this.failure ??= new Failure(`cannot write the output: ${reasonOf(cause)}`, 1, { cause });
  }
}

/** Prints a text to standard output. */
export async function printText(text: string): Promise<void> {
  const output = new TextOutput(process.stdout);
  output.write(text);
  await output.end();
}
