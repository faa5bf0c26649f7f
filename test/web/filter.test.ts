/** The filter box: what it finds, and what it says of a filter that cannot be read. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Core } from "../../engine/core";
import type { RoundTrip } from "../../engine/round-trip";
import { Fields } from "../../web/capture/fields";
import { FilterError, parseFilter } from "../../web/capture/filter";
import { coreModule } from "../support/round-trips";

const fields = new Fields(new Core(coreModule()).schema);

const trip: RoundTrip = {
  time: "2026-01-31T12:00:00.000000000Z",
  protocol: "dns",
  status: "error",
  durationNs: 2_500_000,
  client: { address: "192.0.2.7", port: 40_000 },
  server: { address: "2001:db8::53", port: 53 },
  direction: "out",
  interface: 0,
  request: { bytes: 40, id: 7, name: "WWW.example.com", type: "AAAA", flags: ["rd", "ad"] },
  response: {
    bytes: 1200,
    id: 7,
    rcode: 3,
    rcodeName: "NXDOMAIN",
    records: [{ section: "authority", name: "example.com", ttl: 300 }],
  },
  timing: { serverNs: 2_000_000 },
  marks: ["retry"],
};

const matches = (filter: string) => parseFilter(filter, fields)(trip);
const faultOf = (filter: string) => {
  try {
    parseFilter(filter, fields);
    return "";
  } catch (error) {
    return error instanceof FilterError ? error.message : `not a FilterError: ${error}`;
  }
};

describe("a filter finds", () => {
  test.each([
    "",
    "example",
    "www.EXAMPLE.com nxdomain",
    "status:error",
    "status=error protocol=dns",
    "status:ok,error",
    "status!=ok",
    "-status:ok",
    "name:example",
    "request.name=www.example.com",
    "type=aaaa",
    "flags:ad",
    "rcode:3",
    "rcode=3",
    "rcodeName:NX",
    "port:53",
    "server.port:53",
    "client:192.0.2",
    "marks:retry",
    "marks:",
    "-ecs:",
    "bytes>1k",
    "response.bytes>=1200",
    "request.bytes<=40",
    "durationMs>2",
    "durationMs:2.5",
    "duration>2ms",
    "duration<2.6ms",
    "durationNs=2500000",
    "serverMs:2",
    'records:authority "example.com"',
    "DURATIONms>2",
  ])("it: %s", (filter) => expect(matches(filter)).toBe(true));

  test.each([
    "nothing",
    "status:ok",
    "-status:error",
    "example -nxdomain",
    "status!=error",
    "name=example.com.org",
    "rcode:30",
    "bytes>2k",
    "server.port:5",
    "durationMs>2.5",
    "handshakeRttMs>0",
    "-records:authority",
  ])("not it: %s", (filter) => expect(matches(filter)).toBe(false));
});

describe("a filter that cannot be read", () => {
  test.each([
    ["stat:error", "there is no field stat; did you mean status"],
    ["http://example.com", 'quote it: "http://example.com"'],
    ["durationMs>fast", "fast is no number; write durationMs>10"],
    ["duration>10min", "write duration>10ms"],
    ["status=", "status= wants a value, as in status=error"],
    ['name:"open', "the quote is not closed"],
    ["x".repeat(1001), "at most 1000 characters"],
  ])("says why: %s", (filter, reason) => expect(faultOf(filter)).toContain(reason));

  test("is a FilterError whatever is written", () => {
    const piece = fc.oneof(
      fc.string(),
      fc.constantFrom("status", ":", ">", "<=", "!=", '"', "-", ",", " ", "10ms", "durationMs", "."),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const fault = faultOf(pieces.join(""));
        expect(fault).not.toMatch(/^not a FilterError/);
        if (fault === "") expect(typeof matches(pieces.join(""))).toBe("boolean");
      }),
      { numRuns: 500 },
    );
  });
});
