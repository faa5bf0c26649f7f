/** The habits that a machine can see. */
import { describe, expect, test } from "vitest";
import { repositoryFiles, textOf } from "../support/repository";

const FILE_LINES_MAX = 500;
const FILE_BYTES_MAX = 1 << 20;
const files = repositoryFiles();
const code = files.filter((path) => /\.(ts|tsx|mjs|c|h)$/.test(path));
const texts = files.filter(
  (path) => !/\.(pcap|pcapng|cap|gz|png|ico|bin|wasm|woff2|fstrm|twb)$/.test(path) && path !== "package-lock.json",
);

/** Files that are tables of constants and nothing else, which may be long. */
const TABLES: string[] = [];

/** Lines of these files that match, as path:line. */
function hits(paths: string[], pattern: RegExp): string[] {
  return paths.flatMap((path) =>
    textOf(path)
      .split("\n")
      .flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}: ${line.trim().slice(0, 100)}`] : [])),
  );
}

describe("files", () => {
  test(`have at most ${FILE_LINES_MAX} lines`, () => {
    const long = code.filter((path) => !TABLES.includes(path) && textOf(path).split("\n").length - 1 > FILE_LINES_MAX);
    expect(long).toEqual([]);
  });

  test("are named in kebab-case", () => {
    expect(code.filter((path) => !/^[a-z0-9]+([-.][a-z0-9]+)*$/.test(path.split("/").at(-1)!))).toEqual([]);
  });

  test("carry no marks of unfinished work", () => {
    const marks = new RegExp(["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"].map((word) => `\\b${word}\\b`).join("|"));
    expect(hits(code, marks)).toEqual([]);
    expect(hits(code, new RegExp(`@ts-(ignore|no${"check"})`))).toEqual([]);
  });

  test("no test stands alone or is left out", () => {
    const tests = code.filter((path) => path.startsWith("test/"));
    expect(
      hits(tests, new RegExp(`\\b(test|it|describe)\\.(on${"ly"}|sk${"ip"}|to${"do"})\\b|\\bx(it|describe|test)\\(`)),
    ).toEqual([]);
  });

  test("name no folder of one machine", () => {
    const folders = ["home/[a-z]+", "Users/[A-Za-z]+", "root", "wo" + "rk", "tmp/[a-z0-9]+"].join("|");
    expect(hits(texts, new RegExp(`(^|[\\s"'\`(=:])/(${folders})/`))).toEqual([]);
  });

  test("are of a size that a clone can bear", () => {
    expect(files.filter((path) => Buffer.byteLength(textOf(path), "latin1") > FILE_BYTES_MAX)).toEqual([]);
  });
});

describe("packages", () => {
  const manifest = JSON.parse(textOf("package.json"));
  const lock = JSON.parse(textOf("package-lock.json"));

  test("the lock file names no registry", () => {
    expect(Object.entries<{ resolved?: string }>(lock.packages).filter(([, entry]) => entry.resolved)).toEqual([]);
  });

  test("versions are exact", () => {
    const groups = [manifest.dependencies, manifest.devDependencies, manifest.optionalDependencies];
    const loose = groups
      .flatMap((group) => Object.entries<string>(group))
      .filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version));
    expect(loose).toEqual([]);
  });

  test("every package with an install script is allowed to run it by name", () => {
    const scripted = Object.entries<{ hasInstallScript?: boolean; os?: string[] }>(lock.packages)
      .filter(([, entry]) => entry.hasInstallScript && !entry.os)
      .map(([path]) => path.replace(/^.*node_modules\//, ""));
    expect([...new Set(scripted)].sort()).toEqual(Object.keys(manifest.allowScripts).sort());
  });
});
