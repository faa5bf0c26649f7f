/**
 * Records under keys: gathered, put to the host in their order, and what is inside given to the conversation within.
 *
 * The host opens a record or says that it cannot, which the record's tag decides (RFC 5116), so places are found by trying: after bytes
 * that are missing the numbers of the next few records, and under TLS 1.3 (RFC 8446 section 5.2) whether a record is of the handshake, whose
 * keys are not asked for. Records whose keys are not there yet wait, and keys are asked for again with each that comes.
 */
import { u8At, u16be, u24be } from "../../bytes/reader";
import { Window } from "../../bytes/window";
import { keysClose, keysNext, keysOpen, keysRecord } from "../../host";
import { Regions, TLS_RECORD_BYTES } from "../../regions";
import { Conversation, PROTOCOL_FOREIGN } from "../../roundtrip/conversation";
import { leave, Parse } from "../protocol";
import { Inner } from "../shared/inner";
import { TlsMetrics, Unopened } from "./metrics";
import { Epoch, Opened, OpenedHalf, Sealed } from "./opened";
import { CLIENT_HELLO, Content, RECORD_BYTES, RECORD_BYTES_MAX, SERVER_HELLO } from "./probe";
import { Half, HalfFlag, letGo, Phase, Role, stateAt } from "./state";

/** How often keys are asked for before a connection is given up. */
const LOOKS_MAX: u8 = 32;
/** Bytes of records that wait for keys at the most. */
const HELD_BYTES_MAX: u32 = 1 << 16;
/** Numbers of records that are tried at the most. */
const TRIES_MAX: u32 = 64;
/** Records in a row that no key opens before a connection is given up, and how many of a handshake there may be. */
const MISSES_MAX: u8 = 8;
const HANDSHAKE_RECORDS_MAX: u8 = 64;
/** Records that may have gone by where bytes were missing before the first of them. */
const BEGINNING_DOUBT: u32 = 16;
/** The shortest record under keys: its header, its tag, and one byte. */
const SEALED_BYTES_MIN: u32 = RECORD_BYTES + 17;
const KEYS_NEVER: u32 = u32.MAX_VALUE;
const FROM_CLIENT: u32 = 0;
const FROM_SERVER: u32 = 1;
const FROM_CLIENT_EARLY: u32 = 2;
const MESSAGE_HEADER_BYTES: u32 = 4;
const KEY_UPDATE: u32 = 24;
/** Bytes of a hello up to its random's end with the message's header, and of the server's up to its session's length. */
const HELLO_BYTES_MIN: u32 = 4 + 35;

export class Records {
  /** Whether the conversation was left in the last call: its state is gone. */
  static hasLeft: bool = false;
}

function openedOf(conversation: Conversation): Opened {
  return changetype<Opened>(stateAt(conversation).opened);
}

/** A record in the clear comes from `side`: where the next one under keys begins is known by itself. */
export function noteClearRecord(conversation: Conversation, side: u32): void {
  if (stateAt(conversation).opened != 0) openedOf(conversation).half(side).isPlaced = 0;
}

/** Takes of the `left` bytes at `start`, with the outer number `sequence`, those of the record that begins there; answers how many. */
export function beginRecord(conversation: Conversation, side: u32, half: Half, start: usize, left: u32, sequence: u32): u32 {
  Records.hasLeft = false;
  const opened = openedOf(conversation);
  const mine = opened.half(side);
  const total = RECORD_BYTES + u16be(start + 3);
  notePlace(opened, mine, side, sequence, half.is(HalfFlag.GAP));
  mine.total = total;
  if (left >= total) {
    endRecord(conversation, opened, side, start, total, Parse.timeOf(start), 0);
    return total;
  }
  half.phase = Phase.SEALED;
  half.left = total - left;
  const block = Sealed.create(side, total);
  if (block == 0) TlsMetrics.refused();
  mine.gathered = <u32>block;
  if (block == 0) return left;
  changetype<Sealed>(block).end = mine.end + total;
  changetype<Sealed>(block).firstNs = Parse.timeOf(start);
  gather(mine, start, left);
  return left;
}

/** Takes of the `left` bytes at `start` those of the record that is gathered; answers how many. */
export function continueRecord(conversation: Conversation, side: u32, half: Half, start: usize, left: u32): u32 {
  Records.hasLeft = false;
  const opened = openedOf(conversation);
  const mine = opened.half(side);
  const taken = half.left < left ? half.left : left;
  if (mine.gathered != 0) gather(mine, start, taken);
  half.left -= taken;
  if (half.left != 0) return taken;
  half.phase = Phase.RECORD;
  const sealed = <usize>mine.gathered;
  mine.gathered = 0;
  if (sealed == 0) lose(conversation, opened, side, Unopened.MEMORY);
  else endRecord(conversation, opened, side, 0, mine.total, changetype<Sealed>(sealed).firstNs, sealed);
  return taken;
}

