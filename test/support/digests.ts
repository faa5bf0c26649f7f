/** Digests of all that the core gives out for a capture, computed alike wherever the core runs. */
import { Core } from "../../engine/core";
import { RoundTripReader } from "../../engine/round-trip";

/** SHA-256 of each bundle, and of the round trips as JSON lines, in hex. */
export interface Digests {
  bundles: string[];
  roundTrips: string;
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Reads a capture in chunks of `chunkBytes`. */
export async function digestsOf(module: WebAssembly.Module, capture: Uint8Array, chunkBytes: number): Promise<Digests> {
  const core = new Core(module, { events: true, bootId: 7n });
  const reader = new RoundTripReader(core.schema);
  const bundles: Uint8Array<ArrayBuffer>[] = [];
  const lines: string[] = [];
  core.drainTo({
    bundle: (bytes) => bundles.push(bytes.slice()),
    events: (view) => {
      for (const trip of reader.read(view)) lines.push(JSON.stringify(trip));
    },
  });
  const input = core.open("file");
  for (let at = 0; at < capture.length; at += chunkBytes) input.write(capture.subarray(at, at + chunkBytes));
  input.end();
  core.flush();
  return {
    bundles: await Promise.all(bundles.map(sha256)),
    roundTrips: await sha256(new TextEncoder().encode(lines.join("\n"))),
  };
}
