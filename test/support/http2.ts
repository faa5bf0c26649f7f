/** HTTP/2 over hand-made streams: frames, header blocks, and the round trips that come of them. */
import type { CoreOptions } from "../../engine/core";
import type { RoundTrip } from "../../engine/round-trip";
import { type Bytes, type Captured, Conversation, join, number, pcap, toBytes } from "./pcap-builder";
import { readRoundTrips } from "./round-trips";

/** The client's preface. */
export const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

export const TYPE = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  promise: 5,
  ping: 6,
  goaway: 7,
  window: 8,
  continuation: 9,
};
export const FLAG = { endStream: 1, acknowledge: 1, endHeaders: 4, padded: 8, priority: 32 };

/** A frame. */
export function frame(type: number, flags: number, stream: number, payload: Bytes = []): Uint8Array {
  const bytes = toBytes(payload);
  return join(number(bytes.length, 3), [type, flags], number(stream, 4), bytes);
}

/** A number of HPACK with a prefix of `bits`, the other bits of its first byte being `first` (RFC 7541 section 5.1). */
export function hpackNumber(value: number, bits: number, first: number): Uint8Array {
  const most = 2 ** bits - 1;
  if (value < most) return Uint8Array.of(first | value);
  const bytes = [first | most];
  let rest = value - most;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return Uint8Array.from([...bytes, rest]);
}

const text = (value: string) => join(hpackNumber(toBytes(value).length, 7, 0), value);

/** A field of the tables, by its index. */
export const indexed = (index: number) => hpackNumber(index, 7, 0x80);
/** A field whose name is an index or a text, added to the table. */
export const added = (name: number | string, value: string) =>
  typeof name === "number" ? join(hpackNumber(name, 6, 0x40), text(value)) : join([0x40], text(name), text(value));
/** The same, not added. */
export const plain = (name: number | string, value: string) =>
  typeof name === "number" ? join(hpackNumber(name, 4, 0), text(value)) : join([0], text(name), text(value));
/** The table's limit. */
export const limit = (bytes: number) => hpackNumber(bytes, 5, 0x20);

/** The first frames of both sides. */
export const START = join(PREFACE, frame(TYPE.settings, 0, 0, [0, 3, 0, 0, 0, 100]));
export const SERVER_START = join(frame(TYPE.settings, 0, 0), frame(TYPE.settings, FLAG.acknowledge, 0));

/** Header fields of a request, none of them added to the table. */
export const fields = (method: string, path: string, more: [string, string][] = []) =>
  join(
    method === "GET" ? indexed(2) : method === "POST" ? indexed(3) : plain(2, method),
    indexed(6),
    plain(1, "lab.test"),
    plain(4, path),
    ...more.map(([name, value]) => plain(name, value)),
  );

/** Header fields of a response. */
export const statusFields = (code: number, more: [string, string][] = []) =>
  join(code === 200 ? indexed(8) : plain(8, String(code)), ...more.map(([name, value]) => plain(name, value)));

/** A HEADERS frame with a whole block. */
export const headers = (stream: number, block: Bytes, ends = true) =>
  frame(TYPE.headers, FLAG.endHeaders | (ends ? FLAG.endStream : 0), stream, block);

/** A DATA frame. */
export const data = (stream: number, bytes: Bytes, ends = true) => frame(TYPE.data, ends ? FLAG.endStream : 0, stream, bytes);

/** A request without a body, and a response with one. */
export const get = (stream: number, path: string) => headers(stream, fields("GET", path));
export const answer = (stream: number, code = 200, body: Bytes = "ok") =>
  join(headers(stream, statusFields(code), false), data(stream, body));

/** A connection on which both sides have begun. */
export function http2(form: ConstructorParameters<typeof Conversation>[0] = {}): Conversation {
  return new Conversation(form).open().send("client", START).send("server", SERVER_START);
}

/** The round trips of some packets. */
export function tripsOf(packets: Captured[], options: CoreOptions = {}): RoundTrip[] {
  return readRoundTrips(pcap(packets), { budgetBytes: 8 << 20, ...options });
}

/** A round trip in one line: "1 GET /a 200 ok", with its marks behind; "-" for what is not there. */
export function line({ request: asked, response: answered, status, marks }: RoundTrip): string {
  const target = asked ? `${asked.streamId} ${asked.method ?? "-"} ${asked.path ?? "-"}` : `${answered?.streamId} -`;
  return [target, answered?.statusCode ?? "-", status, ...marks.filter((mark) => mark !== "mid-stream")].join(" ");
}

/** The lines of some packets' round trips. */
export function lines(packets: Captured[], options: CoreOptions = {}): string[] {
  return tripsOf(packets, options)
    .filter(({ protocol }) => protocol === "http2")
    .map(line);
}
