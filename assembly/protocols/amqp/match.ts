/**
 * What answers what.
 *
 * - A method that wants an answer has it from the next method of that name on its channel; those without (no-wait) are ok alone.
 * - A publish is ok when its content is complete. On a channel with confirms it waits for the server's ack or nack of its number,
 *   counted from 1 since Confirm.Select; a nack is an error.
 * - A delivery is a round trip too: it waits for the client's ack, and a reject or nack is an error. Where the consumer wants no
 *   acks it is ok when its content is complete. What a get brought is settled without a round trip of its own.
 * - Channel.Close and Connection.Close by the server with their reply code answer what waits on them, as errors. A close that
 *   answers nothing is an error itself, unless it says 200; so a failure counts once. What a close leaves without an answer is
 *   closed.
 * - The client of a round trip is the client of the connection, whoever asked: `sender` says who did.
 *
 * Where bytes of both sides are missing before a channel's first publish, or the capture began behind the channel's, Confirm.Select and
 * its answer may be among them. Such publishes are ok where the server confirms them and unobserved where it does not: up to
 * DOUBTFUL_MAX (`numbers.ts`) wait for a first confirm, those behind them wait for none. A channel with transactions has no confirms.
 *
 * After a gap tags and names go on to tell pairs, and the numbers of publishes where they are sure (`numbers.ts`).
 */
import { elementHash } from "../../bytes/hash";
import { Conversation } from "../../roundtrip/conversation";
import { Status } from "../../roundtrip/marks";
import { Message, messageRelease, messageText } from "../../roundtrip/message";
import { pendingFind, pendingTake } from "../../roundtrip/pending";
import { report, reportUnanswered } from "../../roundtrip/report";
import { Parse } from "../protocol";
import * as F from "./fields";
import { answeredBy, Call } from "./methods";
import { nameSettled } from "./numbers";
import { AmqpState, addConsumer, Channel, ChannelFlag, Consumer, channelOf, findConsumer, stateAt } from "./state";
import { addFlag, clientOf, flagsOf, Outcome, Waits, wait } from "./wait";

const SUCCESS: u32 = 200;
const TX_CLASS: u32 = 90;

/** A method that its peer answers. */
export function waitForAnswer(conversation: Conversation, request: Message): void {
  const at = changetype<usize>(request);
  if (flagsOf(at) & F.RequestFlag.NO_ANSWER) {
    if (<u32>load<u16>(at, F.METHOD) == Call.CONSUME) noteConsumer(conversation, request, request);
    report(conversation, clientOf(conversation), at, 0, Status.OK);
    messageRelease(request);
    return;
  }
  // It was sent before all was there that is missing: its answer may be a part of that.
  const answering = load<u16>(at, F.SENDER) == 0 ? clientOf(conversation) ^ 1 : clientOf(conversation);
  const state = stateAt(conversation);
  if (state.mayMiss(answering, Parse.acknowledgement)) request.missed();
  if (state.half(answering ^ 1).refused != 0) {
    request.missed();
    addFlag(at, F.RequestFlag.DOUBTFUL);
  }
  wait(conversation, request, Waits.ANSWER, load<u16>(at, F.METHOD));
}

/** A method that `side` sends, and that its peer answers, found no room. */
export function refuseAsking(conversation: Conversation, side: u32): void {
  const half = stateAt(conversation).half(side);
  if (half.refused != 255) half.refused += 1;
}

/** A method of a client tells of its channel what later publishes are to be held against. */
export function noteChannel(conversation: Conversation, number: u32, call: u32): void {
  const isOpen = call == Call.CHANNEL_OPEN;
  if (conversation.started || !(isOpen || call >> 8 == TX_CLASS)) return;
  const channel = channelOf(stateAt(conversation), number);
  if (channel == null) return;
  if (isOpen) {
    channel.set(ChannelFlag.OPENED);
    return;
  }
  channel.set(ChannelFlag.TRANSACTS);
  channel.clear(ChannelFlag.DOUBTFUL);
}

/** Gives a delivery the queue of its consumer, where it is known; answers where the message now is. */
export function queueOf(state: AmqpState, delivery: Message): Message {
  const consumer = consumerOf(state, delivery);
  if (consumer == null) return delivery;
  const named = messageText(delivery, F.QUEUE, consumer.queue, consumer.queueLength, F.TEXT_BYTES_MAX);
  named.know(F.AmqpField.QUEUE);
  return named;
}

