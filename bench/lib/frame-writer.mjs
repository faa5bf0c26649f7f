/** Writes Ethernet frames to a pcap file through one buffer: addresses, checksums and times as real stacks make them. */
import { closeSync, openSync, writeSync } from "node:fs";

const BUFFER_BYTES = 4 << 20;
const RECORD_BYTES = 16;
const ETHERNET_BYTES = 14;

export class FrameWriter {
  constructor(path, startSeconds) {
    this.file = openSync(path, "w");
    this.buffer = Buffer.alloc(BUFFER_BYTES);
    this.at = 0;
    this.startSeconds = startSeconds;
    this.packets = 0;
    this.bytes = 0;
    this.identification = 1;
    this.header();
  }

  header() {
    const b = this.buffer;
    b.writeUInt32LE(0xa1b2c3d4, 0);
    b.writeUInt16LE(2, 4);
    b.writeUInt16LE(4, 6);
    b.writeUInt32LE(262144, 16);
    b.writeUInt32LE(1, 20);
    this.at = 24;
  }

  /** A UDP datagram or a TCP segment (`tcp` with seq, ack, flags) at `micros` after the start. */
  packet(micros, from, to, payload, tcp) {
    if (this.at + 2048 > BUFFER_BYTES) this.drain();
    const b = this.buffer;
    const record = this.at;
    const v6 = from.address.length === 16;
    const ip = record + RECORD_BYTES + ETHERNET_BYTES;
    const transport = ip + (v6 ? 40 : 20);
    const transportBytes = (tcp ? 20 : 8) + payload.length;
    b.fill(0x02, record + RECORD_BYTES, record + RECORD_BYTES + 12);
    b.writeUInt16BE(v6 ? 0x86dd : 0x0800, record + RECORD_BYTES + 12);
    if (v6) this.ipv6(ip, from, to, transportBytes, tcp ? 6 : 17);
    else this.ipv4(ip, from, to, transportBytes, tcp ? 6 : 17);
    b.writeUInt16BE(from.port, transport);
    b.writeUInt16BE(to.port, transport + 2);
    if (tcp) this.tcp(transport, tcp);
    else {
      b.writeUInt16BE(transportBytes, transport + 4);
      b.writeUInt16BE(0, transport + 6);
    }
    payload.copy(b, transport + (tcp ? 20 : 8));
    const checksumAt = transport + (tcp ? 16 : 6);
    b.writeUInt16BE(checksum(b, transport, transportBytes, pseudo(from, to, transportBytes, tcp ? 6 : 17)) || 0xffff, checksumAt);
    const length = transport + transportBytes - record - RECORD_BYTES;
    b.writeUInt32LE(this.startSeconds + Math.floor(micros / 1e6), record);
    b.writeUInt32LE(Math.floor(micros % 1e6), record + 4);
    b.writeUInt32LE(length, record + 8);
    b.writeUInt32LE(length, record + 12);
    this.at = record + RECORD_BYTES + length;
    this.packets += 1;
    this.bytes += length;
  }

  ipv4(at, from, to, bytes, protocol) {
    const b = this.buffer;
    b.writeUInt16BE(0x4500, at);
    b.writeUInt16BE(20 + bytes, at + 2);
    b.writeUInt16BE(this.identification++ & 0xffff, at + 4);
    b.writeUInt16BE(0x4000, at + 6);
    b.writeUInt16BE(0x4000 | protocol, at + 8);
    b.writeUInt16BE(0, at + 10);
    from.address.copy(b, at + 12);
    to.address.copy(b, at + 16);
    b.writeUInt16BE(checksum(b, at, 20, 0), at + 10);
  }

  ipv6(at, from, to, bytes, protocol) {
    const b = this.buffer;
    b.writeUInt32BE(0x60000000, at);
    b.writeUInt16BE(bytes, at + 4);
    b.writeUInt16BE((protocol << 8) | 64, at + 6);
    from.address.copy(b, at + 8);
    to.address.copy(b, at + 24);
  }

  tcp(at, { seq, ack, flags }) {
    const b = this.buffer;
    b.writeUInt32BE(seq >>> 0, at + 4);
    b.writeUInt32BE(ack >>> 0, at + 8);
    b.writeUInt16BE(0x5000 | flags, at + 12);
    b.writeUInt16BE(0xffff, at + 14);
    b.writeUInt32BE(0, at + 16);
  }

  drain() {
    writeSync(this.file, this.buffer, 0, this.at);
    this.at = 0;
  }

  close() {
    this.drain();
    closeSync(this.file);
  }
}

function pseudo(from, to, bytes, protocol) {
  let sum = bytes + protocol;
  for (const address of [from.address, to.address]) for (let i = 0; i < address.length; i += 2) sum += address.readUInt16BE(i);
  return sum;
}

function checksum(b, at, bytes, seed) {
  let sum = seed;
  const even = at + (bytes & ~1);
  for (let i = at; i < even; i += 2) sum += (b[i] << 8) | b[i + 1];
  if (bytes & 1) sum += b[even] << 8;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
