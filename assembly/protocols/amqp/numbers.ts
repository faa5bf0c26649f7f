/**
 * The numbers of publishes: nobody sends them. Both sides count from 1 since Confirm.Select, and the broker's ack names one.
 *
 * Behind missing bytes of the client the count is not known. It is known again of a client that waits for all its confirms before
 * it publishes more, alone or a few at once; `floor` is what the client had of the broker's bytes when it sent a publish:
 *
 * ```
 *   client   P4 | P5 P6 |   lost   | P9 P10          floors        the first behind the lost bytes that was sent with more in
 *   broker        4     |   5, 6   |  7  8 |         4   6   8     hand than the lost ones could be is the highest named and one
 * ```
 * - What was lost was sent before the broker had it; so where the broker says that it has all up to the gap's end, all that is
 *   lost has a floor up to there. Otherwise up to the floor of the first bytes behind.
 * - So few bytes that no publish has room in them cost nothing.
 * - Where no ack was seen since, a publish that is alone at its floor has the number of the first ack behind it.
 *
 * A client that publishes while others wait (WINDOWED) has no such place: behind missing bytes its publishes are unobserved. It is
 * known by a publish at a new floor where not all before are named, and by an ack of what the broker cannot have had yet.
 */
import { Conversation } from "../../roundtrip/conversation";
import { Message } from "../../roundtrip/message";
import { pendingTake } from "../../roundtrip/pending";
import { Parse } from "../protocol";
import * as F from "./fields";
import { AmqpState, Channel, ChannelFlag, channelOf, LISTS, stateAt } from "./state";
import { addFlag, clientOf, flagsOf, Outcome, Waits, wait } from "./wait";

/** Bytes of a publish at the least, without names and body: its method and its header. */
const PUBLISH_BYTES_MIN: u32 = 17 + 22;

/** How often a client must have waited for all before it is taken for one that does. */
const WAITED_MIN: u32 = 4;

/** Publishes that wait on a channel of which it is not known whether it has confirms. */
const DOUBTFUL_MAX: u64 = 64;

/** Confirms are asked for. */
export function beginNumbers(channel: Channel): void {
  // Who asks again goes on counting.
  if (channel.is(ChannelFlag.CONFIRMS)) return;
  channel.set(ChannelFlag.CONFIRMS | ChannelFlag.NAMED);
  channel.clear(ChannelFlag.UNNUMBERED | ChannelFlag.COUNTED);
  channel.published = 0;
  channel.highest = 0;
  channel.seen = 0;
  channel.floor = Parse.acknowledgement;
  channel.namedEnd = Parse.acknowledgement + 1;
}

/** The server says that a channel has confirms: since when is not known where the client's wish is missing. */
export function noteConfirms(conversation: Conversation, number: u32): void {
  const channel = channelOf(stateAt(conversation), number);
  if (channel == null || channel.is(ChannelFlag.CONFIRMS)) return;
  beginNumbers(channel);
  channel.set(ChannelFlag.UNNUMBERED);
  channel.floor = Parse.sequence;
  channel.namedEnd = Parse.sequence + 1;
}

/** Numbers a publish that begins on a channel with confirms, or on one that may have them. */
export function numberPublish(conversation: Conversation, channel: Channel, request: Message): void {
  const at = changetype<usize>(request);
  if (!countPublish(conversation, channel, load<u32>(at, F.FLOOR))) return;
  const isTooMany = !channel.is(ChannelFlag.CONFIRMS) && channel.published > DOUBTFUL_MAX;
  const isUnnumbered = channel.is(ChannelFlag.UNNUMBERED);
  if (isTooMany || (isUnnumbered && channel.is(ChannelFlag.WINDOWED))) {
    store<u8>(at, Outcome.UNKNOWN, F.OUTCOME);
    return;
  }
  store<u8>(at, Outcome.CONFIRMED, F.OUTCOME);
  if (isUnnumbered) addFlag(at, F.RequestFlag.UNNUMBERED);
  else nameNumber(at, channel.published);
}

/** A publish of the client found no room: it has its number all the same. */
export function refusePublish(conversation: Conversation, channel: Channel): void {
  if (!countPublish(conversation, channel, Parse.acknowledgement) || !channel.is(ChannelFlag.UNNUMBERED)) return;
  stateAt(conversation).lostFloor = Parse.acknowledgement;
}

/** Whether a message that nothing settles is one of which it is not known whether anything does. */
export function isUnsettled(request: Message): bool {
  return load<u8>(changetype<usize>(request), F.OUTCOME) == Outcome.UNKNOWN;
}

