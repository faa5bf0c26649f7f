/** Streams of other projects' captures: status codes as tshark shows them. */
import { describe, expect, test } from "vitest";
import { corpusBytes, HAS_CORPUS } from "../support/corpus";
import { type Exception, expectFew } from "../support/exceptions";
import { HTTP2_CAPTURES } from "../support/http2-captures";
import { readRoundTrips } from "../support/round-trips";
import { HAS_TSHARK, tsharkFields } from "../support/tshark";

/** Captures in which tshark counts otherwise: the first packet that shows it, and why. */
const EXCEPTIONS: Exception[] = [
  {
    file: "upstream/OISF/suricata-verify/tests/app-layer-protocol-exact/input.pcap",
    packet: 21,
    reason: "the response of stream 7 comes after the client reset it in packet 20: the round trip was reported as reset",
  },
];

describe.runIf(HAS_CORPUS && HAS_TSHARK)("streams equal tshark's", () => {
  test("status codes, but for those exceptions", () => {
    const differ = HTTP2_CAPTURES.filter((file) => {
      const bytes = corpusBytes(file);
      const trips = readRoundTrips(bytes, { keepDuplicates: true }).filter(({ protocol }) => /^(http2|grpc)$/.test(protocol));
      const found = trips
        .map(({ response }) => response?.statusCode ?? response?.httpStatus)
        .filter((code) => code !== undefined)
        .map(String);
      const wanted = tsharkFields(bytes, ["http2.headers.status"])
        .flat()
        .flatMap((cell) => cell.split(","))
        .filter((code) => code !== "");
      return found.sort().join() !== wanted.sort().join();
    });
    expectFew(EXCEPTIONS);
    expect(differ).toEqual(EXCEPTIONS.map(({ file }) => file));
  });

  test.runIf(HAS_CORPUS)("from the middle, on ports that tshark does not know", () => {
    const folder = "upstream/deepflowio/deepflow/agent/resources/test/flow_generator/http";
    const line = (name: string) =>
      readRoundTrips(corpusBytes(`${folder}/${name}`)).map(({ protocol, request, response, status }) =>
        [protocol, request?.streamId ?? response?.streamId, response?.statusCode ?? response?.httpStatus ?? "-", status].join(
          " ",
        ),
      );
    expect(line("http2-multi.pcap").filter((text) => / 200 /.test(text)).length).toBeGreaterThan(0);
    expect(line("grpc-unary.pcap").length).toBe(1);
    expect(line("h2c_ascii.pcap").length).toBe(1);
  });
});
