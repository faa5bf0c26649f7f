/** Round trips of captures, through the engine; in node and in workerd. */
import { gunzipSync } from "node:zlib";
import module from "../../build/core.wasm";
import { Core, type CoreOptions } from "../../engine/core";
import { type RoundTrip, RoundTripReader } from "../../engine/round-trip";
import { tripsThrough } from "./core-trips";

/** The built core. */
export function coreModule(): WebAssembly.Module {
  return module;
}

/** All round trips of a capture file, gzipped or not, that `filter` wants, in the order in which they were decided. */
export function readRoundTrips(file: Uint8Array, options: CoreOptions = {}, filter = ""): RoundTrip[] {
  const bytes = file[0] === 0x1f && file[1] === 0x8b ? gunzipSync(file) : file;
  const core = new Core(module, { events: true, ...options });
  const fault = core.setFilter(filter);
  if (fault) throw new Error(fault.message);
  const reader = new RoundTripReader(core.schema, (_, name) => core.interfaceName(name));
  return tripsThrough(core, bytes, reader);
}