/** Counts a publish; whether it is, or may be, one that is confirmed. */
function countPublish(conversation: Conversation, channel: Channel, floor: u32): bool {
  if (!channel.is(ChannelFlag.PUBLISHES)) {
    channel.set(ChannelFlag.PUBLISHES);
    if (mayHaveConfirms(conversation, channel)) channel.set(ChannelFlag.DOUBTFUL | ChannelFlag.UNNUMBERED);
  }
  if (!channel.is(ChannelFlag.CONFIRMS | ChannelFlag.DOUBTFUL)) return false;
  const server = clientOf(conversation) ^ 1;
  if (channel.is(ChannelFlag.UNNUMBERED) && isNextAt(stateAt(conversation), channel, server, floor)) {
    channel.published = channel.highest;
    channel.clear(ChannelFlag.UNNUMBERED);
  }
  channel.published += 1;
  noteFloor(stateAt(conversation), channel, server, floor);
  return true;
}

/** Whether confirms may have been asked for on a channel without that it was seen. */
function mayHaveConfirms(conversation: Conversation, channel: Channel): bool {
  if (channel.is(ChannelFlag.CONFIRMS | ChannelFlag.TRANSACTS)) return false;
  const state = stateAt(conversation);
  return (!conversation.started && !channel.is(ChannelFlag.OPENED)) || (state.hasGap(0) && state.hasGap(1));
}

/** Whether a publish at `floor` is the one behind the highest number that was named: all acks of those before it were seen. */
function isNextAt(state: AmqpState, channel: Channel, server: u32, floor: u32): bool {
  if (!channel.is(ChannelFlag.NAMED) || channel.is(ChannelFlag.WINDOWED) || channel.waited < WAITED_MIN) return false;
  if (channel.floor == 0 || !state.isBehindLost(floor) || state.isMissingBehind(server, channel.floor)) return false;
  return <i32>(channel.namedEnd - channel.floor) > 0 && <i32>(floor - channel.namedEnd) >= 0;
}

/** Notes at which floor the client publishes; at a new one, whether it waited for all before it. */
function noteFloor(state: AmqpState, channel: Channel, server: u32, floor: u32): void {
  if (channel.seen != 0 && channel.floor == floor) {
    channel.seen += 1;
    return;
  }
  const isNamed = channel.floor != 0 && channel.is(ChannelFlag.NAMED) && !state.isMissingBehind(server, channel.floor);
  if (isNamed && channel.is(ChannelFlag.COUNTED)) judge(channel, state.isBehindLost(channel.floor));
  channel.floor = floor;
  channel.seen = 1;
  channel.before = channel.highest;
  if (isNamed) channel.set(ChannelFlag.COUNTED);
  else channel.clear(ChannelFlag.COUNTED);
}

/** The client publishes at a new floor: whether what was named since the last one is what it published there; `isWhole` where none was lost. */
function judge(channel: Channel, isWhole: bool): void {
  const named = channel.highest - channel.before;
  if (named < <u64>channel.seen || (isWhole && named != <u64>channel.seen)) channel.set(ChannelFlag.WINDOWED);
  else if (isWhole && channel.waited < WAITED_MIN) channel.waited += 1;
}

/** The server settles `tag`, in a method that ends at `end`: what that tells of the numbers of publishes. */
export function nameSettled(conversation: Conversation, channel: Channel, tag: u64, end: u32): void {
  channel.set(ChannelFlag.CONFIRMS);
  if (tag > channel.published && !channel.is(ChannelFlag.UNNUMBERED)) {
    // There are more than were counted: what was thought of this client is not so.
    channel.set(ChannelFlag.UNNUMBERED | ChannelFlag.WINDOWED);
  }
  if (tag == 0) return;
  if (channel.is(ChannelFlag.UNNUMBERED)) renumber(conversation, channel, tag);
  if (!channel.is(ChannelFlag.NAMED) || tag > channel.highest) channel.highest = tag;
  channel.set(ChannelFlag.NAMED);
  channel.namedEnd = end;
}

