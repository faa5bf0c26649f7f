/** Decimal numbers of 128 bits (IEEE 754-2008, their digits in binary) as text. */

const EXPONENT_BIAS = 6176;
const EXPONENT_MASK = 0x3fffn;
const DIGITS_MAX = 34;
/** The smallest exponent of a number of one digit before the point that is written without one. */
const PLAIN_EXPONENT_MIN = -6;

/** The text of a number of these two halves, as the specification of BSON's decimal128 writes it. */
export function decimalText(low: bigint, high: bigint): string {
  const sign = high >> 63n ? "-" : "";
  const combination = (high >> 58n) & 0x1fn;
  if (combination === 31n) return "NaN";
  if (combination === 30n) return `${sign}Infinity`;
  const isLarge = combination >> 3n === 3n;
  const exponent = Number((high >> (isLarge ? 47n : 49n)) & EXPONENT_MASK) - EXPONENT_BIAS;
  const value = ((high & 0x1ffffffffffffn) << 64n) | low;
  const digits = isLarge ? "0" : String(value);
  // What has more digits than fit is no number, and stands for 0.
  return sign + written(digits.length > DIGITS_MAX ? "0" : digits, exponent);
}

function written(digits: string, exponent: number): string {
  const scientific = digits.length - 1 + exponent;
  if (exponent > 0 || scientific < PLAIN_EXPONENT_MIN) {
    const fraction = digits.length > 1 ? `.${digits.slice(1)}` : "";
    return `${digits[0]}${fraction}E${scientific < 0 ? "" : "+"}${scientific}`;
  }
  if (exponent === 0) return digits;
  const padded = digits.padStart(1 - exponent, "0");
  return `${padded.slice(0, exponent)}.${padded.slice(exponent)}`;
}