function gather(mine: OpenedHalf, start: usize, length: u32): void {
  const sealed = changetype<Sealed>(mine.gathered);
  if (sealed.add(start, length)) return;
  TlsMetrics.refused();
  sealed.release();
  mine.gathered = 0;
}

/** `bytes` in the record that is gathered are missing, or more; whether its end is still known. */
export function missInRecord(conversation: Conversation, side: u32, half: Half, bytes: u32): bool {
  Records.hasLeft = false;
  const opened = openedOf(conversation);
  const mine = opened.half(side);
  if (mine.gathered != 0) changetype<Sealed>(mine.gathered).release();
  mine.gathered = 0;
  if (bytes > half.left) {
    TlsMetrics.unopened(conversation.directionOf(side), Unopened.GAP);
    return false;
  }
  half.left -= bytes;
  if (half.left != 0) return true;
  half.phase = Phase.RECORD;
  lose(conversation, opened, side, Unopened.GAP);
  return true;
}

/** A record of `side` went by that could not be kept. */
function lose(conversation: Conversation, opened: Opened, side: u32, reason: u32): void {
  const mine = opened.half(side);
  TlsMetrics.unopened(conversation.directionOf(side), reason);
  pass(opened, mine);
  mine.end += mine.total;
  missInside(opened, side, mine.total, mine.end);
}

/** A record that stays closed takes a number, where it is under the keys that are counted for. */
function pass(opened: Opened, mine: OpenedHalf): void {
  if (opened.isThirteen && mine.epoch == Epoch.BEGINNING) mine.doubt += 1;
  else mine.sequence += 1;
}

function missInside(opened: Opened, side: u32, bytes: u32, end: u32): void {
  if (opened.inner != 0) Inner.miss(opened.inner, side, bytes, end);
  else opened.isMidStream = 1;
}

/** Notes where a record begins, and what is missing before it. */
function notePlace(opened: Opened, mine: OpenedHalf, side: u32, sequence: u32, hasGap: bool): void {
  const missing = sequence - mine.end;
  if (!mine.isPlaced) {
    mine.isPlaced = 1;
    if (hasGap) mine.doubt = BEGINNING_DOUBT;
  } else if (missing != 0) {
    const most = missing / SEALED_BYTES_MIN + 1;
    mine.doubt = mine.doubt + most < TRIES_MAX ? mine.doubt + most : TRIES_MAX;
    if (!opened.isThirteen || mine.epoch != Epoch.BEGINNING) mine.sequence += missing / (RECORD_BYTES + RECORD_BYTES_MAX);
    missInside(opened, side, missing, sequence);
  }
  mine.end = sequence;
}

/** A record is there, at `start` or gathered in `sealed`: it is opened, or waits. */
function endRecord(
  conversation: Conversation,
  opened: Opened,
  side: u32,
  start: usize,
  total: u32,
  firstNs: u64,
  sealed: usize,
): void {
  const mine = opened.half(side);
  mine.end += total;
  if (!isReady(conversation, opened)) {
    if (!Records.hasLeft) hold(conversation, opened, side, start, total, firstNs, sealed);
    else if (sealed != 0) changetype<Sealed>(sealed).release();
    return;
  }
  if (sealed != 0) {
    openGathered(conversation, opened, changetype<Sealed>(sealed), Parse.timeNs);
    return;
  }
  open(conversation, opened, side, start, total, mine.end, firstNs, Parse.timeNs);
}

/** Opens a record that lies in blocks, and lets go of these. */
function openGathered(conversation: Conversation, opened: Opened, sealed: Sealed, lastNs: u64): void {
  const start = Window.start;
  const end = Window.end;
  const total = sealed.total;
  sealed.copyTo(Regions.tlsRecord);
  Window.open(Regions.tlsRecord, total);
  const side = sealed.side;
  const outerEnd = sealed.end;
  const firstNs = sealed.firstNs;
  sealed.release();
  open(conversation, opened, side, Regions.tlsRecord, total, outerEnd, firstNs, lastNs);
  Window.open(start, <u32>(end - start));
}

