/**
 * What a capture of several interfaces saw: each packet with content is noted with its interface, so that the same one is known again.
 *
 * The same is what no bridge, tag or tunnel of a host changes: ports, numbers, flags and options of TCP, or the beginning of a
 * datagram, with its length and IP identification. A packet that is sent again has another identification, or another time among its
 * options; where it has neither, the interface that sees it twice tells.
 */
import { u8At, u32le } from "../bytes/reader";
import { Fragment, Packet } from "../capture/packet";
import { Sightings } from "../roundtrip/sightings";
import { Held } from "../roundtrip/stages";
import { Flow } from "./flow";

/** Where TCP's checksum and urgent pointer lie, of which cards fill the first in. */
const TCP_CHECKSUM: u32 = 16;
/** Bytes of a datagram that it is known by. */
const DATAGRAM_BYTES: u32 = 48;

/** Notes the segment in `Packet`, sent by `side`. */
export function noteSegment(flow: Flow, side: u32): void {
  if (!Packet.isTimed || Packet.fragment != Fragment.NONE) return;
  let h = start(flow);
  const header = <u32>(Packet.payloadStart - Packet.transportStart);
  for (let at: u32 = 0; at + 4 <= header; at += 4) {
    if (at != TCP_CHECKSUM) h = mix(h, u32le(Packet.transportStart + at));
  }
  note(flow, side, h);
}

/** Notes the datagram in `Packet`, sent by `side`. */
export function noteDatagram(flow: Flow, side: u32): void {
  if (!Packet.isTimed || Packet.fragment != Fragment.NONE) return;
  let h = start(flow);
  const bytes = min(Packet.payloadCaptured, DATAGRAM_BYTES);
  for (let at: u32 = 0; at < bytes; at++) h = mix(h, u8At(Packet.payloadStart + at));
  note(flow, side, h);
}

/** The endpoints and what the IP header says: records of flows are used again. */
function start(flow: Flow): u64 {
  return mix(((<u64>flow.hash) << 32) | ((<u64>Packet.ipId) << 16), Packet.payloadLength);
}

function mix(h: u64, value: u32): u64 {
  const mixed = (h ^ <u64>value) * 0xbf58476d1ce4e5b9;
  return mixed ^ (mixed >> 29);
}

function note(flow: Flow, side: u32, digest: u64): void {
  const conversation = <u32>changetype<usize>(flow);
  const hasIdentity = Packet.ipId != 0;
  const timeNs = Packet.timeNs;
  const isAnother = Sightings.note(conversation, side, digest, hasIdentity, Packet.interfaceId, Packet.interfaceName, timeNs);
  if (isAnother) Held.release(timeNs);
}
