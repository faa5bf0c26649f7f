/**
 * Makes a fresh clone ready: the packages that package-lock.json names, then whatever is missing or stale of the build.
 *
 * Runs before the first install and so stands on Node alone.
 */
import { existsSync, lstatSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { addonsOfHost } from "./lib/platform.mjs";
import { mustRun, npm, ROOT, say } from "./lib/run.mjs";

const NODE_LEAST = [20, 19];
const FOLDER = join(ROOT, "node_modules");

function checkNode() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major > NODE_LEAST[0] || (major === NODE_LEAST[0] && minor >= NODE_LEAST[1])) return;
  throw new Error(
    `Node ${process.versions.node} is too old: tallywire needs ${NODE_LEAST.join(".")} or later (https://nodejs.org)`,
  );
}

/** Whether node_modules holds what the lock file names; an optional package may be absent but not of another version. */
function installed() {
  const listed = join(FOLDER, ".package-lock.json");
  if (!existsSync(listed)) return false;
  const wanted = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8")).packages;
  const present = JSON.parse(readFileSync(listed, "utf8")).packages;
  return Object.entries(wanted).every(([path, { version, optional, devOptional, peer }]) => {
    if (path === "") return true;
    const found = present[path];
    return found ? found.version === version : optional || devOptional || peer;
  });
}

async function installPackages() {
  if (installed()) return;
  if (existsSync(FOLDER) && lstatSync(FOLDER).isSymbolicLink()) {
    say("node_modules is a link and differs from package-lock.json: it is used as it is");
    return;
  }
  const words = existsSync(FOLDER) ? ["install"] : ["ci"];
  say(`installing the packages of package-lock.json (npm ${words[0]}) ...`);
  try {
    await mustRun(npm(...words, "--no-audit", "--no-fund", "--prefer-offline"));
  } catch (error) {
    throw new Error(`${error.output ?? ""}npm could not install the packages; with a way to the registry, run: npm ci`, {
      cause: error,
    });
  }
}

/** Why live capture is not possible here, in one line; undefined where it is. `why` is what kept it from being built. */
export function captureMissing(why = "live capture is off: nothing that captures was built; npm run build says why") {
  const require = createRequire(import.meta.url);
  for (const name of [...addonsOfHost(), "cap"]) {
    try {
      require(name);
      return undefined;
    } catch {
      // The next may be there.
    }
  }
  return why;
}

/** Installs and builds what is missing, as `build` takes its options; says one line about live capture where that is not possible. */
export async function setup(options) {
  checkNode();
  await installPackages();
  const { build } = await import("./build.mjs");
  const missing = captureMissing(await build(options));
  if (missing) say(missing);
}

/** Says what kept the set-up from its end and makes the process fail. */
export function sayFailure(error) {
  say(`${error.output ?? ""}${error.message}`);
  process.exitCode = 1;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) setup().catch(sayFailure);
