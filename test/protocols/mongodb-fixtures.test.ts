/** The project's own capture of MongoDB says what its client says that it sent and got. */
import { describe, expect, test } from "vitest";
import { FIXTURES, fixtureBytes, fixtureTruth } from "../support/fixtures";
import { readRoundTrips } from "../support/round-trips";

describe("mongo_node.pcap", () => {
  const truth = fixtureTruth("mongo_node.pcap") as ReturnType<typeof fixtureTruth> & { implicit: Record<string, number> };
  const trips = readRoundTrips(fixtureBytes("mongo_node.pcap"));
  const asked = trips.filter(({ request }) => request!.opCode === "OP_MSG");

  test("commands", () => {
    const found: Record<string, number> = {};
    for (const { request } of asked) found[String(request!.command)] = (found[String(request!.command)] ?? 0) + 1;
    expect(found).toEqual(truth.sent);
  });

  test("what the client sent by itself", () => {
    const hello = trips.filter(({ request }) => request!.opCode === "OP_QUERY");
    expect(hello.length).toBe(truth.implicit["OP_QUERY hello (per connection)"]);
    expect(new Set(hello.map(({ request }) => request!.command))).toEqual(new Set(["ismaster"]));
  });

  test("outcomes", () => {
    const ok = asked.filter(({ status }) => status === "ok").length;
    expect({ ok, failed: asked.length - ok }).toEqual(truth.got);
    // The client wants no response to its last word.
    expect(trips.filter(({ response }) => !response).map(({ request }) => request!.command)).toEqual(["endSessions"]);
  });
});

test("no other capture is taken for it", () => {
  for (const name of FIXTURES.filter((one) => !one.startsWith("mongo_"))) {
    expect(
      readRoundTrips(fixtureBytes(name)).filter(({ protocol }) => protocol === "mongodb"),
      name,
    ).toEqual([]);
  }
});
