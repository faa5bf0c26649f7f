/**
 * From bytes to records and handshake messages.
 *
 * A hello may lie in several records and segments and is gathered, up to a block; other messages in the clear are counted and
 * passed. Records under keys are stepped over by their lengths and never kept. When both sides have sent one, or a fatal alert
 * was sent, the handshake is over, and nothing more is looked at.
 */
import { BLOCK_BYTES_MAX } from "../../bytes/pool";
import { u8At, u16be } from "../../bytes/reader";
import { copyBytes } from "../../bytes/run";
import { HostSecrets } from "../../host";
import { Regions } from "../../regions";
import { Conversation } from "../../roundtrip/conversation";
import { Mark } from "../../roundtrip/marks";
import { FAULT, Parse } from "../protocol";
import { decide, endSide, noteAlert, noteClear, noteHello, noteSsl2, refuse } from "./handshake";
import { TlsMetrics } from "./metrics";
import { missPlace } from "./missing";
import { SEALED_BYTES_MIN } from "./opened";
import {
  CLIENT_HELLO,
  Content,
  HELLO_HEAD_BYTES,
  helloOf,
  isRecord,
  RECORD_BYTES,
  SERVER_HELLO,
  SSL_2_SERVER_HELLO,
  ssl2Bytes,
} from "./probe";
import {
  beginRecord,
  continueRecord,
  endOpened,
  missInRecord,
  noteClearRecord,
  noteClosed,
  passRecord,
  Records,
} from "./records";
import { Half, HalfFlag, Phase, stateAt } from "./state";

const SERVER_HELLO_DONE: u32 = 14;
const MESSAGE_HEADER_BYTES: u32 = 4;
/** Handshake messages have types up to here (RFC 8446 appendix B.3, next_proto), and no more bytes than this. */
const MESSAGE_TYPE_MAX: u32 = 67;
const MESSAGE_HASH: u32 = 254;
const MESSAGE_BYTES_MAX: u32 = 1 << 18;
const ALERT_BYTES: u32 = 2;
/** An alert under the keys of TLS 1.3: itself, its content type, and a tag of 16 bytes. */
const SEALED_ALERT_BYTES: u32 = 19;
const SSL_2_HEAD_BYTES: u32 = 11;
const SSL_2_SERVER_HEAD_BYTES: u32 = 7;

/** The bytes in hand. */
class Turn {
  static side: u32 = 0;
  static start: usize = 0;
  static at: usize = 0;
  static end: usize = 0;
  static isFault: bool = false;

  @inline static get left(): u32 {
    return <u32>(Turn.end - Turn.at);
  }
}

/** The contract's parse. */
export function onBytes(conversation: Conversation, side: u32, start: usize, length: u32): i32 {
  Turn.side = side;
  Turn.start = start;
  Turn.at = start;
  Turn.end = start + length;
  Turn.isFault = false;
  const half = stateAt(conversation).half(side);
  while (Turn.at < Turn.end && step(conversation, half)) {}
  if (!Turn.isFault) return <i32>(Turn.at - start);
  const isOver = stateAt(conversation).over;
  if (!isOver && Turn.at == start && (endPeersHello(conversation, side, half) || refuse(conversation, half))) return 0;
  TlsMetrics.malformed();
  reset(half);
  return FAULT;
}

/** The first bytes of `side` are no TLS: what its peer has begun of a client's hello is all that comes of it. Whether the conversation was left. */
function endPeersHello(conversation: Conversation, side: u32, half: Half): bool {
  const isFirst = half.flags == 0 && half.phase == Phase.RECORD && half.wireBytes == 0;
  const isClientHello = stateAt(conversation).half(side ^ 1).header >> 24 == CLIENT_HELLO;
  return isFirst && isClientHello && endHello(conversation, side ^ 1);
}

/** A hello that `side` has begun ends with what is there; whether the conversation was left. */
function endHello(conversation: Conversation, side: u32): bool {
  const half = stateAt(conversation).half(side);
  if (half.buffer == 0) return false;
  half.set(HalfFlag.CUT);
  return endMessage(conversation, side, half, Mark.INCOMPLETE);
}

