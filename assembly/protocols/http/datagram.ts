/**
 * HTTP in datagrams, as UPnP's discovery uses it: one message each, and no pairs, since who answers a search that went to many
 * answers from an address of its own.
 */
import { Conversation } from "../../roundtrip/conversation";
import { Status } from "../../roundtrip/marks";
import { reportRest } from "../../roundtrip/report";
import { leave, Parse, Protocols, stateOf } from "../protocol";
import { HTTP } from "./fields";
import { letGo } from "./message-end";
import { HttpMetrics } from "./metrics";
import { onBytes } from "./parse";
import { onFinish } from "./seek";

/** The contract's datagram: a stream that begins and ends with it. */
export function onDatagram(conversation: Conversation, side: u32, start: usize, length: u32): bool {
  if (stateOf(conversation, Protocols.at(HTTP)) == 0) {
    HttpMetrics.refused();
    return false;
  }
  Parse.sequence = 0;
  Parse.acknowledgement = 0;
  Parse.skip = 0;
  Parse.outcome = Status.UNOBSERVED;
  onBytes(conversation, side, start, length);
  if (conversation.state == 0) return true;
  onFinish(conversation, side);
  reportRest(conversation, Status.UNOBSERVED);
  letGo(conversation);
  leave(conversation, HTTP);
  return true;
}
