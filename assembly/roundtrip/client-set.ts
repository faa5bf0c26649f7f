/** The clients of a protocol as sets that can be compared (`sketches/theta.ts`), where the host asks for them. */
import { declareMetric, Kind } from "../aggregate/metric";
import { thetaObserve } from "../aggregate/observe";
import { hash128 } from "../bytes/hash";
import { Labels } from "../modules/labels";
import { Settings } from "../settings";
import { Conversation } from "./conversation";

/** log2 of the entries that a set is cut to. */
const ENTRIES_LOG2: u32 = 12;
const HELP: string = "Distinct clients, as sets that can be compared; where agents run with --theta.";

/** Declares the set as metric `id`; gives its first series, of which there is one a direction. */
export function declareClientSet(id: u32, name: string): u32 {
  return declareMetric(id, Kind.THETA, "", name, HELP, ENTRIES_LOG2, Labels.DIRECTION, 0, 0);
}

/** Adds the client of a conversation to its set. */
export function observeClientSet(series: u32, conversation: Conversation, client: u32): void {
  if (!Settings.theta) return;
  thetaObserve(series, hash128(conversation.addressStart(client), conversation.addressLength) >> 1);
}
