import { compileWords, LINK_ETHERNET } from "../capture/filter/compile";
import { loadNative } from "../capture/native";
import { type Finding, failed, ok, skipped, warning } from "./finding";
import type { Subject } from "./subject";

const MEND = "Debian: sudo apt-get install libpcap0.8; Alpine: apk add libpcap; Fedora: dnf install libpcap";

/** Whether libpcap is there, which knows all words of filters, and captures where there are no rings. */
export function checkLibpcap({ options: { captureFilter, capture } }: Subject): Finding {
  const native = loadNative();
  if (native === undefined) return skipped("it is reached through the addon");
  const version = native.pcapVersion();
  if (version !== undefined) return ok(version);
  const found = "it is not installed";
  const isNeeded = needsLibpcap(captureFilter) || capture === "libpcap" || process.platform !== "linux";
  return isNeeded ? failed(found, MEND) : warning(`${found}, which rarer words of -f and --capture libpcap would need`, MEND);
}

/** Whether a filter has more than the common words. */
function needsLibpcap(filter: string | undefined): boolean {
  try {
    if (filter !== undefined) compileWords(filter, LINK_ETHERNET);
    return false;
  } catch {
    return true;
  }
}
