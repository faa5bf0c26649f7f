import type { FieldValue, MessageFields, RoundTrip } from "../../engine/round-trip";
import { formatBytes, formatNumberOf } from "./units";

type Describe = (message: MessageFields) => string;

/** How each protocol's requests and responses read in one line; others show all their fields. */
const REQUESTS: Record<string, Describe> = { dns: dnsRequest, http: httpRequest, websocket: websocketRequest };
const RESPONSES: Record<string, Describe> = { dns: dnsResponse, http: httpResponse, websocket: websocketSide };

const RECORDS_SHOWN_MAX = 3;

/** The request in a few words. */
export function describeRequest({ protocol, request, response }: RoundTrip): string {
  if (request) return (REQUESTS[protocol] ?? fields)(request);
  return response && protocol === "dns" ? `(${dnsRequest(response)})` : "(no request)";
}

/** The response in a few words. */
export function describeResponse({ protocol, response, status }: RoundTrip): string {
  return response ? (RESPONSES[protocol] ?? fields)(response) : `(${status})`;
}

function dnsRequest({ type = "", name = "" }: MessageFields): string {
  return `${type} ${name}`;
}

function dnsResponse({ rcodeName = "", records, answers = 0 }: MessageFields): string {
  const all = Array.isArray(records) ? (records as Record<string, string | number>[]) : [];
  const data = all.filter((record) => record.section === "answer").map((record) => record.data || `${record.type}`);
  const more = Number(answers) - Math.min(data.length, RECORDS_SHOWN_MAX);
  const shown = data.slice(0, RECORDS_SHOWN_MAX).join(", ");
  return [rcodeName, shown, more > 0 ? `+${more}` : ""].filter((part) => part !== "").join(" ");
}

function httpRequest({ method = "", host = "", path, target = "" }: MessageFields): string {
  return `${method} ${path === undefined ? target || host : `${host}${path}`}`;
}

function httpResponse({ statusCode = "", contentType = "", bodyBytes }: MessageFields): string {
  const size = typeof bodyBytes === "number" ? formatBytes(bodyBytes) : "";
  return [statusCode, String(contentType).replace(/;.*$/, ""), size].filter((part) => part !== "").join(" ");
}

function websocketRequest(message: MessageFields): string {
  const { host = "", path, target = "" } = message;
  return `${host}${path ?? target} ${websocketSide(message)}`;
}

function websocketSide({ messages, bodyBytes, closeCode }: MessageFields): string {
  const size = typeof bodyBytes === "number" ? formatBytes(bodyBytes) : "";
  return `${formatNumberOf(Number(messages), "message")}, ${size}${closeCode === undefined ? "" : `, close ${closeCode}`}`;
}

/** All fields as name=value. */
export function fields(message: MessageFields): string {
  return Object.entries(message)
    .map(([name, value]) => `${name}=${valueText(value)}`)
    .join(" ");
}

function valueText(value: FieldValue): string {
  if (!Array.isArray(value)) return String(value);
  return `[${value.map((item) => (typeof item === "string" ? item : Object.values(item).join(" "))).join(", ")}]`;
}
