/** The captures of the benchmark, each made once and kept in bench/.data. */
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../../scripts/lib/run.mjs";
import { generate } from "../generate.mjs";

const DATA = join(ROOT, "bench/.data");

/** The capture of a kind and length: its path, and the generator's record of it. */
export function capture(kind, packets) {
  mkdirSync(DATA, { recursive: true });
  const path = join(DATA, `${kind}-${packets}.pcap`);
  if (!existsSync(`${path}.json`)) generate(kind, packets, path);
  return { path, record: JSON.parse(readFileSync(`${path}.json`, "utf8")) };
}
