/**
 * What lies in a capture of the generator's, counted in the file itself: neither its record nor tallywire is asked.
 *
 * It knows only what the generator writes: pcap, Ethernet, IP without options, one whole DNS message a datagram or segment.
 */
import { closeSync, openSync, readSync } from "node:fs";

const CHUNK_BYTES = 4 << 20;
const FILE_HEADER_BYTES = 24;
const RECORD_BYTES = 16;
const ETHERNET_BYTES = 14;
const ETHERTYPE_IPV4 = 0x0800;
const TCP = 6;
const TCP_BYTES = 20;
const UDP_BYTES = 8;
const DNS_PORT = 53;
const DNS_HEADER_BYTES = 12;

/** Gives every record's frame, as views that are good until the next. */
function* frames(path) {
  const file = openSync(path, "r");
  const buffer = Buffer.alloc(CHUNK_BYTES);
  let filled = 0;
  let at = FILE_HEADER_BYTES;
  try {
    while (true) {
      const read = readSync(file, buffer, filled, CHUNK_BYTES - filled, null);
      if (read === 0) return;
      filled += read;
      while (at + RECORD_BYTES <= filled) {
        const start = at + RECORD_BYTES;
        const end = start + buffer.readUInt32LE(at + 8);
        if (end > filled) break;
        yield buffer.subarray(start, end);
        at = end;
      }
      buffer.copy(buffer, 0, at, filled);
      filled -= at;
      at = 0;
    }
  } finally {
    closeSync(file);
  }
}

/** The question's name where the frame is a DNS query, its bytes as they are. */
function queriedName(frame, isIpv4) {
  const transport = ETHERNET_BYTES + (isIpv4 ? 20 : 40);
  if (frame.readUInt16BE(transport + 2) !== DNS_PORT) return undefined;
  const isTcp = frame[ETHERNET_BYTES + (isIpv4 ? 9 : 6)] === TCP;
  const name = transport + (isTcp ? TCP_BYTES + 2 : UDP_BYTES) + DNS_HEADER_BYTES;
  return name < frame.length ? frame.latin1Slice(name, frame.indexOf(0, name)) : undefined;
}

/** Packets, those of each IP version, and how many different names were asked for. */
export function countFile(path) {
  const names = new Set();
  const counts = { packets: 0, ipv4: 0, ipv6: 0 };
  for (const frame of frames(path)) {
    const isIpv4 = frame.readUInt16BE(12) === ETHERTYPE_IPV4;
    counts.packets += 1;
    counts[isIpv4 ? "ipv4" : "ipv6"] += 1;
    const name = queriedName(frame, isIpv4);
    if (name !== undefined) names.add(name);
  }
  return { ...counts, names: names.size };
}