/** Whether there are keys and nothing waits before what comes now. */
function isReady(conversation: Conversation, opened: Opened): bool {
  if (!stateAt(conversation).over) return false;
  if (opened.keys != 0) return true;
  opened.looks += 1;
  const keys = keysOpen(opened.question);
  if (keys == KEYS_NEVER || (keys == 0 && opened.looks >= LOOKS_MAX)) {
    giveUp(conversation, keys == 0 ? Unopened.KEYS : Unopened.CIPHER);
    return false;
  }
  opened.keys = keys;
  if (keys == 0) return false;
  while (opened.heldFirst != 0) {
    const held = changetype<Sealed>(opened.takeHeld());
    openGathered(conversation, opened, held, held.lastNs);
    if (Records.hasLeft) return false;
  }
  return true;
}

/** Lets a record wait for its keys; where there is no room it goes, and all that waits with it. */
function hold(
  conversation: Conversation,
  opened: Opened,
  side: u32,
  start: usize,
  total: u32,
  firstNs: u64,
  gathered: usize,
): void {
  let sealed = gathered;
  if (sealed == 0) {
    sealed = Sealed.create(side, total);
    if (sealed != 0 && !changetype<Sealed>(sealed).add(start, total)) {
      changetype<Sealed>(sealed).release();
      sealed = 0;
    }
  }
  if (sealed == 0) TlsMetrics.refused();
  else {
    const record = changetype<Sealed>(sealed);
    record.end = opened.half(side).end;
    record.firstNs = firstNs;
    record.lastNs = Parse.timeNs;
    opened.hold(record);
    if (opened.heldBytes <= HELD_BYTES_MAX) return;
  }
  if (sealed == 0) dropOne(conversation, opened, side, Unopened.MEMORY);
  drop(conversation, opened, Unopened.KEYS);
}

/** What waits for keys goes. */
function drop(conversation: Conversation, opened: Opened, reason: u32): void {
  for (let at = opened.takeHeld(); at != 0; at = opened.takeHeld()) {
    dropOne(conversation, opened, changetype<Sealed>(at).side, reason);
    changetype<Sealed>(at).release();
  }
}

function dropOne(conversation: Conversation, opened: Opened, side: u32, reason: u32): void {
  TlsMetrics.unopened(conversation.directionOf(side), reason);
  pass(opened, opened.half(side));
  opened.isMidStream = 1;
}

/** Nothing more of the connection is opened. */
function giveUp(conversation: Conversation, reason: u32): void {
  drop(conversation, openedOf(conversation), reason);
  letGo(conversation);
  leave(conversation, PROTOCOL_FOREIGN);
  Records.hasLeft = true;
}

/** Opens the record of `total` bytes at `start`, which `side` sent between two times. */
function open(
  conversation: Conversation,
  opened: Opened,
  side: u32,
  start: usize,
  total: u32,
  end: u32,
  firstNs: u64,
  lastNs: u64,
): void {
  const mine = opened.half(side);
  const type = u8At(start);
  const isThirteen = opened.isThirteen;
  if (type == Content.CHANGE_CIPHER_SPEC && total == RECORD_BYTES + 1) {
    // In the clear: TLS 1.3 sends it for old boxes on the way, and before it begins the numbers of what is under keys.
    if (!isThirteen) mine.sequence = 0;
    return;
  }
  if (isThirteen && type != Content.APPLICATION_DATA) return;
  const sender = stateAt(conversation).half(side).role == Role.CLIENT ? FROM_CLIENT : FROM_SERVER;
  const target = Regions.tlsRecord + TLS_RECORD_BYTES;
  let length: i32 = -1;
  if (isThirteen && sender == FROM_CLIENT && mine.epoch == Epoch.BEGINNING) {
    length = keysRecord(opened.keys, FROM_CLIENT_EARLY, mine.earlySequence, start, total, target);
    if (length >= 0) mine.earlySequence += 1;
  }
  if (length < 0) length = attempt(opened, mine, sender, start, total, target);
  if (length < 0) {
    stayClosed(conversation, opened, side, total, end);
    return;
  }
  TlsMetrics.opened(conversation.directionOf(side));
  const before = Window.start;
  const behind = Window.end;
  Window.open(target, length);
  take(conversation, opened, side, sender, type, target, length, end, firstNs, lastNs);
  Window.open(before, <u32>(behind - before));
}

/** Tries the numbers that the record may have; answers as `keysRecord` does. */
function attempt(opened: Opened, mine: OpenedHalf, sender: u32, start: usize, total: u32, target: usize): i32 {
  const keys = mine.keys != 0 ? mine.keys : opened.keys;
  const most = mine.doubt < TRIES_MAX ? mine.doubt : TRIES_MAX;
  for (let tried: u32 = 0; tried <= most; tried++) {
    const length = keysRecord(keys, sender, mine.sequence + tried, start, total, target);
    if (length < 0) continue;
    assert(<u32>length <= total);
    mine.sequence += tried + 1;
    mine.doubt = 0;
    mine.misses = 0;
    mine.epoch = Epoch.APPLICATION;
    return length;
  }
  return -1;
}

