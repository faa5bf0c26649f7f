/** Round trips in a few words. */
import { expect, test } from "vitest";
import { describeRequest, describeResponse } from "../../shim/output/describe";
import { pcap } from "../support/pcap-builder";
import { readRoundTrips } from "../support/round-trips";
import { closing, pushed, sent, websocket } from "../support/websocket";

test("a WebSocket: where it went, and what each side sent", () => {
  const talk = websocket()
    .send("client", sent(1, "hello"))
    .send("server", pushed(2, "x".repeat(2000)));
  talk.send("server", pushed(8, closing(1001))).send("client", sent(8));
  const trip = readRoundTrips(pcap(talk.packets))[1]!;
  expect(describeRequest(trip)).toBe("ws.lab.test/live/17 1 message, 5 B, close 1005");
  expect(describeResponse(trip)).toBe("1 message, 2 kB, close 1001");
});
