/** The project's own capture of Kafka says what its client says that it sent and got. */
import { describe, expect, test } from "vitest";
import { FIXTURES, fixtureBytes, fixtureTruth } from "../support/fixtures";
import { readRoundTrips } from "../support/round-trips";

describe("kafka_kafkajs.pcap", () => {
  const truth = fixtureTruth("kafka_kafkajs.pcap") as ReturnType<typeof fixtureTruth> & { sent_messages: number };
  const trips = readRoundTrips(fixtureBytes("kafka_kafkajs.pcap"));

  test("requests by name and version", () => {
    const found: Record<string, number> = {};
    for (const { request } of trips) {
      // The client has an older name for it.
      const name = String(request!.apiName).replace("FindCoordinator", "GroupCoordinator");
      const key = `${name} v${request!.apiVersion}`;
      found[key] = (found[key] ?? 0) + 1;
    }
    expect(found).toEqual(truth.sent);
  });

  test("each has its response, and none an error", () => {
    expect(trips.filter(({ status, response }) => status !== "ok" || response?.errorCode !== 0)).toEqual([]);
  });

  test("records sent", () => {
    const sent = trips.filter(({ request }) => request!.apiName === "Produce");
    expect(sent.reduce((sum, { request }) => sum + Number(request!.records), 0)).toBe(truth.sent_messages);
  });

  test("records got: a fetch brings whole batches, of which the client takes what it has not seen", () => {
    const got = trips.filter(({ request }) => request!.apiName === "Fetch");
    const records = got.reduce((sum, { response }) => sum + Number(response!.records ?? 0), 0);
    expect(records).toBeGreaterThanOrEqual(truth.got!.consumed!);
  });
});

test("no other capture is taken for it", () => {
  for (const name of FIXTURES.filter((one) => !one.startsWith("kafka_"))) {
    expect(
      readRoundTrips(fixtureBytes(name)).filter(({ protocol }) => protocol === "kafka"),
      name,
    ).toEqual([]);
  }
});
