import {
  accessSync,
  closeSync,
  constants,
  fsyncSync,
  openSync,
  readdirSync,
  rmSync,
  statfsSync,
  statSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { MIB, spoolFolderOf } from "../agent/settings";
import { SPOOL_MIB } from "../config/keys";
import { reasonOf } from "../failure";
import { formatBytes, formatNumberOf } from "../output/units";
import { isBundleName, SPOOL_LIMITS } from "../spool/spool";
import { type Finding, failed, ok, warning } from "./finding";
import type { Subject } from "./subject";

/** What is written to see whether it can be; an agent that starts clears such away. */
const TRIAL_NAME = "doctor.draft";
const TRIAL_BYTES = 64 << 10;

/** Whether minutes can wait on disk, and whether there is room for as many as may. Throws Failure where the edge has no name. */
export function checkSpool({ options }: Subject): Finding {
  const folder = spoolFolderOf(options);
  const place = nearestPlace(folder);
  try {
    if (place === folder) tryToWrite(folder);
    else if (statSync(place).isDirectory()) accessSync(place, constants.W_OK | constants.X_OK);
    else throw Object.assign(new Error("it is no folder"), { code: "ENOTDIR" });
    return roomIn(folder, place, options.spoolSize ?? SPOOL_MIB);
  } catch (error) {
    return failed(`nothing can be kept in ${place}: ${writeReason(error)}`, mendOf(error, place));
  }
}

/** Whether the disk has room for all that may wait. */
function roomIn(folder: string, place: string, sizeMib: number): Finding {
  const { bavail, bsize } = statfsSync(place);
  const free = bavail * bsize;
  const { bytes, count } = waitingIn(folder);
  const bytesMax = sizeMib * MIB + SPOOL_LIMITS.refusedBytesMax;
  const waits = count === 0 ? "nothing waits" : `${formatNumberOf(count, "minute")} (${formatBytes(bytes)}) wait`;
  const found = `${waits} in ${folder}, ${formatBytes(free)} are free`;
  if (free >= bytesMax - bytes) return ok(found);
  const fits = Math.max(1, Math.floor((free + bytes - SPOOL_LIMITS.refusedBytesMax) / MIB));
  return warning(`${found}, and it may take ${formatBytes(bytesMax)}`, `make room, or --spool-size ${fits}`);
}

/** The folder, or what is the nearest above it that is there. */
function nearestPlace(path: string): string {
  const above = dirname(path);
  return above === path || isThere(path) ? path : nearestPlace(above);
}

function isThere(path: string): boolean {
  try {
    statSync(path);
    return true;
  } catch {
    return false;
  }
}

function tryToWrite(folder: string): void {
  const path = join(folder, TRIAL_NAME);
  try {
    const file = openSync(path, "w", 0o600);
    try {
      writeSync(file, new Uint8Array(TRIAL_BYTES));
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  } finally {
    rmSync(path, { force: true });
  }
}

/** What waits for the hub; nothing where the folder is not there yet. */
function waitingIn(folder: string): { bytes: number; count: number } {
  const names = isThere(folder) ? readdirSync(folder).filter(isBundleName) : [];
  const sizes = names.map((name) => statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0);
  return { bytes: sizes.reduce((sum, size) => sum + size, 0), count: names.length };
}

function writeReason(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code === "EACCES" || code === "EPERM") return `uid ${process.getuid?.()} may not`;
  if (code === "EROFS") return "it is mounted read-only";
  return code === "ENOTDIR" ? "it is no folder" : reasonOf(error);
}

function mendOf(error: unknown, place: string): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code === "ENOSPC" || code === "EDQUOT") return "make room, or name another folder with --spool or TALLYWIRE_SPOOL";
  return `sudo chown -R ${process.getuid?.()} ${place}, or another with --spool; in a unit StateDirectory=tallywire`;
}
