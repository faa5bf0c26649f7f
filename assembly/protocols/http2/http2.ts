/**
 * HTTP/2 over TCP (RFC 9113), by content on any port: from its preface, after an upgrade, or from the middle.
 *
 * ```
 *   probe.ts   what it is known by     parse.ts  frames             seek.ts   gaps and garbage
 *   adopt.ts   the request of an upgrade   guest.ts  a protocol inside streams
 *   hpack.ts, huffman.ts, dynamic-table.ts, names.ts  header blocks to fields (RFC 7541)
 *   header-block.ts  fields to messages          streams.ts  requests with their responses
 * ```
 * Round trips are matched by stream. A stream that is reset before its response's end is `reset`, whoever resets it, and so is one
 * that a GOAWAY refuses; the code is the request's field. Interim responses are passed over. Streams whose content type is a guest's
 * (guest.ts) are reported under the guest's number.
 */
import { Conversation } from "../../roundtrip/conversation";
import { Message, messageRelease } from "../../roundtrip/message";
import { setObserver } from "../../roundtrip/observers";
import { declareProtocol, OVER_TCP } from "../protocol";
import { Successor, setSuccessor } from "../shared/upgrade";
import { copyUpgrade, takeUpgrade } from "./adopt";
import { tableForget } from "./dynamic-table";
import * as F from "./fields";
import { resetGuest } from "./guest";
import { releaseDecoder } from "./header-block";
import { Http2Metrics, observeHttp2 } from "./metrics";
import { onBytes, onFinish, onGap } from "./parse";
import { probeHttp2 } from "./probe";
import { Half, halfOf, STATE_BYTES } from "./state";

/** Declares protocol `number`, its fields and its metrics. */
export function declareHttp2(number: u32): void {
  assert(number == F.HTTP2 && STATE_BYTES == 2 * offsetof<Half>());
  const protocol = declareProtocol(
    number,
    "http2",
    "80,8080",
    "HTTP/2 over TCP: from its preface, upgraded, or from the middle.",
  );
  protocol.transports = <u8>OVER_TCP;
  protocol.stateBytes = <u16>STATE_BYTES;
  protocol.probe = probeHttp2.index;
  protocol.parse = onBytes.index;
  protocol.gap = onGap.index;
  protocol.finish = onFinish.index;
  protocol.release = onRelease.index;
  resetGuest();
  setSuccessor(Successor.HTTP2, copyUpgrade.index, takeUpgrade.index);
  setObserver(number, observeHttp2.index);
  F.declareHttp2Fields(number);
  Http2Metrics.declare();
}

function onRelease(conversation: Conversation): void {
  for (let side: u32 = 0; side < 2; side++) {
    const half = halfOf(conversation, side);
    tableForget(half);
    releaseDecoder(half);
    if (half.message != 0) messageRelease(changetype<Message>(half.message));
    half.message = 0;
  }
}