/** One step; false when it needs more bytes, lost its place, or has left the conversation. */
function step(conversation: Conversation, half: Half): bool {
  if (half.phase == Phase.HANDSHAKE) return readMessages(conversation, half);
  if (half.phase == Phase.SSL_2) {
    half.set(HalfFlag.SEALED);
    return readOver(conversation, Turn.left);
  }
  if (half.phase == Phase.SEALED || stateAt(conversation).over) return readSealed(conversation, half);
  return readRecord(conversation, half);
}

function fault(): bool {
  Turn.isFault = true;
  return false;
}

/** Asks for `bytes` together. */
function want(bytes: u32): bool {
  Parse.need = bytes;
  return false;
}

/** Steps over `bytes`, here and to come, and looks whether the handshake is over. */
function readOver(conversation: Conversation, bytes: u32): bool {
  const here = Turn.left < bytes ? Turn.left : bytes;
  Turn.at += here;
  if (decide(conversation)) {
    Turn.at = Turn.end;
    return false;
  }
  Parse.skip = bytes - here;
  return Parse.skip == 0;
}

/** Notes the time of the first byte of a message. */
function noteStart(half: Half): void {
  if (half.wireBytes == 0) half.firstNs = Parse.timeOf(Turn.at);
}

function readRecord(conversation: Conversation, half: Half): bool {
  if (u8At(Turn.at) & 0x80) return half.is(HalfFlag.HELLO) ? fault() : readSsl2(conversation, half);
  if (!isRecord(Turn.at, Turn.left)) return fault();
  if (Turn.left < RECORD_BYTES) return want(RECORD_BYTES);
  const type = u8At(Turn.at);
  const bytes = u16be(Turn.at + 3);
  if (type == Content.HANDSHAKE && !half.is(HalfFlag.SEALED)) {
    // Behind a ChangeCipherSpec a hello may come in the clear (RFC 8446 appendix D.4).
    const mayBeHello = half.is(HalfFlag.CHANGED) && bytes >= HELLO_HEAD_BYTES - RECORD_BYTES;
    if (mayBeHello && Turn.left < HELLO_HEAD_BYTES) return want(HELLO_HEAD_BYTES);
    if (!half.is(HalfFlag.CHANGED) || (mayBeHello && helloOf(Turn.at) != 0)) {
      noteStart(half);
      half.wireBytes += RECORD_BYTES;
      half.phase = Phase.HANDSHAKE;
      noteClearRecord(conversation, Turn.side);
      half.left = bytes;
      Turn.at += RECORD_BYTES;
      return true;
    }
  }
  if (type == Content.ALERT && bytes == ALERT_BYTES) return readAlert(conversation, half);
  if (type == Content.CHANGE_CIPHER_SPEC) {
    half.set(HalfFlag.CHANGED);
    half.wireBytes = 0;
    noteClearRecord(conversation, Turn.side);
    noteClear(conversation, half, RECORD_BYTES + bytes);
  } else if (type == Content.ALERT) {
    stateAt(conversation).failed = 1;
  } else if (type != Content.HEARTBEAT) {
    // Before the server answered it is of the client's early data, and behind a gap it need not be the first.
    const mayBeAlert = stateAt(conversation).answered != 0 && !half.is(HalfFlag.SEALED | HalfFlag.GAP);
    if (mayBeAlert && type == Content.APPLICATION_DATA && bytes == SEALED_ALERT_BYTES) half.set(HalfFlag.ALERT_SIZED);
    half.set(HalfFlag.SEALED);
    if (stateAt(conversation).opened != 0 && !HostSecrets.areThere) {
      passRecord(conversation, Turn.side);
    } else if (stateAt(conversation).opened != 0) {
      if (!decide(conversation)) return readSealed(conversation, half);
      Turn.at = Turn.end;
      return false;
    }
  }
  return readOver(conversation, RECORD_BYTES + bytes);
}

/** A record under keys that may be opened, or more of its bytes: what is inside is parsed before this returns. */
function readSealed(conversation: Conversation, half: Half): bool {
  if (stateAt(conversation).closed != 0) return passClosed(conversation, half);
  const start = Turn.start;
  const at = Turn.at;
  const end = Turn.end;
  const side = Turn.side;
  const left = Turn.left;
  let taken: u32;
  if (half.phase == Phase.SEALED) {
    taken = continueRecord(conversation, side, half, at, left);
  } else {
    if (!isRecord(at, left)) return fault();
    if (left < RECORD_BYTES + 1) return want(RECORD_BYTES + 1);
    taken = beginRecord(conversation, side, half, at, left, Parse.sequence + <u32>(at - start));
  }
  // Another parser of TLS may have run inside.
  Turn.side = side;
  Turn.start = start;
  const hasLeft = Records.hasLeft && !Records.isClosed;
  Turn.at = hasLeft ? end : at + taken;
  Turn.end = end;
  Turn.isFault = false;
  return !hasLeft;
}

