import type { EndWords } from "../../engine/capture-end";
import type { Core } from "../../engine/core";
import { Failure, reasonOf } from "../failure";
import { compileFilter, LIBPCAP_MISSING } from "./filter";
import { loadNative, type Native, type NativeSource } from "./native";

const LINK_ETHERNET = 1;

/** Makes sure that a filter is one before any file is read with it. Throws Failure. */
export function checkFileFilter(filter: string | undefined): void {
  if (filter !== undefined) compileFilter(nativeWithPcap(), filter, LINK_ETHERNET);
}

function nativeWithPcap(): Native {
  const native = loadNative();
  if (native?.pcapVersion() === undefined) throw new Failure(LIBPCAP_MISSING);
  return native;
}

/**
 * Feeds what a filter takes of a capture file, which libpcap then reads: pcap, and pcapng of one link type, not compressed. Throws
 * Failure.
 */
export async function feedFiltered(core: Core, path: string, filter: string, goesOn: () => Promise<boolean>): Promise<EndWords> {
  const native = nativeWithPcap();
  const name = path === "-" ? "standard input" : path;
  let source: NativeSource;
  try {
    source = native.openFile(path, filter);
  } catch (cause) {
    throw new Failure(`cannot read ${name} through libpcap, which -f takes: ${reasonOf(cause)}`, 1, { cause });
  }
  const input = core.open("live");
  try {
    for (let bytes = native.read(source, input.free); bytes > 0; bytes = native.read(source, input.free)) {
      input.written(bytes);
      if (!(await goesOn())) return {};
    }
    return native.fault(source) === 0 ? {} : { warning: `${name} ends inside a record, or where none begins` };
  } finally {
    input.end();
    native.close(source);
  }
}
