import { Failure, reasonOf } from "../../failure";
import { encodeProgram, INSTRUCTION_BYTES, INSTRUCTIONS_MAX, OP } from "../bpf";
import { loadNative, type Native } from "../native";
import { program } from "./condition";
import { meaningOf } from "./meaning";
import { parseFilter } from "./parse";

/** libpcap's largest snap length. */
export const SNAP_BYTES = 262_144;
/** LINKTYPE_ numbers of Ethernet, and of what begins with its IP header. */
export const LINK_ETHERNET = 1;
export const LINK_RAW = 101;
/** Link types of which filters are: beside those, Linux cooked, which Ethernet has no words for. */
const LINKS = [LINK_ETHERNET, 113, LINK_RAW];

/** Characters of a filter: native/ takes no more. */
const CHARACTERS_MAX = 16_000;

/** Where packets come from: what the kernel knows of them beside their bytes is in no file. */
export type FilteredSource = "interface" | "file";

/** Why a filter cannot be put to packets of a link type. */
export class Refusal {
  constructor(readonly reason: string) {}

  /** Whether none of them can fit it. */
  get isOfAll(): boolean {
    return /rejects all packets/.test(this.reason);
  }
}

/** A program that takes no packet. */
export const NO_PACKET = encodeProgram([[OP.give, 0, 0, 0]]);

/**
 * Compiles a filter for packets of a link type: by libpcap where it is there, which knows all of pcap-filter(7), and else the common words
 * of it (parse.ts). Throws Failure for what is no filter at all, as far as that can be told.
 */
export function compileFilter(filter: string, linkType: number, source: FilteredSource): Uint8Array | Refusal {
  if (filter.length > CHARACTERS_MAX) throw new Failure(`-f: a filter has at most ${CHARACTERS_MAX} characters`, 2);
  const native = loadNative();
  const bytes =
    native?.pcapVersion() === undefined
      ? compileWords(filter, linkType)
      : compileByLibpcap(native, filter, linkType, source === "file");
  if (bytes instanceof Refusal || bytes.length <= INSTRUCTIONS_MAX * INSTRUCTION_BYTES) return bytes;
  const instructions = bytes.length / INSTRUCTION_BYTES;
  throw new Failure(`-f: the filter comes to ${instructions} instructions; a packet filter has at most ${INSTRUCTIONS_MAX}`, 2);
}

/** Compiles a filter of the common words alone. Throws Failure, which shows the place of a fault. */
export function compileWords(filter: string, linkType: number): Uint8Array | Refusal {
  const expression = parseFilter(filter);
  const condition = expression === undefined ? true : meaningOf(expression, linkType);
  if (condition !== undefined) return encodeProgram(program(condition, SNAP_BYTES));
  return new Refusal("filters for them take libpcap, which is not installed");
}

function compileByLibpcap(native: Native, filter: string, linkType: number, isFile: boolean): Uint8Array | Refusal {
  try {
    return native.compile(filter, linkType, isFile ? 1 : 0);
  } catch (error) {
    return new Refusal(reasonOf(error));
  }
}

/** Refuses what is no filter for packets of any link. Throws Failure. */
export function refuseNoFilter(text: string, source: FilteredSource): void {
  const compiled = LINKS.map((linkType) => compileFilter(text, linkType, source));
  const [ethernet] = compiled;
  if (ethernet instanceof Refusal && compiled.every((one) => one instanceof Refusal)) throw noFilter(text, ethernet);
}

/** What is said of a filter that is refused. */
export function noFilter(filter: string, { reason }: Refusal): Failure {
  return new Failure(`"${filter}" is no filter: ${reason}; pcap-filter(7) describes them`, 2);
}
