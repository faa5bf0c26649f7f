/** Reads pcap and pcapng files, record by record. */
import { gunzipSync } from "node:zlib";

/** One packet record of a file. */
export interface PacketRecord {
  timeNs: bigint;
  linkType: number;
  /** What was captured. */
  bytes: DataView;
  /** How long it was on the wire. */
  wireBytes: number;
}

const SECOND_NS = 1_000_000_000n;

/** A view of part of another, which may end early. */
export function part(view: DataView, start: number, end = view.byteLength): DataView {
  const last = Math.min(end, view.byteLength);
  const first = Math.min(start, last);
  return new DataView(view.buffer, view.byteOffset + first, last - first);
}

function* pcapRecords(view: DataView): Generator<PacketRecord> {
  const little = view.getUint8(0) === 0xd4 || view.getUint8(0) === 0x4d || view.getUint8(0) === 0x34;
  const magic = view.getUint32(0, little);
  const unitNs = magic === 0xa1b23c4d ? 1n : 1000n;
  const headBytes = magic === 0xa1b2cd34 ? 24 : 16;
  const linkType = view.getUint32(20, little) & 0xffff;
  for (let at = 24; at + headBytes <= view.byteLength; ) {
    const [seconds, fraction, captured, wireBytes] = [0, 4, 8, 12].map((field) => view.getUint32(at + field, little));
    const start = at + headBytes;
    at = start + captured!;
    if (at > view.byteLength) return;
    yield {
      timeNs: BigInt(seconds!) * SECOND_NS + BigInt(fraction!) * unitNs,
      linkType,
      bytes: part(view, start, at),
      wireBytes: wireBytes!,
    };
  }
}

interface Interface {
  linkType: number;
  snaplen: number;
  unitsPerSecond: bigint;
  offsetSeconds: bigint;
}

function interfaceOf(block: DataView, little: boolean): Interface {
  const found: Interface = {
    linkType: block.getUint16(0, little),
    snaplen: block.getUint32(4, little),
    unitsPerSecond: 1_000_000n,
    offsetSeconds: 0n,
  };
  for (let at = 8; at + 4 <= block.byteLength; ) {
    const code = block.getUint16(at, little);
    const length = block.getUint16(at + 2, little);
    if (code === 9) {
      const resolution = block.getUint8(at + 4);
      found.unitsPerSecond = resolution & 0x80 ? 1n << BigInt(resolution & 0x7f) : 10n ** BigInt(resolution);
    }
    if (code === 14) found.offsetSeconds = block.getBigInt64(at + 4, little);
    at += 4 + ((length + 3) & ~3);
    if (code === 0) break;
  }
  return found;
}

function* pcapngRecords(view: DataView): Generator<PacketRecord> {
  let little = true;
  let interfaces: Interface[] = [];
  const packet = (block: DataView, id: number): PacketRecord | undefined => {
    const from = interfaces[id];
    if (!from) return undefined;
    const units = (BigInt(block.getUint32(4, little)) << 32n) | BigInt(block.getUint32(8, little));
    const timeNs = (units * SECOND_NS) / from.unitsPerSecond + from.offsetSeconds * SECOND_NS;
    const captured = block.getUint32(12, little);
    return { timeNs, linkType: from.linkType, bytes: part(block, 20, 20 + captured), wireBytes: block.getUint32(16, little) };
  };
  for (let at = 0; at + 12 <= view.byteLength; ) {
    if (view.getUint32(at) === 0x0a0d0d0a) {
      little = view.getUint8(at + 8) === 0x4d;
      interfaces = [];
    }
    const type = view.getUint32(at, little);
    const length = view.getUint32(at + 4, little);
    if (length < 12 || at + length > view.byteLength) return;
    const block = part(view, at + 8, at + length - 4);
    let record: PacketRecord | undefined;
    if (type === 1) interfaces.push(interfaceOf(block, little));
    if (type === 2) record = packet(block, block.getUint16(0, little));
    if (type === 6) record = packet(block, block.getUint32(0, little));
    if (type === 3 && interfaces[0]) {
      const wireBytes = block.getUint32(0, little);
      const captured = interfaces[0].snaplen > 0 ? Math.min(wireBytes, interfaces[0].snaplen) : wireBytes;
      record = { timeNs: 0n, linkType: interfaces[0].linkType, bytes: part(block, 4, 4 + captured), wireBytes };
    }
    if (record) yield record;
    at += length;
  }
}

/** All packet records of a pcap or pcapng file, gzipped or not; ends where the file is cut off. */
export function* packetRecords(file: Uint8Array): Generator<PacketRecord> {
  const bytes = file[0] === 0x1f && file[1] === 0x8b ? gunzipSync(file) : file;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.byteLength < 24) return;
  yield* view.getUint32(0) === 0x0a0d0d0a ? pcapngRecords(view) : pcapRecords(view);
}
