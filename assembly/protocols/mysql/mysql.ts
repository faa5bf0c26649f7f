/**
 * MySQL and MariaDB (client/server protocol 10), by content on any port.
 *
 * ```
 *   packet   length u24 | sequence id u8 | payload                    (least significant byte first)
 *
 *   probe.ts      what is one             handshake.ts   who the client is      requests.ts    commands
 *   responses.ts  OK, errors, results     result.ts      what they answer       metrics.ts     what is counted
 *   packed.ts     compressed packets      unpack.ts      their content          content.ts     its place on the wire
 * ```
 * A round trip is a command and all results that it brings. Behind missing bytes a segment that begins with a command is where
 * requests go on, and one that begins where a known request was sent is where responses do.
 */
import { u8At } from "../../bytes/reader";
import { Conversation } from "../../roundtrip/conversation";
import { orderEnd } from "../../roundtrip/in-order";
import { Mark } from "../../roundtrip/marks";
import { setObserver } from "../../roundtrip/observers";
import { declareProtocol, Found, OVER_TCP, Parse } from "../protocol";
import { Sessions } from "../sql/session";
import { PackedPhase, packedHalf } from "./content";
import { declareMysqlFields, MYSQL } from "./fields";
import { missInside, missPlace } from "./gap";
import { Capability } from "./handshake";
import { MysqlMetrics, observeMysql, Switch } from "./metrics";
import { endPacked, missPacked, readPacked } from "./packed";
import { probePacked } from "./packed-probe";
import { probeMysql } from "./probe";
import { readRequests } from "./requests";
import { finishResponses, readResponses } from "./responses";
import { beginPacked } from "./result";
import { letGo, MysqlState, Packet, Phase, STATE_BYTES, StateFlag, stateAt } from "./state";

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
  Sessions.reset();
  declareMysqlFields(number);
  MysqlMetrics.declare(number);
}

/** The contract's parse. */
function onBytes(conversation: Conversation, side: u32, start: usize, length: u32): i32 {
  const isClient = side == <u32>conversation.client;
  const state = stateAt(conversation);
  if (state.packed == 0 && isClient && startsPacked(state, start, length)) {
    beginPacked(conversation, state, Switch.ZLIB);
    if (conversation.protocol != <u8>MYSQL) return <i32>length;
    // What the server still sends may be of the handshake.
    packedHalf(state.packed, side ^ 1).phase = PackedPhase.SEEK;
  }
  if (state.packed != 0) return <i32>(readPacked(conversation, side, start, start + length) - start);
  const end = isClient
    ? readRequests(conversation, side, start, start + length)
    : readResponses(conversation, side, start, start + length);
  return <i32>(end - start);
}

/** Whether the client's packets are compressed from here on, though the handshake was not seen to its end, or not from its beginning. */
function startsPacked(state: MysqlState, start: usize, length: u32): bool {
  if (length < Packet.HEADER || u8At(start + 3) != 0) return false;
  const isAuthenticating = state.phase == Phase.AUTHENTICATES;
  if (state.capabilities & state.serverCapabilities & Capability.COMPRESS) return isAuthenticating;
  if (state.capabilities != 0 && state.serverCapabilities != 0) return false;
  const isAsked = (state.capabilities & Capability.COMPRESS) != 0;
  return (isAsked || !state.is(StateFlag.CLIENT_IN_PLACE)) && probePacked(start, length) == Found.REQUEST;
}

/** The contract's gap. */
function onGap(conversation: Conversation, side: u32, bytes: u32): bool {
  if (stateAt(conversation).packed != 0) {
    missPacked(conversation, side, bytes);
    return true;
  }
  if (Parse.skip != 0) missInside(conversation, side, Mark.GAP);
  if (<u64>bytes > Parse.skip) missPlace(conversation, side, Parse.sequence, bytes, bytes, Mark.GAP);
  return true;
}

/** The contract's finish: `side` sends no more. */
function onFinish(conversation: Conversation, side: u32): void {
  if (stateAt(conversation).packed != 0) endPacked(conversation, side);
  if (side == <u32>conversation.client || conversation.protocol != <u8>MYSQL) return;
  finishResponses(conversation, side);
  orderEnd(conversation, stateAt(conversation).requests);
}

function onRelease(conversation: Conversation): void {
  letGo(conversation);
}
