/** Sums that stay at the greatest number where they do not fit, so that any order of adding gives the same. */

/** Adds two numbers; u64.MAX_VALUE where their sum is more. */
export function saturatingAdd(a: u64, b: u64): u64 {
  const sum = a + b;
  return sum < a ? u64.MAX_VALUE : sum;
}