/** No key opens a record: it is one of the handshake, or lost. */
function stayClosed(conversation: Conversation, opened: Opened, side: u32, total: u32, end: u32): void {
  const mine = opened.half(side);
  const isHandshake = opened.isThirteen && mine.epoch == Epoch.BEGINNING;
  mine.misses += 1;
  if (isHandshake && mine.misses < HANDSHAKE_RECORDS_MAX) return;
  TlsMetrics.unopened(conversation.directionOf(side), Unopened.FAILED);
  mine.doubt += 1;
  missInside(opened, side, total, end);
  if (isHandshake || mine.misses >= MISSES_MAX) giveUp(conversation, Unopened.FAILED);
}

/** Takes the `length` bytes of plaintext at `start`, of a record of type `outerType`. */
function take(
  conversation: Conversation,
  opened: Opened,
  side: u32,
  sender: u32,
  outerType: u32,
  start: usize,
  length: u32,
  end: u32,
  firstNs: u64,
  lastNs: u64,
): void {
  let bytes = length;
  let type = outerType;
  if (opened.isThirteen) {
    while (bytes != 0 && u8At(start + bytes - 1) == 0) bytes -= 1;
    if (bytes == 0) return;
    bytes -= 1;
    type = u8At(start + bytes);
  }
  const mine = opened.half(side);
  if (type == Content.HANDSHAKE) {
    if (opened.isThirteen) readUpdate(opened, mine, sender, start, bytes);
    else readRenewal(opened, start, bytes);
  } else if (type == Content.CHANGE_CIPHER_SPEC) {
    if (!opened.isThirteen) renew(conversation, opened, mine);
  } else if (type == Content.APPLICATION_DATA && bytes != 0) {
    if (opened.inner == 0) opened.inner = <u32>Inner.open(conversation, !opened.isMidStream);
    if (opened.inner == 0) {
      TlsMetrics.refused();
      opened.isMidStream = 1;
      return;
    }
    Inner.take(opened.inner, side, start, bytes, end, firstNs, lastNs);
    if (changetype<Conversation>(opened.inner).protocol == <u8>PROTOCOL_FOREIGN) giveUp(conversation, Unopened.KEYS);
  }
}

/** Messages behind a handshake of TLS 1.3: a KeyUpdate (RFC 8446 section 4.6.3) makes new keys for its sender. */
function readUpdate(opened: Opened, mine: OpenedHalf, sender: u32, start: usize, length: u32): void {
  let at: u32 = 0;
  while (length - at >= MESSAGE_HEADER_BYTES) {
    const bytes = u24be(start + at + 1);
    if (u8At(start + at) == KEY_UPDATE) {
      keysNext(opened.keys, sender);
      mine.sequence = 0;
    }
    if (bytes > length - at - MESSAGE_HEADER_BYTES) return;
    at += MESSAGE_HEADER_BYTES + bytes;
  }
}

/** Hellos of a handshake inside of a connection of TLS 1.2 (RFC 5246 section 7.4.1.1). */
function readRenewal(opened: Opened, start: usize, length: u32): void {
  if (length < HELLO_BYTES_MIN) return;
  const type = u8At(start);
  const hello = start + MESSAGE_HEADER_BYTES;
  if (type == CLIENT_HELLO) opened.asked(hello);
  if (type != SERVER_HELLO) return;
  const cipherAt = HELLO_BYTES_MIN + u8At(start + HELLO_BYTES_MIN - 1);
  if (length >= cipherAt + 2) opened.answered(hello, u16be(hello), u16be(start + cipherAt));
}

/** What the sender sends from here on is under the keys of the handshake inside. */
function renew(conversation: Conversation, opened: Opened, mine: OpenedHalf): void {
  const keys = keysOpen(opened.question);
  if (keys == 0 || keys == KEYS_NEVER) {
    giveUp(conversation, Unopened.KEYS);
    return;
  }
  if (mine.keys != 0) keysClose(mine.keys);
  mine.keys = keys;
  mine.sequence = 0;
}

/** `side` sends no more. */
export function endOpened(conversation: Conversation, side: u32): void {
  Records.hasLeft = false;
  const opened = openedOf(conversation);
  opened.done |= <u8>(1 << (<u8>side));
  if (!isReady(conversation, opened) || opened.inner == 0) return;
  const inner = opened.inner;
  for (let one: u32 = 0; one < 2; one++) if ((<u32>opened.done >> one) & 1) Inner.finish(inner, one);
}
