/** How a walk begins. */

import { isBare } from "./header";
import { API_KEYS, isFlexible, newestVersion } from "./numbers";
import { programOf } from "./program";
import { Walk, WalkFlag } from "./walk-state";

const API_VERSIONS: u32 = 18;

/** Readies a cleared walk for the request or response of an API key and version: only versions that are known are read. */
export function openWalk(w: Walk, key: u32, version: u32, isResponse: bool): void {
  const isKnown = key < API_KEYS && version <= newestVersion(key);
  w.key = <u16>key;
  w.version = <u8>version;
  w.partition = -1;
  w.op = isKnown ? <u32>programOf(key, isResponse ? 1 : 0) : 0;
  w.header = Walk.HEADER_BODY;
  if (isFlexible(key, version)) {
    w.set(WalkFlag.FLEXIBLE);
    // KIP-511: a response to ApiVersions has the first header always, since its version may be unknown to the client.
    if (!isResponse || key != API_VERSIONS) w.header |= Walk.HEADER_TAGS;
  }
  if (isResponse) w.set(WalkFlag.RESPONSE);
  else if (!isBare(key, version)) w.header |= Walk.HEADER_CLIENT;
}
