/** WebSocket over hand-made streams: frames, the handshake before them, and the round trips that come of them. */
import type { CoreOptions } from "../../engine/core";
import type { MessageFields, RoundTrip } from "../../engine/round-trip";
import { request } from "./http";
import { type Bytes, type Captured, Conversation, join, number, pcap, toBytes } from "./pcap-builder";
import { readRoundTrips } from "./round-trips";

export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 };
const KEY = [0x37, 0xfa, 0x21, 0x3d];

export interface FrameForm {
  /** Whether the message goes on in another frame. */
  more?: boolean;
  /** RSV bits: 4 says compressed. */
  reserved?: number;
  /** Bytes of the length, more than it needs. */
  lengthBytes?: 0 | 2 | 8;
}

/** A frame; the client's is masked (RFC 6455 section 5.3). */
export function frame(opcode: number, payload: Bytes, isMasked: boolean, form: FrameForm = {}): Uint8Array {
  const bytes = toBytes(payload);
  const lengthBytes = form.lengthBytes ?? (bytes.length < 126 ? 0 : bytes.length < 65536 ? 2 : 8);
  const length = lengthBytes === 0 ? bytes.length : lengthBytes === 2 ? 126 : 127;
  const first = (form.more ? 0 : 0x80) | ((form.reserved ?? 0) << 4) | opcode;
  const rest = lengthBytes === 0 ? [] : number(bytes.length, lengthBytes);
  const masked = isMasked
    ? join(
        KEY,
        bytes.map((byte, index) => byte ^ KEY[index % 4]!),
      )
    : bytes;
  return join([first, (isMasked ? 0x80 : 0) | length], rest, masked);
}

/** A frame of the client, and one of the server. */
export const sent = (opcode: number, payload: Bytes = "", form?: FrameForm) => frame(opcode, payload, true, form);
export const pushed = (opcode: number, payload: Bytes = "", form?: FrameForm) => frame(opcode, payload, false, form);
/** A close frame's payload. */
export const closing = (code: number, reason = "") => join(number(code, 2), reason);

/** The two messages of a handshake. */
export const ASKED = request("GET /live/17?token=x HTTP/1.1", [
  "Host: ws.lab.test",
  "User-Agent: probe/1",
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
]);
export const AGREED =
  "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

/** A connection behind its handshake. */
export function websocket(form: ConstructorParameters<typeof Conversation>[0] = {}): Conversation {
  return new Conversation(form).open().send("client", ASKED).send("server", AGREED);
}

/** The WebSocket round trips of some packets. */
export function tripsOf(packets: Captured[], options: CoreOptions = {}): RoundTrip[] {
  const trips = readRoundTrips(pcap(packets), { budgetBytes: 8 << 20, ...options });
  return trips.filter(({ protocol }) => protocol === "websocket");
}

const side = (message: MessageFields | null | undefined) =>
  message ? `${message.frames}/${message.bodyBytes}${message.closeCode === undefined ? "" : `/${message.closeCode}`}` : "-";

/** A round trip in one line: path, frames, bytes and close code of the client and of the server, outcome, marks. */
export function line({ request: asked, response: answer, status, marks }: RoundTrip): string {
  return [asked?.path ?? "-", side(asked), side(answer), status, ...marks].join(" ");
}

/** The lines of some packets' round trips. */
export function lines(packets: Captured[], options: CoreOptions = {}): string[] {
  return tripsOf(packets, options).map(line);
}