/** A record of a connection that stays closed, or the rest of one. */
function passClosed(conversation: Conversation, half: Half): bool {
  let bytes = half.left;
  if (half.phase != Phase.SEALED) {
    if (!isRecord(Turn.at, Turn.left)) return fault();
    if (Turn.left < RECORD_BYTES) return want(RECORD_BYTES);
    bytes = RECORD_BYTES + u16be(Turn.at + 3);
  }
  noteClosed(conversation, Turn.side, half.phase == Phase.SEALED ? SEALED_BYTES_MIN : bytes);
  half.phase = Phase.RECORD;
  half.left = 0;
  const here = bytes < Turn.left ? bytes : Turn.left;
  Turn.at += here;
  Parse.skip = bytes - here;
  return Parse.skip == 0;
}

/** level u8 | description u8, in the clear. */
function readAlert(conversation: Conversation, half: Half): bool {
  if (Turn.left < RECORD_BYTES + ALERT_BYTES) return want(RECORD_BYTES + ALERT_BYTES);
  const level = u8At(Turn.at + RECORD_BYTES);
  if (level != 1 && level != 2) return fault();
  noteStart(half);
  half.wireBytes = 0;
  noteAlert(conversation, Turn.side, level, u8At(Turn.at + RECORD_BYTES + 1), RECORD_BYTES + ALERT_BYTES);
  return readOver(conversation, RECORD_BYTES + ALERT_BYTES);
}

/** A hello of SSL 2: the client's may begin any version, the server's is that of SSL 2 itself. */
function readSsl2(conversation: Conversation, half: Half): bool {
  if (Turn.left < SSL_2_HEAD_BYTES) return want(SSL_2_HEAD_BYTES);
  const isServer = u8At(Turn.at + 2) == SSL_2_SERVER_HELLO && u16be(Turn.at + SSL_2_SERVER_HEAD_BYTES - 2) == 2;
  const bytes: u32 = isServer ? (u16be(Turn.at) & 0x7fff) + 2 : ssl2Bytes(Turn.at);
  if (bytes == 0) return fault();
  if (!isServer && Turn.left < bytes) return want(bytes);
  noteStart(half);
  half.wireBytes = bytes;
  const version: u32 = isServer ? 2 : u16be(Turn.at + 3);
  if (version == 2) half.phase = Phase.SSL_2;
  noteSsl2(conversation, Turn.side, version, isServer);
  half.wireBytes = 0;
  return readOver(conversation, bytes);
}

/** Messages in a record of them. */
function readMessages(conversation: Conversation, half: Half): bool {
  while (half.left != 0 && Turn.at < Turn.end) {
    let take = half.left < Turn.left ? half.left : Turn.left;
    if (!half.is(HalfFlag.LOST_MESSAGE)) {
      if (half.headerBytes < <u8>MESSAGE_HEADER_BYTES) {
        take = 1;
        half.header = (half.header << 8) | u8At(Turn.at);
        half.headerBytes += 1;
        if (half.headerBytes == <u8>MESSAGE_HEADER_BYTES && !beginMessage(half)) return fault();
      } else {
        if (take > half.messageLeft) take = half.messageLeft;
        gather(half, Turn.at, take);
        half.messageLeft -= take;
      }
    }
    half.wireBytes += take;
    half.left -= take;
    Turn.at += take;
    const isEnd = half.headerBytes == <u8>MESSAGE_HEADER_BYTES && half.messageLeft == 0;
    if (isEnd && endMessage(conversation, Turn.side, half, 0)) {
      Turn.at = Turn.end;
      return false;
    }
  }
  if (half.left == 0) endRecord(half);
  return true;
}

function endRecord(half: Half): void {
  half.phase = Phase.RECORD;
  if (!half.is(HalfFlag.LOST_MESSAGE)) return;
  half.clear(HalfFlag.LOST_MESSAGE);
  half.wireBytes = 0;
}

