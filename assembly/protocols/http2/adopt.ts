/** The request that asked for HTTP/2 in HTTP/1.1: it is stream 1, ended, and is answered there (RFC 7540 section 3.2). */
import { Conversation, PROTOCOL_UNKNOWN } from "../../roundtrip/conversation";
import { Mark } from "../../roundtrip/marks";
import { Message, messageCreate, messageRelease, messageText } from "../../roundtrip/message";
import { leave, Protocols, stateOf } from "../protocol";
import { copyContent } from "../shared/content";
import { Upgrade } from "../shared/upgrade";
import * as F from "./fields";
import { Http2Metrics } from "./metrics";
import { halfOf } from "./state";
import { openStream, setStreamFlag } from "./streams";

const STREAM: u32 = 1;

/** Makes a message of the request in `Upgrade`; 0 where there is no room. */
export function copyUpgrade(): u32 {
  const at = messageCreate(F.HTTP2, F.FIXED_END, F.REQUEST_BYTES);
  if (at == 0) {
    Http2Metrics.refused();
    return 0;
  }
  let message = changetype<Message>(at);
  message.firstNs = Upgrade.firstNs;
  message.lastNs = Upgrade.lastNs;
  message.wireBytes = Upgrade.wireBytes;
  store<u64>(at, Upgrade.bodyBytes, F.BODY_BYTES);
  store<u32>(at, STREAM, F.STREAM_ID);
  message.know(F.Http2Field.STREAM_ID);
  message.know(F.Http2Field.BODY_BYTES);
  if (Upgrade.isTruncated) message.mark(Mark.TRUNCATED);
  message = put(message, F.Http2Field.METHOD, F.METHOD, Upgrade.methodStart, Upgrade.methodLength, F.METHOD_BYTES_MAX);
  message = put(message, F.Http2Field.PATH, F.PATH, Upgrade.pathStart, Upgrade.pathLength, F.PATH_BYTES_MAX);
  message = put(message, F.Http2Field.AUTHORITY, F.AUTHORITY, Upgrade.hostStart, Upgrade.hostLength, F.AUTHORITY_BYTES_MAX);
  message = put(
    message,
    F.Http2Field.USER_AGENT,
    F.USER_AGENT,
    Upgrade.userAgentStart,
    Upgrade.userAgentLength,
    F.USER_AGENT_BYTES_MAX,
  );
  const traceLength = Upgrade.traceparentLength;
  message = put(message, F.Http2Field.TRACEPARENT, F.TRACEPARENT, Upgrade.traceparentStart, traceLength, F.TRACEPARENT_BYTES_MAX);
  message = copyContent(message, F.REQUEST_CONTENT, changetype<Message>(Upgrade.message), Upgrade.place);
  return <u32>changetype<usize>(message);
}

function put(message: Message, field: u32, offset: u32, start: usize, length: u32, most: u32): Message {
  if (length == 0) return message;
  message.know(field);
  return messageText(message, offset, start, length, most);
}

/** Takes the conversation over with the request that `copyUpgrade` made. */
export function takeUpgrade(conversation: Conversation, client: u32, request: u32): void {
  conversation.protocol = <u8>F.HTTP2;
  if (stateOf(conversation, Protocols.at(F.HTTP2)) == 0) {
    Http2Metrics.refused();
    messageRelease(changetype<Message>(<usize>request));
    leave(conversation, PROTOCOL_UNKNOWN);
    return;
  }
  conversation.client = <u8>client;
  const asking = halfOf(conversation, client);
  asking.seenFrom = STREAM;
  asking.seenTo = STREAM;
  setStreamFlag(request, F.StreamFlag.REQUEST_ENDED);
  openStream(conversation, client, request, STREAM);
}
