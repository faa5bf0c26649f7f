/** Figures as people read them. Units are SI: 1 kB is 1000 bytes. */

const DURATION_STEPS = [
  { unit: "s", size: 1 },
  { unit: "ms", size: 1e-3 },
  { unit: "us", size: 1e-6 },
  { unit: "ns", size: 1e-9 },
];
const BYTE_STEPS = [
  { unit: "TB", size: 1e12 },
  { unit: "GB", size: 1e9 },
  { unit: "MB", size: 1e6 },
  { unit: "kB", size: 1e3 },
  { unit: "B", size: 1 },
];

/** A count with its thousands apart. */
export function formatCount(value: number): string {
  // toLocaleString would load all of ICU, which takes longer than to read a small capture.
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** A count of things: `1 minute`, `2,400 minutes`. */
export function formatNumberOf(count: number, thing: string): string {
  return `${formatCount(count)} ${thing}${count === 1 ? "" : "s"}`;
}

/** At most three digits that count. */
function threeDigits(value: number): string {
  if (value === 0) return "0";
  if (value >= 99.95) return formatCount(value);
  return String(Number(value.toPrecision(3)));
}

function scaled(value: number, steps: readonly { unit: string; size: number }[]): string {
  const step = steps.find(({ size }) => value >= size * 0.9995) ?? steps[steps.length - 1]!;
  return `${threeDigits(value / step.size)} ${step.unit}`;
}

/** A duration in the unit that suits it. */
export function formatSeconds(seconds: number): string {
  if (seconds === 0) return "0 s";
  if (seconds >= 3600) return `${threeDigits(seconds / 3600)} h`;
  if (seconds >= 100) return `${threeDigits(seconds / 60)} min`;
  return scaled(seconds, DURATION_STEPS);
}

/** An amount of bytes in the unit that suits it. */
export function formatBytes(bytes: number): string {
  return bytes === 0 ? "0 B" : scaled(bytes, BYTE_STEPS);
}

/** A figure in a metric's unit. */
export function formatFigure(value: number, unit: string): string {
  if (unit === "seconds") return formatSeconds(value);
  if (unit === "bytes") return formatBytes(value);
  return unit === "" && Number.isInteger(value) ? formatCount(value) : threeDigits(value);
}

/** A share of a whole. */
export function formatShare(part: number, whole: number): string {
  return whole > 0 ? `${((part / whole) * 100).toFixed(1)} %` : "";
}
