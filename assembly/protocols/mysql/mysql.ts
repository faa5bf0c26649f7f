/**
 * MySQL and MariaDB (client/server protocol 10), by content on any port.
 *
 * ```
 *   packet   length u24 | sequence id u8 | payload                    (least significant byte first)
 *
 *   probe.ts      what is one             handshake.ts   who the client is      requests.ts    commands
 *   responses.ts  OK, errors, results     result.ts      what they answer       metrics.ts     what is counted
 * ```
 * A round trip is a command and all results that it brings. Behind missing bytes a segment that begins with a command is where
 * requests go on, and one that begins where a known request was sent is where responses do.
 */
import { Conversation } from "../../roundtrip/conversation";
import { orderEnd, orderGap } from "../../roundtrip/in-order";
import { Mark } from "../../roundtrip/marks";
import { Message } from "../../roundtrip/message";
import { setObserver } from "../../roundtrip/observers";
import { declareProtocol, OVER_TCP, Parse } from "../protocol";
import { declareMysqlFields, MYSQL } from "./fields";
import { MysqlMetrics, observeMysql } from "./metrics";
import { probeMysql } from "./probe";
import { readRequests } from "./requests";
import { finishResponses, losePlace, readResponses } from "./responses";
import { endHeld } from "./result";
import { letGo, MysqlState, requestOf, STATE_BYTES, StateFlag, stateAt } from "./state";

/** Declares protocol `number`, its fields and its metrics. */
export function declareMysql(number: u32): void {
  assert(number == MYSQL && offsetof<MysqlState>() <= STATE_BYTES);
  const protocol = declareProtocol(number, "mysql", "3306", "MySQL and MariaDB: commands, prepared statements, results.");
  protocol.transports = <u8>OVER_TCP;
  protocol.stateBytes = <u16>STATE_BYTES;
  protocol.probe = probeMysql.index;
  protocol.parse = onBytes.index;
  protocol.gap = onGap.index;
  protocol.finish = onFinish.index;
  protocol.release = onRelease.index;
  setObserver(number, observeMysql.index);
  declareMysqlFields(number);
  MysqlMetrics.declare(number);
}

/** The contract's parse. */
function onBytes(conversation: Conversation, side: u32, start: usize, length: u32): i32 {
  const isClient = side == <u32>conversation.client;
  const end = isClient
    ? readRequests(conversation, side, start, start + length)
    : readResponses(conversation, side, start, start + length);
  return <i32>(end - start);
}

/** The contract's gap: inside a packet of known length it costs a mark, else the next message is looked for. */
function onGap(conversation: Conversation, side: u32, bytes: u32): bool {
  const state = stateAt(conversation);
  const isInside = <u64>bytes <= Parse.skip;
  if (side == <u32>conversation.client) {
    const request = requestOf(conversation);
    if (request != 0 && Parse.skip != 0) changetype<Message>(request).mark(Mark.GAP);
    if (isInside) return true;
    state.clear(StateFlag.CLIENT_IN_PLACE | StateFlag.CLIENT_CONTINUES);
    state.set(StateFlag.AFTER_GAP);
    endHeld(conversation);
    return true;
  }
  if (isInside) {
    if (state.response != 0) changetype<Message>(state.response).mark(Mark.GAP);
    return true;
  }
  const isBetween = state.response == 0;
  if (!isBetween) changetype<Message>(state.response).wireBytes += bytes;
  losePlace(conversation, Mark.GAP);
  orderGap(conversation, state.requests, Parse.sequence, bytes, isBetween);
  return true;
}

/** The contract's finish: `side` sends no more. */
function onFinish(conversation: Conversation, side: u32): void {
  if (side == <u32>conversation.client) return;
  finishResponses(conversation, side);
  orderEnd(conversation, stateAt(conversation).requests);
}

function onRelease(conversation: Conversation): void {
  letGo(conversation);
}
