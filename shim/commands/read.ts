import { limitWords } from "../../engine/capture-end";
import type { Core } from "../../engine/core";
import { type RoundTrip, RoundTripReader } from "../../engine/round-trip";
import { CAPTURE_BUDGET_BYTES, MinuteSum, type Summary } from "../../engine/summary";
import { feedCapture } from "../capture/capture-reader";
import { loadCore } from "../core";
import { Failure } from "../failure";
import { exitSummary } from "../output/exit-summary";
import { printable } from "../output/printable";
import { TextOutput } from "../output/text-output";

export type OutputForm = "line" | "wide" | "json";

export interface ReadOptions {
  output?: OutputForm;
  summary?: boolean;
  raw?: boolean;
  keepDuplicates?: boolean;
  hostNetwork?: string[];
}

/** `tallywire read`: round trips or a summary of capture files. Gives the exit code. */
export async function read(files: readonly string[], options: ReadOptions): Promise<number> {
  if (files.length === 0) throw new Failure("no file is given; name captures, or - for standard input", 2);
  const { raw, keepDuplicates, hostNetwork: hostNetworks, summary: isSummary } = options;
  const core = loadCore({ events: !isSummary, raw, keepDuplicates, hostNetworks, budgetBytes: CAPTURE_BUDGET_BYTES });
  const output = new TextOutput(process.stdout);
  const sum = new MinuteSum(core);
  const trips = isSummary ? undefined : new RoundTripPrinter(core, await formatterOf(options.output ?? "line"), output);
  core.drainTo({ bundle: (bundle) => sum.add(bundle), events: (view) => trips?.print(view) });
  const failures = await readAll(core, files, output);
  const summary = sum.summary();
  if (isSummary) output.write(await summaryText(summary, core, options.output));
  await output.end();
  const limit = limitWords(summary);
  if (limit) process.stderr.write(`tallywire: ${limit}\n`);
  for (const failure of failures) process.stderr.write(`tallywire: ${printable(failure)}\n`);
  if (!output.closed) process.stderr.write(`${exitSummary(summary, trips?.count)}\n`);
  return failures.length === 0 ? 0 : 1;
}

/** Reads all files; what is wrong with one does not keep the others from being read. */
async function readAll(core: Core, files: readonly string[], output: TextOutput): Promise<string[]> {
  const failures: string[] = [];
  const goesOn = async () => {
    await output.ready();
    return !output.closed;
  };
  for (const file of files) {
    if (output.closed) break;
    try {
      const { failure, warning } = await feedCapture(core, file, goesOn);
      if (failure) failures.push(failure);
      else if (warning) process.stderr.write(`tallywire: ${printable(warning)}\n`);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      failures.push(error.message);
    }
    core.flush();
  }
  return failures;
}

/** Prints the round trips that a core gives out. */
class RoundTripPrinter {
  count = 0;
  private readonly reader: RoundTripReader;

  constructor(
    core: Core,
    private readonly format: (trip: RoundTrip) => string,
    private readonly output: TextOutput,
  ) {
    this.reader = new RoundTripReader(core.schema);
  }

  print(view: DataView): void {
    for (const trip of this.reader.read(view)) {
      this.count += 1;
      this.output.write(this.format(trip));
    }
  }
}

async function formatterOf(form: OutputForm): Promise<(trip: RoundTrip) => string> {
  if (form === "json") return (trip) => `${JSON.stringify(trip)}\n`;
  const { lineFormatter } = await import("../output/line");
  return lineFormatter(form === "wide", process.stdout);
}

async function summaryText(summary: Summary, core: Core, form: OutputForm | undefined): Promise<string> {
  if (form === "json") return `${JSON.stringify(summary)}\n`;
  const { summaryPage } = await import("../output/summary-page");
  return summaryPage(summary, core.schema, process.stdout);
}
