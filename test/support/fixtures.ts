/** The captures that come with the project, and what their clients say of them. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./repository";

const FOLDER = join(ROOT, "test/fixtures");

/** Names of all captures, sorted. */
export const FIXTURES = readdirSync(FOLDER)
  .filter((name) => name.endsWith(".pcap"))
  .sort();

/** Where a capture lies. */
export function fixturePath(name: string): string {
  return join(FOLDER, name);
}

/** Content of a capture. */
export function fixtureBytes(name: string): Uint8Array {
  return readFileSync(fixturePath(name));
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

const METHODS = /^[A-Z]+( \(inside tunnel\))?$/;

/** HTTP methods that a client sent. What it sent through the tunnel travels twice: to the proxy and from it to the server. */
export function clientMethods({ sent }: Truth): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const [name, count] of Object.entries(sent)) {
    if (!METHODS.test(name)) continue;
    const [method = "", ...inside] = name.split(" ");
    sum[method] = (sum[method] ?? 0) + count * (inside.length > 0 ? 2 : 1);
  }
  return sum;
}

/** HTTP status codes that a client got, with those that the proxy got for it. */
export function clientCodes({ sent, got = {} }: Truth): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const [name, count] of Object.entries(got)) sum[name.replace("status ", "")] = count;
  const inside = sent["GET (inside tunnel)"];
  if (inside) sum["200"] = (sum["200"] ?? 0) + inside;
  return sum;
}
