/** Bytes of no protocol, in the shapes that protocols have: texts, lengths before contents, small numbers. */
import { Buffer } from "node:buffer";

type Random = () => number;

/** Bytes with a length before them, that of the bytes alone or of both. */
function sized(random: Random, bytes: number, width: number, little: boolean): Uint8Array {
  const made = Buffer.from([...new Uint8Array(width), ...uniform(random, bytes)]);
  const length = Math.min(random() < 0.5 ? bytes : bytes + width, 2 ** (8 * width) - 1);
  if (little) made.writeUIntLE(length, 0, width);
  else made.writeUIntBE(length, 0, width);
  return made;
}

function uniform(random: Random, bytes: number): Uint8Array {
  return Uint8Array.from({ length: bytes }, () => random() * 256);
}

/** Numbers below 64 in 32 bits. */
function numbers(random: Random, bytes: number, little: boolean): Uint8Array {
  const made = Buffer.alloc(4 * Math.ceil(bytes / 4));
  for (let at = 0; at < made.length; at += 4) made[little ? at : at + 3] = random() * 64;
  return made;
}

const LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
const word = (random: Random) =>
  Array.from({ length: 1 + random() * 9 }, () => LETTERS[Math.floor(random() * LETTERS.length)]).join("");

/** About so many bytes of each shape. */
export const NOISE: Record<string, (random: Random, bytes: number) => Uint8Array> = {
  "uniform bytes": uniform,
  "printable letters": (random, bytes) => Uint8Array.from({ length: bytes }, () => 32 + random() * 95),
  "lines of words": (random, bytes) =>
    Buffer.from(Array.from({ length: 1 + bytes / 6 }, () => word(random) + (random() < 0.3 ? "\r\n" : " ")).join("")),
  base64: (random, bytes) => Buffer.from(Buffer.from(uniform(random, bytes)).toString("base64")),
  "small bytes": (random, bytes) => Uint8Array.from({ length: bytes }, () => random() * 16),
  "mostly zeros": (random, bytes) => Uint8Array.from({ length: bytes }, () => (random() < 0.8 ? 0 : random() * 16)),
  "small numbers, highest byte first": (random, bytes) => numbers(random, bytes, false),
  "small numbers, lowest byte first": (random, bytes) => numbers(random, bytes, true),
  "a length in 2 bytes": (random, bytes) => sized(random, bytes, 2, false),
  "a length in 3 bytes": (random, bytes) => sized(random, bytes, 3, false),
  "a length in 4 bytes": (random, bytes) => sized(random, bytes, 4, false),
  "a length in 3 bytes, lowest first": (random, bytes) => sized(random, bytes, 3, true),
  "a length in 4 bytes, lowest first": (random, bytes) => sized(random, bytes, 4, true),
  "a letter, and a length in 4 bytes": (random, bytes) =>
    Buffer.from([LETTERS.charCodeAt(random() * 52), ...sized(random, bytes, 4, false)]),
};
