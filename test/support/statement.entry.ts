/** The fingerprint of statements opened to tests. */
import { fingerprint, Statement } from "../../assembly/bytes/statement";

/** Where a statement may be put. */
export function staging(): usize {
  return __heap_base + 64;
}

/** Makes the fingerprint of `length` bytes that were put there, `times` times; answers its length. */
export function make(length: u32, dialect: u32, times: u32): u32 {
  for (let i: u32 = 0; i < times; i++) fingerprint(staging(), length, dialect);
  return Statement.length;
}

/** Where the fingerprint lies. */
export function made(): usize {
  return Statement.start;
}
