/**
 * TLS handshakes (RFC 8446, 5246, 6101), by content on any port; what is under keys is not looked into.
 *
 * ```
 *   probe.ts      what a record and a hello look like        parse.ts        records and messages, gaps
 *   hello.ts      a hello taken apart                        fingerprint.ts  JA3, JA3S, JA4
 *   handshake.ts  the round trip and its outcome             metrics.ts      what is counted
 * ```
 * A protocol that begins TLS in the middle of a connection leaves it with `leave(conversation, PROTOCOL_UNKNOWN)`: the
 * ClientHello is recognised where it stands.
 */
import { Conversation } from "../../roundtrip/conversation";
import { setObserver } from "../../roundtrip/observers";
import { declareProtocol, OVER_TCP } from "../protocol";
import * as F from "./fields";
import { observeTls, TlsMetrics } from "./metrics";
import { onBytes, onFinish, onGap } from "./parse";
import { probeTls } from "./probe";
import { Half, letGo, STATE_BYTES, TlsState } from "./state";

/** Declares protocol `number`, its fields and its metrics. */
export function declareTls(number: u32): void {
  assert(number == F.TLS && STATE_BYTES == offsetof<TlsState>() + 2 * offsetof<Half>());
  const protocol = declareProtocol(number, "tls", "443,853,993,8443", "Handshakes of TLS 1.0 to 1.3, SSL 2 and SSL 3.");
  protocol.transports = <u8>OVER_TCP;
  protocol.stateBytes = <u16>STATE_BYTES;
  protocol.probe = probeTls.index;
  protocol.parse = onBytes.index;
  protocol.gap = onGap.index;
  protocol.finish = onFinish.index;
  protocol.release = onRelease.index;
  setObserver(number, observeTls.index);
  F.declareTlsFields(number);
  TlsMetrics.declare();
}

function onRelease(conversation: Conversation): void {
  letGo(conversation);
}
