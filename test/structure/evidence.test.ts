/** The evidence that docs/protocols.md names is there: tests, programs that they drive, captures that they read and compare. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Core } from "../../engine/core";
import { EVIDENCE, GRADES } from "../../scripts/docs/evidence";
import { CORPUS, HAS_CORPUS } from "../support/corpus";
import { OTHERS } from "../support/others";
import { importsOf, repositoryFiles, textOf } from "../support/repository";
import { coreModule } from "../support/round-trips";

const all = Object.entries(EVIDENCE).flatMap(([protocol, lines]) => lines.map((line) => ({ protocol, ...line })));

/** A test and the support that it imports, straight and by way of others. */
function reachedFrom(path: string, found = new Set<string>()): Set<string> {
  if (found.has(path)) return found;
  found.add(path);
  for (const target of importsOf(path)) if (/^test\/.*\.ts$/.test(target)) reachedFrom(target, found);
  return found;
}

describe("evidence", () => {
  const { schema } = new Core(coreModule());
  const files = repositoryFiles();

  test("is there for every protocol, from the strongest grade on", () => {
    expect(Object.keys(EVIDENCE).sort()).toEqual(schema.protocols.map(({ name }) => name).sort());
    const order = Object.keys(GRADES);
    for (const [protocol, lines] of Object.entries(EVIDENCE)) {
      const ranks = lines.map(({ grade }) => order.indexOf(grade));
      expect(ranks, protocol).toEqual([...ranks].sort());
      expect(
        lines.every(({ grade }) => grade === "vectors"),
        protocol,
      ).toBe(false);
    }
  });

  test.each(all)("of $protocol: $what, by $test", ({ protocol, grade, test: path, drives, captures, others }) => {
    expect(files).toContain(path);
    const text = [...reachedFrom(path)].map(textOf).join("\n");
    for (const program of drives ?? [])
      expect(new RegExp(`["'\`/ ]${program}["'\` ]`).test(text), `${path} drives ${program}`).toBe(true);
    for (const name of captures ?? []) {
      const isOwn = files.includes(`test/fixtures/${name}.pcap`);
      expect(text.includes(name) || (isOwn && /\bFIXTURES\b/.test(textOf(path))), `${path} reads ${name}`).toBe(true);
      expect(isOwn || !HAS_CORPUS || existsSync(join(CORPUS, `generated/${name}.truth.json`)), name).toBe(true);
    }
    expect(drives !== undefined || captures !== undefined).toBe(grade === "real server" || grade === "mock");
    expect(others !== undefined).toBe(grade === "captured by others");
    if (grade === "vectors") expect(new RegExp(`\\b${protocol}\\b`, "i").test(text), `${path} tells of ${protocol}`).toBe(true);
  });

  test.runIf(HAS_CORPUS)("of captures of others: as many as are compared", () => {
    const said = Object.fromEntries(all.flatMap(({ protocol, others }) => (others === undefined ? [] : [[protocol, others]])));
    expect(said).toEqual(Object.fromEntries(Object.keys(said).map((name) => [name, OTHERS[name]!()])));
  });

  test("of servers: every test of them is named", () => {
    const named = all.map(({ test: path }) => path);
    expect(files.filter((path) => /^test\/servers\/.*\.test\.ts$/.test(path) && !named.includes(path))).toEqual([]);
  });
});
