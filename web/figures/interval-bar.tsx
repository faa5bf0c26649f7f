/** A bar up to what is certain, and lighter up to what is possible. */
export function IntervalBar({ lower, upper, most }: { lower: number; upper: number; most: number }) {
  const share = (value: number) => `${most > 0 ? Math.min(100, (value / most) * 100) : 0}%`;
  return (
    <span class="interval" aria-hidden="true">
      <span class="possible" style={{ width: share(upper) }} />
      <span class="certain" style={{ width: share(lower) }} />
    </span>
  );
}
