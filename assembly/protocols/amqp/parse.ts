/** From bytes to frames, and from frames to messages. A frame begins with its size, so a gap inside of one costs a mark. */
import { u8At, u16be, u32be } from "../../bytes/reader";
import { Conversation } from "../../roundtrip/conversation";
import { Mark, Status } from "../../roundtrip/marks";
import { Message, messageCreate, messageRelease, messageScratch } from "../../roundtrip/message";
import { report } from "../../roundtrip/report";
import { Settings } from "../../settings";
import { Parse } from "../protocol";
import { Turn } from "../shared/turn";
import { ARGUMENTS_BYTES_MAX, Arguments } from "./arguments";
import {
  beginContent,
  countBody,
  createWithContent,
  endContent,
  endFrame,
  endLossy,
  HEADER_BYTES_MAX,
  keepBody,
  loseContents,
  missContent,
  readHeader,
} from "./content";
import * as F from "./fields";
import {
  BODY_FRAME,
  CHANNEL,
  FRAME_BYTES_MIN,
  FRAME_END,
  HEADER_FRAME,
  isFrame,
  isProtocolHeader,
  METHOD_BYTES,
  METHOD_FRAME,
  PAYLOAD,
  SIZE,
} from "./frame";
import {
  answer,
  closeByServer,
  closeRest,
  missAnswers,
  noteChannel,
  placeDelivery,
  queueOf,
  refuseAsking,
  settle,
  takeAnswered,
  waitForAnswer,
} from "./match";
import { Call, Trait, traitsOf } from "./methods";
import { malformed, refused } from "./metrics";
import { beginNumbers, loseBytes, loseOne, noteConfirms, noteFound, noteHeard, numberPublish, refusePublish } from "./numbers";
import { seek } from "./seek";
import { Channel, ChannelFlag, channelOf, dropChannel, dropConsumers, findChannel, Half, LISTS, Phase, stateAt } from "./state";
import { clientOf } from "./wait";

const PROTOCOL_HEADER_BYTES: u32 = 8;

/** The contract's parse. */
export function onBytes(conversation: Conversation, side: u32, start: usize, length: u32): i32 {
  Turn.open(side, start, length);
  const state = stateAt(conversation);
  const half = state.half(side);
  if (half.phase != Phase.SEEK && half.sequence != Parse.sequence) {
    state.noteGap(side, Parse.sequence);
    losePlace(conversation, side, Parse.sequence);
  }
  const client = clientOf(conversation);
  if (side != client) noteHeard(state, client, Parse.acknowledgement, Parse.sequence);
  while (step(conversation, half)) {}
  half.sequence = Turn.sequenceOf(Turn.at) + <u32>Parse.skip;
  return <i32>(Turn.at - start);
}

/** One step; false when more bytes must come. */
function step(conversation: Conversation, half: Half): bool {
  if (half.phase == Phase.REST) return passRest(conversation, half);
  if (half.phase == Phase.START) return readFrame(conversation, half);
  const first = Turn.at;
  const isFound = seek(half);
  const state = stateAt(conversation);
  if (isFound && Turn.side == clientOf(conversation)) {
    const isMethod = u8At(Turn.at) == METHOD_FRAME;
    noteFound(state, Turn.side, Turn.sequenceOf(Turn.at), Parse.acknowledgement, isMethod);
  }
  // What was passed over may have been answers.
  if (Turn.at != first) {
    state.noteGap(Turn.side, Turn.sequenceOf(Turn.at));
    loseContents(conversation, state, Turn.side, <u32>(Turn.at - first));
    missAnswers(conversation, Turn.side);
  }
  return isFound;
}

/** Steps over what a frame has left, and ends it. */
function passRest(conversation: Conversation, half: Half): bool {
  const rest = half.end - 1 - Turn.sequenceOf(Turn.at);
  const isBody = Settings.bodyBytes != 0 && half.type == BODY_FRAME;
  const channel = isBody ? findChannel(stateAt(conversation), half.channel) : null;
  const isWanted = keepBody(channel, Turn.side, Turn.at, min(rest, Turn.left));
  if (rest >= Turn.left) {
    if (!isWanted) Parse.skip = rest - Turn.left;
    Turn.at = Turn.end;
    return false;
  }
  Turn.at += rest;
  if (u8At(Turn.at) != FRAME_END) return garbage(conversation, half);
  Turn.at += 1;
  leaveFrame(conversation, Turn.side, half);
  return true;
}

