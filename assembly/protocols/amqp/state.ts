/**
 * What the parser knows of a conversation: 64 bytes; 64 more for each channel on which a message was published or delivered, or
 * confirms were asked for, and 32 for each message with content in progress; and the queue of each consumer.
 */
import { Regions } from "../../regions";
import { Conversation } from "../../roundtrip/conversation";

/** Where a half stands. */
export class Phase {
  /** The place is not known, or not yet. */
  static readonly SEEK: u8 = 0;
  /** Before a frame. */
  static readonly START: u8 = 1;
  /** In a frame of which nothing more is read, but its end. */
  static readonly REST: u8 = 2;
}

/** What one side sends. */
@unmanaged
export class Half {
  /** Sequence number of the byte that the parser wants next. */
  sequence: u32;
  /** Sequence number behind the frame in progress. */
  end: u32;
  channel: u16;
  phase: u8;
  type: u8;
  /** Whether bytes before the next message were none. */
  isAfterGarbage: u8;
  /** Methods that its peer answers and that found no room: which answers are theirs is not known. */
  refused: u8;
  spare: u16;
}

/** Lists of channels, by the last bits of their number. */
export const LISTS: u32 = 2;
/** Channels and consumers of a connection at the most; what is beyond is read without their help. */
const CHANNELS_MAX: u32 = 2048;
const CONSUMERS_MAX: u32 = 256;

@unmanaged
export class AmqpState {
  list0: u32;
  list1: u32;
  consumers: u32;
  channelCount: u16;
  consumerCount: u16;
  /** Sequence numbers behind the last missing bytes of both sides, 0 for none. */
  gapEnd0: u32;
  gapEnd1: u32;
  /** The client sent what is missing of it with no more of the server's bytes in hand than up to here; 0 while that is not known. */
  lostFloor: u32;
  /** No publish has room in what was missing last of the client, if its frames go on behind it with a method. */
  isLossSmall: u32;

  @inline half(side: u32): Half {
    return changetype<Half>(changetype<usize>(this) + offsetof<AmqpState>() + side * offsetof<Half>());
  }

  /** Notes that bytes of `side` were missing up to `end`. */
  noteGap(side: u32, end: u32): void {
    if (side == 0) this.gapEnd0 = end;
    else this.gapEnd1 = end;
  }

  /** Sequence number behind the last missing bytes of `side`, 0 for none. */
  @inline gapEnd(side: u32): u32 {
    return side == 0 ? this.gapEnd0 : this.gapEnd1;
  }

  /** Whether bytes of `side` were missing. */
  hasGap(side: u32): bool {
    return this.gapEnd(side) != 0;
  }

  /** Whether what the client sent at `floor` was sent behind all of it that is missing, and with more in hand. */
  isBehindLost(floor: u32): bool {
    return this.lostFloor != 0 && <i32>(floor - this.lostFloor) > 0;
  }

  /** Whether bytes of `side` behind `sequence` were missing. */
  isMissingBehind(side: u32, sequence: u32): bool {
    const end = this.gapEnd(side);
    return end != 0 && <i32>(end - sequence) > 0;
  }

  /** Whether bytes of `side` were missing that the other had not had when it said that it has all up to `acknowledged`. */
  mayMiss(side: u32, acknowledged: u32): bool {
    const end = this.gapEnd(side);
    return end != 0 && acknowledged != 0 && <i32>(acknowledged - end) < 0;
  }

  /** Address of the head of a channel's list. */
  @inline listOf(number: u32): usize {
    return changetype<usize>(this) + ((number & (LISTS - 1)) << 2);
  }
}

/** Bytes of the state. */
export const STATE_BYTES: u32 = 64;

/** A message with content in progress. */
@unmanaged
export class Content {
  /** The message, 0 where there is no content. */
  message: u32;
  /** For a response the request that it answers. */
  request: u32;
  /** Bytes of the body that are to come; at the least, where bytes were missing. */
  left: u64;
  hasHeader: u8;
  /** Bytes were missing: how much is to come is not known. */
  isLossy: u8;
  isResponse: u8;
  spare: u8;
}

/** Bits of `Channel.flags`. */
export class ChannelFlag {
  /** Publishes are confirmed. */
  static readonly CONFIRMS: u16 = 1;
  /** How many were published is not known. */
  static readonly UNNUMBERED: u16 = 2;
  /** Messages were got, whose acks are no part of a round trip. */
  static readonly GOT: u16 = 4;
  /** A message was published. */
  static readonly PUBLISHES: u16 = 8;
  /** What was said before its first publish is not all there: whether confirms were asked for is not known. */
  static readonly DOUBTFUL: u16 = 16;
  /** The server named the number `highest`, or there was none to name. */
  static readonly NAMED: u16 = 32;
  /** It was seen to open. */
  static readonly OPENED: u16 = 64;
  /** It has transactions, and so no confirms. */
  static readonly TRANSACTS: u16 = 128;
  /** The client publishes while others wait for their confirm. */
  static readonly WINDOWED: u16 = 256;
  /** `before` is all that was named then. */
  static readonly COUNTED: u16 = 512;
}

/** What stands for the content of a side that has none. */
const NO_CONTENT: usize = memory.data(24, 8);

@unmanaged
export class Channel {
  next: u32;
  number: u16;
  flags: u16;
  /** Contents in progress of both sides, 0 for none. */
  content0: u32;
  content1: u32;
  /** Messages published since confirms were asked for. */
  published: u64;
  /** Highest number that the server settled. */
  highest: u64;
  /** `highest` when the first publish was sent at `floor`. */
  before: u64;
  /** Up to where the client had the server's bytes when it published last, or asked for confirms. */
  floor: u32;
  /** Publishes at `floor`. */
  seen: u32;
  /** Sequence number behind what named a number last. */
  namedEnd: u32;
  /** How often the client was seen to wait for all before it published more. */
  waited: u32;

