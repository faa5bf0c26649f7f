/** Packet times: from the units of a capture file to nanoseconds since the epoch, clamped to TIME_NS_MAX. */
import { TIME_NS_MAX } from "./packet";

const SECOND_NS: u64 = 1000000000;

/** Joins seconds and nanoseconds, of which there may be more than a second's. */
export function fromSeconds(seconds: u32, nanoseconds: u32): u64 {
  return <u64>seconds * SECOND_NS + <u64>nanoseconds;
}

/** Ten to the power of `exponent`, which is at most 19. */
function powerOfTen(exponent: u32): u64 {
  let value: u64 = 1;
  for (let i: u32 = 0; i < exponent; i++) value *= 10;
  return value;
}

/** `ticks / 2^exponent` seconds as nanoseconds, rounded down. */
function fromBinary(ticks: u64, exponent: u32): u64 {
  const seconds = exponent < 64 ? ticks >> exponent : 0;
  if (seconds > TIME_NS_MAX / SECOND_NS - 1) return TIME_NS_MAX;
  const fraction = exponent < 64 ? ticks & (((<u64>1) << exponent) - 1) : ticks;
  // fraction * 1e9 / 2^exponent in 96 bits, as high * 2^32 + 32 lower bits.
  const low = (fraction & 0xffffffff) * SECOND_NS;
  const high = (fraction >> 32) * SECOND_NS + (low >> 32);
  let nanoseconds: u64 = 0;
  if (exponent >= 96) nanoseconds = 0;
  else if (exponent >= 32) nanoseconds = high >> (exponent - 32);
  else nanoseconds = ((high << 32) | (low & 0xffffffff)) >> exponent;
  return seconds * SECOND_NS + nanoseconds;
}

/** `ticks` of pcapng's if_tsresol `resolution` (a power of ten, or of two where the high bit is set) as nanoseconds. */
export function fromTicks(ticks: u64, resolution: u32): u64 {
  const exponent = resolution & 0x7f;
  if ((resolution & 0x80) != 0) return fromBinary(ticks, exponent);
  if (exponent > 9) return exponent > 28 ? 0 : ticks / powerOfTen(exponent - 9);
  const factor = powerOfTen(9 - exponent);
  return ticks > TIME_NS_MAX / factor ? TIME_NS_MAX : ticks * factor;
}

/** Moves a time by pcapng's if_tsoffset, in seconds. */
export function moveSeconds(timeNs: u64, offset: i64): u64 {
  if (offset == 0) return timeNs < TIME_NS_MAX ? timeNs : TIME_NS_MAX;
  const limit = <i64>(TIME_NS_MAX / SECOND_NS);
  if (offset > limit || offset < -limit) return offset > 0 ? TIME_NS_MAX : 0;
  const time = timeNs < TIME_NS_MAX ? timeNs : TIME_NS_MAX;
  const distance = <u64>(offset < 0 ? -offset : offset) * SECOND_NS;
  if (offset < 0) return time > distance ? time - distance : 0;
  return distance > TIME_NS_MAX - time ? TIME_NS_MAX : time + distance;
}
