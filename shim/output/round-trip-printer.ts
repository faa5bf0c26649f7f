import type { Core } from "../../engine/core";
import { type BodyReader, type InterfaceNaming, type RoundTrip, RoundTripReader } from "../../engine/round-trip";
import { jsonLine } from "./printable";

/** How round trips are printed. */
export type OutputForm = "line" | "wide" | "json";

/** What bounds printing, and who names interfaces. */
export interface PrintOptions {
  /** Round trips to print at the most. */
  count?: number;
  /** Asked for each one: whether it is to be printed now. */
  isDue?(): boolean;
  nameOf?: InterfaceNaming;
  bodyOf?: BodyReader;
}

/** Where text goes. */
export interface TextSink {
  write(text: string): void;
}

/** Prints the round trips that a core gives out. */
export class RoundTripPrinter {
  /** Round trips that were printed, and those that were not due. */
  printed = 0;
  leftOut = 0;
  private readonly reader: RoundTripReader;

  constructor(
    core: Core,
    private readonly format: (trip: RoundTrip) => string,
    private readonly output: TextSink,
    private readonly limits: PrintOptions = {},
  ) {
    this.reader = new RoundTripReader(core.schema, limits.nameOf, limits.bodyOf);
  }

  /** Whether all were printed that are wanted. */
  get isDone(): boolean {
    return this.limits.count !== undefined && this.printed >= this.limits.count;
  }

  /** Prints a drained ring. */
  print(view: DataView): void {
    for (const trip of this.reader.read(view)) {
      if (this.isDone) return;
      if (this.limits.isDue?.() === false) {
        this.leftOut += 1;
        continue;
      }
      this.printed += 1;
      this.output.write(this.format(trip));
    }
  }
}

/** What makes text of a round trip in this form. */
export async function formatterOf(form: OutputForm): Promise<(trip: RoundTrip) => string> {
  if (form === "json") return jsonLine;
  const { lineFormatter } = await import("./line");
  return lineFormatter(form === "wide", process.stdout);
}
