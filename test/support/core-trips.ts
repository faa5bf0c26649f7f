import type { Core } from "../../engine/core";
import { type RoundTrip, RoundTripReader } from "../../engine/round-trip";

/** All round trips that a core makes of a capture file, in the order in which they were decided. */
export function tripsThrough(core: Core, file: Uint8Array, reader = new RoundTripReader(core.schema)): RoundTrip[] {
  const found: RoundTrip[] = [];
  core.drainTo({
    events: (view) => {
      for (const trip of reader.read(view)) found.push(trip);
    },
  });
  const input = core.open("file");
  input.write(file);
  input.end();
  core.flush();
  return found;
}
