/**
 * PostgreSQL (frontend/backend protocol 3), by content on any port.
 *
 * ```
 *   message   type u8 | length u32, which counts itself | body        (most significant byte first)
 *
 *   probe.ts      what is one                   requests.ts   what the client sends
 *   responses.ts  rows, tags, errors            result.ts     what they answer            metrics.ts   what is counted
 * ```
 * Behind missing bytes a segment that begins with messages is where requests go on. Responses do where one begins that a known
 * request waits for, and behind a Z at the end of a segment.
 */
import { Conversation } from "../../roundtrip/conversation";
import { orderEnd } from "../../roundtrip/in-order";
import { Mark } from "../../roundtrip/marks";
import { Message } from "../../roundtrip/message";
import { setObserver } from "../../roundtrip/observers";
import { declareProtocol, OVER_TCP, Parse } from "../protocol";
import { closePayload } from "../shared/payload";
import { Sessions } from "../sql/session";
import { declarePgFields, POSTGRESQL, REQUEST_PAYLOAD } from "./fields";
import { observePg, PgMetrics } from "./metrics";
import { dropValues } from "./payload";
import { probePg } from "./probe";
import { readRequests } from "./requests";
import { finishResponses, gapInResponses, readResponses } from "./responses";
import { endHeld } from "./result";
import { letGo, PgState, requestOf, STATE_BYTES, StateFlag, stateAt } from "./state";

/** Declares protocol `number`, its fields and its metrics. */
export function declarePg(number: u32): void {
  assert(number == POSTGRESQL && offsetof<PgState>() <= STATE_BYTES);
  const protocol = declareProtocol(number, "postgresql", "5432", "PostgreSQL: simple and extended queries, COPY, functions.");
  protocol.transports = <u8>OVER_TCP;
  protocol.stateBytes = <u16>STATE_BYTES;
  protocol.probe = probePg.index;
  protocol.parse = onBytes.index;
  protocol.gap = onGap.index;
  protocol.finish = onFinish.index;
  protocol.release = onRelease.index;
  setObserver(number, observePg.index);
  Sessions.reset();
  declarePgFields(number);
  PgMetrics.declare(number);
}

/** The contract's parse. */
function onBytes(conversation: Conversation, side: u32, start: usize, length: u32): i32 {
  const isClient = side == <u32>conversation.client;
  const end = isClient
    ? readRequests(conversation, side, start, start + length)
    : readResponses(conversation, start, start + length);
  return <i32>(end - start);
}

/** The contract's gap: inside a message of known length it costs a mark, else the next message is looked for. */
function onGap(conversation: Conversation, side: u32, bytes: u32): bool {
  if (side != <u32>conversation.client) {
    gapInResponses(conversation, bytes);
    return true;
  }
  const state = stateAt(conversation);
  const request = requestOf(conversation);
  if (request != 0 && Parse.skip != 0) changetype<Message>(request).mark(Mark.GAP);
  if (request != 0) closePayload(changetype<Message>(request), REQUEST_PAYLOAD);
  if (<u64>bytes <= Parse.skip) return true;
  state.clear(StateFlag.CLIENT_IN_PLACE);
  state.set(StateFlag.AFTER_GAP | StateFlag.CHARSET_OPEN);
  state.openMessages = 0;
  state.openBytes = 0;
  dropValues(state);
  endHeld(conversation);
  return true;
}

/** The contract's finish: `side` sends no more. */
function onFinish(conversation: Conversation, side: u32): void {
  if (side == <u32>conversation.client) return;
  finishResponses(conversation);
  orderEnd(conversation, stateAt(conversation).requests);
}

function onRelease(conversation: Conversation): void {
  letGo(conversation);
}
