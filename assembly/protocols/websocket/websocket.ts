/**
 * WebSocket (RFC 6455), from the HTTP handshake that begins it: one round trip a connection, when it ends.
 *
 * ```
 *   begin.ts  taken over from HTTP, reported     parse.ts  frames, gaps, ends     frame.ts  headers
 * ```
 * The request counts what the client sent, the response what the server sent: frames and bytes by opcode, messages, the code that
 * closed. The outcome is that of the close frame that came first; without one, of the connection. The handshake is HTTP's round
 * trip. Compressed messages (RFC 7692) count as they are on the wire. A connection joined in its middle is not recognised: frames
 * have too little that tells them from other bytes. Over HTTP/2 (RFC 8441) the frames are a stream's body.
 */
import { setObserver } from "../../roundtrip/observers";
import { declareProtocol, OVER_TCP } from "../protocol";
import { Successor, setSuccessor } from "../shared/upgrade";
import { copyUpgrade, letGo, takeUpgrade } from "./begin";
import * as F from "./fields";
import { observeWebSocket, WebSocketMetrics } from "./metrics";
import { onBytes, onFinish, onGap, probeWebSocket } from "./parse";
import { Half, STATE_BYTES } from "./state";

/** Declares protocol `number`, its fields and its metrics. */
export function declareWebSocket(number: u32): void {
  assert(number == F.WEBSOCKET && STATE_BYTES >= 2 * offsetof<Half>() + 2);
  const protocol = declareProtocol(
    number,
    "websocket",
    "80,8080",
    "WebSocket, after its handshake in HTTP/1.1: one round trip a connection.",
  );
  protocol.transports = <u8>OVER_TCP;
  protocol.stateBytes = <u16>STATE_BYTES;
  protocol.probe = probeWebSocket.index;
  protocol.parse = onBytes.index;
  protocol.gap = onGap.index;
  protocol.finish = onFinish.index;
  protocol.release = letGo.index;
  setSuccessor(Successor.WEBSOCKET, copyUpgrade.index, takeUpgrade.index);
  setObserver(number, observeWebSocket.index);
  F.declareWebSocketFields(number);
  WebSocketMetrics.declare();
}
