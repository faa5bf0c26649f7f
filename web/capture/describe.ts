/** What a round trip was about, in a few words: the columns that fit every protocol. */
import type { FieldValue, MessageFields, RoundTrip } from "../../engine/round-trip";

/** Fields that say what was asked, the verb first, then its object; the first of each that is there counts. */
const VERBS = ["method", "type", "command", "operation", "opcode"];
const OBJECTS = ["path", "target", "name", "statement", "query", "key", "topic", "service"];
/** Fields that say how it ended. */
const RESULTS = ["statusCode", "rcodeName", "error", "code", "rcode", "status"];

function first(message: MessageFields | undefined, names: readonly string[]): FieldValue | undefined {
  return names.map((name) => message?.[name]).find((value) => value !== undefined);
}

/** What was asked: `GET /users`, `A example.com`. */
export function requestOf({ request, response }: RoundTrip): string {
  const message = request ?? response;
  const words = [first(message, VERBS), first(message, OBJECTS)].filter((word) => word !== undefined);
  const host = typeof message?.host === "string" ? message.host : "";
  const text = words.join(" ");
  return host === "" || words.length < 2 ? text || host : `${text} · ${host}`;
}

/** How it ended: `200`, `NXDOMAIN`; empty where no response came. */
export function resultOf({ response }: RoundTrip): string {
  return String(first(response, RESULTS) ?? "");
}

/** Bytes of both sides together. */
export function bytesOf({ request, response }: RoundTrip): number {
  return (request?.bytes ?? 0) + (response?.bytes ?? 0);
}

/** An endpoint as it is written. */
export function endpointOf({ address, port }: { address: string; port: number }): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}
