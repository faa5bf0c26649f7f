/** Redis over hand-made streams. */
import type { CoreOptions } from "../../engine/core";
import type { RoundTrip } from "../../engine/round-trip";
import { type Captured, Conversation, pcap } from "./pcap-builder";
import { readRoundTrips } from "./round-trips";

/** A connection to a redis server that is open. */
export function redis(form: ConstructorParameters<typeof Conversation>[0] = {}): Conversation {
  return new Conversation({ serverPort: 6379, ...form }).open();
}

/** A command as an array of bulk strings. */
export function command(...words: (string | number)[]): string {
  return `*${words.length}\r\n${words.map((word) => bulk(String(word))).join("")}`;
}

/** A bulk string. */
export function bulk(text: string): string {
  return `$${new TextEncoder().encode(text).length}\r\n${text}\r\n`;
}

/** An array of these values. */
export function array(...values: string[]): string {
  return `*${values.length}\r\n${values.join("")}`;
}

export const OK = "+OK\r\n";

/** The redis round trips of some packets. */
export function tripsOf(packets: Captured[], options: CoreOptions = {}): RoundTrip[] {
  return readRoundTrips(pcap(packets), { budgetBytes: 8 << 20, ...options }).filter(({ protocol }) => protocol === "redis");
}

/** A round trip in one line: "GET user:1 bulk string ok", with its marks behind; "-" for what is not there. */
export function line({ request: asked, response: answer, status, marks }: RoundTrip): string {
  const command = asked ? [asked.command ?? "?", ...(asked.key === undefined ? [] : [asked.key])] : ["-"];
  return [...command, answer?.type ?? "-", status, ...marks.filter((mark) => mark !== "mid-stream")].join(" ");
}

/** The lines of some packets' round trips. */
export function lines(packets: Captured[], options: CoreOptions = {}): string[] {
  return tripsOf(packets, options).map(line);
}

/** The round trips of one side's bytes and the other's. */
export function exchange(asked: string, answer: string): RoundTrip[] {
  return tripsOf(redis().send("client", asked).send("server", answer).close().packets);
}
