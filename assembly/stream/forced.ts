/** Protocols that the host says are spoken at a port, whatever a conversation looks like. */
import { OVER_TCP, Protocols } from "../protocols/protocol";
import { CLIENT_UNKNOWN } from "../roundtrip/conversation";
import { Mark } from "../roundtrip/marks";
import { FORCED_BYTES, Settings } from "../settings";
import { Flow, STREAM_LEFT, STREAM_LOST } from "./flow";

/**
 * Sets the protocol of a flow that has none by its ports, and who asks in it; false where none is forced on them. Its probe has yet to find
 * where messages begin.
 */
export function force(flow: Flow, transport: u32): bool {
  // What is inside of TLS has the ports of what is around it, and what a protocol has left behind is another's.
  if (flow.marks & Mark.TLS) return false;
  if (transport == OVER_TCP && flow.stream(0).flags & STREAM_LEFT) return false;
  if (!forceAt(flow, 1, transport) && !forceAt(flow, 0, transport)) return false;
  if (transport == OVER_TCP) for (let side: u32 = 0; side < 2; side++) flow.stream(side).flags |= <u16>STREAM_LOST;
  return true;
}

function forceAt(flow: Flow, server: u32, transport: u32): bool {
  const number = forcedAt(flow.port(server));
  if (number == 0 || number > Protocols.count || !(Protocols.at(number).transports & transport)) return false;
  flow.protocol = <u8>number;
  if (flow.client == <u8>CLIENT_UNKNOWN) flow.client = <u8>(server ^ 1);
  return true;
}

function forcedAt(port: u32): u32 {
  for (let i: u32 = 0; i < Settings.forcedCount; i++) {
    const at = Settings.forced + i * FORCED_BYTES;
    if (load<u16>(at, 1) == port) return load<u8>(at);
  }
  return 0;
}
