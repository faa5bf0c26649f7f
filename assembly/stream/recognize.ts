/** Which protocol first bytes belong to: by content, on any port but those on which the host forces one. */

import { Found, Parse, Protocols } from "../protocols/protocol";
import { CLIENT_UNKNOWN, PROTOCOL_FOREIGN, PROTOCOL_UNKNOWN } from "../roundtrip/conversation";
import { Settings } from "../settings";
import { Flow } from "./flow";
import { force } from "./forced";

/** Segments without a match after which a stream whose start was seen is foreign. */
export const UNRECOGNIZED_MAX: u32 = 8;
/** The same for a stream that was joined in the middle, which may be inside a long body. */
export const UNRECOGNIZED_MID_STREAM_MAX: u32 = 1024;

/** Asks the probe of the flow's protocol, or of all over `transport`, and sets protocol and client where one is sure. */
export function recognize(flow: Flow, side: u32, start: usize, length: u32, transport: u32): u32 {
  Parse.transport = transport;
  if (Settings.forcedCount != 0 && flow.protocol == PROTOCOL_UNKNOWN) force(flow, transport);
  Parse.isKnown = flow.protocol != PROTOCOL_UNKNOWN;
  Parse.isClient = flow.client == <u8>side;
  Parse.isServer = flow.client == <u8>(side ^ 1);
  if (flow.protocol != PROTOCOL_UNKNOWN) {
    return call_indirect<u32>(Protocols.at(flow.protocol).probe, start, length);
  }
  let answer = Found.NO;
  for (let number: u32 = 1; number <= Protocols.count; number++) {
    const protocol = Protocols.at(number);
    if (protocol.name == 0 || !(protocol.transports & transport)) continue;
    const found = call_indirect<u32>(protocol.probe, start, length);
    if (found == Found.MORE) answer = Found.MORE;
    if (found == Found.NO || found == Found.MORE) continue;
    flow.protocol = <u8>number;
    if (flow.client == <u8>CLIENT_UNKNOWN) flow.client = <u8>(found == Found.REQUEST ? side : side ^ 1);
    return found;
  }
  return answer;
}

/** Counts a segment that no probe took; whether the flow is given up as foreign. */
export function unrecognized(flow: Flow, side: u32): bool {
  if (flow.protocol != PROTOCOL_UNKNOWN) return false;
  const stream = flow.stream(side);
  stream.unrecognized += 1;
  const most = flow.started ? UNRECOGNIZED_MAX : UNRECOGNIZED_MID_STREAM_MAX;
  if (stream.unrecognized < <u16>most) return false;
  flow.protocol = <u8>PROTOCOL_FOREIGN;
  return true;
}
