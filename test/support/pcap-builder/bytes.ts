/** Runs of bytes by hand: numbers in network order, text, hexadecimal, checksums, addresses. */

/** Anything that stands for bytes; a text stands for its UTF-8. */
export type Bytes = Uint8Array | readonly number[] | string;

/** The bytes that `value` stands for. */
export function toBytes(value: Bytes): Uint8Array {
  if (typeof value === "string") return new TextEncoder().encode(value);
  return value instanceof Uint8Array ? value : Uint8Array.from(value);
}

/** Joins runs of bytes. */
export function join(...parts: Bytes[]): Uint8Array {
  const runs = parts.map(toBytes);
  const whole = new Uint8Array(runs.reduce((length, run) => length + run.length, 0));
  let at = 0;
  for (const run of runs) {
    whole.set(run, at);
    at += run.length;
  }
  return whole;
}

/** Bytes written in hexadecimal, spaces allowed. */
export function hex(text: string): Uint8Array {
  const digits = text.replaceAll(/\s+/g, "");
  return Uint8Array.from({ length: digits.length / 2 }, (_, index) =>
    Number.parseInt(digits.slice(2 * index, 2 * index + 2), 16),
  );
}

/** A number of `count` bytes, most significant first; of `little` endian, last first. */
export function number(value: number | bigint, count: number, little = false): Uint8Array {
  const bytes = Uint8Array.from({ length: count }, (_, index) =>
    Number((BigInt(value) >> BigInt(8 * (count - 1 - index))) & 0xffn),
  );
  return little ? bytes.reverse() : bytes;
}

/** Two bytes in network order. */
export const u16 = (value: number) => number(value, 2);

/** Four bytes in network order. */
export const u32 = (value: number) => number(value, 4);

/** The Internet checksum (RFC 1071) over these parts, each of which begins at an even place. */
export function checksum(...parts: Uint8Array[]): number {
  let sum = 0;
  for (const part of parts) {
    for (let at = 0; at < part.length; at += 2) sum += (part[at]! << 8) | (part[at + 1] ?? 0);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

function ipv6Bytes(text: string): Uint8Array {
  const groups = (part: string) => (part === "" ? [] : part.split(":").map((group) => Number.parseInt(group, 16)));
  const [head, tail] = text.split("::");
  const first = groups(head!);
  const last = tail === undefined ? [] : groups(tail);
  const middle = tail === undefined ? [] : new Array<number>(8 - first.length - last.length).fill(0);
  return join(...[...first, ...middle, ...last].map(u16));
}

/** An IPv4 or IPv6 address as 4 or 16 bytes. */
export function address(text: string): Uint8Array {
  return text.includes(":") ? ipv6Bytes(text) : Uint8Array.from(text.split("."), Number);
}
