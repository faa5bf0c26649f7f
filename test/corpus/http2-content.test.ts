/** Header fields, bodies and trailers that are kept of HTTP/2 and gRPC: what tshark takes out of the same captures. */
import { describe, expect, test } from "vitest";
import module from "../../build/core.wasm";
import type { RoundTrip } from "../../engine/round-trip";
import { keyLogOpener } from "../../shim/tls/opener";
import { type Row, rowsOf, tripsWithContents } from "../support/contents";
import { corpusBytes, HAS_CORPUS } from "../support/corpus";
import { type Exception, expectFew } from "../support/exceptions";
import { fixtureBytes, fixturePath } from "../support/fixtures";
import { HTTP2_CAPTURES } from "../support/http2-captures";
import { HAS_TSHARK } from "../support/tshark";
import { type StreamSide, sideKey, tsharkStreams } from "../support/tshark-http2";

const BODY_BYTES = 2048;
const OWN_FIELDS = new Set([":method", ":scheme", ":authority", ":path", ":status"]);
const GENERATED = ["grpc_node", "h2c_prior"].map((name) => `generated/${name}.pcap`);
/** Ports of ours, and what would take bodies from where they are looked for. */
const WORDS = ["-d", "tcp.port==50051,http2", "-d", "tcp.port==8085,http2", "--disable-protocol", "data-text-lines"];

/** Captures in which tshark tells otherwise. */
const EXCEPTIONS: Exception[] = [
  {
    file: "upstream/OISF/suricata-verify/tests/http2-continuation/input.pcap",
    packet: 16,
    reason: "of a header block in several frames tshark shows the first one's fields",
  },
];

const isHttp2 = ({ protocol }: RoundTrip) => protocol === "http2" || protocol === "grpc";
const fieldsOf = (block: Row[] = []) => block.filter(([name]) => !OWN_FIELDS.has(name));
const isInterim = (block: Row[]) => block.some(([name, value]) => name === ":status" && /^1(?!01)/.test(value));

/** What is kept of one side, and the same by tshark. */
function compare(side: StreamSide, message: NonNullable<RoundTrip["request"]>, isRequest: boolean) {
  const blocks = side.blocks.filter((block) => !isInterim(block));
  // A body that tshark gives to another dissector, or decompresses, is not shown.
  const isShown = side.body.length === message.bodyBytes;
  const body = isShown ? side.body.subarray(0, BODY_BYTES).toString("latin1") : message.body;
  return {
    kept: { headers: rowsOf(message), body: message.body ?? "", trailers: isRequest ? [] : rowsOf(message, "trailers") },
    wanted: { headers: fieldsOf(blocks[0]), body: body ?? "", trailers: isRequest ? [] : (blocks[1] ?? []) },
    bodyBytes: isShown ? side.body.length : 0,
  };
}

const optionsOf = (keys: string | undefined) => ({
  headers: true,
  bodyBytes: BODY_BYTES,
  raw: true,
  ...(keys === undefined ? {} : { tlsOpener: keyLogOpener(keys) }),
});

/** How many header fields and bytes of bodies of a capture were compared; where they differ. */
function comparisonOf(bytes: Uint8Array, keys?: string) {
  const streams = tsharkStreams(bytes, [...WORDS, ...(keys === undefined ? [] : ["-o", `tls.keylog_file:${keys}`])]);
  const found = { fields: 0, bodyBytes: 0, differ: [] as object[] };
  for (const { client, server, request, response, marks } of tripsWithContents(module, bytes, optionsOf(keys)).filter(isHttp2)) {
    const [asks, answers] = [client, server].map(({ address, port }) => `${address}:${port}`) as [string, string];
    for (const [from, to, message] of [
      [asks, answers, request],
      [answers, asks, response],
    ] as const) {
      const side = streams.get(sideKey(from, to, message?.streamId));
      // What asked for HTTP/2 in HTTP/1.1 has no block.
      if (message === undefined || side === undefined || side.blocks.length === 0) continue;
      const { kept, wanted, bodyBytes } = compare(side, message, from === asks);
      found.fields += kept.headers.length + kept.trailers.length;
      found.bodyBytes += bodyBytes;
      if (JSON.stringify(kept) !== JSON.stringify(wanted)) found.differ.push({ id: message.streamId, marks, kept, wanted });
    }
  }
  return found;
}

describe.runIf(HAS_TSHARK)("what is kept equals tshark's", () => {
  test("of calls", () => {
    const { fields, bodyBytes, differ } = comparisonOf(fixtureBytes("grpc_node.pcap"));
    expect(differ).toEqual([]);
    expect(fields).toBeGreaterThan(500);
    expect(bodyBytes).toBeGreaterThan(2000);
  });

  test("inside of TLS that is opened with keys", () => {
    const keys = fixturePath("h2_tls.pcap").replace(/pcap$/, "keys");
    const { fields, bodyBytes, differ } = comparisonOf(fixtureBytes("h2_tls.pcap"), keys);
    expect(differ).toEqual([]);
    expect(fields).toBeGreaterThan(20);
    expect(bodyBytes).toBeGreaterThan(100);
  });

  test.runIf(HAS_CORPUS).each(GENERATED)("of %s", (file) => {
    const { fields, bodyBytes, differ } = comparisonOf(corpusBytes(file));
    expect(differ).toEqual([]);
    expect(fields).toBeGreaterThan(500);
    expect(bodyBytes).toBeGreaterThan(2000);
  });

  test.runIf(HAS_CORPUS)("of others' captures, but for those exceptions", () => {
    const all = HTTP2_CAPTURES.map((file) => ({ file, ...comparisonOf(corpusBytes(file)) }));
    expectFew(EXCEPTIONS);
    expect(all.filter(({ differ }) => differ.length > 0).map(({ file }) => file)).toEqual(EXCEPTIONS.map(({ file }) => file));
    expect(all.reduce((sum, { fields }) => sum + fields, 0)).toBeGreaterThan(100);
    expect(all.reduce((sum, { bodyBytes }) => sum + bodyBytes, 0)).toBeGreaterThan(0);
  });
});
