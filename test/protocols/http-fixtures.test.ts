/** The project's own HTTP captures say what their clients say that they sent and got. */
import { describe, expect, test } from "vitest";
import { clientCodes, clientMethods, FIXTURES, fixtureBytes, fixtureTruth } from "../support/fixtures";
import { figuresOf } from "../support/messages";
import { readRoundTrips } from "../support/round-trips";

describe.each(FIXTURES.filter((name) => name.startsWith("http1_")))("%s", (name) => {
  const truth = fixtureTruth(name);
  const trips = readRoundTrips(fixtureBytes(name)).filter(({ protocol }) => protocol === "http");
  const { methods, codes } = figuresOf(trips).http;

  test("methods", () => expect(methods).toEqual(clientMethods(truth)));

  test.runIf(truth.got)("status codes", () => expect(codes).toEqual(clientCodes(truth)));

  test("every request has its response", () => {
    const alone = trips.filter(({ request, response }) => !request || !response);
    // The request that is none, "GARBAGE", is answered with 400.
    expect(alone.map(({ response }) => response?.statusCode)).toEqual(truth.sent.malformed ? [400] : []);
  });
});