function leaveFrame(conversation: Conversation, side: u32, half: Half): void {
  half.phase = Phase.START;
  if (half.type != HEADER_FRAME && half.type != BODY_FRAME) return;
  const channel = findChannel(stateAt(conversation), half.channel);
  if (channel != null) endFrame(conversation, channel, side);
}

/** Bytes where a frame should begin or end are none. */
function garbage(conversation: Conversation, half: Half): bool {
  malformed();
  losePlace(conversation, Turn.side, Turn.sequenceOf(Turn.end));
  half.isAfterGarbage = 1;
  Turn.at = Turn.end;
  stateAt(conversation).noteGap(Turn.side, Turn.sequenceOf(Turn.end));
  return false;
}

function readFrame(conversation: Conversation, half: Half): bool {
  const at = Turn.at;
  const left = Turn.left;
  if (left == 0) return false;
  if (left < FRAME_BYTES_MIN) return ask(FRAME_BYTES_MIN);
  if (isProtocolHeader(at)) {
    Turn.at += PROTOCOL_HEADER_BYTES;
    return true;
  }
  if (!isFrame(at, left)) return garbage(conversation, half);
  const type = u8At(at);
  const size = u32be(at + SIZE);
  const most: u32 = type == METHOD_FRAME ? ARGUMENTS_BYTES_MAX : type == HEADER_FRAME ? HEADER_BYTES_MAX : 0;
  const held = min(size, most);
  if (left < PAYLOAD + held) return ask(PAYLOAD + held);
  // What was too short to tell a method is not any more.
  if (left >= METHOD_BYTES && !isFrame(at, left)) return garbage(conversation, half);
  half.end = Turn.sequenceOf(at) + size + FRAME_BYTES_MIN;
  half.channel = <u16>u16be(at + CHANNEL);
  half.type = <u8>type;
  half.phase = Phase.REST;
  Turn.at = at + PAYLOAD + held;
  if (type == METHOD_FRAME) {
    readMethod(conversation, half, at, size, held);
    return true;
  }
  const channel = findChannel(stateAt(conversation), half.channel);
  if (channel == null) return true;
  if (type == HEADER_FRAME) endLossy(conversation, channel, Turn.side);
  if (type == HEADER_FRAME && channel.content(Turn.side).message == 0 && Turn.side == clientOf(conversation)) {
    loseOne(stateAt(conversation), Turn.side);
  }
  if (type == HEADER_FRAME) readHeader(channel, Turn.side, at, size, held);
  else if (type == BODY_FRAME) countBody(channel, Turn.side, size);
  return true;
}

function ask(bytes: u32): bool {
  if (!Parse.isCut) Parse.need = bytes;
  return false;
}

/** The fields that every message has, and its arguments. */
function fill(message: Message, half: Half, at: usize, size: u32, held: u32): Message {
  const to = changetype<usize>(message);
  const classId = u16be(at + PAYLOAD);
  const call = (classId << 8) | u16be(at + PAYLOAD + 2);
  store<u16>(to, half.channel, F.CHANNEL);
  store<u16>(to, <u16>classId, F.CLASS);
  store<u16>(to, <u16>call, F.METHOD);
  message.know(F.AmqpField.CALL);
  message.firstNs = Parse.timeOf(at);
  message.lastNs = Parse.timeNs;
  message.wireBytes = size + FRAME_BYTES_MIN;
  store<u32>(to, Parse.acknowledgement, F.FLOOR);
  store<u32>(to, Turn.sequenceOf(at), F.SEQUENCE);
  if (half.isAfterGarbage) message.mark(Mark.RESYNCHRONIZED);
  half.isAfterGarbage = 0;
  const filled = Arguments.read(message, call, at + PAYLOAD + 4, held - 4);
  if (Arguments.isShort) {
    filled.mark(Mark.MALFORMED);
    malformed();
  }
  return filled;
}

