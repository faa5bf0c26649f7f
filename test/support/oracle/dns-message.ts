/** Reads DNS messages strictly: whatever does not fit to the last byte is none. */

/** What the count needs of a message. */
export interface DnsMessage {
  id: number;
  isResponse: boolean;
  rcode: number;
  /** In the form of metrics: lower case, no final dot, other bytes as \DDD. */
  names: string[];
  types: number[];
}

class Malformed extends Error {}

/** A label's bytes in text; a dot or backslash inside a label and bytes outside printable ASCII become \DDD. */
function labelText(bytes: Uint8Array): string {
  return [...bytes]
    .map((byte) => {
      const isPlain = byte > 0x20 && byte < 0x7f && byte !== 0x2e && byte !== 0x5c;
      return isPlain ? String.fromCharCode(byte).toLowerCase() : `\\${String(byte).padStart(3, "0")}`;
    })
    .join("");
}

/** A name at a place of the message, and where it ends there. */
function readName(message: Uint8Array, start: number): { name: string; end: number } {
  const labels: string[] = [];
  let end = -1;
  let at = start;
  for (let steps = 0; steps < 256; steps++) {
    const length = message[at];
    if (length === undefined) throw new Malformed();
    if (length === 0) return { name: labels.join(".") || ".", end: end < 0 ? at + 1 : end };
    if (length >= 0xc0) {
      if (end < 0) end = at + 2;
      at = ((length & 0x3f) << 8) | (message[at + 1] ?? 0);
      continue;
    }
    if (length > 63 || at + 1 + length > message.length) throw new Malformed();
    labels.push(labelText(message.subarray(at + 1, at + 1 + length)));
    at += 1 + length;
  }
  throw new Malformed();
}

/** A message that fills exactly these bytes; undefined where they are none. */
export function dnsMessage(bytes: Uint8Array): DnsMessage | undefined {
  if (bytes.length < 12) return undefined;
  const word = (at: number) => (bytes[at]! << 8) | bytes[at + 1]!;
  const message: DnsMessage = { id: word(0), isResponse: (word(2) & 0x8000) !== 0, rcode: word(2) & 15, names: [], types: [] };
  if (word(4) === 0 && word(6) === 0) return undefined;
  try {
    let at = 12;
    for (let count = word(4); count > 0; count--) {
      const { name, end } = readName(bytes, at);
      if (end + 4 > bytes.length) return undefined;
      message.names.push(name);
      message.types.push(word(end));
      at = end + 4;
    }
    for (let count = word(6) + word(8) + word(10); count > 0; count--) {
      const { end } = readName(bytes, at);
      if (end + 10 > bytes.length) return undefined;
      at = end + 10 + word(end + 8);
    }
    return at === bytes.length ? message : undefined;
  } catch (error) {
    if (error instanceof Malformed) return undefined;
    throw error;
  }
}
