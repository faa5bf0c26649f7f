/** What an idle connection costs: see test/support/idle.ts. */
import { compileEntry } from "./lib/compile-entry.mjs";
import { row } from "./lib/row.mjs";
import { runBundled } from "./lib/run-bundled.mjs";

const BYTES_MOST = 512;

export async function idle() {
  await compileEntry("test/support/idle.entry.ts");
  const found = await runBundled("idle", ["build/bench/idle.wasm"]);
  return found.map(({ name, bytes }) => row(`idle connection of ${name}`, bytes, { digits: 0, most: BYTES_MOST, unit: "B" }));
}