function readMethod(conversation: Conversation, half: Half, at: usize, size: u32, held: u32): void {
  const side = Turn.side;
  const classId = u16be(at + PAYLOAD);
  const methodId = u16be(at + PAYLOAD + 2);
  const traits = traitsOf(classId, methodId);
  const isServer = side != clientOf(conversation);
  if (!(traits & (isServer ? Trait.SERVER : Trait.CLIENT))) {
    malformed();
    return;
  }
  const state = stateAt(conversation);
  const call = (classId << 8) | methodId;
  const needsChannel = (traits & (Trait.CONTENT | Trait.SETTLES)) != 0 || call == Call.CONFIRM_SELECT;
  const number = <u32>half.channel;
  const channel = needsChannel ? channelOf(state, number) : findChannel(state, number);
  // A method on a channel tells that the content before it was complete.
  if (channel != null) endContent(conversation, channel, side, Mark.GAP);
  if (needsChannel && channel == null) {
    refused();
    // What is known of a channel that begins later is not all that there was.
    state.noteGap(side, Turn.sequenceOf(at) + size + FRAME_BYTES_MIN);
    state.noteGap(side ^ 1, state.half(side ^ 1).sequence);
    if (traits & Trait.ASKS) refuseAsking(conversation, side);
    if (call == Call.GET_OK) refuseAnswer(conversation, number, isServer ? 0 : 1);
    return;
  }
  if (traits & Trait.SETTLES) {
    const response = fill(messageScratch(F.AMQP, F.FIXED_END, 1), half, at, size, held);
    if (channel != null && response.knows(F.AmqpField.DELIVERY_TAG)) settle(conversation, channel, response, isServer);
    return;
  }
  if (traits & Trait.RESPONSE) readResponse(conversation, half, channel, call, at, size, held);
  else readRequest(conversation, half, channel, traits, call, at, size, held);
}

function readResponse(
  conversation: Conversation,
  half: Half,
  channel: Channel | null,
  call: u32,
  at: usize,
  size: u32,
  held: u32,
): void {
  const asker: u32 = Turn.side == clientOf(conversation) ? 1 : 0;
  const number = <u32>half.channel;
  if (call == Call.CONFIRM_SELECT_OK) noteConfirms(conversation, number);
  if (call != Call.GET_OK) {
    answer(conversation, fill(messageScratch(F.AMQP, F.FIXED_END, 1), half, at, size, held), asker);
    if (call == Call.CHANNEL_CLOSE_OK || call == Call.CONNECTION_CLOSE_OK) closeChannel(conversation, number, asker ^ 1);
    return;
  }
  const hasNoRoom = channel == null || !channel.openContent(Turn.side);
  const block = hasNoRoom ? 0 : createWithContent();
  if (block == 0 || channel == null) {
    refused();
    refuseAnswer(conversation, number, asker);
    return;
  }
  const request = takeAnswered(conversation, number, call, asker);
  channel.set(ChannelFlag.GOT);
  beginContent(channel, Turn.side, fill(changetype<Message>(block), half, at, size, held), request, true);
}

/** What a get brought found no room: that much is known, and no more. */
function refuseAnswer(conversation: Conversation, number: u32, asker: u32): void {
  const request = takeAnswered(conversation, number, Call.GET_OK, asker);
  if (request == 0) return;
  report(conversation, clientOf(conversation), request, 0, Status.UNOBSERVED);
  messageRelease(changetype<Message>(request));
}

/** A channel, or the connection, is closed. */
function closeChannel(conversation: Conversation, number: u32, answerer: u32): void {
  const state = stateAt(conversation);
  closeRest(conversation, number, answerer);
  dropConsumers(state, number);
  const channel = findChannel(state, number);
  if (channel == null) return;
  endContent(conversation, channel, 0, Mark.INCOMPLETE);
  endContent(conversation, channel, 1, Mark.INCOMPLETE);
  dropChannel(state, channel);
}

