/**
 * The header of a bundle, read without the core: the shim names spool files by it and the Worker its keys.
 *
 * It does not verify the checksum nor anything behind the header; that is what the core's `validate` does. docs/wire.md draws
 * the format.
 */

/** The format that this build reads. */
export const BUNDLE_FORMAT = 1;

const MAGIC = 0x31425754;
const POLICY_NAME_BYTES_MAX = 63;
const SECOND_NS = 1_000_000_000n;
const U64_MAX = 0xffff_ffff_ffff_ffffn;

export interface BundleHeader {
  abi: number;
  /** Hash of the edge's schema, 8 lower-case hex digits; zeros where edges of several schemas are merged. */
  schema: string;
  /** Start of the window, minutes since the epoch. */
  minute: number;
  lengthSeconds: number;
  /** 0 for a minute's first bundle, then 1, 2, ... */
  sequence: number;
  /** Which run of the edge wrote it, 16 lower-case hex digits; zeros where several are merged. */
  bootId: string;
  edgeClockNs: bigint;
  /** Times of the first and last packet; absent where none had one. */
  firstNs?: bigint;
  lastNs?: bigint;
  /** Packets that have a time. */
  seen: number;
  dropped: number;
  malformed: number;
  /** Bundles of edges that are merged in this one. */
  bundles: number;
  /** Sections of unknown kinds that found no room on the way. */
  lost: number;
  policy: { number: number; name: string };
  /** One packet of this many was looked at. */
  sampling: number;
}

/** Bytes that are no bundle that this build reads. */
export class BundleError extends Error {
  override name = "BundleError";
}

/** Reads numbers one behind the other; throws BundleError where they end early or are not in their shortest form. */
class Reader {
  private at = 0;
  private readonly view: DataView;

  constructor(private readonly bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  take(length: number): number {
    const start = this.at;
    if (length > this.bytes.length - start) throw new BundleError("the bundle ends within its header");
    this.at += length;
    return start;
  }

  u8(): number {
    return this.view.getUint8(this.take(1));
  }

  u32(): number {
    return this.view.getUint32(this.take(4), true);
  }

  u64(): bigint {
    return this.view.getBigUint64(this.take(8), true);
  }

  varint(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.u8();
      value |= BigInt(byte & 0x7f) << shift;
      if (value > U64_MAX || shift > 63n || (byte === 0 && shift > 0n))
        throw new BundleError("a number in the header is malformed");
      if (byte < 0x80) return value;
    }
  }

  number(): number {
    return Number(this.varint());
  }

  text(length: number): string {
    const start = this.take(length);
    return new TextDecoder().decode(this.bytes.subarray(start, start + length));
  }
}

function hex(value: number | bigint, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}

/** Reads the header of a bundle. Throws BundleError. */
export function readBundleHeader(bytes: Uint8Array): BundleHeader {
  const reader = new Reader(bytes);
  if (reader.u32() !== MAGIC) throw new BundleError("these bytes are no bundle");
  reader.u32();
  const format = reader.u8();
  if (format !== BUNDLE_FORMAT) throw new BundleError(`the bundle has format ${format}, this build reads ${BUNDLE_FORMAT}`);
  const abi = reader.number();
  const schema = hex(reader.u32(), 8);
  const minute = reader.number();
  const lengthSeconds = reader.number();
  const sequence = reader.number();
  const bootId = hex(reader.u64(), 16);
  const edgeClockNs = reader.varint();
  const first = reader.varint();
  const span = reader.varint();
  const seen = reader.number();
  const dropped = reader.number();
  const malformed = reader.number();
  const bundles = reader.number();
  const lost = reader.number();
  const policyNumber = reader.number();
  const nameLength = reader.u8();
  if (nameLength === 0 || nameLength > POLICY_NAME_BYTES_MAX) throw new BundleError("the policy's name is of no possible length");
  const policy = { number: policyNumber, name: reader.text(nameLength) };
  const sampling = reader.number();
  const firstNs = BigInt(minute) * 60n * SECOND_NS + first;
  const times = seen > 0 ? { firstNs, lastNs: firstNs + span } : {};
  const head = { abi, schema, minute, lengthSeconds, sequence, bootId, edgeClockNs, ...times };
  return { ...head, seen, dropped, malformed, bundles, lost, policy, sampling };
}
