import { formatNumberOf } from "../../engine/units";
import { say } from "../capture/session";
import { bodyReader } from "../output/body";
import { DisplayLimit } from "../output/display-limit";
import { formatterOf, type OutputForm, RoundTripPrinter } from "../output/round-trip-printer";
import { TextOutput } from "../output/text-output";
import { Look, type LookOptions } from "./look";

export interface WatchOptions extends LookOptions {
  count?: number;
  output?: OutputForm;
  /** Lines a second; 0 for all. */
  rate?: number;
}

/** Lines a second that a terminal shows of an interface, unless told otherwise: as many as anybody can follow. */
const TERMINAL_RATE = 50;

/** `tallywire watch`: a line a round trip, as they are decided. Gives the exit code. */
export async function watch(protocols: readonly string[], options: WatchOptions): Promise<number> {
  const look = await Look.open(protocols, options);
  const output = new TextOutput(process.stdout);
  const limit = displayLimit(options.rate ?? (look.isLive && process.stdout.isTTY ? TERMINAL_RATE : 0));
  const isDue = limit && (() => limit.isDue());
  const printing = { count: options.count, isDue, nameOf: look.naming, bodyOf: bodyReader(options.raw) };
  const printer = new RoundTripPrinter(look.core, await formatterOf(options.output ?? "line"), output, printing);
  look.drainTo((view) => printer.print(view));
  await look.run(async () => {
    if (look.isLive) limit?.turn();
    output.push();
    await output.ready();
    return !output.closed && !printer.isDone;
  });
  limit?.tell();
  await output.end();
  look.sayEnd({ roundTrips: printer.printed, leftOut: printer.leftOut }, output.closed);
  return look.session.failed ? 1 : 0;
}

function displayLimit(rate: number): DisplayLimit | undefined {
  if (rate === 0) return undefined;
  const narrow = `more than ${formatNumberOf(rate, "line")} a second; -Y narrows it, --rate 0 shows all`;
  return new DisplayLimit(rate, (lines) => say(`${formatNumberOf(lines, "round trip")} not shown: ${narrow}`));
}