/** Numbers the publishes of the last floor by their first ack, of `tag`, where it can be the ack of one of them alone. */
function renumber(conversation: Conversation, channel: Channel, tag: u64): void {
  const state = stateAt(conversation);
  const floor = channel.floor;
  const client = clientOf(conversation);
  if (channel.is(ChannelFlag.WINDOWED) || channel.seen == 0 || !state.isBehindLost(floor)) return;
  if (channel.is(ChannelFlag.NAMED) && <i32>(floor - channel.namedEnd) < 0) return;
  if (state.isMissingBehind(client ^ 1, floor)) return;
  const id = <u32>channel.number | Waits.CONFIRM;
  let waiting: u32 = 0;
  let arrived: u32 = 0;
  for (let at = <usize>conversation.pendingHead; at != 0; at = <usize>changetype<Message>(at).next) {
    if (!isUnnumberedAt(at, id, floor)) continue;
    waiting += 1;
    if (<i32>(Parse.acknowledgement - load<u32>(at, F.SEQUENCE)) > 0) arrived += 1;
  }
  if (waiting != 0 && arrived == 0) channel.set(ChannelFlag.WINDOWED);
  if (arrived != 1) return;
  let number = tag;
  for (let at = firstUnnumbered(conversation, id, floor); at != 0; at = firstUnnumbered(conversation, id, floor)) {
    giveNumber(conversation, at, number);
    number += 1;
  }
  const content = channel.content(client).message;
  if (content != 0 && flagsOf(content) & F.RequestFlag.UNNUMBERED) {
    nameNumber(content, number);
    number += 1;
  }
  channel.published = number - 1;
  channel.clear(ChannelFlag.UNNUMBERED);
}

/** Whether a publish waits without its number, sent at `floor`. */
function isUnnumberedAt(at: usize, id: u32, floor: u32): bool {
  if (changetype<Message>(at).id != id || load<u32>(at, F.FLOOR) != floor) return false;
  return (flagsOf(at) & F.RequestFlag.UNNUMBERED) != 0;
}

/** The first publish without a number that was sent at `floor`; 0 for none. */
function firstUnnumbered(conversation: Conversation, id: u32, floor: u32): usize {
  for (let at = <usize>conversation.pendingHead; at != 0; at = <usize>changetype<Message>(at).next) {
    if (isUnnumberedAt(at, id, floor)) return at;
  }
  return 0;
}

/** Writes its number into a publish. */
function nameNumber(request: usize, number: u64): void {
  store<u64>(request, number, F.DELIVERY_TAG);
  store<u8>(request, flagsOf(request) & ~(<u32>F.RequestFlag.UNNUMBERED), F.REQUEST_FLAGS);
  changetype<Message>(request).know(F.AmqpField.DELIVERY_TAG);
}

/** Gives its number to a publish that waits. */
function giveNumber(conversation: Conversation, at: usize, number: u64): void {
  const request = changetype<Message>(at);
  const mayMiss = stateAt(conversation).mayMiss(clientOf(conversation) ^ 1, load<u32>(at, F.FLOOR));
  pendingTake(request);
  nameNumber(at, number);
  wait(conversation, request, Waits.CONFIRM, <u32>number);
  // Without a number it could not be told that its ack came.
  if (!mayMiss) request.missedNothing();
}

/** `bytes` of the client are missing, of which publishes may be a part; `isSeeking` where others before them are, too. */
export function loseBytes(state: AmqpState, isSeeking: bool, bytes: u32): void {
  state.isLossSmall = !isSeeking && bytes < PUBLISH_BYTES_MIN ? 1 : 0;
  if (!state.isLossSmall) loseNumbers(state, 0);
}

/** How many were published on channels with confirms is not known any more. */
function loseNumbers(state: AmqpState, lostFloor: u32): void {
  state.lostFloor = lostFloor;
  for (let list: u32 = 0; list < LISTS; list++) {
    for (let at = <usize>load<u32>(state.listOf(list)); at != 0; at = <usize>changetype<Channel>(at).next) {
      changetype<Channel>(at).set(ChannelFlag.UNNUMBERED);
    }
  }
}

/** A header of the client's belongs to no publish that was seen. */
export function loseOne(state: AmqpState, client: u32): void {
  if (state.hasGap(client)) loseNumbers(state, Parse.acknowledgement);
}

/** The server speaks, having all up to `acknowledgement`: where that is all that is missing, it was sent before. */
export function noteHeard(state: AmqpState, client: u32, acknowledgement: u32, sequence: u32): void {
  const end = state.gapEnd(client);
  if (end == 0 || state.lostFloor != 0 || state.isLossSmall) return;
  if (<i32>(acknowledgement - end) >= 0) state.lostFloor = sequence;
}

/** The client's frames go on at `sequence`, in bytes sent at `floor`; `isMethod` where with a method. */
export function noteFound(state: AmqpState, client: u32, sequence: u32, floor: u32, isMethod: bool): void {
  const isWhole = state.gapEnd(client) == sequence;
  const wasSmall = state.isLossSmall != 0;
  state.isLossSmall = 0;
  if (wasSmall && isWhole && isMethod) return;
  if (wasSmall || !isWhole || state.lostFloor == 0) loseNumbers(state, floor);
}
