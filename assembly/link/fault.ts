/** What link layers count when they cannot read on; each answers false, for its caller to answer. */
import { Malformed, Tally, Undecoded } from "../capture/tally";

/** Counts a layer that is not read further. */
export function undecoded(layer: u32): bool {
  Tally.undecoded(layer);
  return false;
}

/** Counts a link header that does not fit: cut by the capture, or too short on the wire. */
export function linkShort(missing: u32): bool {
  if (missing != 0) Tally.undecoded(Undecoded.LINK_CUT);
  else Tally.malformed(Malformed.LINK_SHORT);
  return false;
}

/** Counts a link header that breaks its format. */
export function linkMalformed(reason: u32): bool {
  Tally.malformed(reason);
  return false;
}
