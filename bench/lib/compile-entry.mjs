/** Compiles AssemblyScript of the benchmarks with the core's sources, as the core is released. */
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { contentHash, isFresh, markFresh } from "../../scripts/lib/content-hash.mjs";
import { ROOT } from "../../scripts/lib/run.mjs";

const CONFIG = "asconfig.json";

/**
 * Compiles the entry at `path`, from the repository's root, unless that is done already; gives the module. `inPlace` has other files for
 * some of the core's, by path. Throws what the compiler says.
 */
export async function compileEntry(path, inPlace = {}) {
  const output = `build/bench/${path.split("/").at(-1).replace(".entry.ts", ".wasm")}`;
  const hash = contentHash([path, ...Object.values(inPlace), "assembly", CONFIG, "package-lock.json"]);
  if (!isFresh(output, hash)) {
    await compile(path, output, inPlace);
    markFresh(output, hash);
  }
  return new WebAssembly.Module(readFileSync(join(ROOT, output)));
}

async function compile(path, output, inPlace) {
  const { default: asc } = await import("assemblyscript/asc");
  mkdirSync(join(ROOT, "build/bench"), { recursive: true });
  // The core's options without its entry.
  const { entries: _, ...options } = JSON.parse(readFileSync(join(ROOT, CONFIG), "utf8"));
  const readFile = (name, baseDir) => {
    const file = join(baseDir, name);
    const known = relative(ROOT, file);
    if (known === CONFIG) return JSON.stringify(options);
    if (known in inPlace) return `export * from "${relative(dirname(known), inPlace[known]).replace(/\.ts$/, "")}";`;
    return existsSync(file) ? readFileSync(file, "utf8") : null;
  };
  const words = ["--baseDir", ROOT, "--config", CONFIG, "--target", "release", "--outFile", output];
  const { error, stderr } = await asc.main([path, ...words], { readFile });
  if (error) throw new Error(`${path} does not compile: ${stderr.toString()}`);
}
