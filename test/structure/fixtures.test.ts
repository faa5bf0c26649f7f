/** The captures that come with the project are the project's own. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { corpusIndex, HAS_CORPUS } from "../support/corpus";
import { ROOT, repositoryFiles } from "../support/repository";

const captures = repositoryFiles().filter((path) => /\.(pcap|pcapng|cap|dmp|trace|snoop|erf)(\.gz)?$/.test(path));

describe("captures", () => {
  test("lie among the fixtures", () => {
    expect(captures.filter((path) => !path.startsWith("test/fixtures/"))).toEqual([]);
    expect(captures.length).toBeGreaterThan(0);
  });

  test("each says what its client sent", () => {
    const alone = captures.filter((path) => !repositoryFiles().includes(path.replace(/\.\w+$/, ".truth.json")));
    expect(alone).toEqual([]);
  });

  test.runIf(HAS_CORPUS)("each was made for tallywire", () => {
    const own = new Set(
      corpusIndex()
        .filter((row) => row.origin === "generated")
        .map((row) => row.sha256),
    );
    const shaOf = (path: string) =>
      createHash("sha256")
        .update(readFileSync(join(ROOT, path)))
        .digest("hex");
    expect(captures.filter((path) => !own.has(shaOf(path)))).toEqual([]);
  });
});
