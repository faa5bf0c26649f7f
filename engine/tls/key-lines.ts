import type { Secrets } from "./secrets";

/** A longer line is none of a key log. */
const LINE_BYTES_MAX = 4096;

/** Lines of a key log, out of its bytes in any parts. */
export class KeyLines {
  private rest = "";
  private readonly decoder = new TextDecoder("latin1");

  constructor(private readonly secrets: Secrets) {}

  /** Begins another log. */
  begin(): void {
    this.rest = "";
  }

  take(bytes: Uint8Array): void {
    const lines = (this.rest + this.decoder.decode(bytes)).split("\n");
    this.rest = lines.pop()!;
    if (this.rest.length > LINE_BYTES_MAX) this.rest = "";
    for (const line of lines) this.secrets.takeLine(line);
  }

  /** Takes what is there of the last line too, which may be all of it: what is not is none, or is taken again with its rest. */
  takeRest(): void {
    this.secrets.takeLine(this.rest);
  }

  /** Nothing follows: what is there of the last line is all of it. */
  end(): void {
    this.takeRest();
    this.rest = "";
  }
}
