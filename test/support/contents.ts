/** Round trips with what is kept of headers and bodies, the bytes of bodies as they were. */
import { Core, type CoreOptions } from "../../engine/core";
import { type MessageFields, type RoundTrip, RoundTripReader } from "../../engine/round-trip";
import { tripsThrough } from "./core-trips";

export type Row = [name: string, value: string];

/** The round trips of a capture with all that is kept, or what `options` say; a body is text of one character a byte. */
export function tripsWithContents(
  module: WebAssembly.Module,
  file: Uint8Array,
  options: CoreOptions = { headers: true, bodyBytes: 2048, raw: true },
): RoundTrip[] {
  const core = new Core(module, { events: true, budgetBytes: 8 << 20, ...options });
  const reader = new RoundTripReader(
    core.schema,
    () => undefined,
    (bytes) => Buffer.from(bytes).toString("latin1"),
  );
  return tripsThrough(core, file, reader);
}

/** Names and values of a message's headers, or of its trailers. */
export function rowsOf(message: MessageFields | undefined, field: "headers" | "trailers" = "headers"): Row[] {
  return ((message?.[field] ?? []) as { name: string; value: string }[]).map(({ name, value }): Row => [name, value]);
}
