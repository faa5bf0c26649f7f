import type { Core } from "../../engine/core";
import type { InterfaceNaming } from "../../engine/round-trip";
import { Stat } from "../../engine/stat";
import { CAPTURE_BUDGET_BYTES } from "../../engine/summary";
import { Failure } from "../failure";
import type { ShowOptions } from "../output/live-table";
import { StatDisplay, type StatWanted } from "../output/stat-display";
import type { StatSort } from "../output/stat-table";
import { Look, type LookOptions } from "./look";

export interface StatOptions extends LookOptions, ShowOptions {
  by?: readonly string[];
  metric?: string;
  slow?: boolean;
  big?: boolean;
  sort?: StatSort;
  samples?: number;
}

const SAMPLES_OF_EXTREMES = 3;
const DURATION = "durationNs";

/** `tallywire stat`: what round trips add up to, by the fields that are named. Gives the exit code. */
export async function stat(protocols: readonly string[], options: StatOptions): Promise<number> {
  const look = await Look.open(protocols, options, { budgetBytes: CAPTURE_BUDGET_BYTES });
  const wanted = wantedOf(protocols, options);
  const stat = openStat(look.core, wanted, protocols, look.naming);
  look.drainTo();
  const show = new StatDisplay(wanted, { ...options, isLive: look.isLive });
  await look.run(async () => {
    await show.turn(() => stat.answer());
    return !show.isClosed;
  });
  const answer = stat.answer();
  await show.last(answer);
  look.sayEnd({ roundTrips: answer.requests }, show.isClosed);
  return look.session.failed ? 1 : 0;
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
  const fields = (by ?? [protocols.length === 1 ? "server.address" : "protocol,server.address"])
    .flatMap((list) => list.split(/[\s,]+/))
    .filter(Boolean);
  if (fields.length === 0) throw new Failure("--by names no field; leave it out, or name one to four, as server.address", 2);
  return {
    value,
    by: fields,
    sort: sort ?? natural,
    samples: samples ?? (slow || big ? SAMPLES_OF_EXTREMES : 0),
  };
}

/** Begins the statistics; a field may go without its protocol where there is just one. Throws Failure. */
function openStat(core: Core, wanted: StatWanted, protocols: readonly string[], nameOf: InterfaceNaming): Stat {
  const [protocol] = protocols.length === 1 ? protocols : [];
  const named = (field: string) => (protocol !== undefined && isShort(core, protocol, field) ? `${protocol}.${field}` : field);
  wanted.by = wanted.by.map(named);
  const twice = wanted.by.find((field, index) => wanted.by.indexOf(field) !== index);
  if (twice !== undefined) throw new Failure(`--by has ${twice} twice; name it once`, 2);
  if (!["count", "errors", "size"].includes(wanted.value)) wanted.value = named(wanted.value);
  const stat = Stat.open(core, wanted, nameOf);
  if (stat instanceof Stat) return stat;
  const option = stat.column <= wanted.value.length ? "--metric" : "--by";
  throw new Failure(`${option}: ${stat.message}`, 2);
}

/** Whether a field goes without its protocol: it is none as it stands, and one of this protocol, or of others alone. */
function isShort(core: Core, protocol: string, field: string): boolean {
  const fault = core.openStat(`count by ${field}`, 0);
  if (fault === undefined) return false;
  return core.openStat(`count by ${protocol}.${field}`, 0) === undefined || fault.message.includes(" of its own;");
}
