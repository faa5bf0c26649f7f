/** Round trips of captures, through the engine. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { Core, type CoreOptions } from "../../engine/core";
import { type RoundTrip, RoundTripReader } from "../../engine/round-trip";
import { ROOT } from "./repository";

const PATH = join(ROOT, "build/core.wasm");
let compiled: WebAssembly.Module | undefined;

/** The built core. Throws where it was not built. */
export function coreModule(): WebAssembly.Module {
  if (!existsSync(PATH)) throw new Error("build/core.wasm is missing; run: npm run build");
  compiled ??= new WebAssembly.Module(readFileSync(PATH));
  return compiled;
}

/** All round trips of a capture file, gzipped or not, in the order in which they were decided. */
export function readRoundTrips(file: Uint8Array, options: CoreOptions = {}): RoundTrip[] {
  const bytes = file[0] === 0x1f && file[1] === 0x8b ? gunzipSync(file) : file;
  const core = new Core(coreModule(), { events: true, ...options });
  const reader = new RoundTripReader(core.schema);
  const found: RoundTrip[] = [];
  core.drainTo({
    events: (view) => {
      for (const trip of reader.read(view)) found.push(trip);
    },
  });
  const input = core.open("file");
  input.write(bytes);
  input.end();
  core.flush();
  return found;
}
