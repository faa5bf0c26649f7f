/** The project's own HTTP captures say what their clients say that they sent and got. */
import { describe, expect, test } from "vitest";
import { FIXTURES, fixtureBytes, fixtureTruth, type Truth } from "../support/fixtures";
import { figuresOf } from "../support/messages";
import { readRoundTrips } from "../support/round-trips";

const METHODS = /^[A-Z]+( \(inside tunnel\))?$/;

/** Methods that a client sent. What it sent through the tunnel travels twice: to the proxy and from it to the server. */
function methodsOf({ sent }: Truth): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const [name, count] of Object.entries(sent)) {
    if (!METHODS.test(name)) continue;
    const [method = "", ...inside] = name.split(" ");
    sum[method] = (sum[method] ?? 0) + count * (inside.length > 0 ? 2 : 1);
  }
  return sum;
}

/** Status codes that a client got, with those that the proxy got for it. */
function codesOf({ sent, got = {} }: Truth): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const [name, count] of Object.entries(got)) sum[name.replace("status ", "")] = count;
  const inside = sent["GET (inside tunnel)"];
  if (inside) sum["200"] = (sum["200"] ?? 0) + inside;
  return sum;
}

describe.each(FIXTURES.filter((name) => name.startsWith("http1_")))("%s", (name) => {
  const truth = fixtureTruth(name);
  const trips = readRoundTrips(fixtureBytes(name)).filter(({ protocol }) => protocol === "http");
  const { methods, codes } = figuresOf(trips).http;

  test("methods", () => expect(methods).toEqual(methodsOf(truth)));

  test.runIf(truth.got)("status codes", () => expect(codes).toEqual(codesOf(truth)));

  test("every request has its response", () => {
    const alone = trips.filter(({ request, response }) => !request || !response);
    // The request that is none, "GARBAGE", is answered with 400.
    expect(alone.map(({ response }) => response?.statusCode)).toEqual(truth.sent.malformed ? [400] : []);
  });
});
