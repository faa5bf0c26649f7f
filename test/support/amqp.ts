/** AMQP over hand-made streams. */
import type { CoreOptions } from "../../engine/core";
import type { RoundTrip } from "../../engine/round-trip";
import { type Captured, Conversation, pcap } from "./pcap-builder";
import { readRoundTrips } from "./round-trips";

type Part = number[];

export const u8 = (value: number): Part => [value & 255];
export const u16 = (value: number): Part => [(value >> 8) & 255, value & 255];
export const u32 = (value: number): Part => [...u16(value >>> 16), ...u16(value & 0xffff)];
export const u64 = (value: number): Part => [...u32(Math.floor(value / 2 ** 32)), ...u32(value >>> 0)];
export const short = (text: string): Part => [text.length, ...new TextEncoder().encode(text)];

/** "AMQP" 0 0 9 1. */
export const HEADER = Uint8Array.from([65, 77, 81, 80, 0, 0, 9, 1]);
export const HEARTBEAT = Uint8Array.from([8, 0, 0, 0, 0, 0, 0, 0xce]);

export function frame(type: number, channel: number, payload: Part): Uint8Array {
  return Uint8Array.from([type, ...u16(channel), ...u32(payload.length), ...payload, 0xce]);
}

export function method(channel: number, classId: number, methodId: number, ...parts: Part[]): Uint8Array {
  return frame(1, channel, [...u16(classId), ...u16(methodId), ...parts.flat()]);
}

/** Several frames behind one another. */
export function together(...frames: Uint8Array[]): Uint8Array {
  return Uint8Array.from(frames.flatMap((one) => [...one]));
}

/** The header of a body of `bytes`. */
export function contentHeader(channel: number, bytes: number, contentType = "text/plain"): Uint8Array {
  const flags = contentType ? 0x8000 : 0;
  const properties = contentType ? short(contentType) : [];
  return frame(2, channel, [...u16(60), ...u16(0), ...u64(bytes), ...u16(flags), ...properties]);
}

/** A header and a body of `bytes` in frames of `frameBytes`. */
export function content(channel: number, bytes: number, frameBytes = 4096, contentType = "text/plain"): Uint8Array {
  const frames = [contentHeader(channel, bytes, contentType)];
  for (let at = 0; at < bytes; at += frameBytes)
    frames.push(frame(3, channel, Array(Math.min(frameBytes, bytes - at)).fill(120)));
  return together(...frames);
}

export const publish = (channel: number, exchange: string, key: string, bytes = 10, frameBytes = 4096) =>
  together(method(channel, 60, 40, u16(0), short(exchange), short(key), u8(0)), content(channel, bytes, frameBytes));
export const deliver = (channel: number, tag: number, consumer = "c", bytes = 10) =>
  together(method(channel, 60, 60, short(consumer), u64(tag), u8(0), short("x"), short("k")), content(channel, bytes));
export const ack = (channel: number, tag: number, multiple = 0) => method(channel, 60, 80, u64(tag), u8(multiple));
export const nack = (channel: number, tag: number, bits = 0) => method(channel, 60, 120, u64(tag), u8(bits));
export const reject = (channel: number, tag: number) => method(channel, 60, 90, u64(tag), u8(1));
export const consume = (channel: number, queue: string, bits = 0, tag = "c") =>
  method(channel, 60, 20, u16(0), short(queue), short(tag), u8(bits), u32(0));
export const consumeOk = (channel: number, tag = "c") => method(channel, 60, 21, short(tag));
export const declare = (channel: number, queue: string, bits = 0) =>
  method(channel, 50, 10, u16(0), short(queue), u8(bits), u32(0));
export const declareOk = (channel: number, queue: string) => method(channel, 50, 11, short(queue), u32(3), u32(1));
export const select = (channel: number) => method(channel, 85, 10, u8(0));
export const selectOk = (channel: number) => method(channel, 85, 11);
export const get = (channel: number, queue: string) => method(channel, 60, 70, u16(0), short(queue), u8(0));
export const getOk = (channel: number, tag: number, bytes = 10) =>
  together(method(channel, 60, 71, u64(tag), u8(0), short("x"), short("k"), u32(4)), content(channel, bytes));
export const getEmpty = (channel: number) => method(channel, 60, 72, short(""));
export const close = (channel: number, code: number, text: string, classId = 0, methodId = 0) =>
  method(channel, channel === 0 ? 10 : 20, channel === 0 ? 50 : 40, u16(code), short(text), u16(classId), u16(methodId));
export const closeOk = (channel: number) => method(channel, channel === 0 ? 10 : 20, channel === 0 ? 51 : 41);

/** A connection to a broker that is open, on a port that says nothing, with the protocol's header sent. */
export function amqp(form: ConstructorParameters<typeof Conversation>[0] = {}): Conversation {
  return new Conversation({ serverPort: 15672, ...form }).open().send("client", HEADER);
}

/** The AMQP round trips of some packets. */
export function tripsOf(packets: Captured[], options: CoreOptions = {}): RoundTrip[] {
  return readRoundTrips(pcap(packets), { budgetBytes: 8 << 20, ...options }).filter(({ protocol }) => protocol === "amqp");
}

/** A round trip in one line: "1 publish x k #1 -> ack #1 ok", with its marks behind. */
export function line({ request, response, status, marks }: RoundTrip): string {
  const part = (one: RoundTrip["request"]) => {
    if (!one) return "-";
    const tag = one.deliveryTag === undefined ? "" : `#${one.deliveryTag}`;
    return [one.method, one.queue, one.exchange, one.routingKey, tag, one.replyCode]
      .filter((text) => text !== undefined && text !== "")
      .join(" ");
  };
  const channel = request?.channel ?? response?.channel;
  return [channel, part(request), "->", part(response), status, ...marks.filter((mark) => mark !== "mid-stream")].join(" ");
}

/** The lines of some packets' round trips. */
export function lines(packets: Captured[]): string[] {
  return tripsOf(packets).map(line);
}
