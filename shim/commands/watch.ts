import { limitWords } from "../../engine/capture-end";
import { fileFilter } from "../capture/filter/file-filter";
import { namingOf, showsSeveral } from "../capture/interface-naming";
import { ownNetworks } from "../capture/live";
import { CaptureSession, type SessionSource, say } from "../capture/session";
import { loadCore } from "../core";
import { setFilter } from "../filter";
import { DisplayLimit } from "../output/display-limit";
import { exitSummary } from "../output/exit-summary";
import { MinuteCounts } from "../output/minute-counts";
import { formatterOf, type OutputForm, RoundTripPrinter } from "../output/round-trip-printer";
import { TextOutput } from "../output/text-output";
import { formatNumberOf } from "../output/units";
import { openOwners } from "../owner/open-owners";
import { openerOf } from "../tls/key-file";

export interface WatchOptions extends SessionSource {
  filter?: string;
  count?: number;
  output?: OutputForm;
  /** Lines a second; 0 for all. */
  rate?: number;
  raw?: boolean;
  keepDuplicates?: boolean;
  hostNetwork?: string[];
  /** A key log, with which TLS is opened; it may grow. */
  tlsKeys?: string;
  /** Whether it is found out whose connections are; it is unless false. */
  owners?: boolean;
}

/** Lines a second that a terminal shows of an interface, unless told otherwise: as many as anybody can follow. */
const TERMINAL_RATE = 50;

/** `tallywire watch`: a line a round trip, as they are decided. Gives the exit code. */
export async function watch(protocols: readonly string[], options: WatchOptions): Promise<number> {
  const { raw, keepDuplicates, count, filter, interface: name } = options;
  const isLive = name !== undefined;
  const hostNetworks = options.hostNetwork ?? (isLive ? ownNetworks() : undefined);
  const packets = isLive ? undefined : fileFilter(options.captureFilter);
  const packetFilter = packets?.programOf;
  const stages = showsSeveral(name);
  const tlsOpener = await openerOf(options.tlsKeys, isLive);
  const owners = isLive ? openOwners(options.owners !== false, say) : undefined;
  const looks = { raw, keepDuplicates, hostNetworks, live: isLive, packetFilter, stages, tlsOpener, ownerOf: owners?.ownerOf };
  const core = loadCore({ events: true, ...looks });
  const session = new CaptureSession(core, options, packets);
  setFilter(core, filter, protocols);
  const output = new TextOutput(process.stdout);
  const limit = displayLimit(options.rate ?? (isLive && process.stdout.isTTY ? TERMINAL_RATE : 0));
  const isDue = limit && (() => limit.isDue());
  const printer = new RoundTripPrinter(core, await formatterOf(options.output ?? "line"), output, {
    count,
    isDue,
    nameOf: namingOf(core, name),
  });
  const counts = new MinuteCounts(core);
  core.drainTo({ events: (view) => printer.print(view), bundle: (bundle) => counts.add(bundle) });
  await session.run(async () => {
    if (isLive) limit?.turn();
    output.push();
    await output.ready();
    return !output.closed && !printer.isDone;
  });
  owners?.close();
  limit?.tell();
  await output.end();
  const words = limitWords(counts.total);
  if (words) say(words);
  if (output.closed) return session.failed ? 1 : 0;
  const filtered = filter !== undefined || protocols.length > 0 ? core.eventsFiltered : undefined;
  const shown = { roundTrips: printer.printed, filtered, leftOut: printer.leftOut, knowsDrops: session.knowsDrops };
  process.stderr.write(`${exitSummary(counts.total, shown)}\n`);
  return session.failed ? 1 : 0;
}

function displayLimit(rate: number): DisplayLimit | undefined {
  if (rate === 0) return undefined;
  const narrow = `more than ${formatNumberOf(rate, "line")} a second; -Y narrows it, --rate 0 shows all`;
  return new DisplayLimit(rate, (lines) => say(`${formatNumberOf(lines, "round trip")} not shown: ${narrow}`));
}
