/** Sets in the compact form of Apache DataSketches' theta sketches (serial version 3), and what can be asked of two of them. */

/** The hashes of a set below `theta`, ascending; all of them where theta is THETA_MAX. */
export interface ThetaSet {
  theta: bigint;
  hashes: BigUint64Array;
}

/** How many elements there are, between two standard errors to both sides; exact where all three are the same. */
export interface ThetaFigures {
  estimate: number;
  lower: number;
  upper: number;
}

export const THETA_MAX = 2n ** 63n - 1n;
const FLAG_EMPTY = 4;
const EMPTY_BYTES = 8;

/** Reads what the core wrote. Throws RangeError where it is cut. */
export function readThetaSet(bytes: Uint8Array): ThetaSet {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const longs = view.getUint8(0);
  const isEmpty = (view.getUint8(5) & FLAG_EMPTY) !== 0;
  const count = isEmpty ? 0 : longs === 1 ? 1 : view.getUint32(8, true);
  const theta = longs === 3 ? view.getBigUint64(16, true) : THETA_MAX;
  const first = isEmpty ? EMPTY_BYTES : longs * 8;
  const hashes = new BigUint64Array(count);
  for (let index = 0; index < count; index++) hashes[index] = view.getBigUint64(first + index * 8, true);
  return { theta, hashes };
}

/** What is in both. */
export function intersect(a: ThetaSet, b: ThetaSet): ThetaSet {
  return select(a, b, (inA, inB) => inA && inB);
}

/** What is in one or both. */
export function unite(a: ThetaSet, b: ThetaSet): ThetaSet {
  return select(a, b, () => true);
}

/** What is in the first alone. */
export function subtract(a: ThetaSet, b: ThetaSet): ThetaSet {
  return select(a, b, (inA, inB) => inA && !inB);
}

/** Walks both at once as far as both know all hashes. */
function select(a: ThetaSet, b: ThetaSet, keeps: (inA: boolean, inB: boolean) => boolean): ThetaSet {
  const theta = a.theta < b.theta ? a.theta : b.theta;
  const kept: bigint[] = [];
  let [atA, atB] = [0, 0];
  while (true) {
    const nextA = a.hashes[atA] ?? theta;
    const nextB = b.hashes[atB] ?? theta;
    const hash = nextA < nextB ? nextA : nextB;
    if (hash >= theta) return { theta, hashes: BigUint64Array.from(kept) };
    if (keeps(nextA === hash, nextB === hash)) kept.push(hash);
    if (nextA === hash) atA += 1;
    if (nextB === hash) atB += 1;
  }
}

/** Counts a set: its hashes are a sample of its elements, of the share that theta is of all hashes. */
export function countThetaSet({ theta, hashes }: ThetaSet): ThetaFigures {
  const count = hashes.length;
  if (theta === THETA_MAX) return { estimate: count, lower: count, upper: count };
  const share = Number(theta) / 2 ** 63;
  return { estimate: count / share, lower: count === 0 ? 0 : bound(count, share, -1), upper: bound(count, share, 1) };
}

/** The number at which `count` lies two standard errors of a binomial, and the half of one, to that side; as in assembly/sketches/theta.ts. */
function bound(count: number, share: number, side: 1 | -1): number {
  const middle = (count + side * 0.5) / share;
  const error = 2 * Math.sqrt((1 - share) / share);
  return Math.max(middle + error ** 2 / 2 + side * 0.5 * error * Math.sqrt(error ** 2 + 4 * middle), count);
}
