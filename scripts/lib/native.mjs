/** Builds live capture, `native/`, which takes a C compiler and nothing else: Node's headers come with a package. */
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { contentHash, isFresh, markFresh } from "./content-hash.mjs";
import { mustRun, ROOT, say } from "./run.mjs";

const OUTPUT = "build/native/tallywire.node";
const NO_COMPILER = "live capture is off: it takes a C compiler (Debian: apt-get install gcc libc6-dev), then: npm run build";

const compiler = () => process.env.CC || "cc";

function command() {
  const sources = readdirSync(join(ROOT, "native")).filter((name) => name.endsWith(".c"));
  const open = process.platform === "darwin" ? ["-undefined", "dynamic_lookup"] : [];
  const flags = ["-std=gnu11", "-O2", "-Wall", "-fPIC", "-shared", "-fvisibility=hidden", ...open];
  const headers = ["-I", "node_modules/node-api-headers/include"];
  return [compiler(), ...flags, ...headers, "-o", OUTPUT, ...sources.map((name) => `native/${name}`), "-lpthread", "-ldl"];
}

/** Builds it where its sources changed. Gives why that is not possible, in one line; undefined where it is built. */
export async function buildNative() {
  const hash = contentHash(["native", "package-lock.json", "scripts/lib/native.mjs"]) + process.platform + process.arch;
  if (isFresh(OUTPUT, hash)) return undefined;
  // One of other sources would lack what the command line calls.
  rmSync(join(ROOT, OUTPUT), { force: true });
  if (process.platform === "win32") return "live capture is off: it is for Linux and macOS";
  if (spawnSync(compiler(), ["--version"]).status !== 0) return NO_COMPILER;
  const from = performance.now();
  mkdirSync(join(ROOT, "build/native"), { recursive: true });
  try {
    await mustRun(command());
  } catch (error) {
    const [line] = (error.output ?? error.message).split("\n");
    return `live capture is off: ${compiler()} could not build native/: ${line}`;
  }
  markFresh(OUTPUT, hash);
  say(`built live capture in ${((performance.now() - from) / 1000).toFixed(1)} s`);
  return undefined;
}
