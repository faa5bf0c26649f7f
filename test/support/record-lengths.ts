/** How the laws of captures are tried: numbers that every run repeats, and where records end. */

/** Numbers below `limit`, the same ones in every run. */
export function numbers(seed: number): (limit: number) => number {
  let state = (seed * 2654435761 + 1) >>> 0 || 1;
  return (limit) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state % limit;
  };
}

/** Lengths of the chunks that end where a record or block ends: behind each packet lies what the host left there. */
export function* recordLengths(bytes: Uint8Array): Generator<number> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = bytes.length < 24 ? 0 : view.getUint32(0, true);
  const blocks = magic === 0x0a0d0d0a;
  let little = blocks ? view.getUint32(8, true) === 0x1a2b3c4d : [0xa1b2c3d4, 0xa1b23c4d, 0xa1b2cd34].includes(magic);
  const headerBytes = magic === 0xa1b2cd34 ? 24 : 16;
  let at = 0;
  if (!blocks) {
    at = Math.min(24, bytes.length);
    yield at;
  }
  while (at + headerBytes <= bytes.length) {
    if (blocks && view.getUint32(at, true) === 0x0a0d0d0a) little = view.getUint32(at + 8, true) === 0x1a2b3c4d;
    const length = blocks ? view.getUint32(at + 4, little) : headerBytes + view.getUint32(at + 8, little);
    if (length < 12 || length > 200_000) break;
    yield length;
    at += length;
  }
  yield 1 << 30;
}
