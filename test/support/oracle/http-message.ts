/** Reads HTTP/1 messages out of whole streams, in which bytes may be missing. */
import type { Assembled } from "./tcp-stream";

/** A request or a response. */
export interface HttpMessage {
  /** First words of the start line: method and target, or status. */
  method: string;
  target: string;
  status: number;
  headers: Map<string, string>;
  start: number;
  /** Place after the last byte. */
  end: number;
}

const REQUEST = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+) +(\S+) +HTTP\/1\.[01]$/;
const STATUS = /^HTTP\/1\.[01] +(\d{3})(?: .*)?$/;

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}

/** A line at a place and where the next begins; undefined where it does not end before a hole. */
function readLine(stream: Assembled, at: number): { line: string; next: number } | undefined {
  const end = stream.bytes.indexOf(0x0a, at);
  if (end < 0 || end >= stream.hole(at)) return undefined;
  return { line: text(stream.bytes.subarray(at, end)).replace(/\r$/, ""), next: end + 1 };
}

/** Header fields at a place and where they end; `whole` is false where a hole cuts them. */
function readHeaders(stream: Assembled, from: number): { headers: Map<string, string>; end: number; whole: boolean } {
  const headers = new Map<string, string>();
  let at = from;
  while (true) {
    const read = readLine(stream, at);
    if (!read) return { headers, end: at, whole: false };
    at = read.next;
    if (read.line === "") return { headers, end: at, whole: true };
    const colon = read.line.indexOf(":");
    if (colon > 0) headers.set(read.line.slice(0, colon).toLowerCase(), read.line.slice(colon + 1).trim());
  }
}

/** Where a chunked body ends, trailers included. */
function chunkedEnd(stream: Assembled, from: number): number {
  let at = from;
  while (true) {
    const read = readLine(stream, at);
    if (!read) return stream.length;
    const length = Number.parseInt(read.line, 16);
    if (!(length >= 0)) return stream.length;
    at = read.next;
    if (length === 0) return readHeaders(stream, at).end;
    at += length;
    const after = readLine(stream, at);
    if (!after) return stream.length;
    at = after.next;
  }
}

/** Where a body ends that begins at a place; `isBare` says that none may follow. */
function bodyEnd(stream: Assembled, at: number, headers: Map<string, string>, isResponse: boolean, isBare: boolean): number {
  if (isBare) return at;
  if (/chunked/i.test(headers.get("transfer-encoding") ?? "")) return chunkedEnd(stream, at);
  const length = headers.get("content-length");
  if (length !== undefined) return Math.min(stream.length, at + Number(length));
  return isResponse ? stream.length : at;
}

function startLine(line: string): Pick<HttpMessage, "method" | "target" | "status"> | undefined {
  const request = REQUEST.exec(line);
  if (request) return { method: request[1]!, target: request[2]!, status: 0 };
  const status = STATUS.exec(line);
  return status ? { method: "", target: "", status: Number(status[1]) } : undefined;
}

/** Whether a message has no body whatever its headers say (RFC 9112 section 6.3). */
function hasNoBody(status: number, answered: string | undefined): boolean {
  if (status === 0) return false;
  return answered === "HEAD" || status < 200 || status === 204 || status === 304 || (answered === "CONNECT" && status < 300);
}

/** Next place at or after `at` where a segment begins with a start line. */
function resynchronise(stream: Assembled, at: number): number {
  const isStart = (place: number) => {
    const read = readLine(stream, place);
    return read !== undefined && startLine(read.line) !== undefined;
  };
  return stream.segmentStarts(at - 1).find(isStart) ?? stream.length;
}

/** The message at a place, or at the next place that begins one; undefined at the end. `answered` is the method that a response answers. */
export function httpMessage(stream: Assembled, from: number, answered?: string): HttpMessage | undefined {
  let at = from;
  while (at < stream.length) {
    const read = readLine(stream, at);
    const head = read && startLine(read.line);
    if (read?.line === "") at = read.next;
    else if (!head) at = resynchronise(stream, at + 1);
    else {
      const { headers, end, whole } = readHeaders(stream, read.next);
      const { status } = head;
      const isBare = hasNoBody(status, answered);
      const isResponse = status > 0;
      const last = whole ? bodyEnd(stream, end, headers, isResponse, isBare) : resynchronise(stream, end);
      return { ...head, headers, start: at, end: last };
    }
  }
  return undefined;
}