  /** The content of `side`; one without a message where there is none. */
  @inline content(side: u32): Content {
    const block = <usize>load<u32>(this.placeOf(side));
    return changetype<Content>(block != 0 ? block : NO_CONTENT);
  }

  @inline private placeOf(side: u32): usize {
    return changetype<usize>(this) + offsetof<Channel>("content0") + (side << 2);
  }

  /** Makes room for a content of `side`; false where there is none. */
  openContent(side: u32): bool {
    const place = this.placeOf(side);
    if (load<u32>(place) != 0) return true;
    const block = Regions.streamPool.allocate(offsetof<Content>());
    if (block == 0) return false;
    memory.fill(block, 0, offsetof<Content>());
    store<u32>(place, <u32>block);
    return true;
  }

  /** Gives that room back. */
  closeContent(side: u32): void {
    const place = this.placeOf(side);
    const block = <usize>load<u32>(place);
    store<u32>(place, 0);
    if (block != 0) Regions.streamPool.release(block);
  }

  @inline is(flag: u16): bool {
    return (this.flags & flag) != 0;
  }

  @inline set(flag: u16): void {
    this.flags |= flag;
  }

  @inline clear(flag: u16): void {
    this.flags &= ~flag;
  }
}

/** A consumer: `queueLength` bytes of its queue's name lie behind. */
@unmanaged
export class Consumer {
  next: u32;
  channel: u16;
  isNoAck: u8;
  queueLength: u8;
  /** elementHash of its tag. */
  tag: u64;

  @inline get queue(): usize {
    return changetype<usize>(this) + offsetof<Consumer>();
  }
}

/** The state of a conversation that has one. */
export function stateAt(conversation: Conversation): AmqpState {
  return changetype<AmqpState>(conversation.state);
}

/** The record of a channel; null where there is none. */
export function findChannel(state: AmqpState, number: u32): Channel | null {
  let at = <usize>load<u32>(state.listOf(number));
  while (at != 0) {
    const channel = changetype<Channel>(at);
    if (<u32>channel.number == number) return channel;
    at = <usize>channel.next;
  }
  return null;
}

/** The record of a channel, made where there is none; null where there is no room. */
export function channelOf(state: AmqpState, number: u32): Channel | null {
  const found = findChannel(state, number);
  if (found != null) return found;
  if (<u32>state.channelCount >= CHANNELS_MAX) return null;
  const block = Regions.streamPool.allocate(offsetof<Channel>());
  if (block == 0) return null;
  memory.fill(block, 0, offsetof<Channel>());
  const channel = changetype<Channel>(block);
  const list = state.listOf(number);
  channel.number = <u16>number;
  channel.next = load<u32>(list);
  store<u32>(list, <u32>block);
  state.channelCount += 1;
  return channel;
}

/** Forgets a channel whose contents are done with. */
export function dropChannel(state: AmqpState, channel: Channel): void {
  let link = state.listOf(channel.number);
  while (load<u32>(link) != <u32>changetype<usize>(channel)) link = <usize>load<u32>(link) + offsetof<Channel>("next");
  store<u32>(link, channel.next);
  state.channelCount -= 1;
  channel.closeContent(0);
  channel.closeContent(1);
  Regions.streamPool.release(changetype<usize>(channel));
}

/** Notes a consumer and its queue; where there is no room its deliveries have none. */
export function addConsumer(state: AmqpState, channel: u32, tag: u64, isNoAck: bool, queue: usize, queueLength: u32): void {
  if (<u32>state.consumerCount >= CONSUMERS_MAX) return;
  dropConsumer(state, channel, tag);
  const block = Regions.streamPool.allocate(offsetof<Consumer>() + queueLength);
  if (block == 0) return;
  const consumer = changetype<Consumer>(block);
  consumer.next = state.consumers;
  consumer.channel = <u16>channel;
  consumer.isNoAck = <u8>isNoAck;
  consumer.queueLength = <u8>queueLength;
  consumer.tag = tag;
  memory.copy(consumer.queue, queue, queueLength);
  state.consumers = <u32>block;
  state.consumerCount += 1;
}

/** The consumer of a tag on a channel; null where it is not known. */
export function findConsumer(state: AmqpState, channel: u32, tag: u64): Consumer | null {
  let at = <usize>state.consumers;
  while (at != 0) {
    const consumer = changetype<Consumer>(at);
    if (consumer.tag == tag && <u32>consumer.channel == channel) return consumer;
    at = <usize>consumer.next;
  }
  return null;
}

/** Forgets a consumer of a channel. */
export function dropConsumer(state: AmqpState, channel: u32, tag: u64): void {
  dropConsumersWhere(state, channel, tag, false);
}

/** Forgets all consumers of a channel, or of all of them where it is 0. */
export function dropConsumers(state: AmqpState, channel: u32): void {
  dropConsumersWhere(state, channel, 0, true);
}

function dropConsumersWhere(state: AmqpState, channel: u32, tag: u64, isAll: bool): void {
  let link = changetype<usize>(state) + offsetof<AmqpState>("consumers");
  while (load<u32>(link) != 0) {
    const at = <usize>load<u32>(link);
    const consumer = changetype<Consumer>(at);
    const isOne = (isAll || consumer.tag == tag) && (channel == 0 || <u32>consumer.channel == channel);
    if (!isOne) {
      link = at + offsetof<Consumer>("next");
      continue;
    }
    store<u32>(link, consumer.next);
    state.consumerCount -= 1;
    Regions.streamPool.release(at);
  }
}
