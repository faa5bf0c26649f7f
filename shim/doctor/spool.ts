import { closeSync, fsyncSync, openSync, readdirSync, rmSync, statfsSync, statSync, writeSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { formatBytes, formatNumberOf } from "../../engine/units";
import { MIB, spoolFolderOf } from "../agent/settings";
import { SPOOL_MIB } from "../config/keys";
import { reasonOf } from "../failure";
import { shellWord } from "../shell-word";
import { isBundleName, SPOOL_LIMITS } from "../spool/spool";
import { type Finding, failed, ok, warning } from "./finding";
import { type FolderFault, folderFault, isThere, makeFolderCommand, nearestPlace } from "./folder";
import type { Subject } from "./subject";

/** What is written to see whether it can be; an agent that starts clears such away. */
const TRIAL_NAME = "doctor.draft";
const TRIAL_BYTES = 64 << 10;
const UNIT_MEND = "in a unit StateDirectory=tallywire";
const OTHER_MEND = `name another folder with --spool or TALLYWIRE_SPOOL; ${UNIT_MEND}`;
const FULL_MEND = "make room, or name another folder with --spool or TALLYWIRE_SPOOL";

/** Whether minutes can wait on disk, and whether there is room for as many as may. Throws Failure where the edge has no name. */
export function checkSpool({ options }: Subject): Finding {
  const folder = resolve(spoolFolderOf(options));
  const fault = folderFault(folder);
  if (fault !== undefined) return failed(`nothing can be kept in ${fault.place}: ${writeReason(fault)}`, mendOf(fault, folder));
  try {
    if (isThere(folder)) tryToWrite(folder);
    return roomIn(folder, nearestPlace(folder), options.spoolSize ?? SPOOL_MIB);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return failed(
      `nothing can be kept in ${folder}: ${writeReason(error)}`,
      code === "ENOSPC" || code === "EDQUOT" ? FULL_MEND : OTHER_MEND,
    );
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
  const fits = Math.floor((free + bytes - SPOOL_LIMITS.refusedBytesMax) / MIB);
  const less = fits >= 1 ? `--spool-size ${fits}` : "name a folder on a larger disk with --spool";
  return warning(`${found}, and it may take ${formatBytes(bytesMax)}`, `make room, or ${less}`);
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

/** A folder that is missing can be made; one that is there may be somebody's, and stays so. */
function mendOf({ code, place, isReached }: FolderFault, folder: string): string {
  if (code !== "EACCES" || !isReached) return OTHER_MEND;
  if (place === folder) return `run it as uid ${statSync(place).uid}, whose folder that is, or ${OTHER_MEND}`;
  const spool = dirname(folder);
  if (!isThere(spool)) return `${makeFolderCommand(spool)}; ${UNIT_MEND}`;
  const own = join(spool, "tallywire");
  return isThere(own) ? OTHER_MEND : `${makeFolderCommand(own)}, with --spool ${shellWord(own)}; ${UNIT_MEND}`;
}
