import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { writeWhole } from "../write-whole";

/** Where a data folder keeps its master key. */
export function masterKeyPath(dataFolder: string): string {
  return join(dataFolder, "master-key");
}

/** Where it keeps the one before, while keys of that are good too. */
export function previousMasterKeyPath(dataFolder: string): string {
  return join(dataFolder, "master-key.previous");
}

/** The folder's master key of before; empty where there is none. */
export function previousMasterKey(dataFolder: string): string {
  const path = previousMasterKeyPath(dataFolder);
  return existsSync(path) ? readFileSync(path, "utf8").trim() : "";
}

/** The folder's master key, made where there is none; only its owner can read it. */
export function openMasterKey(dataFolder: string): string {
  const path = masterKeyPath(dataFolder);
  if (!existsSync(path)) {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeWhole(path, `${randomBytes(32).toString("base64url")}\n`);
  }
  return readFileSync(path, "utf8").trim();
}
