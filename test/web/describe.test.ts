/** The cells of the page's table, of every protocol there is. */
import { expect, test } from "vitest";
import { requestOf, resultOf } from "../../web/capture/describe";
import { FIXTURES, fixtureBytes } from "../support/fixtures";
import { readRoundTrips } from "../support/round-trips";

test.each(FIXTURES)("%s: none is empty where something is known", (name) => {
  for (const trip of readRoundTrips(fixtureBytes(name))) {
    expect(requestOf(trip), JSON.stringify(trip)).not.toBe("");
    expect(resultOf(trip) !== "", JSON.stringify(trip)).toBe(trip.response !== undefined);
  }
});
