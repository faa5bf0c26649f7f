/**
 * Builds the AssemblyScript entries of the tests: test/support/NAME.entry.ts becomes build/test/NAME.wasm, asserts on.
 *
 * vitest calls `setup` once before all tests, so that a test of any project imports the module by its path. An entry is compiled again
 * only when one of the files that it reaches, or the compiler's options, changed. A line `// in place of PATH: PATH` in an entry
 * swaps a file of the core for one of the tests, both given from the repository's root.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

export { instantiate } from "./instantiate.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const SUPPORT = join(ROOT, "test/support");
const OUT = join(ROOT, "build/test");
const CONFIG = join(SUPPORT, "asconfig.json");

/** The files that an entry swaps, without their endings. */
function swaps(entry: string): Map<string, string> {
  const lines = readFileSync(entry, "utf8").matchAll(/^\/\/ in place of (\S+)\.ts: (\S+)$/gm);
  return new Map([...lines].map(([, path, other]) => [path as string, other as string]));
}

/** Digest of an entry and all the files that it imports, directly or not. */
function digest(entry: string): string {
  const seen = new Set<string>();
  const queue = [entry, ...[...swaps(entry).values()].map((path) => join(ROOT, path))];
  const hash = createHash("sha256")
    .update(readFileSync(CONFIG))
    .update(readFileSync(join(ROOT, "package.json")));
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (seen.has(path) || !existsSync(path)) continue;
    seen.add(path);
    const text = readFileSync(path, "utf8");
    hash.update(relative(ROOT, path)).update(text);
    for (const [, target] of text.matchAll(/from "(\.[^"]+)"/g)) queue.push(join(dirname(path), `${target}.ts`));
  }
  return hash.digest("hex");
}

/** Compiles test/support/NAME.entry.ts unless that is done already; gives the path of the module. Throws what the compiler says. */
export async function compileEntry(name: string): Promise<string> {
  const entry = join(SUPPORT, `${name}.entry.ts`);
  const path = join(OUT, `${name}.wasm`);
  const mark = join(OUT, `${name}.digest`);
  const wanted = digest(entry);
  if (existsSync(path) && existsSync(mark) && readFileSync(mark, "utf8") === wanted) return path;
  const { default: asc } = await import("assemblyscript/asc");
  mkdirSync(OUT, { recursive: true });
  rmSync(mark, { force: true });
  rmSync(path, { force: true });
  const draft = `${path}.${process.pid}`;
  const paths = ["--baseDir", ROOT, "--config", relative(ROOT, CONFIG), "--outFile", relative(ROOT, draft)];
  const swapped = swaps(entry);
  const readFile = (name: string, baseDir: string) => {
    const other = name.endsWith(".ts") ? swapped.get(name.slice(0, -".ts".length)) : undefined;
    if (other !== undefined) return `export * from "${relative(dirname(name), other).replace(/\.ts$/, "")}";`;
    const path = join(baseDir, name);
    return existsSync(path) ? readFileSync(path, "utf8") : null;
  };
  const result = await asc.main([relative(ROOT, entry), ...paths], { readFile });
  if (result.error) throw new Error(`${name}.entry.ts does not compile:\n${result.stderr.toString()}`);
  renameSync(draft, path);
  writeFileSync(mark, wanted);
  return path;
}

/** Compiles every entry; one that fails is reported and its module taken away, so that its own tests fail and no others. */
export async function setup(): Promise<void> {
  for (const file of readdirSync(SUPPORT)) {
    if (!file.endsWith(".entry.ts")) continue;
    try {
      await compileEntry(file.slice(0, -".entry.ts".length));
    } catch (error) {
      console.error(error instanceof Error ? error.message : error);
    }
  }
}
