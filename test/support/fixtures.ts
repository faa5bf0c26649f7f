/** The captures that come with the project, and what their clients say of them. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./repository";

const FOLDER = join(ROOT, "test/fixtures");

/** Names of all captures, sorted. */
export const FIXTURES = readdirSync(FOLDER)
  .filter((name) => name.endsWith(".pcap"))
  .sort();

/** Content of a capture. */
export function fixtureBytes(name: string): Uint8Array {
  return readFileSync(join(FOLDER, name));
}

/** What a client says that it sent and got. */
export interface Truth {
  sent: Record<string, number>;
  got?: Record<string, number>;
  rcodes?: Record<string, number>;
}

/** The client's record beside a capture. */
export function fixtureTruth(name: string): Truth {
  return JSON.parse(readFileSync(join(FOLDER, name.replace(/\.pcap$/, ".truth.json")), "utf8"));
}
