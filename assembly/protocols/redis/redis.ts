/**
 * Redis: RESP versions 2 and 3 and lines of text, by content on any port.
 *
 * ```
 *   head.ts   the line that begins a value      request.ts, arguments.ts, commands.ts   what is asked
 *   probe.ts  what first bytes are              reply.ts    what is answered, and what is sent unasked
 *   match.ts  which request is answered         gap.ts      missing bytes and ends      metrics.ts   what is counted
 * ```
 * Keys are kept, other arguments and values are not; passwords are neither.
 */
import { u8At } from "../../bytes/reader";
import { Conversation } from "../../roundtrip/conversation";
import { setObserver } from "../../roundtrip/observers";
import { declareProtocol, OVER_TCP, Parse } from "../protocol";
import { declareCommands } from "./commands";
import * as F from "./fields";
import { lose, onFinish, onGap } from "./gap";
import { Read, readHead, Type } from "./head";
import { forget, letGo } from "./match";
import { observeRedis, RedisMetrics } from "./metrics";
import { probeRedis } from "./probe";
import { parkReply, stepReply } from "./reply";
import { stepRequest } from "./request";
import { Half, HalfFlag, Phase, RedisState, STATE_BYTES, StateFlag, stateAt } from "./state";
import { Turn } from "./turn";

/** Declares protocol `number`, its fields and its metrics. */
export function declareRedis(number: u32): void {
  assert(number == F.REDIS && STATE_BYTES == offsetof<RedisState>() + 2 * offsetof<Half>());
  const protocol = declareProtocol(number, "redis", "6379", "Redis: RESP versions 2 and 3, and lines of text.");
  protocol.transports = <u8>OVER_TCP;
  protocol.stateBytes = <u16>STATE_BYTES;
  protocol.probe = probeRedis.index;
  protocol.parse = onBytes.index;
  protocol.gap = onGap.index;
  protocol.finish = onFinish.index;
  protocol.release = onRelease.index;
  setObserver(number, observeRedis.index);
  declareCommands();
  F.declareRedisFields(number);
  RedisMetrics.declare();
}

/** The contract's parse. */
function onBytes(conversation: Conversation, side: u32, start: usize, length: u32): i32 {
  Turn.open(start, length);
  const state = stateAt(conversation);
  if (isAtStart(conversation, state)) {
    state.database = 0;
    state.set(StateFlag.DATABASE);
  }
  if (side == conversation.client && isReversed(conversation, state)) reverse(conversation, state);
  const isClient = side == conversation.client;
  const half = isClient ? state.requests : state.replies;
  keepPlace(conversation, isClient, half, length);
  if (isClient) {
    while (stepRequest(conversation, half)) {}
  } else {
    while (stepReply(conversation, half)) {}
    if (conversation.state != <u32>changetype<usize>(state)) return <i32>(Turn.at - start);
    parkReply(half);
  }
  half.expected = Parse.sequence + <u32>(Turn.at - start) + <u32>Parse.skip;
  half.set(HalfFlag.SEEN);
  return <i32>(Turn.at - start);
}

/** Whether the connection was seen to open, and nothing of it was missed or read. */
function isAtStart(conversation: Conversation, state: RedisState): bool {
  return conversation.started != 0 && !state.is(StateFlag.BEGUN | StateFlag.POSITION) && !state.requests.is(HalfFlag.SEEN);
}

/** Notices bytes that went by unseen, and where the server's stream is. */
function keepPlace(conversation: Conversation, isClient: bool, half: Half, length: u32): void {
  const state = stateAt(conversation);
  if (half.is(HalfFlag.SEEN) && half.expected != Parse.sequence) {
    lose(conversation, isClient, half);
    half.gapEnd = Parse.sequence;
  }
  if (isClient) return;
  const head = <usize>conversation.pendingHead;
  if (!state.is(StateFlag.POSITION) && head != 0) {
    // A server's first bytes, further on than its answer would begin.
    const floor = load<u32>(head, F.FLOOR);
    if (floor != 0 && <i32>(Parse.sequence - floor) > 0) {
      lose(conversation, false, half);
      half.gapEnd = Parse.sequence;
    }
  }
  state.position = Parse.sequence + length;
  state.serverNs = Parse.timeNs;
  state.set(StateFlag.POSITION);
}

/** Whether the one that was taken for the client, in a connection joined in its middle, answers. */
function isReversed(conversation: Conversation, state: RedisState): bool {
  if (conversation.started || state.is(StateFlag.SWAPPED) || state.requests.phase != Phase.START || Turn.at == Turn.end)
    return false;
  const first = u8At(Turn.at);
  if (first == Type.ARRAY || (first | 32) - 97 < 26) return false;
  return readHead(Turn.at, Turn.end) == Read.OK;
}

function reverse(conversation: Conversation, state: RedisState): void {
  forget(conversation);
  letGo(conversation);
  memory.fill(changetype<usize>(state), 0, STATE_BYTES);
  state.set(StateFlag.SWAPPED);
  conversation.client ^= 1;
}

function onRelease(conversation: Conversation): void {
  letGo(conversation);
}
