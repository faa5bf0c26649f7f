/** Brings Node 24, from the npm package `node`, into a folder of the project's own. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { mustRun, npm, ROOT } from "./run.mjs";

const FOLDER = join(ROOT, ".cache/node24");
const BINARY = join(FOLDER, "node_modules/node/bin", process.platform === "win32" ? "node.exe" : "node");

/** The path of a Node 24, installed on first use; fails where npm cannot fetch it. */
export async function node24() {
  if (process.versions.node.startsWith("24.")) return process.execPath;
  if (existsSync(BINARY)) return BINARY;
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(join(FOLDER, "package.json"), '{ "private": true, "allowScripts": { "node": true } }\n');
  await mustRun(npm("install", "--no-audit", "--no-fund", "--prefer-offline", "node@24"), { cwd: FOLDER, timeoutSeconds: 180 });
  return BINARY;
}