/** The header of a message is there: a hello is gathered; false where it can be none. */
function beginMessage(half: Half): bool {
  const type = half.header >> 24;
  const length = half.header & 0xffffff;
  if ((type > MESSAGE_TYPE_MAX && type != MESSAGE_HASH) || length > MESSAGE_BYTES_MAX) return false;
  half.messageLeft = length;
  if (type != CLIENT_HELLO && type != SERVER_HELLO) return true;
  const most = length < BLOCK_BYTES_MAX ? length : BLOCK_BYTES_MAX;
  half.drop();
  if (most == 0) return true;
  const block = Regions.streamPool.allocate(most);
  if (block == 0) TlsMetrics.refused();
  half.buffer = <u32>block;
  half.bufferCapacity = <u16>most;
  return true;
}

/** Keeps what fits of a hello. */
function gather(half: Half, start: usize, length: u32): void {
  if (half.buffer == 0 || half.is(HalfFlag.CUT)) return;
  const room = <u32>half.bufferCapacity - <u32>half.bufferLength;
  const take = length < room ? length : room;
  copyBytes(half.buffer + half.bufferLength, start, take);
  half.bufferLength += <u16>take;
}

/** A message has ended, or what is there of it, for the reason `mark`; whether the conversation was left. */
function endMessage(conversation: Conversation, side: u32, half: Half, mark: u32): bool {
  const type = half.header >> 24;
  const length = half.header & 0xffffff;
  half.header = 0;
  half.headerBytes = 0;
  let over: bool = false;
  if (type == CLIENT_HELLO || type == SERVER_HELLO) {
    const whole = <u32>half.bufferLength == length && !half.is(HalfFlag.CUT);
    const why: u32 = mark != 0 || whole ? mark : half.is(HalfFlag.CUT) ? Mark.GAP : Mark.TRUNCATED;
    if (half.buffer != 0) noteHello(conversation, side, type, whole, why);
    half.drop();
    over = decide(conversation);
  } else {
    noteClear(conversation, half, half.wireBytes);
    if (type == SERVER_HELLO_DONE) half.set(HalfFlag.DONE);
  }
  if (!over) half.wireBytes = 0;
  return over;
}

/** Begins anew at the next record that is found. */
function reset(half: Half): void {
  half.drop();
  half.phase = Phase.RECORD;
  half.left = 0;
  half.header = 0;
  half.headerBytes = 0;
  half.wireBytes = 0;
  half.clear(HalfFlag.LOST_MESSAGE);
}

/** The contract's gap. */
export function onGap(conversation: Conversation, side: u32, bytes: u32): bool {
  const half = stateAt(conversation).half(side);
  if (half.phase == Phase.SSL_2) return true;
  if (half.phase == Phase.SEALED) {
    half.set(HalfFlag.GAP);
    if (stateAt(conversation).closed == 0 && missInRecord(conversation, side, half, bytes)) return true;
    reset(half);
    missPlace(conversation, side, Parse.sequence + bytes);
    return false;
  }
  if (half.phase == Phase.RECORD && Parse.skip >= <u64>bytes) return true;
  half.set(HalfFlag.GAP);
  if (half.phase == Phase.RECORD) missPlace(conversation, side, Parse.sequence + bytes);
  const stays = half.phase == Phase.HANDSHAKE && bytes <= half.left;
  const inMessage = stays && half.headerBytes == <u8>MESSAGE_HEADER_BYTES && bytes <= half.messageLeft;
  if (inMessage) {
    half.set(HalfFlag.CUT);
    half.messageLeft -= bytes;
    half.wireBytes += bytes;
  }
  const ends = half.headerBytes == <u8>MESSAGE_HEADER_BYTES && (!inMessage || half.messageLeft == 0);
  half.set(HalfFlag.CUT);
  if (ends && endMessage(conversation, side, half, Mark.GAP)) return true;
  if (!inMessage) half.clear(HalfFlag.CUT);
  if (!stays) {
    reset(half);
    return false;
  }
  half.left -= bytes;
  if (!inMessage) {
    half.header = 0;
    half.headerBytes = 0;
    half.set(HalfFlag.LOST_MESSAGE);
  }
  if (half.left == 0) endRecord(half);
  return true;
}

/** The contract's finish: `side` sends no more. */
export function onFinish(conversation: Conversation, side: u32): void {
  if (stateAt(conversation).over) endOpened(conversation, side);
  else if (!endHello(conversation, side)) endSide(conversation, side);
}
