/** Says whether something built is still what its sources make, by their content and never by their times. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { ROOT } from "./run.mjs";

function addTo(hash, path) {
  const full = join(ROOT, path);
  if (!existsSync(full)) return;
  if (statSync(full).isDirectory()) {
    for (const name of readdirSync(full).sort()) addTo(hash, `${path}/${name}`);
    return;
  }
  const bytes = readFileSync(full);
  hash.update(`${path}\0${bytes.length}\0`);
  hash.update(bytes);
}

/** One hash over the files and folders at `paths`, names included. */
export function contentHash(paths) {
  const hash = createHash("sha256");
  for (const path of paths) addTo(hash, path);
  return hash.digest("hex");
}

const stampOf = (output) => join(ROOT, "build/.stamps", output.replaceAll("/", "-"));

/** Whether `output` is there and was made from sources with this hash. */
export function isFresh(output, hash) {
  const stamp = stampOf(output);
  return existsSync(join(ROOT, output)) && existsSync(stamp) && readFileSync(stamp, "utf8") === hash;
}

/** Notes that `output` was made from sources with this hash. */
export function markFresh(output, hash) {
  const stamp = stampOf(output);
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, hash);
}
