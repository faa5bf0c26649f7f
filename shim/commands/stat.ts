import { limitWords } from "../../engine/capture-end";
import type { Core } from "../../engine/core";
import type { InterfaceNaming } from "../../engine/round-trip";
import { Stat } from "../../engine/stat";
import { CAPTURE_BUDGET_BYTES } from "../../engine/summary";
import { fileFilter } from "../capture/filter/file-filter";
import { namingOf, showsSeveral } from "../capture/interface-naming";
import { ownNetworks } from "../capture/live";
import { CaptureSession, type SessionSource, say } from "../capture/session";
import { loadCore } from "../core";
import { Failure } from "../failure";
import { setFilter } from "../filter";
import { exitSummary } from "../output/exit-summary";
import type { ShowOptions } from "../output/live-table";
import { MinuteCounts } from "../output/minute-counts";
import { StatDisplay, type StatWanted } from "../output/stat-display";
import type { StatSort } from "../output/stat-table";
import { openOwners } from "../owner/open-owners";
import { openerOf } from "../tls/key-file";

export interface StatOptions extends SessionSource, ShowOptions {
  by?: readonly string[];
  metric?: string;
  slow?: boolean;
  big?: boolean;
  sort?: StatSort;
  samples?: number;
  /** How long to look, ms. */
  time?: number;
  filter?: string;
  raw?: boolean;
  keepDuplicates?: boolean;
  hostNetwork?: string[];
  /** A key log, with which TLS is opened; it may grow. */
  tlsKeys?: string;
  /** Whether it is found out whose connections are; it is unless false. */
  owners?: boolean;
}

const SAMPLES_OF_EXTREMES = 3;
const DURATION = "durationNs";

/** `tallywire stat`: what round trips add up to, by the fields that are named. Gives the exit code. */
export async function stat(protocols: readonly string[], options: StatOptions): Promise<number> {
  const { raw, keepDuplicates, filter, interface: name } = options;
  const isLive = name !== undefined;
  const hostNetworks = options.hostNetwork ?? (isLive ? ownNetworks() : undefined);
  const budgetBytes = CAPTURE_BUDGET_BYTES;
  const packets = isLive ? undefined : fileFilter(options.captureFilter);
  const packetFilter = packets?.programOf;
  const stages = showsSeveral(name);
  const tlsOpener = await openerOf(options.tlsKeys, isLive);
  const owners = isLive ? openOwners(options.owners !== false, say) : undefined;
  const looks = { raw, keepDuplicates, hostNetworks, live: isLive, packetFilter, stages, tlsOpener, ownerOf: owners?.ownerOf };
  const core = loadCore({ events: true, budgetBytes, ...looks });
  const session = new CaptureSession(core, options, packets);
  setFilter(core, filter, protocols);
  const wanted = wantedOf(protocols, options);
  const stat = openStat(core, wanted, protocols, namingOf(core, name));
  const counts = new MinuteCounts(core);
  core.drainTo({ bundle: (bundle) => counts.add(bundle) });
  const show = new StatDisplay(wanted, { ...options, isLive });
  const startMs = Date.now();
  await session.run(async () => {
    await show.turn(() => stat.answer());
    if (options.time !== undefined && isLive && Date.now() - startMs >= options.time) session.end();
    return !show.isClosed;
  });
  owners?.close();
  const answer = stat.answer();
  await show.last(answer);
  const words = limitWords(counts.total);
  if (words) say(words);
  const filtered = filter !== undefined || protocols.length > 0 ? core.eventsFiltered : undefined;
  const shown = { roundTrips: answer.requests, filtered, knowsDrops: session.knowsDrops };
  if (!show.isClosed) process.stderr.write(`${exitSummary(counts.total, shown)}\n`);
  return session.failed ? 1 : 0;
}

function wantedOf(protocols: readonly string[], { by, metric, slow, big, sort, samples }: StatOptions): StatWanted {
  if (slow && big) throw new Failure("--slow and --big are two questions: leave one of them out", 2);
  if ((slow || big) && metric !== undefined) throw new Failure("--slow and --big choose the metric: leave --metric out", 2);
  const chosen = big ? "size" : (metric ?? "duration");
  const value = chosen === "duration" ? DURATION : chosen;
  const natural: StatSort = slow
    ? "p99"
    : chosen === "errors"
      ? "errors"
      : chosen === "size"
        ? big
          ? "max"
          : "sum"
        : "requests";
  return {
    value,
    by: (by ?? [protocols.length === 1 ? "server.address" : "protocol,server.address"])
      .flatMap((list) => list.split(/[\s,]+/))
      .filter(Boolean),
    sort: sort ?? natural,
    samples: samples ?? (slow || big ? SAMPLES_OF_EXTREMES : 0),
  };
}

/** Begins the statistics; a field may go without its protocol where there is just one. Throws Failure. */
function openStat(core: Core, wanted: StatWanted, protocols: readonly string[], nameOf: InterfaceNaming): Stat {
  const [protocol] = protocols.length === 1 ? protocols : [];
  const named = (field: string) =>
    protocol !== undefined && isField(core, `${protocol}.${field}`) && !isField(core, field) ? `${protocol}.${field}` : field;
  wanted.by = wanted.by.map(named);
  if (!["count", "errors", "size"].includes(wanted.value)) wanted.value = named(wanted.value);
  const stat = Stat.open(core, wanted, nameOf);
  if (stat instanceof Stat) return stat;
  const option = stat.column <= wanted.value.length ? "--metric" : "--by";
  throw new Failure(`${option}: ${stat.message}`, 2);
}

function isField(core: Core, name: string): boolean {
  return core.openStat(`count by ${name}`, 0) === undefined;
}
