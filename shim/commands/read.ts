import { RoundTripReader } from "../../engine/round-trip";
import { CAPTURE_BUDGET_BYTES, MinuteSum, type Summary } from "../../engine/summary";
import { feedCapture } from "../capture/capture-reader";
import { loadCore } from "../core";
import { Failure } from "../failure";
import { TextOutput } from "../output/text-output";

export interface ReadOptions {
  output?: "line" | "wide" | "json";
  summary?: boolean;
  raw?: boolean;
  keepDuplicates?: boolean;
  hostNetwork?: string[];
}

/** `tallywire read`: round trips or a summary of capture files. */
export async function read(files: string[], options: ReadOptions): Promise<number> {
  const { raw, keepDuplicates, hostNetwork: hostNetworks } = options;
  const core = loadCore({ events: !options.summary, raw, keepDuplicates, hostNetworks, budgetBytes: CAPTURE_BUDGET_BYTES });
  const output = new TextOutput(process.stdout);
  const sum = new MinuteSum(core);
  const reader = new RoundTripReader(core.schema);
  let roundTrips = 0;
  core.drainTo({
    bundle: (bundle) => sum.add(bundle),
    events: (view) => {
      for (const roundTrip of reader.read(view)) {
        roundTrips += 1;
        output.write(`${JSON.stringify(roundTrip)}\n`);
      }
    },
  });
  const failures: string[] = [];
  for (const file of files) {
    if (output.closed) break;
    try {
      const { isCapture, fault } = await feedCapture(core, file, output);
      if (!isCapture) failures.push(`${file} is no capture: tallywire reads pcap and pcapng, plain or gzipped`);
      else if (fault) failures.push(`${file}: its gzip stream is broken (${fault}); what came before was read`);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      failures.push(error.message);
    }
    core.flush();
  }
  const summary = sum.summary();
  if (options.summary) output.write(`${JSON.stringify(summary)}\n`);
  await output.end();
  for (const failure of failures) process.stderr.write(`tallywire: ${failure}\n`);
  if (!output.closed && failures.length < files.length)
    process.stderr.write(exitSummary(summary, options.summary ? undefined : roundTrips));
  return failures.length === 0 ? 0 : 1;
}

/** What was seen, parsed, and what was not, in one line. */
function exitSummary({ packets, malformed, undecoded }: Summary, roundTrips: number | undefined): string {
  const parts = [`${packets} packets`];
  if (roundTrips !== undefined) parts.push(`${roundTrips} round trips`);
  parts.push(`malformed: ${list(malformed)}`, `undecoded: ${list(undecoded)}`);
  return `${parts.join("; ")}\n`;
}

function list(counts: Record<string, number>): string {
  const parts = Object.entries(counts).map(([name, count]) => `${name} ${count}`);
  return parts.length === 0 ? "none" : parts.join(", ");
}
