/**
 * Builds live capture, `native/`, which takes a C compiler and nothing else: Node's headers come with a package.
 *
 * It is made for the platform of the compiler, CC or cc: `CC=aarch64-linux-gnu-gcc npm run build` makes that of another.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { contentHash, isFresh, markFresh } from "./content-hash.mjs";
import { addonOf, platformOf } from "./platform.mjs";
import { mustRun, ROOT, say } from "./run.mjs";

const NO_COMPILER = "live capture is off: it takes a C compiler (Debian: apt-get install gcc libc6-dev), then: npm run build";

const compiler = () => process.env.CC || "cc";

/** The platform that is built for: the compiler's, unless TALLYWIRE_PLATFORM says what it does not know of itself; undefined without one. */
function target() {
  const { status, stdout } = spawnSync(compiler(), ["-dumpmachine"], { encoding: "utf8" });
  return status === 0 ? (process.env.TALLYWIRE_PLATFORM ?? platformOf(stdout)) : undefined;
}

function command(platform, output) {
  const sources = readdirSync(join(ROOT, "native")).filter((name) => name.endsWith(".c"));
  const open = platform.startsWith("darwin") ? ["-undefined", "dynamic_lookup"] : [];
  const flags = ["-std=gnu11", "-O2", "-Wall", "-fPIC", "-shared", "-fvisibility=hidden", ...open];
  const headers = ["-I", "node_modules/node-api-headers/include"];
  return [compiler(), ...flags, ...headers, "-o", output, ...sources.map((name) => `native/${name}`), "-lpthread", "-ldl"];
}

/** Builds it where its sources changed. Gives why that is not possible, in one line; undefined where it is built. */
export async function buildNative() {
  if (process.platform === "win32") return "live capture is off: it is for Linux and macOS";
  const platform = target();
  if (platform === undefined) return NO_COMPILER;
  const output = addonOf(platform);
  const hash = contentHash(["native", "package-lock.json", "scripts/lib/native.mjs"]);
  if (isFresh(output, hash)) return undefined;
  const from = performance.now();
  // One of other sources would lack what the command line calls.
  rmSync(join(ROOT, output), { force: true });
  mkdirSync(join(ROOT, dirname(output)), { recursive: true });
  try {
    await mustRun(command(platform, output));
  } catch (error) {
    const [line] = (error.output ?? error.message).split("\n");
    return `live capture is off: ${compiler()} could not build native/: ${line}`;
  }
  markFresh(output, hash);
  say(`built live capture for ${platform} in ${((performance.now() - from) / 1000).toFixed(1)} s`);
  return undefined;
}
