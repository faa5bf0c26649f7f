import { fileFilter } from "../capture/filter/file-filter";
import { namingOf, showsSeveral } from "../capture/interface-naming";
import { ownNetworks } from "../capture/live";
import { CaptureSession, type SessionSource, say } from "../capture/session";
import { loadCore } from "../core";
import { Failure } from "../failure";
import { setFilter } from "../filter";
import { TripLog } from "../log/trip-log";
import { exitSummary } from "../output/exit-summary";
import { MinuteCounts } from "../output/minute-counts";
import { formatterOf, RoundTripPrinter } from "../output/round-trip-printer";
import { formatNumberOf } from "../output/units";
import { openerOf } from "../tls/key-file";

export interface LogOptions extends SessionSource {
  /** The file. */
  write?: string;
  filter?: string;
  count?: number;
  /** MiB after which another file is begun, ms after which one is, and how many are kept besides. */
  rotateSize: number;
  rotateAge?: number;
  keep: number;
  gzip?: boolean;
  raw?: boolean;
  /** A key log, with which TLS is opened; it may grow. */
  tlsKeys?: string;
  keepDuplicates?: boolean;
  hostNetwork?: string[];
}

/** `tallywire log`: round trips as lines of JSON in files that make room for others. Gives the exit code. */
export async function log(protocols: readonly string[], options: LogOptions): Promise<number> {
  const { raw, keepDuplicates, count, filter, write: path, interface: name } = options;
  if (path === undefined) throw new Failure("name the file with -w; watch -o json writes to standard output", 2);
  const isLive = name !== undefined;
  const hostNetworks = options.hostNetwork ?? (isLive ? ownNetworks() : undefined);
  const packets = isLive ? undefined : fileFilter(options.captureFilter);
  const packetFilter = packets?.programOf;
  const stages = showsSeveral(name);
  const tlsOpener = await openerOf(options.tlsKeys, isLive);
  const looks = { raw, keepDuplicates, hostNetworks, live: isLive, packetFilter, stages, tlsOpener };
  const core = loadCore({ events: true, ...looks });
  const session = new CaptureSession(core, options, packets);
  setFilter(core, filter, protocols);
  const { rotateSize, rotateAge: rotateMs, keep, gzip = false } = options;
  const file = new TripLog(path, { rotateBytes: rotateSize * (1 << 20), rotateMs, keep, gzip, say });
  const printer = new RoundTripPrinter(core, await formatterOf("json"), file, { count, nameOf: namingOf(core, name) });
  const counts = new MinuteCounts(core);
  core.drainTo({ events: (view) => printer.print(view), bundle: (bundle) => counts.add(bundle) });
  const reopen = () => file.reopen();
  process.on("SIGHUP", reopen);
  try {
    await session.run(async () => {
      file.push();
      return !printer.isDone;
    });
  } finally {
    await file.end();
    process.off("SIGHUP", reopen);
  }
  const filtered = filter !== undefined || protocols.length > 0 ? core.eventsFiltered : undefined;
  const shown = { roundTrips: printer.printed, filtered, knowsDrops: session.knowsDrops };
  process.stderr.write(`${exitSummary(counts.total, shown)}\n`);
  if (file.lost > 0) say(`${formatNumberOf(file.lost, "round trip")} did not get into ${path}: there was no room`);
  return session.failed || file.lost > 0 ? 1 : 0;
}
