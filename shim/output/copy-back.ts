/** What compression by copies has in common. */

/** Adds `length` bytes that stand `offset` before the end of `out`, and not before `first`; what they repeat may be themselves. */
export function copyBack(out: number[], first: number, offset: number, length: number): void {
  if (offset === 0 || offset > out.length - first) throw new Error("a copy of nothing");
  for (let i = 0; i < length; i++) out.push(out[out.length - offset]!);
}
