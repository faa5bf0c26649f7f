import { formatNumberOf } from "../../engine/units";
import { say } from "../capture/session";
import { Failure } from "../failure";
import { TripLog } from "../log/trip-log";
import { bodyReader } from "../output/body";
import { formatterOf, RoundTripPrinter } from "../output/round-trip-printer";
import { Look, type LookOptions } from "./look";

export interface LogOptions extends LookOptions {
  /** The file. */
  write?: string;
  count?: number;
  /** MiB after which another file is begun, ms after which one is, and how many are kept besides. */
  rotateSize: number;
  rotateAge?: number;
  keep: number;
  gzip?: boolean;
}

/** `tallywire log`: round trips as lines of JSON in files that make room for others. Gives the exit code. */
export async function log(protocols: readonly string[], options: LogOptions): Promise<number> {
  const { count, write: path, rotateSize, rotateAge: rotateMs, keep, gzip = false } = options;
  if (path === undefined) throw new Failure("name the file with -w; watch -o json writes to standard output", 2);
  if (path === "-") throw new Failure("-w takes a file; watch -o json writes to standard output", 2);
  const look = await Look.open(protocols, options);
  const file = new TripLog(path, { rotateBytes: rotateSize * (1 << 20), rotateMs, keep, gzip, say });
  const printer = new RoundTripPrinter(look.core, await formatterOf("json"), file, {
    count,
    nameOf: look.naming,
    bodyOf: bodyReader(options.raw),
  });
  look.drainTo((view) => printer.print(view));
  let wasMoved = false;
  const onMoved = () => {
    wasMoved = true;
  };
  process.on("SIGHUP", onMoved);
  try {
    await look.run(async () => {
      if (wasMoved) file.reopen();
      wasMoved = false;
      file.push();
      return !printer.isDone;
    });
  } finally {
    await file.end();
    process.off("SIGHUP", onMoved);
  }
  look.sayEnd({ roundTrips: printer.printed });
  if (file.lost > 0) say(`${formatNumberOf(file.lost, "round trip")} did not get into ${path}: there was no room`);
  return look.session.failed || file.lost > 0 ? 1 : 0;
}
