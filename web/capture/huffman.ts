/** Huffman codes of deflate (RFC 1951 section 3.2): one lookup a symbol. */

const LENGTH_MAX = 15;
/** In this order the lengths of the code of lengths are written. */
const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
const LITERALS_MAX = 286;
const DISTANCES_MAX = 30;
const END_OF_BLOCK = 256;

/** A code: `table` has, for the next bits of the input under `mask`, the symbol times 16 and its length; 0 for none. */
export class Huffman {
  readonly table: Uint16Array;
  readonly mask: number;
  /** How many codes of the longest length are left over, negative where there are too many. */
  readonly left: number;

  constructor(lengths: Uint8Array) {
    const longest = lengths.reduce((most, length) => Math.max(most, length), 1);
    const size = 1 << longest;
    this.table = new Uint16Array(size);
    this.mask = size - 1;
    let left = size;
    for (const length of lengths) if (length !== 0) left -= size >> length;
    this.left = left;
    if (left >= 0) this.fill(lengths, longest);
  }

  private fill(lengths: Uint8Array, longest: number): void {
    let code = 0;
    for (let length = 1; length <= longest; length++) {
      for (let symbol = 0; symbol < lengths.length; symbol++) {
        if (lengths[symbol] !== length) continue;
        for (let at = reversed(code, length); at <= this.mask; at += 1 << length) this.table[at] = (symbol << 4) | length;
        code += 1;
      }
      code <<= 1;
    }
  }
}

function reversed(code: number, length: number): number {
  let result = 0;
  for (let bit = 0; bit < length; bit++) result |= ((code >> bit) & 1) << (length - 1 - bit);
  return result;
}

/** Whether there is a symbol for all bits; one symbol alone may leave half of them. */
function isComplete({ left, mask }: Huffman): boolean {
  return left === 0 || (mask === 1 && left > 0);
}

/** Reads the two codes of a block, of literals and of distances, or what is wrong with them. `take` gives the next bits. */
export function readCodes(take: (bits: number) => number): [literals: Huffman, distances: Huffman] | string {
  const literalCount = 257 + take(5);
  const distanceCount = 1 + take(5);
  const orderCount = 4 + take(4);
  if (literalCount > LITERALS_MAX || distanceCount > DISTANCES_MAX) return "a block has too many symbols";
  const orderLengths = new Uint8Array(ORDER.length);
  for (let index = 0; index < orderCount; index++) orderLengths[ORDER[index]!] = take(3);
  const code = new Huffman(orderLengths);
  if (code.left !== 0) return "the code of a block's lengths is malformed";
  const lengths = new Uint8Array(literalCount + distanceCount);
  for (let index = 0; index < lengths.length; ) {
    const symbol = readSymbol(code, take);
    if (symbol <= LENGTH_MAX) {
      lengths[index++] = symbol;
      continue;
    }
    if (symbol === 16 && index === 0) return "a block repeats a length that there is not";
    const value = symbol === 16 ? lengths[index - 1]! : 0;
    const times = symbol === 16 ? 3 + take(2) : symbol === 17 ? 3 + take(3) : 11 + take(7);
    if (index + times > lengths.length) return "a block has more lengths than symbols";
    lengths.fill(value, index, index + times);
    index += times;
  }
  if (lengths[END_OF_BLOCK] === 0) return "a block has no end";
  const literals = new Huffman(lengths.subarray(0, literalCount));
  const distances = new Huffman(lengths.subarray(literalCount));
  if (!isComplete(literals) || !isComplete(distances)) return "the codes of a block are malformed";
  return [literals, distances];
}

/** Reads a symbol of a short code, bit by bit. */
function readSymbol(code: Huffman, take: (bits: number) => number): number {
  let bits = 0;
  for (let length = 1; ; length++) {
    bits |= take(1) << (length - 1);
    const found = code.table[bits]!;
    if ((found & 15) === length) return found >> 4;
  }
}
