/** Compiles AssemblyScript of the benchmarks with the core's sources, as the core is released. */
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { contentHash, isFresh, markFresh } from "../../scripts/lib/content-hash.mjs";
import { ROOT } from "../../scripts/lib/run.mjs";

const CONFIG = "asconfig.json";

/** Compiles the entry at `path`, from the repository's root, unless that is done already; gives the module. Throws what the compiler says. */
export async function compileEntry(path) {
  const output = `build/bench/${path.split("/").at(-1).replace(".entry.ts", ".wasm")}`;
  const hash = contentHash([path, "assembly", CONFIG, "package-lock.json"]);
  if (!isFresh(output, hash)) {
    await compile(path, output);
    markFresh(output, hash);
  }
  return new WebAssembly.Module(readFileSync(join(ROOT, output)));
}

async function compile(path, output) {
  const { default: asc } = await import("assemblyscript/asc");
  mkdirSync(join(ROOT, "build/bench"), { recursive: true });
  // The core's options without its entry.
  const { entries: _, ...options } = JSON.parse(readFileSync(join(ROOT, CONFIG), "utf8"));
  const readFile = (name, baseDir) => {
    const file = join(baseDir, name);
    if (relative(ROOT, file) === CONFIG) return JSON.stringify(options);
    return existsSync(file) ? readFileSync(file, "utf8") : null;
  };
  const words = ["--baseDir", ROOT, "--config", CONFIG, "--target", "release", "--outFile", output];
  const { error, stderr } = await asc.main([path, ...words], { readFile });
  if (error) throw new Error(`${path} does not compile: ${stderr.toString()}`);
}