function consumerOf(state: AmqpState, delivery: Message): Consumer | null {
  const tag = elementHash(delivery.textStart(F.CONSUMER_TAG), delivery.textLength(F.CONSUMER_TAG));
  return findConsumer(state, load<u16>(changetype<usize>(delivery), F.CHANNEL), tag);
}

/** Whether a delivery that begins is to be acked. */
export function placeDelivery(state: AmqpState, request: Message): void {
  const at = changetype<usize>(request);
  const consumer = consumerOf(state, request);
  if (consumer == null || !consumer.isNoAck) store<u8>(at, Outcome.ACKED, F.OUTCOME);
  // Whether an ack is to come is not known.
  if (consumer == null) request.missed();
}

/** Whether a message whose content is there waits to be settled. */
export function waitForSettling(conversation: Conversation, request: Message): bool {
  const at = changetype<usize>(request);
  const outcome = load<u8>(at, F.OUTCOME);
  if (outcome != Outcome.CONFIRMED && outcome != Outcome.ACKED) return false;
  const kind = outcome == Outcome.CONFIRMED ? Waits.CONFIRM : Waits.ACK;
  const client = clientOf(conversation);
  const settling = kind == Waits.CONFIRM ? client ^ 1 : client;
  const isMissed = stateAt(conversation).mayMiss(settling, load<u32>(at, F.FLOOR));
  if (isMissed || flagsOf(at) & F.RequestFlag.UNNUMBERED) request.missed();
  wait(conversation, request, kind, <u32>load<u64>(at, F.DELIVERY_TAG));
  return true;
}

/** Takes the request that `response`, a method on `channel`, answers; 0 for none. */
export function takeAnswered(conversation: Conversation, channel: u32, response: u32, asker: u32): usize {
  const call = answeredBy(response);
  if (pendingFind(conversation, channel | Waits.ANSWER, call) == 0) {
    // It may answer what found no room.
    const half = stateAt(conversation).half(asker == 0 ? clientOf(conversation) : clientOf(conversation) ^ 1);
    if (half.refused != 0) half.refused -= 1;
    return 0;
  }
  let at = <usize>conversation.pendingHead;
  let found: usize = 0;
  while (at != 0) {
    const request = changetype<Message>(at);
    const next = <usize>request.next;
    if (request.id == (channel | Waits.ANSWER) && request.key == call && <u32>load<u16>(at, F.SENDER) == asker) {
      if (found != 0 && !changetype<Message>(found).mayHaveMissed) break;
      // The answer to an older one was missed, or the one that is answered was.
      if (found != 0) reportUnanswered(changetype<Message>(found), Status.UNOBSERVED);
      found = at;
    }
    at = next;
  }
  if (found == 0) return 0;
  const request = changetype<Message>(found);
  if (request.mayHaveMissed && flagsOf(found) & F.RequestFlag.DOUBTFUL) {
    reportUnanswered(request, Status.UNOBSERVED);
    return 0;
  }
  pendingTake(request);
  return found;
}

/** A response without content ends its round trip. */
export function answer(conversation: Conversation, response: Message, asker: u32): void {
  const at = changetype<usize>(response);
  const call = <u32>load<u16>(at, F.METHOD);
  const request = takeAnswered(conversation, load<u16>(at, F.CHANNEL), call, asker);
  let status = Status.OK;
  if (request != 0) {
    if (call == Call.CONSUME_OK) noteConsumer(conversation, changetype<Message>(request), response);
    if (load<u8>(request, F.OUTCOME) == Outcome.FAILED) status = Status.ERROR;
  }
  report(conversation, clientOf(conversation), request, at, status);
  if (request != 0) messageRelease(changetype<Message>(request));
}

/** Notes what a consume asked for, under the tag that `named` has. */
function noteConsumer(conversation: Conversation, request: Message, named: Message): void {
  if (!named.knows(F.AmqpField.CONSUMER_TAG)) return;
  const at = changetype<usize>(request);
  const tag = elementHash(named.textStart(F.CONSUMER_TAG), named.textLength(F.CONSUMER_TAG));
  const isNoAck = (flagsOf(at) & F.RequestFlag.NO_ACK) != 0;
  const queue = request.textStart(F.QUEUE);
  addConsumer(stateAt(conversation), load<u16>(at, F.CHANNEL), tag, isNoAck, queue, request.textLength(F.QUEUE));
}

