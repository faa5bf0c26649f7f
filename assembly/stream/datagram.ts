/**
 * UDP: each datagram to the protocol that its flow turns out to speak.
 *
 * The same datagram seen twice by the capture (loopback, `any`, mirrored ports) counts once: same bytes, same IP
 * identification, within 100 ms. A flow remembers its last four.
 */

import { Window } from "../bytes/window";
import { Packet } from "../capture/packet";
import { Found, OVER_UDP, Parse, Protocols } from "../protocols/protocol";
import { PROTOCOL_FOREIGN, PROTOCOL_UNKNOWN } from "../roundtrip/conversation";
import { Settings } from "../settings";
import { Flow, STREAMS_OFFSET } from "./flow";
import { recognize, unrecognized } from "./recognize";
import { noteDatagram } from "./seen";
import { StreamTally } from "./tally";

/** How far apart two sightings of one datagram may be, ns. */
const DUPLICATE_NS: u64 = 100_000_000;
/** Datagrams that a flow remembers. */
const REMEMBERED: u32 = 4;

/** Takes the datagram in `Packet`, sent by `side`. */
export function onDatagram(flow: Flow, side: u32): void {
  if (flow.protocol == PROTOCOL_FOREIGN || Packet.payloadCaptured == 0) return;
  if (Packet.isSeveral) noteDatagram(flow, side);
  if (!Settings.keepDuplicates && Packet.isTimed && seenBefore(flow, side)) {
    StreamTally.duplicates += 1;
    return;
  }
  Parse.timeNs = Packet.stampNs;
  Parse.wireLength = Packet.payloadLength;
  Parse.sourcePort = Packet.sourcePort;
  Parse.destinationPort = Packet.destinationPort;
  Parse.multicast = isMulticast(Packet.destination);
  Window.open(Packet.payloadStart, Packet.payloadCaptured);
  if (flow.protocol == PROTOCOL_UNKNOWN) {
    const found = recognize(flow, side, Packet.payloadStart, Packet.payloadCaptured, OVER_UDP);
    if (found == Found.NO || found == Found.MORE) {
      unrecognized(flow, side);
      return;
    }
  }
  const protocol = Protocols.at(flow.protocol);
  call_indirect<bool>(protocol.datagram, flow, side, Packet.payloadStart, Packet.payloadCaptured);
}

/** Whether an address of 16 bytes is one of many: IPv4's 224/4 and the limited broadcast, IPv6's ff00::/8. */
function isMulticast(address: usize): bool {
  if (Packet.ipVersion == 6) return load<u8>(address) == 0xff;
  return load<u8>(address, 12) >> 4 == 14 || load<u32>(address, 12) == u32.MAX_VALUE;
}

/** Whether the flow saw this datagram a moment ago; remembers it where not. */
function seenBefore(flow: Flow, side: u32): bool {
  const digest = digestOf(side);
  const base = changetype<usize>(flow) + STREAMS_OFFSET;
  let oldest = base;
  for (let i: u32 = 0; i < REMEMBERED; i++) {
    const at = base + (i << 4);
    const seenNs = load<u64>(at, 8);
    if (load<u64>(at) == digest && Packet.timeNs - seenNs < DUPLICATE_NS) return true;
    if (seenNs < load<u64>(oldest, 8)) oldest = at;
  }
  store<u64>(oldest, digest);
  store<u64>(oldest, Packet.timeNs, 8);
  return false;
}

/** A digest of the payload, the IP identification and the side; never 0. */
function digestOf(side: u32): u64 {
  let at = Packet.payloadStart;
  const end = at + Packet.payloadCaptured;
  let h = ((<u64>Packet.ipId) << 32) ^ ((<u64>Packet.payloadLength) << 1) ^ <u64>side ^ 0x9e3779b97f4a7c15;
  if (end - at >= 8) {
    const last = end - 8;
    for (; at < last; at += 8) {
      h = (h ^ load<u64>(at)) * 0xbf58476d1ce4e5b9;
      h ^= h >> 29;
    }
    h = (h ^ load<u64>(last)) * 0x94d049bb133111eb;
  } else {
    for (; at < end; at++) h = (h ^ <u64>load<u8>(at)) * 0x94d049bb133111eb;
  }
  h ^= h >> 32;
  return h | 1;
}
