import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** Where a data folder keeps its master key. */
export function masterKeyPath(dataFolder: string): string {
  return join(dataFolder, "master-key");
}

/** The folder's master key, made where there is none; only its owner can read it. */
export function openMasterKey(dataFolder: string): string {
  const path = masterKeyPath(dataFolder);
  if (!existsSync(path)) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `${randomBytes(32).toString("base64url")}\n`, { mode: 0o600 });
  }
  return readFileSync(path, "utf8").trim();
}
