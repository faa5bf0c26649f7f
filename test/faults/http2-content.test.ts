/**
 * Header fields and bodies of HTTP/2 and gRPC that are kept, out of captures with something wrong: the checked core traps on none of them,
 * what is kept is bounded, and where packets are only lost, doubled, out of order or cut it is what was there.
 */
import { expect, test } from "vitest";
import module from "../../build/core.checked.wasm";
import type { RoundTrip } from "../../engine/round-trip";
import { rowsOf, tripsWithContents } from "../support/contents";
import { DAMAGES } from "../support/damage";
import { fixtureBytes } from "../support/fixtures";
import { numbers } from "../support/record-lengths";

const ROUNDS = 12;
/** Of what is kept; a byte that is no text is shown in three. */
const HEADERS_BYTES_MAX = 3 * 2048;
const TRAILERS_BYTES_MAX = 3 * 1024;
const FILE = fixtureBytes("grpc_node.pcap");
/** What leaves the bytes of packets as they are. */
const HARMLESS = new Set(["records out of order, lost and doubled", "packets cut short"]);

const bytesIn = (message: RoundTrip["request"], field: "headers" | "trailers") =>
  rowsOf(message, field).reduce((sum, [name, value]) => sum + 4 + Buffer.byteLength(name + value), 0);
const sides = ({ request, response }: RoundTrip) => [request, response].filter((message) => message !== undefined);

/** What there is of each side of each stream, of the one connection that the capture has. */
const truth = new Map<string, NonNullable<RoundTrip["request"]>>();
for (const trip of tripsWithContents(module, FILE)) {
  for (const [index, message] of sides(trip).entries()) truth.set(`${index} ${message.streamId}`, message);
}

test("the capture is whole", () => {
  expect([...truth.values()].filter((message) => bytesIn(message, "headers") > 0).length).toBeGreaterThan(100);
});

test.each(Object.keys(DAMAGES))(
  "%s, it ends, and what is kept is bounded",
  (name) => {
    const next = numbers(7);
    let rows = 0;
    for (let round = 0; round < ROUNDS; round++) {
      for (const trip of tripsWithContents(module, DAMAGES[name]!(Uint8Array.from(FILE), next))) {
        for (const message of sides(trip)) {
          expect(bytesIn(message, "headers")).toBeLessThanOrEqual(HEADERS_BYTES_MAX);
          expect(bytesIn(message, "trailers")).toBeLessThanOrEqual(TRAILERS_BYTES_MAX);
          if (!HARMLESS.has(name)) continue;
          const whole = truth.get(`${message === trip.request ? 0 : 1} ${message.streamId}`);
          for (const field of ["headers", "trailers"] as const) {
            const there = rowsOf(whole, field).map(String);
            rows += rowsOf(message, field).length;
            for (const row of rowsOf(message, field)) expect(there).toContain(String(row));
          }
          expect(String(whole?.body ?? "").startsWith(String(message.body ?? ""))).toBe(true);
        }
      }
    }
    if (HARMLESS.has(name)) expect(rows).toBeGreaterThan(500);
  },
  60_000,
);
