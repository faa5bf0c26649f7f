/** Figures as text, the same everywhere on the page. */

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const THREE_DIGITS = 3;
/** Between a figure and its unit: no line breaks there. */
const SPACE = "\u00a0";
const BYTE_UNITS = ["B", "KB", "MB", "GB", "TB", "PB"];
const COUNT_UNITS = ["", "k", "M", "G", "T"];

/** A whole number with separators. */
export function count(value: number): string {
  return whole.format(value);
}

/** A whole number in full as long as it fits a tile. */
export function full(value: number): string {
  return value < 1e10 ? count(value) : short(value);
}

/** A number in few characters: 1,234 then 12.3k. */
export function short(value: number): string {
  if (Math.abs(value) < 10_000) return Number.isInteger(value) || Math.abs(value) >= 1000 ? count(value) : digits(value);
  return scaled(value, 1000, COUNT_UNITS, "");
}

/** Bytes with three digits. */
export function bytes(value: number): string {
  return scaled(value, 1000, BYTE_UNITS, SPACE);
}

function scaled(value: number, step: number, units: readonly string[], space: string): string {
  let power = 0;
  let rest = value;
  while (Math.abs(rest) >= step * 0.9995 && power < units.length - 1) {
    rest /= step;
    power += 1;
  }
  return `${power === 0 ? count(rest) : digits(rest)}${space}${units[power]}`;
}

/** Three significant digits without an exponent. */
function digits(value: number): string {
  if (value === 0) return "0";
  const places = Math.max(0, Math.min(6, THREE_DIGITS - 1 - Math.floor(Math.log10(Math.abs(value)))));
  return value.toFixed(places);
}

/** A length of time in the unit that suits it. */
export function seconds(value: number): string {
  const size = Math.abs(value);
  if (value === 0) return `0${SPACE}s`;
  if (size < 1e-6) return `${digits(value * 1e9)}${SPACE}ns`;
  if (size < 1e-3) return `${digits(value * 1e6)}${SPACE}µs`;
  if (size < 1) return `${digits(value * 1e3)}${SPACE}ms`;
  if (size < 120) return `${digits(value)}${SPACE}s`;
  return span(value);
}

/** Days, hours, minutes: the two largest. */
export function span(value: number): string {
  const parts = [
    [Math.floor(value / 86_400), "d"],
    [Math.floor(value / 3600) % 24, "h"],
    [Math.floor(value / 60) % 60, "min"],
    [Math.floor(value % 60), "s"],
  ] as const;
  const start = parts.findIndex(([number]) => number > 0);
  if (start < 0) return `0${SPACE}s`;
  const shown = parts.slice(start, start + 2).filter(([number]) => number > 0);
  return shown.map(([number, unit]) => `${number}${SPACE}${unit}`).join(" ");
}

/** A value of a metric in its unit. */
export function inUnit(value: number, unit: string): string {
  if (unit === "seconds") return seconds(value);
  if (unit === "bytes") return bytes(value);
  return short(value);
}

/** A share in percent. */
export function percent(share: number): string {
  if (share === 0) return `0${SPACE}%`;
  if (share < 0.0001) return `<${SPACE}0.01${SPACE}%`;
  return `${digits(share * 100)}${SPACE}%`;
}

/** By how much a figure has changed: `+12 %`, `× 3.4`, `new`. */
export function change(value: number, before: number): string {
  if (value === before) return "unchanged";
  if (before === 0) return "new";
  const ratio = value / before;
  if (ratio >= 3) return `×${SPACE}${short(ratio)}`;
  return `${ratio > 1 ? "+" : "−"}${percent(Math.abs(ratio - 1))}`;
}

/** Time of day of an RFC 3339 time, to the microsecond. */
export function clock(time: string): string {
  return time.slice(11, 26);
}

/** Day and time of day, to the millisecond. */
export function dayAndClock(time: string): string {
  return `${time.slice(0, 10)} ${time.slice(11, 23)}`;
}
