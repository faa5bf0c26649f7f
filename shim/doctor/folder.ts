import { accessSync, constants, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { shellWord } from "../shell-word";

/** What keeps this process from making something in a folder. */
export interface FolderFault {
  code: string | undefined;
  /** The folder, or the nearest above it that there is. */
  place: string;
  /** Whether a folder of its own could be used there: those above it may be passed through. */
  isReached: boolean;
}

/** What keeps this process from making something in a folder, or in what it would have to make first. */
export function folderFault(folder: string): FolderFault | undefined {
  const place = nearestPlace(resolve(folder));
  try {
    if (!statSync(place).isDirectory()) return { code: "ENOTDIR", place, isReached: false };
    accessSync(place, constants.W_OK | constants.X_OK);
    return undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return { code, place, isReached: mayPass(place) };
  }
}

/**
 * The command that makes a folder which this process may write to. It is for a folder that is not there yet: what is there may be
 * somebody's.
 */
export function makeFolderCommand(folder: string): string {
  return `sudo install -d -o ${process.getuid?.()} -m 700 ${shellWord(resolve(folder))}`;
}

/** Whether there is anything of this name, as far as this process can see. */
export function isThere(path: string): boolean {
  try {
    statSync(path);
    return true;
  } catch {
    return false;
  }
}

/** What there is of this name, or the nearest above it. */
export function nearestPlace(path: string): string {
  const above = dirname(path);
  return above === path || isThere(path) ? path : nearestPlace(above);
}

function mayPass(folder: string): boolean {
  try {
    accessSync(folder, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
