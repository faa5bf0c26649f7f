/** The request that a WebSocket began with, taken over from HTTP (../shared/upgrade.ts), and the end of both. */
import { Conversation, PROTOCOL_FOREIGN } from "../../roundtrip/conversation";
import { Mark, Status } from "../../roundtrip/marks";
import { Message, messageCreate, messageRelease, messageText } from "../../roundtrip/message";
import { pendingAdd, pendingAnswer, pendingTake, TimeoutClass } from "../../roundtrip/pending";
import { report } from "../../roundtrip/report";
import { leave, Parse, Protocols, stateOf } from "../protocol";
import { Upgrade } from "../shared/upgrade";
import * as F from "./fields";
import { WebSocketMetrics } from "./metrics";
import { clientOf, firstCode, HalfFlag, halfOf, setClient } from "./state";

/** Makes a message of the request in `Upgrade`; 0 where there is no room. */
export function copyUpgrade(): u32 {
  const at = messageCreate(F.WEBSOCKET, F.FIXED_END, F.REQUEST_BYTES);
  if (at == 0) {
    WebSocketMetrics.refused();
    return 0;
  }
  let message = changetype<Message>(at);
  if (Upgrade.isTruncated) message.mark(Mark.TRUNCATED);
  message = put(message, F.WebSocketField.HOST, F.HOST, Upgrade.hostStart, Upgrade.hostLength, F.HOST_BYTES_MAX);
  message = put(message, F.WebSocketField.TARGET, F.TARGET, Upgrade.targetStart, Upgrade.targetLength, F.TARGET_BYTES_MAX);
  message = put(message, F.WebSocketField.PATH, F.PATH, Upgrade.pathStart, Upgrade.pathLength, F.TARGET_BYTES_MAX);
  const agentLength = Upgrade.userAgentLength;
  message = put(message, F.WebSocketField.USER_AGENT, F.USER_AGENT, Upgrade.userAgentStart, agentLength, F.USER_AGENT_BYTES_MAX);
  return <u32>changetype<usize>(message);
}

function put(message: Message, field: u32, offset: u32, start: usize, length: u32, most: u32): Message {
  if (length == 0) return message;
  message.know(field);
  return messageText(message, offset, start, length, most);
}

/** Takes the conversation over with the request that `copyUpgrade` made: both sides send frames from here. */
export function takeUpgrade(conversation: Conversation, client: u32, handle: u32): void {
  const request = changetype<Message>(<usize>handle);
  conversation.protocol = <u8>F.WEBSOCKET;
  const response = messageCreate(F.WEBSOCKET, F.FIXED_END, F.FIXED_END);
  if (response == 0 || stateOf(conversation, Protocols.at(F.WEBSOCKET)) == 0) {
    WebSocketMetrics.refused();
    if (response != 0) messageRelease(changetype<Message>(response));
    messageRelease(request);
    leave(conversation, PROTOCOL_FOREIGN);
    return;
  }
  conversation.client = <u8>client;
  setClient(conversation, client);
  request.talks();
  begin(conversation, client, request);
  begin(conversation, client ^ 1, changetype<Message>(response));
  pendingAdd(conversation, client, request, TimeoutClass.NONE);
  // Whoever ends its side first, the connection has its outcome only at the end of both.
  pendingAnswer(request);
}

function begin(conversation: Conversation, side: u32, message: Message): void {
  F.knowCounts(message);
  message.firstNs = Parse.timeNs;
  message.lastNs = Parse.timeNs;
  halfOf(conversation, side).message = <u32>changetype<usize>(message);
}

/** Whether the connection is still to be reported: its request, the last that was added, may have been let go of with others. */
export function isOpen(conversation: Conversation): bool {
  const request = halfOf(conversation, clientOf(conversation)).message;
  return request != 0 && request == conversation.pendingTail;
}

/** Reports the connection, in which both sides have sent their last, and leaves it. */
export function end(conversation: Conversation): void {
  const client = clientOf(conversation);
  const request = changetype<Message>(<usize>halfOf(conversation, client).message);
  const response = changetype<Message>(<usize>halfOf(conversation, client ^ 1).message);
  // It lasts until either side's last byte.
  if (request.lastNs > response.lastNs) response.lastNs = request.lastNs;
  forget(conversation);
  pendingTake(request);
  report(conversation, client, changetype<usize>(request), changetype<usize>(response), outcome(conversation));
  messageRelease(request);
  messageRelease(response);
  leave(conversation, PROTOCOL_FOREIGN);
}

function forget(conversation: Conversation): void {
  halfOf(conversation, 0).message = 0;
  halfOf(conversation, 1).message = 0;
}

/** By the close frame that came first; without one as the connection ended, where none can have been missed. */
function outcome(conversation: Conversation): u32 {
  const code = firstCode(conversation);
  if (code != 0) {
    const isGood = code == F.CloseCode.NORMAL || code == F.CloseCode.GOING_AWAY || code == F.CloseCode.NONE;
    return isGood ? Status.OK : Status.ERROR;
  }
  const isUnsure = halfOf(conversation, 0).is(HalfFlag.UNSURE) || halfOf(conversation, 1).is(HalfFlag.UNSURE);
  return isUnsure ? Status.UNOBSERVED : Parse.outcome;
}

/** Lets go of what the state holds and no list does: the response. */
export function letGo(conversation: Conversation): void {
  const response = halfOf(conversation, clientOf(conversation) ^ 1);
  if (response.message != 0) messageRelease(changetype<Message>(<usize>response.message));
  forget(conversation);
}
