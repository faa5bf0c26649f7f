/** Round trips in a few words, the same wherever they are shown. */
import type { FieldValue, MessageFields, RoundTrip } from "./round-trip.ts";
import { formatBytes, formatNumberOf } from "./units.ts";

type Describe = (message: MessageFields) => string;

/** How each protocol's requests read in one line; one that is not here shows all its fields. */
const REQUESTS: Record<string, Describe> = {
  dns: dnsRequest,
  http: httpRequest,
  http2: http2Request,
  websocket: websocketRequest,
  grpc: ({ service, method, path }) => words(service === undefined ? path : `${service}/${method}`),
  mysql: ({ command, fingerprint, statement }) => words(command, fingerprint ?? statement),
  postgresql: ({ kind, fingerprint, statement }) => words(kind, fingerprint ?? statement),
  redis: ({ command, key, keys }) => words(command, key, Number(keys) > 1 ? `+${Number(keys) - 1}` : undefined),
  kafka: ({ apiName, apiVersion, topics }) => words(`${apiName} v${apiVersion}`, topicsText(topics)),
  mongodb: ({ command, opCode, database, collection }) =>
    words(command ?? opCode, collection === undefined ? database : `${database}.${collection}`),
  amqp: amqpMethod,
  tls: ({ serverName, alpn, alert }) => words("hello", serverName, alpn, alert),
};
const RESPONSES: Record<string, Describe> = {
  dns: dnsResponse,
  http: httpResponse,
  http2: httpResponse,
  websocket: websocketSide,
  grpc: ({ grpcStatusName, grpcMessage, httpStatus, messages }) =>
    words(grpcStatusName ?? httpStatus, grpcMessage === grpcStatusName ? "" : grpcMessage, countText(messages, "message")),
  mysql: ({ errorCode, sqlState, errorMessage, rows, affectedRows }) =>
    words(errorCode, sqlState, errorMessage) || (countText(rows, "row") ?? (affectedRows ? `${affectedRows} changed` : "ok")),
  postgresql: ({ severity, sqlState, message, commandTag, rows }) =>
    words(severity, sqlState, message) || words(commandTag ?? countText(rows, "row") ?? "ok"),
  redis: ({ type, elements, isNull, errorMessage, errorCode, bodyBytes }) =>
    words(errorCode, errorMessage) || words(isNull ? "null" : type, countText(elements, "element"), bytesText(bodyBytes)),
  kafka: ({ errorName, records, partitions }) =>
    words(errorName, countText(records, "record"), countText(partitions, "partition")),
  mongodb: ({ code, codeName, message, documents }) =>
    words(code, codeName, message) || words("ok", countText(documents, "document")),
  amqp: amqpMethod,
  tls: ({ version, cipher, alpn, alert, resumed }) => words(version, cipher, alpn, resumed ? "resumed" : undefined, alert),
};

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

function http2Request({ method = "", authority = "", path = "" }: MessageFields): string {
  return `${method} ${authority}${path}`;
}

/** `basic.publish`, to or from where, and what went wrong. */
function amqpMethod(message: MessageFields): string {
  const { exchange, routingKey, queue, replyCode, replyText, bodyBytes } = message;
  const to = [exchange, routingKey].filter((part) => part !== undefined && part !== "").join("/");
  return words(`${message.class}.${message.method}`, to || queue, bytesText(bodyBytes), replyCode, replyText);
}

/** The first topic's name, and how many more there are. */
function topicsText(topics: FieldValue | undefined): string | undefined {
  if (!Array.isArray(topics) || topics.length === 0) return undefined;
  const [first] = topics;
  const name = typeof first === "string" ? first : String(Object.values(first!)[0]);
  return topics.length > 1 ? `${name} +${topics.length - 1}` : name;
}

/** What is there of some words, with spaces between. */
function words(...parts: (FieldValue | undefined)[]): string {
  return parts.filter((part) => part !== undefined && part !== "").join(" ");
}

function countText(count: FieldValue | undefined, thing: string): string | undefined {
  return typeof count === "number" ? formatNumberOf(count, thing) : undefined;
}

function bytesText(bytes: FieldValue | undefined): string | undefined {
  return typeof bytes === "number" && bytes > 0 ? formatBytes(bytes) : undefined;
}

function websocketRequest(message: MessageFields): string {
  const { host = "", path, target = "" } = message;
  return `${host}${path ?? target} ${websocketSide(message)}`;
}

function websocketSide({ messages, bodyBytes, closeCode }: MessageFields): string {
  const size = typeof bodyBytes === "number" ? formatBytes(bodyBytes) : "";
  return `${formatNumberOf(Number(messages), "message")}, ${size}${closeCode === undefined ? "" : `, close ${closeCode}`}`;
}

/** Whether a field of a message stands below the round trip's line and not in it; trailers do where headers are there. */
function isContent(name: string, message: MessageFields): boolean {
  return name === "headers" || name === "body" || (name === "trailers" && message.headers !== undefined);
}

/** All fields as name=value, but those that stand below the line. */
export function fields(message: MessageFields): string {
  return Object.entries(message)
    .filter(([name]) => !isContent(name, message))
    .map(([name, value]) => `${name}=${valueText(value)}`)
    .join(" ");
}

function valueText(value: FieldValue): string {
  if (!Array.isArray(value)) return String(value);
  return `[${value.map((item) => (typeof item === "string" ? item : Object.values(item).join(" "))).join(", ")}]`;
}
