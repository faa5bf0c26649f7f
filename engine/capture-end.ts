/** How a capture file ended, in words: the same on the command line and on the page. */
import type { InputEnding } from "./core.ts";
import type { CaptureCounts } from "./summary.ts";

/** Interfaces of a pcapng section that the core keeps (assembly/capture/input-state.ts). */
const INTERFACES_MAX = 256;

/** What is known of the end of a capture file. */
export interface CaptureEnd {
  /** How the core's input ended. */
  ending: InputEnding;
  /** What was wrong with its gzip stream. */
  gzipFault?: string;
  /** What may be missing before that fault. */
  lost?: string;
  /** Whether something follows the last member of its gzip stream that is neither another nor padding. */
  isFollowed?: boolean;
}

/** What became of a capture file; nothing where all is well. */
export interface EndWords {
  /** Why it could not be read to its end. */
  failure?: string;
  /** What its reader should know. */
  warning?: string;
}

/** Says how the file `name` ended. */
export function endWords(name: string, { ending, gzipFault, lost, isFollowed }: CaptureEnd): EndWords {
  if (gzipFault !== undefined) {
    const but = lost === undefined ? "" : `, but for ${lost}`;
    return { failure: `${name}: its gzip stream is broken (${gzipFault}); what came before was read${but}` };
  }
  if (ending === "given up")
    return { failure: `${name} is damaged: no record begins where one should; what came before was read` };
  const warnings = [
    ...(ending === "cut" ? ["ends inside a record; what came before was read"] : []),
    ...(isFollowed ? ["goes on behind its gzip stream with what is no gzip; that was left out"] : []),
  ];
  return warnings.length === 0 ? {} : { warning: `${name} ${warnings.join(", and ")}` };
}

/** Says what a limit kept from being read; undefined where none did. */
export function limitWords({ undecoded }: CaptureCounts): string | undefined {
  const packets = undecoded.interface_limit ?? 0;
  if (packets === 0) return undefined;
  const those = packets === 1 ? "1 packet is" : `${packets.toLocaleString("en-US")} packets are`;
  return `${those} of interfaces beyond the first ${INTERFACES_MAX} of a section; their bytes are counted and not read`;
}
