import { limitWords } from "../../engine/capture-end";
import type { Core } from "../../engine/core";
import { CAPTURE_BUDGET_BYTES, MinuteSum, type Summary } from "../../engine/summary";
import { feedCapture } from "../capture/capture-reader";
import { type FileFilter, fileFilter } from "../capture/filter/file-filter";
import { namingOf } from "../capture/interface-naming";
import { untilSignal } from "../capture/signals";
import { loadCore } from "../core";
import { Failure } from "../failure";
import { setFilter } from "../filter";
import { forcedProtocols } from "../forced-protocols";
import { bodyReader } from "../output/body";
import { exitSummary } from "../output/exit-summary";
import { jsonLine, printable } from "../output/printable";
import { formatterOf, type OutputForm, RoundTripPrinter } from "../output/round-trip-printer";
import { TextOutput } from "../output/text-output";
import { openerOf } from "../tls/key-file";

export interface ReadOptions {
  output?: OutputForm;
  /** Round trips that are shown (docs/filters.md). */
  filter?: string;
  count?: number;
  summary?: boolean;
  raw?: boolean;
  /** Whether headers are shown, and how many bytes of bodies. */
  headers?: boolean;
  body?: number;
  keepDuplicates?: boolean;
  hostNetwork?: string[];
  /** Packets that are read at all, as tcpdump's filters say it. */
  captureFilter?: string;
  /** A key log, with which TLS is opened. */
  tlsKeys?: string;
  /** Protocols that are spoken at a port, as http:8080,redis:7000. */
  protocol?: string;
}

/** `tallywire read`: round trips or a summary of capture files. Gives the exit code. */
export async function read(files: readonly string[], options: ReadOptions): Promise<number> {
  if (files.length === 0) throw new Failure("no file is given; name captures, or - for standard input", 2);
  if (options.summary && (options.filter !== undefined || options.count !== undefined))
    throw new Failure("-Y and -c pick round trips, and --summary adds up all of them: leave one of them out", 2);
  const packets = fileFilter(options.captureFilter);
  const packetFilter = packets?.programOf;
  const { raw, headers, body: bodyBytes, keepDuplicates, hostNetwork: hostNetworks, summary: isSummary } = options;
  const core = loadCore({
    events: !isSummary,
    raw,
    headers,
    bodyBytes,
    keepDuplicates,
    hostNetworks,
    budgetBytes: CAPTURE_BUDGET_BYTES,
    packetFilter,
    stages: !isSummary,
    tlsOpener: openerOf(options.tlsKeys, false),
    forced: forcedProtocols(options.protocol),
  });
  setFilter(core, options.filter);
  const output = new TextOutput(process.stdout);
  const sum = new MinuteSum(core);
  const trips = isSummary
    ? undefined
    : new RoundTripPrinter(core, await formatterOf(options.output ?? "line"), output, {
        count: options.count,
        nameOf: namingOf(core, undefined),
        bodyOf: bodyReader(raw),
      });
  core.drainTo({ bundle: (bundle) => sum.add(bundle), events: (view) => trips?.print(view) });
  let isOver = false;
  const end = () => {
    isOver = true;
    if (files.includes("-")) process.stdin.destroy();
  };
  const goesOn = async () => {
    // Somebody may look on as it comes.
    if (files.includes("-")) output.push();
    await output.ready();
    return !isOver && !output.closed && !trips?.isDone;
  };
  const failures: string[] = [];
  await untilSignal(end, () => readAll(core, files, goesOn, failures, packets));
  const summary = sum.summary();
  if (isSummary) output.write(await summaryText(summary, core, options.output));
  await output.end();
  const limit = limitWords(summary);
  if (limit) process.stderr.write(`tallywire: ${limit}\n`);
  for (const failure of failures) process.stderr.write(`tallywire: ${printable(failure)}\n`);
  const filtered = options.filter === undefined ? undefined : core.eventsFiltered;
  const shown = trips && { roundTrips: trips.printed, filtered };
  if (!output.closed) process.stderr.write(`${exitSummary(summary, shown)}\n`);
  return failures.length === 0 ? 0 : 1;
}

/** Reads all files, and adds to the failures; what is wrong with one does not keep the others from being read. */
async function readAll(
  core: Core,
  files: readonly string[],
  goesOn: () => Promise<boolean>,
  failures: string[],
  packets?: FileFilter,
): Promise<void> {
  for (const file of files) {
    if (!(await goesOn())) break;
    try {
      const { failure, warning } = await feedCapture(core, file, goesOn, packets);
      if (failure) failures.push(failure);
      else if (warning) process.stderr.write(`tallywire: ${printable(warning)}\n`);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      failures.push(error.message);
    }
    core.flush();
  }
}

async function summaryText(summary: Summary, core: Core, form: OutputForm | undefined): Promise<string> {
  if (form === "json") return jsonLine(summary);
  const { summaryPage } = await import("../output/summary-page");
  return summaryPage(summary, core.schema, process.stdout);
}
