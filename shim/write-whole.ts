import { closeSync, constants, fsyncSync, openSync, renameSync, rmSync, unlinkSync, writeSync } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

const { O_WRONLY, O_CREAT, O_EXCL, O_RDONLY } = constants;
/** A draft is always made anew; where somebody put a link in its place, nothing is written through it. */
const AS_DRAFT = O_WRONLY | O_CREAT | O_EXCL | (constants.O_NOFOLLOW ?? 0);
const OWNER_ONLY = 0o600;

const draftOf = (path: string) => `${path}.draft`;
/** Windows syncs no folders, and needs none to be. */
const syncsFolders = process.platform !== "win32";

/**
 * Writes a file that only its owner can read, so that after a crash or on a full disk it is there in whole or not at all. When it returns
 * the file is on disk. Throws what the system says.
 */
export function writeWhole(path: string, text: string): void {
  const draft = draftOf(path);
  clear(draft);
  const file = openSync(draft, AS_DRAFT, OWNER_ONLY);
  try {
    try {
      const bytes = Buffer.from(text);
      for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
  if (!syncsFolders) return;
  const folder = openSync(dirname(path), O_RDONLY);
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/** The same while other work goes on. */
export async function putWhole(path: string, bytes: Uint8Array): Promise<void> {
  const draft = draftOf(path);
  clear(draft);
  const file = await open(draft, AS_DRAFT, OWNER_ONLY);
  try {
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
  await syncFolder(dirname(path));
}

/** Takes away what a crash left in a draft's place. */
function clear(draft: string): void {
  try {
    unlinkSync(draft);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}

/** Makes a rename in this folder outlive a crash. */
export async function syncFolder(path: string): Promise<void> {
  if (!syncsFolders) return;
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
