/** The repository's own files, for tests about its structure. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository's folder. */
export const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** Paths of all files that git knows or would take, relative to the repository, sorted. */
export function repositoryFiles(): string[] {
  const words = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
  const names = execFileSync("git", words, { cwd: ROOT, encoding: "utf8", maxBuffer: 1 << 24 }).split("\0");
  return [...new Set(names)].filter((name) => name !== "" && existsSync(join(ROOT, name))).sort();
}

/** Text of one of the repository's files. */
export function textOf(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

const IMPORT = /^\s*(?:import|export)\b[^"';]*?\bfrom\s*"([^"]+)"|^\s*import\s*"([^"]+)"|\bimport\("([^"]+)"\)/gm;
const SUFFIXES = ["", ".ts", ".tsx", ".mjs", "/index.ts", "/index.tsx"];

/** What a file imports: paths in the repository for its own files (with the suffix), bare names for packages. */
export function importsOf(path: string): string[] {
  return [...textOf(path).matchAll(IMPORT)].map((match) => {
    const target = (match[1] ?? match[2] ?? match[3] ?? "").replace(/\?\w+$/, "");
    if (!target.startsWith(".")) return target;
    const base = relative(ROOT, join(ROOT, dirname(path), target));
    const file = SUFFIXES.map((suffix) => base + suffix).find((name) => /\.\w+$/.test(name) && existsSync(join(ROOT, name)));
    return file ?? base;
  });
}
