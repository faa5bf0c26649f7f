/** What one layer is to the layer below it. */
import { type Bytes, toBytes } from "./bytes";

/** Source and destination of the network layer, which the checksums above it cover. */
export interface Addresses {
  source: Uint8Array;
  destination: Uint8Array;
}

/** A layer with everything above it. */
export interface Layer {
  /** Number in Ethernet's type field. */
  etherType?: number;
  /** Number in IPv4's protocol or IPv6's next header field. */
  protocol?: number;
  /** The bytes, given the addresses below. */
  encode(under: Addresses): Uint8Array;
}

/** The addresses of a frame that has no network layer. */
export const NO_ADDRESSES: Addresses = { source: new Uint8Array(4), destination: new Uint8Array(4) };

/** A layer given by its bytes. */
export function raw(bytes: Bytes, numbers: { etherType?: number; protocol?: number } = {}): Layer {
  return { ...numbers, encode: () => toBytes(bytes) };
}
