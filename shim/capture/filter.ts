import { Failure, reasonOf } from "../failure";
import type { Native } from "./native";

/** libpcap's largest snap length. */
export const SNAP_BYTES = 262_144;

/** What a filter takes where libpcap is missing. */
export const LIBPCAP_MISSING =
  "-f takes libpcap, whose compiler reads filters; install it (Debian: apt-get install libpcap0.8, macOS has it)";

/** Compiles a filter for packets of a link type. Throws Failure. */
export function compileFilter(native: Native, filter: string, linkType: number): Uint8Array {
  if (native.pcapVersion() === undefined) throw new Failure(LIBPCAP_MISSING);
  try {
    return native.compile(filter, linkType, SNAP_BYTES);
  } catch (cause) {
    throw new Failure(`"${filter}" is no filter: ${reasonOf(cause)}; pcap-filter(7) describes them`, 2, { cause });
  }
}
