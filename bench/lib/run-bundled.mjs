/** Runs the benchmarks that are written in TypeScript. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { build } from "esbuild";
import { ROOT } from "../../scripts/lib/run.mjs";

/** `import core from "../build/core.wasm"` gives a WebAssembly.Module, as it does in tests. */
const wasmModules = {
  name: "wasm-modules",
  setup({ onLoad }) {
    onLoad({ filter: /\.wasm$/ }, ({ path }) => {
      const read = `readFileSync(${JSON.stringify(path)})`;
      return { contents: `import { readFileSync } from "node:fs";\nexport default new WebAssembly.Module(${read});\n` };
    });
  },
};

/** Bundles bench/NAME/main.ts and runs it in a process of its own; gives the one JSON value that it prints. Throws where it fails. */
export async function runBundled(name, words = []) {
  const outfile = join(ROOT, `build/bench/${name}.mjs`);
  const entryPoints = [join(ROOT, `bench/${name}/main.ts`)];
  await build({
    entryPoints,
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    packages: "external",
    plugins: [wasmModules],
  });
  const options = { cwd: ROOT, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"], maxBuffer: 1 << 28 };
  const { status, stdout } = spawnSync(process.execPath, [outfile, ...words.map(String)], options);
  if (status !== 0) throw new Error(`bench/${name}/main.ts ended with ${status}`);
  return JSON.parse(stdout);
}