/** An ack, nack or reject settles what has its tag, or all up to it. */
export function settle(conversation: Conversation, channel: Channel, response: Message, isServer: bool): void {
  const at = changetype<usize>(response);
  const tag = load<u64>(at, F.DELIVERY_TAG);
  const id = <u32>channel.number | (isServer ? Waits.CONFIRM : Waits.ACK);
  const status = <u32>load<u16>(at, F.METHOD) == Call.ACK ? Status.OK : Status.ERROR;
  if (isServer) nameSettled(conversation, channel, tag, load<u32>(at, F.SEQUENCE) + <u32>response.wireBytes);
  let settled = false;
  if (load<u8>(at, F.MULTIPLE)) {
    let next: usize = 0;
    for (let one = <usize>conversation.pendingHead; one != 0; one = next) {
      next = <usize>changetype<Message>(one).next;
      if (changetype<Message>(one).id != id || flagsOf(one) & F.RequestFlag.UNNUMBERED) continue;
      // Tag 0 stands for all.
      const own = load<u64>(one, F.DELIVERY_TAG);
      if (tag != 0 && own > tag) continue;
      // What was settled by itself, in bytes that are missing, is none of what this settles.
      const isOpen = own == tag || !changetype<Message>(one).mayHaveMissed;
      if (isOpen) settleOne(conversation, one, response, status);
      else reportUnanswered(changetype<Message>(one), Status.UNOBSERVED);
      settled = true;
    }
  } else {
    const one = pendingFind(conversation, id, <u32>tag);
    if (one != 0 && load<u64>(one, F.DELIVERY_TAG) == tag && !(flagsOf(one) & F.RequestFlag.UNNUMBERED)) {
      settleOne(conversation, one, response, status);
      settled = true;
    }
  }
  if (!settled && !(!isServer && channel.is(ChannelFlag.GOT))) report(conversation, clientOf(conversation), 0, at, status);
}

function settleOne(conversation: Conversation, request: usize, response: Message, status: u32): void {
  pendingTake(changetype<Message>(request));
  report(conversation, clientOf(conversation), request, changetype<usize>(response), status);
  messageRelease(changetype<Message>(request));
}

/** The server closes a channel, or the connection: it answers what waits. Whether it is a failure that nothing else tells. */
export function closeByServer(conversation: Conversation, close: Message): void {
  const at = changetype<usize>(close);
  const channel = <u32>load<u16>(at, F.CHANNEL);
  const isFailure = <u32>load<u16>(at, F.REPLY_CODE) != SUCCESS;
  let hasEnded = false;
  let next: usize = 0;
  for (let one = <usize>conversation.pendingHead; one != 0; one = next) {
    const request = changetype<Message>(one);
    next = <usize>request.next;
    const kind = request.id & 0xffff0000;
    if (kind == Waits.ACK || (channel != 0 && (request.id & 0xffff) != channel)) continue;
    if (<u32>load<u16>(one, F.SENDER) != 0) continue;
    if (request.mayHaveMissed) {
      // It may have been settled before, in bytes that are missing.
      reportUnanswered(request, Status.UNOBSERVED);
      continue;
    }
    settleOne(conversation, one, close, isFailure ? Status.ERROR : Status.CLOSED);
    hasEnded = true;
  }
  if (isFailure && !hasEnded) store<u8>(at, Outcome.FAILED, F.OUTCOME);
}

/**
 * A channel, or the connection (0), is closed, as `answerer` (0 client, 1 server) says: what is left on it ends without an
 * answer, but for what the answerer asked: that may cross with this.
 */
export function closeRest(conversation: Conversation, channel: u32, answerer: u32): void {
  let next: usize = 0;
  for (let one = <usize>conversation.pendingHead; one != 0; one = next) {
    const request = changetype<Message>(one);
    next = <usize>request.next;
    if ((request.id & 0xffff0000) == Waits.ANSWER && <u32>load<u16>(one, F.SENDER) == answerer) continue;
    if (channel == 0 || (request.id & 0xffff) == channel) reportUnanswered(request, Status.CLOSED);
  }
}

/** Bytes of `side` are missing: answers that it gave may be among them, and requests that it sent. */
export function missAnswers(conversation: Conversation, side: u32): void {
  const sender: u32 = side == clientOf(conversation) ? 0 : 1;
  stateAt(conversation).half(side ^ 1).refused = 0;
  for (let at = <usize>conversation.pendingHead; at != 0; at = <usize>changetype<Message>(at).next) {
    if (<u32>load<u16>(at, F.SENDER) == sender) addFlag(at, F.RequestFlag.DOUBTFUL);
    else changetype<Message>(at).missed();
  }
}
