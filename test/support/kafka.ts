/** Kafka over hand-made streams. */
import type { CoreOptions } from "../../engine/core";
import type { RoundTrip } from "../../engine/round-trip";
import { type Captured, Conversation, pcap } from "./pcap-builder";
import { readRoundTrips } from "./round-trips";

/** A connection to a broker that is open, on a port that says nothing. */
export function kafka(form: ConstructorParameters<typeof Conversation>[0] = {}): Conversation {
  return new Conversation({ serverPort: 19092, ...form }).open();
}

/** The Kafka round trips of some packets. */
export function tripsOf(packets: Captured[], options: CoreOptions = {}): RoundTrip[] {
  return readRoundTrips(pcap(packets), { budgetBytes: 8 << 20, ...options }).filter(({ protocol }) => protocol === "kafka");
}

/** A round trip in one line: "Produce 7 #3 NONE ok", with its marks behind; "-" for what is not there. */
export function line({ request, response, status, marks }: RoundTrip): string {
  const asked = request ? `${request.apiName} ${request.apiVersion} #${request.correlationId}` : "-";
  return [asked, response ? (response.errorName ?? "?") : "-", status, ...marks.filter((mark) => mark !== "mid-stream")].join(
    " ",
  );
}

/** The lines of some packets' round trips. */
export function lines(packets: Captured[]): string[] {
  return tripsOf(packets).map(line);
}

/** Several messages behind one another. */
export function together(...messages: Uint8Array[]): Uint8Array {
  return Uint8Array.from(messages.flatMap((message) => [...message]));
}
