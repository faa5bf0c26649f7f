/** Builds what is missing or stale: the core twice, live capture, the command line, the hub, the scripts in TypeScript, the page. */
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { contentHash, isFresh, markFresh } from "./lib/content-hash.mjs";
import { buildNative } from "./lib/native.mjs";
import { mustRun, nativeTool, ROOT, say, tool } from "./lib/run.mjs";

const asc = (target) => tool("assemblyscript/bin/asc.js", "assembly/index.ts", "--target", target);
const CORE = { entry: "assembly/index.ts", sources: ["assembly", "asconfig.json"] };

/** In order of need; those of one step are built side by side. */
const STEPS = [
  [
    { name: "core.wasm", ...CORE, output: "build/core.wasm", command: asc("release"), isOfAgent: true },
    { name: "core.checked.wasm", ...CORE, output: "build/core.checked.wasm", command: asc("checked"), onlyForTests: true },
  ],
  [
    {
      name: "the command line",
      isOfAgent: true,
      // Its parts are named by their content, and those of before would stay.
      empties: "build/shim",
      entry: "shim/main.ts",
      sources: ["shim", "engine"],
      output: "build/shim/tallywire.mjs",
      command: nativeTool(
        "esbuild/bin/esbuild",
        "tallywire=shim/main.ts",
        "capture-thread=shim/capture/thread.ts",
        "--bundle",
        "--splitting",
        "--platform=node",
        "--target=node20",
        "--format=esm",
        "--packages=external",
        "--outdir=build/shim",
        "--out-extension:.js=.mjs",
        "--log-level=warning",
      ),
    },
    {
      name: "the hub",
      entry: "worker/index.ts",
      sources: ["worker", "engine", "assembly", "asconfig.json"],
      output: "build/hub/index.js",
      command: nativeTool(
        "esbuild/bin/esbuild",
        "worker/index.ts",
        "--bundle",
        "--format=esm",
        "--target=es2024",
        "--conditions=workerd,worker",
        "--external:cloudflare:*",
        "--external:node:*",
        "--loader:.wasm=copy",
        "--asset-names=[name]",
        "--outdir=build/hub",
        "--log-level=warning",
      ),
    },
    {
      name: "the scripts",
      entry: "scripts/start/main.ts",
      sources: ["scripts", "shim/config", "shim/hub", "engine", "test/support/oracle", "test/support/pcap-builder"],
      output: "build/scripts/start.mjs",
      command: nativeTool(
        "esbuild/bin/esbuild",
        "start=scripts/start/main.ts",
        "docs=scripts/docs/main.ts",
        "--bundle",
        "--platform=node",
        "--target=node20",
        "--format=esm",
        "--packages=external",
        "--outdir=build/scripts",
        "--out-extension:.js=.mjs",
        "--log-level=warning",
      ),
    },
    {
      name: "the page",
      entry: "web/index.html",
      sources: ["web", "engine", "assembly", "asconfig.json"],
      output: "build/web/index.html",
      command: tool("vite/bin/vite.js", "build", "web", "--outDir", "../build/web", "--emptyOutDir", "--logLevel", "warn"),
    },
  ],
];

async function buildOne({ name, entry, sources, output, command, empties }) {
  if (!existsSync(join(ROOT, entry))) return;
  const hash = contentHash([...sources, "package-lock.json", "scripts/build.mjs"]);
  if (isFresh(output, hash)) return;
  const from = performance.now();
  if (empties !== undefined) rmSync(join(ROOT, empties), { recursive: true, force: true });
  await mustRun(command);
  markFresh(output, hash);
  say(`built ${name} in ${((performance.now() - from) / 1000).toFixed(1)} s`);
}

/**
 * Builds everything whose sources changed since it was last built; the checked core only where it is wanted `forTests`, and only what is in the
 * agent's package where that is all `forAgent`. Gives why live capture could not be built, undefined where it was: everything else works
 * without it.
 */
export async function build({ forTests = true, forAgent = false } = {}) {
  const noCapture = await buildNative();
  const isWanted = (one) => (forAgent ? one.isOfAgent : forTests || !one.onlyForTests);
  for (const step of STEPS) await Promise.all(step.filter(isWanted).map(buildOne));
  return noCapture;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    const noCapture = await build({ forAgent: process.argv.includes("--agent") });
    if (noCapture) say(noCapture);
  } catch (error) {
    say(`${error.output ?? ""}the build failed: ${error.message}`);
    process.exitCode = 1;
  }
}
