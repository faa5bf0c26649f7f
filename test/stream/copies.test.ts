/** What a capture of several interfaces shows more than once was not sent again: also without identifications, as of IPv6 and Linux' SYN-ACKs. */
import { expect, test } from "vitest";
import { type Captured, Conversation } from "../support/pcap-builder";
import { passing, type Shown, severalInterfaces, stagedTrips } from "../support/several-interfaces";

const REQUEST = "GET /copies HTTP/1.1\r\nhost: a.example\r\n\r\n";
const ANSWER = `HTTP/1.1 200 OK\r\ncontent-length: 4000\r\n\r\n${"x".repeat(4000)}`;
const SIX = { client: "2001:db8::1", server: "2001:db8::2" };
const TRIPS = 5;

function talk(form: ConstructorParameters<typeof Conversation>[0], again = false): Captured[] {
  const conversation = new Conversation(form).open();
  for (let trip = 0; trip < TRIPS; trip++) {
    const at = conversation.next.client;
    conversation.send("client", REQUEST);
    if (again) conversation.packet("client", "P.", REQUEST, at);
    conversation.send("server", ANSWER, 1440).acknowledge("client");
  }
  return conversation.close().packets;
}

/** Each packet by three interfaces, one after the other. */
const inTurn = (packets: readonly Captured[]) => packets.flatMap((packet) => passing(packet, [0, 1, 2], 1000n));

/** By each interface two packets, before the next shows them. */
function inPairs(packets: readonly Captured[]): Shown[] {
  const shown: Shown[] = [];
  for (let at = 0; at < packets.length; at += 2) {
    const pair = packets.slice(at, at + 2);
    for (const id of [0, 1, 2]) shown.push(...pair.map(({ bytes, timeNs }) => ({ bytes, id, timeNs: timeNs + BigInt(id) })));
  }
  const firstNs = packets[0]!.timeNs;
  return shown.map((one, place) => ({ ...one, timeNs: firstNs + BigInt(place) * 1000n }));
}

const sentAgain = (shown: readonly Shown[]) =>
  stagedTrips(severalInterfaces([...shown], 3)).map(({ status, tcp }) => `${status} ${tcp?.retransmissions}`);

test.each([
  ["IPv6, each packet in turn", SIX, inTurn],
  ["IPv6, in pairs", SIX, inPairs],
  ["IPv4, each packet in turn", {}, inTurn],
  ["IPv4, in pairs", {}, inPairs],
])("%s", (_, form, through) => {
  expect(sentAgain(through(talk(form)))).toEqual(Array(TRIPS).fill("ok 0"));
});

test("what is sent again counts once, however many interfaces show it", () => {
  expect(sentAgain(inTurn(talk(SIX, true)))).toEqual(Array(TRIPS).fill("ok 1"));
});
