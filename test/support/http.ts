/** HTTP over hand-made streams. */
import type { CoreOptions } from "../../engine/core";
import type { RoundTrip } from "../../engine/round-trip";
import { type Captured, Conversation, pcap } from "./pcap-builder";
import { readRoundTrips } from "./round-trips";

/** A connection to a server's port 80 that is open. */
export function http(form: ConstructorParameters<typeof Conversation>[0] = {}): Conversation {
  return new Conversation(form).open();
}

/** A request line with headers, all lines ended by CRLF, and a body. */
export function request(line: string, headers: string[] = ["Host: lab.test"], body = ""): string {
  return `${[line, ...headers].join("\r\n")}\r\n\r\n${body}`;
}

/** A response that says how long its body is. */
export function response(status: string, body = "", headers: string[] = []): string {
  return `HTTP/1.1 ${[status, ...headers, `Content-Length: ${body.length}`].join("\r\n")}\r\n\r\n${body}`;
}

/** The HTTP round trips of some packets. */
export function tripsOf(packets: Captured[], options: CoreOptions = {}): RoundTrip[] {
  return readRoundTrips(pcap(packets), { budgetBytes: 8 << 20, ...options }).filter(({ protocol }) => protocol === "http");
}

/** A round trip in one line: "GET /a 200 ok", with its marks behind; "-" for what is not there. */
export function line({ request: asked, response: answer, status, marks }: RoundTrip): string {
  const target = asked ? `${asked.method} ${asked.path ?? asked.target ?? "-"}` : "-";
  return [target, answer?.statusCode ?? "-", status, ...marks.filter((mark) => mark !== "mid-stream")].join(" ");
}

/** The lines of some packets' round trips. */
export function lines(packets: Captured[], options: CoreOptions = {}): string[] {
  return tripsOf(packets, options).map(line);
}
