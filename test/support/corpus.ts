/** The collection of captures that tests compare with, where it is there. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./repository";

/** Folder of the collection. */
export const CORPUS = process.env.TALLYWIRE_CORPUS ?? join(ROOT, "../shared/corpus");

/** Whether the collection is there; where it is not, this says so once a test file. */
export const HAS_CORPUS = existsSync(join(CORPUS, "index.tsv"));
if (!HAS_CORPUS) console.warn(`no captures at ../shared/corpus nor at TALLYWIRE_CORPUS: the tests that need them do not run`);

/** One capture of the collection. */
export interface CorpusFile {
  file: string;
  origin: string;
  sha256: string;
  bytes: number;
  format: string;
  /** LINKTYPE_ numbers, with commas between them. */
  linkTypes: string;
  /** Whether it belongs to the small set that touches every tag. */
  core: boolean;
  tags: string[];
}

/** All captures of index.tsv. */
export function corpusIndex(): CorpusFile[] {
  const [head, ...rows] = readFileSync(join(CORPUS, "index.tsv"), "utf8").trimEnd().split("\n");
  const names = head!.split("\t");
  return rows.map((row) => {
    const cells = row.split("\t");
    const value = (name: string) => cells[names.indexOf(name)] ?? "";
    return {
      file: value("file"),
      origin: value("origin"),
      sha256: value("sha256"),
      bytes: Number(value("bytes")),
      format: value("format"),
      linkTypes: value("linktypes"),
      core: value("core") !== "",
      tags: value("tags").split(","),
    };
  });
}

/** The objects of one of the collection's ndjson files. */
export function corpusRows<Row>(name: string): Row[] {
  const lines = readFileSync(join(CORPUS, name), "utf8").split("\n");
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as Row);
}

/** Content of one capture. */
export function corpusBytes(file: string): Uint8Array {
  return readFileSync(join(CORPUS, file));
}
