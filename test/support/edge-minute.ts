/** Real bundles, sealed and merged by the built core. */
import module from "../../build/core.wasm";
import { Core } from "../../engine/core";
import { type EdgeMinute, sealMinuteBy } from "./seal-minute";

export { type Exchange, type Page, withSequence, withTop } from "./seal-minute";

/** The bundle of one minute. */
export const sealMinute = (minute: EdgeMinute) => sealMinuteBy(module, minute);

/** The merge of bundles by a core of its own. */
export function mergeDirectly(bundles: Iterable<Uint8Array>): Uint8Array {
  return new Core(module, { role: "hub", budgetBytes: 15 << 20 }).merge(bundles);
}
