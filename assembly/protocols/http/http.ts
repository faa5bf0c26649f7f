/**
 * HTTP 1.0 and 1.1 (RFC 9110, 9112), by content on any port.
 *
 * ```
 *   parse.ts  start lines and headers      body.ts   bodies, chunks, trailers      seek.ts   gaps, garbage, ends
 *   match.ts  which request is answered    metrics.ts and ../shared/template.ts   what is counted
 * ```
 * Interim responses (100, 103) go with the final one. A CONNECT that is granted begins a tunnel, in which recognition starts
 * anew; 101 ends HTTP on the connection, which HTTP/2 or WebSocket takes over where it is theirs (../shared/upgrade.ts).
 */
import { Conversation } from "../../roundtrip/conversation";
import { setObserver } from "../../roundtrip/observers";
import { declareProtocol, OVER_TCP, OVER_UDP } from "../protocol";
import { onDatagram } from "./datagram";
import * as F from "./fields";
import { letGo } from "./message-end";
import { HttpMetrics, observeHttp } from "./metrics";
import { onBytes } from "./parse";
import { onFinish, onGap } from "./seek";
import { probeHttp } from "./start-line";
import { Half, HttpState, STATE_BYTES } from "./state";

/** Declares protocol `number`, its fields and its metrics. */
export function declareHttp(number: u32): void {
  assert(number == F.HTTP && STATE_BYTES == offsetof<HttpState>() + 2 * offsetof<Half>());
  const protocol = declareProtocol(number, "http", "80,8080", "HTTP 1.0 and 1.1, and its messages in datagrams.");
  protocol.transports = <u8>(OVER_TCP | OVER_UDP);
  protocol.stateBytes = <u16>STATE_BYTES;
  protocol.probe = probeHttp.index;
  protocol.datagram = onDatagram.index;
  protocol.parse = onBytes.index;
  protocol.gap = onGap.index;
  protocol.finish = onFinish.index;
  protocol.release = onRelease.index;
  setObserver(number, observeHttp.index);
  F.declareHttpFields(number);
  HttpMetrics.declare();
}

function onRelease(conversation: Conversation): void {
  letGo(conversation);
}
