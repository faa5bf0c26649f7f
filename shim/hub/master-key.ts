import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { writeWhole } from "../write-whole";

/** Where a data folder keeps its master key. */
export function masterKeyPath(dataFolder: string): string {
  return join(dataFolder, "master-key");
}

/** The folder's master key, made where there is none; only its owner can read it. */
export function openMasterKey(dataFolder: string): string {
  const path = masterKeyPath(dataFolder);
  if (!existsSync(path)) {
    mkdirSync(dirname(path), { recursive: true });
    writeWhole(path, `${randomBytes(32).toString("base64url")}\n`);
  }
  return readFileSync(path, "utf8").trim();
}
