/** Headers and bodies that are kept, out of captures with something wrong and of headers in any order: the checked core traps on none of them. */
import fc from "fast-check";
import { expect, test } from "vitest";
import module from "../../build/core.checked.wasm";
import { Core } from "../../engine/core";
import type { RoundTrip } from "../../engine/round-trip";
import { tripsThrough } from "../support/core-trips";
import { DAMAGES } from "../support/damage";
import { FIXTURES, fixtureBytes } from "../support/fixtures";
import { Conversation, pcap } from "../support/pcap-builder";
import { numbers } from "../support/record-lengths";

const ROUNDS = 15;
/** Of what is kept; a byte that is no text is shown in three. */
const HEADERS_BYTES_MAX = 3 * 2048;
const FILES = FIXTURES.filter((name) => name.startsWith("http1"));

/** The round trips of a capture with all that is kept, by the core with its asserts on. */
function kept(file: Uint8Array): RoundTrip[] {
  const core = new Core(module, { events: true, budgetBytes: 8 << 20, headers: true, bodyBytes: 2048, raw: true });
  return tripsThrough(core, file);
}

const rowsOf = (message: RoundTrip["request"]) => (message?.headers ?? []) as { name: string; value: string }[];

test.each(Object.keys(DAMAGES))(
  "%s, it ends, and what is kept is bounded",
  (name) => {
    for (const [index, file] of FILES.entries()) {
      const next = numbers(index + 1);
      for (let round = 0; round < ROUNDS; round++) {
        for (const { request, response } of kept(DAMAGES[name]!(Uint8Array.from(fixtureBytes(file)), next))) {
          for (const message of [request, response]) {
            const bytes = rowsOf(message).reduce((sum, row) => sum + 4 + Buffer.byteLength(row.name + row.value), 0);
            expect(bytes).toBeLessThanOrEqual(HEADERS_BYTES_MAX);
          }
        }
      }
    }
  },
  60_000,
);

test("any headers in any order and any pieces are what was written", () => {
  const name = fc.constantFrom(
    "Host",
    "User-Agent",
    "Content-Type",
    "traceparent",
    "Content-Encoding",
    "Accept",
    "X-A",
    "X-Some-Longer-Name",
  );
  const value = fc.string({ unit: fc.constantFrom("a", "b", "/", ":", "1"), maxLength: 60 });
  const list = fc.array(fc.tuple(name, value), { maxLength: 16 });
  fc.assert(
    fc.property(list, list, fc.integer({ min: 1, max: 300 }), (asked, answered, segment) => {
      const written = (first: string, rows: readonly [string, string][]) =>
        `${[first, ...rows.map(([name, value]) => `${name}: ${value}`)].join("\r\n")}\r\n`;
      const request = `${written("POST /a HTTP/1.1", asked)}Content-Length: 4\r\n\r\nbody`;
      const response = `${written("HTTP/1.1 200 OK", answered)}Content-Length: 6\r\n\r\nanswer`;
      const talk = new Conversation().open().send("client", request, segment).send("server", response, segment).close();
      const [trip] = kept(pcap(talk.packets));
      const shown = [trip?.request, trip?.response].map((message) => rowsOf(message).map(({ name, value }) => [name, value]));
      expect(shown).toEqual([
        [...asked, ["Content-Length", "4"]],
        [...answered, ["Content-Length", "6"]],
      ]);
      expect([trip?.request?.body, trip?.response?.body]).toEqual(["body", "answer"]);
      const first = (rows: readonly [string, string][], wanted: string) =>
        rows.find(([name, value]) => name === wanted && value !== "")?.[1];
      expect(trip?.request?.userAgent).toBe(first(asked, "User-Agent"));
      expect(trip?.response?.contentType).toBe(first(answered, "Content-Type"));
      expect(trip?.response?.contentEncoding).toBe(first(answered, "Content-Encoding"));
    }),
    { numRuns: 300 },
  );
}, 60_000);
