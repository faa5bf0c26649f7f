import { HOST_NETWORKS_MAX, parseNetwork } from "../engine/settings";
import { Failure } from "./failure";

/** Networks of this host, as they were given; undefined for none. Throws Failure. */
export function hostNetworksOf(words: string[] | undefined): string[] | undefined {
  if (words === undefined) return undefined;
  if (words.length > HOST_NETWORKS_MAX) throw new Failure(`at most ${HOST_NETWORKS_MAX} host networks, not ${words.length}`, 2);
  for (const word of words) {
    try {
      parseNetwork(word);
    } catch {
      throw new Failure(`"${word}" is no network; write it as 192.168.0.0/16 or 2001:db8::/32`, 2);
    }
  }
  return words;
}