function readRequest(
  conversation: Conversation,
  half: Half,
  channel: Channel | null,
  traits: u32,
  call: u32,
  at: usize,
  size: u32,
  held: u32,
): void {
  const hasContent = channel != null && (traits & (Trait.ASKS | Trait.ALONE)) == 0;
  const hasRoom = !hasContent || channel!.openContent(Turn.side);
  const block = !hasRoom ? 0 : hasContent ? createWithContent() : messageCreate(F.AMQP, F.FIXED_END, F.MESSAGE_BYTES);
  if (block == 0) {
    refused();
    if (traits & Trait.ASKS) refuseAsking(conversation, Turn.side);
    else if (call == Call.PUBLISH && channel != null) refusePublish(conversation, channel);
    return;
  }
  let message = fill(changetype<Message>(block), half, at, size, held);
  const isServer = Turn.side != clientOf(conversation);
  store<u16>(changetype<usize>(message), isServer ? 1 : 0, F.SENDER);
  if (!isServer) noteChannel(conversation, half.channel, call);
  if (traits & Trait.ASKS) {
    if (isServer && (call == Call.CHANNEL_CLOSE || call == Call.CONNECTION_CLOSE)) closeByServer(conversation, message);
    if (call == Call.CONFIRM_SELECT && channel != null) beginNumbers(channel);
    waitForAnswer(conversation, message);
    return;
  }
  if (traits & Trait.ALONE || channel == null) {
    report(conversation, clientOf(conversation), changetype<usize>(message), 0, Status.OK);
    messageRelease(message);
    return;
  }
  if (call == Call.PUBLISH) numberPublish(conversation, channel, message);
  if (call == Call.DELIVER) {
    message = queueOf(stateAt(conversation), message);
    placeDelivery(stateAt(conversation), message);
  }
  beginContent(channel, Turn.side, message, 0, false);
}

/** Where the next frame of `side` begins is not known: what the parser wants next is missing, up to `end`. */
function losePlace(conversation: Conversation, side: u32, end: u32): void {
  const state = stateAt(conversation);
  const half = state.half(side);
  const from = half.phase == Phase.REST ? half.end : half.sequence;
  if (side == clientOf(conversation)) loseBytes(state, half.phase == Phase.SEEK, end - from);
  half.phase = Phase.SEEK;
  loseContents(conversation, state, side, end - from);
  missAnswers(conversation, side);
}

/** The contract's gap: the parser always finds its way itself. */
export function onGap(conversation: Conversation, side: u32, bytes: u32): bool {
  const half = stateAt(conversation).half(side);
  const end = Parse.sequence + bytes;
  stateAt(conversation).noteGap(side, end);
  if (half.phase == Phase.REST && <i32>(half.end - end) >= 0) {
    const channel = findChannel(stateAt(conversation), half.channel);
    if (channel != null && half.type != METHOD_FRAME) missContent(channel, side);
    if (<i32>(half.sequence - end) >= 0) return true;
    if (half.end == end) leaveFrame(conversation, side, half);
  } else {
    losePlace(conversation, side, end);
  }
  half.sequence = end;
  return true;
}

/** The contract's finish: `side` sends no more. */
export function onFinish(conversation: Conversation, side: u32): void {
  const state = stateAt(conversation);
  for (let list: u32 = 0; list < LISTS; list++) {
    let at = <usize>load<u32>(state.listOf(list));
    while (at != 0) {
      const channel = changetype<Channel>(at);
      const content = channel.content(side);
      endContent(conversation, channel, side, content.isLossy ? Mark.GAP | Mark.INCOMPLETE : Mark.INCOMPLETE);
      at = <usize>channel.next;
    }
  }
  state.half(side).phase = Phase.SEEK;
}

/** The contract's release. */
export function onRelease(conversation: Conversation): void {
  onFinish(conversation, 0);
  onFinish(conversation, 1);
  const state = stateAt(conversation);
  dropConsumers(state, 0);
  for (let list: u32 = 0; list < LISTS; list++) {
    while (load<u32>(state.listOf(list)) != 0) dropChannel(state, changetype<Channel>(load<u32>(state.listOf(list))));
  }
}
