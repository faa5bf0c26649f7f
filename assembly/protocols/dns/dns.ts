/**
 * DNS over UDP and TCP, with multicast DNS and LLMNR.
 *
 * ```
 *   stream.ts, place.ts   messages over TCP, gaps, the way back      message.ts, name.ts, records.ts   what a message says
 *   match.ts              which query a response answers             probe.ts                          whether bytes are DNS
 * ```
 */

import { Conversation } from "../../roundtrip/conversation";
import { setObserver } from "../../roundtrip/observers";
import { declareProtocol, OVER_TCP, OVER_UDP, Parse } from "../protocol";
import * as F from "./fields";
import { onMessage } from "./match";
import { DnsFault, HEADER_BYTES } from "./message";
import { DnsMetrics, observeDns } from "./metrics";
import { STATE_BYTES } from "./place";
import { probeDns } from "./probe";
import { onBytes, onFinish, onGap } from "./stream";

/** Declares protocol `number`, its fields and its metrics. */
export function declareDns(number: u32): void {
  assert(number == F.DNS);
  const protocol = declareProtocol(number, "dns", "53,5353,5355", "Domain Name System over UDP and TCP, multicast DNS, LLMNR.");
  protocol.transports = <u8>(OVER_TCP | OVER_UDP);
  protocol.stateBytes = <u16>STATE_BYTES;
  protocol.probe = probeDns.index;
  protocol.datagram = onDatagram.index;
  protocol.parse = onBytes.index;
  protocol.gap = onGap.index;
  protocol.finish = onFinish.index;
  setObserver(number, observeDns.index);
  F.declareDnsFields(number);
  DnsMetrics.declare();
}

function onDatagram(conversation: Conversation, side: u32, start: usize, length: u32): bool {
  if (length < HEADER_BYTES) {
    DnsMetrics.malformed(DnsFault.HEADER);
    return false;
  }
  onMessage(conversation, side, start, length, Parse.wireLength, 0);
  return true;
}
