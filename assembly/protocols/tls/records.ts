/**
 * Records under keys: gathered, put to the host in their order, and what is inside given to the conversation within.
 *
 * The host opens a record or says that it cannot, which the record's tag decides (RFC 5116), so places are found by trying: after bytes
 * that are missing the numbers of the next few records, and under TLS 1.3 (RFC 8446 section 5.2) whether a record is of the handshake, whose
 * keys are not asked for. Records whose keys are not there yet wait, and keys are asked for again with each that comes.
 */
import { u8At, u16be } from "../../bytes/reader";
import { Window } from "../../bytes/window";
import { keysClose, keysNext, keysOpen } from "../../host";
import { Regions, TLS_RECORD_BYTES } from "../../regions";
import { Conversation, PROTOCOL_FOREIGN } from "../../roundtrip/conversation";
import { leave, Parse } from "../protocol";
import { Inner } from "../shared/inner";
import { attempt, DOUBT_MAX } from "./attempt";
import { awaitsAnswer, Early, readAnswer, tryEarly } from "./early";
import { TlsMetrics, Unopened } from "./metrics";
import { findBeginning, isBetween, missRecord, missUncounted, openInside, settleMissing } from "./missing";
import { Epoch, Opened, OpenedHalf, SEALED_BYTES_MIN, Sealed } from "./opened";
import { readMessages } from "./opened-messages";
import { Content, RECORD_BYTES, RECORD_BYTES_MAX } from "./probe";
import { Half, HalfFlag, letGo, Phase, Role, stateAt } from "./state";

/** How often keys are asked for before a connection is given up. */
const LOOKS_MAX: u8 = 32;
/** Bytes of records that wait for keys at the most. */
const HELD_BYTES_MAX: u32 = 1 << 16;
/** Records in a row that no key opens before a side is given up, and those before its first that was opened. */
const MISSES_MAX: u8 = 8;
const BEGINNING_MISSES_MAX: u8 = 32;
/** Bytes of records of a side's handshake at the most. */
const HANDSHAKE_BYTES_MAX: u32 = 1 << 18;
/** Records that may have gone by where bytes were missing before the first of them. */
const BEGINNING_DOUBT: u32 = 16;
const KEYS_NEVER: u32 = u32.MAX_VALUE;
const FROM_CLIENT: u32 = 0;
const FROM_SERVER: u32 = 1;

export class Records {
  /** Whether nothing more is opened since the last call: what is needed for it is gone. */
  static hasLeft: bool = false;
  /** Whether the conversation is stayed with all the same, to count what follows. */
  static isClosed: bool = false;
}

function openedOf(conversation: Conversation): Opened {
  return changetype<Opened>(stateAt(conversation).opened);
}

/** A record in the clear comes from `side`: where the next one under keys begins is known by itself. */
export function noteClearRecord(conversation: Conversation, side: u32): void {
  if (stateAt(conversation).opened != 0) openedOf(conversation).half(side).isPlaced = 0;
}

/** A record under keys goes by before there are any secrets: the numbers behind it are found by trying. */
export function passRecord(conversation: Conversation, side: u32): void {
  const mine = openedOf(conversation).half(side);
  if (mine.doubt < DOUBT_MAX) mine.doubt += 1;
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
  missRecord(opened, side, mine.total, mine.end);
}

/** A record that stays closed takes a number, where it is under the keys that are counted for. */
function pass(opened: Opened, mine: OpenedHalf): void {
  mine.hasLost = 1;
  if (!opened.isThirteen || mine.epoch != Epoch.BEGINNING) mine.sequence += 1;
  else if (mine.doubt < DOUBT_MAX) mine.doubt += 1;
}

/** Notes where a record begins, and what is missing before it. */
function notePlace(opened: Opened, mine: OpenedHalf, side: u32, sequence: u32, hasGap: bool): void {
  const missing = sequence - mine.end;
  if (!mine.isPlaced) {
    mine.isPlaced = 1;
    if (hasGap) {
      mine.doubt = BEGINNING_DOUBT;
      mine.hasLost = 1;
      opened.loseBeginning(side);
    }
  } else if (missing != 0) {
    mine.hasLost = 1;
    const most = missing / SEALED_BYTES_MIN + 1;
    mine.doubt = most < DOUBT_MAX - mine.doubt ? mine.doubt + most : DOUBT_MAX;
    if (isBetween(opened, mine)) opened.loseBeginning(side);
    else {
      const records = missing / (RECORD_BYTES + RECORD_BYTES_MAX);
      mine.sequence += records;
      mine.lostRecords += records;
      missUncounted(opened, side, missing, sequence);
    }
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
    else {
      if (Records.isClosed) noteClosed(conversation, side, total);
      if (sealed != 0) changetype<Sealed>(sealed).release();
    }
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
  if (!stateAt(conversation).over || !hasKeys(conversation, opened)) return false;
  openHeld(conversation, opened);
  return !Records.hasLeft && opened.heldFirst == 0 && opened.awaits == 0;
}

/** Whether there are keys for what is next; they are looked for where there are none. */
function hasKeys(conversation: Conversation, opened: Opened): bool {
  if (opened.keys != 0 && opened.awaits == 0) return true;
  opened.looks += 1;
  const keys = keysOpen(opened.question);
  if (keys == KEYS_NEVER || (keys == 0 && opened.looks >= LOOKS_MAX)) {
    giveUp(conversation, keys == 0 ? Unopened.KEYS : Unopened.CIPHER);
    return false;
  }
  if (keys == 0) return false;
  opened.looks = 0;
  if (opened.awaits != 0) changeKeys(opened, opened.half(opened.awaits - 1), keys);
  else opened.keys = keys;
  return true;
}

/** Opens what waits, up to where it has to wait on. */
function openHeld(conversation: Conversation, opened: Opened): void {
  const now = Parse.acknowledgement;
  const client: u32 = stateAt(conversation).half(0).role == Role.CLIENT ? 0 : 1;
  const isServerWhole = !stateAt(conversation)
    .half(client ^ 1)
    .is(HalfFlag.GAP);
  while (opened.heldFirst != 0 && opened.awaits == 0 && !awaitsAnswer(opened, client, isServerWhole)) {
    const held = changetype<Sealed>(opened.takeHeld());
    Parse.acknowledgement = held.acknowledgement;
    openGathered(conversation, opened, held, held.lastNs);
    if (Records.hasLeft) break;
  }
  Parse.acknowledgement = now;
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
    record.acknowledgement = Parse.acknowledgement;
    opened.hold(record);
    // It may be what those before it wait for.
    if (opened.keys != 0 && opened.awaits == 0) openHeld(conversation, opened);
    if (Records.hasLeft || opened.heldBytes <= HELD_BYTES_MAX) return;
  }
  if (sealed == 0) dropOne(conversation, opened, side, Unopened.MEMORY);
  drop(conversation, opened, Unopened.KEYS);
}

/** What waits for keys goes. */
function drop(conversation: Conversation, opened: Opened, reason: u32): void {
  for (let at = opened.takeHeld(); at != 0; at = opened.takeHeld()) {
    if (changetype<Sealed>(at).total >= SEALED_BYTES_MIN) dropOne(conversation, opened, changetype<Sealed>(at).side, reason);
    changetype<Sealed>(at).release();
  }
}

function dropOne(conversation: Conversation, opened: Opened, side: u32, reason: u32): void {
  TlsMetrics.unopened(conversation.directionOf(side), reason);
  pass(opened, opened.half(side));
  opened.loseBeginning(side);
}

/** Nothing more of the connection is opened: what follows is counted. */
function giveUp(conversation: Conversation, reason: u32): void {
  drop(conversation, openedOf(conversation), reason);
  letGo(conversation);
  stateAt(conversation).closed = <u8>reason + 1;
  Records.hasLeft = true;
  Records.isClosed = true;
}

/** A record of `total` bytes goes by in a connection that stays closed. */
export function noteClosed(conversation: Conversation, side: u32, total: u32): void {
  const reason = <u32>stateAt(conversation).closed - 1;
  if (total >= SEALED_BYTES_MIN) TlsMetrics.unopened(conversation.directionOf(side), reason);
}

/** What is inside is nobody's to read: the connection is left. */
function leaveAll(conversation: Conversation): void {
  drop(conversation, openedOf(conversation), Unopened.KEYS);
  letGo(conversation);
  leave(conversation, PROTOCOL_FOREIGN);
  Records.hasLeft = true;
  Records.isClosed = false;
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
  if (isThirteen && mine.epoch == Epoch.BEGINNING) {
    if (sender == FROM_SERVER && opened.early == Early.UNKNOWN) readAnswer(opened, start, total);
    else if (sender == FROM_CLIENT) length = tryEarly(opened, mine, start, total);
    if (length >= 0) {
      mine.earlySequence = mine.triedSequence + 1;
      if (opened.early != Early.TAKEN) {
        TlsMetrics.unopened(conversation.directionOf(side), Unopened.EARLY);
        return;
      }
    }
  }
  const isFirst = mine.epoch == Epoch.BEGINNING;
  const next = mine.sequence;
  if (length < 0 && !mine.isClosed) length = attempt(opened, mine, sender, start, total, target);
  if (length < 0) {
    stayClosed(conversation, opened, side, sender, total, end);
    return;
  }
  if (isFirst && mine.epoch != Epoch.BEGINNING) findBeginning(opened, side, end - total);
  // Behind new keys the numbers begin anew.
  const passed = mine.sequence > next ? mine.sequence - 1 - next : 0;
  if (mine.isMissingTold) settleMissing(opened, side, mine.lostRecords + passed, end - total);
  TlsMetrics.opened(conversation.directionOf(side));
  const before = Window.start;
  const behind = Window.end;
  Window.open(target, length);
  take(conversation, opened, side, sender, type, target, length, end, firstNs, lastNs);
  Window.open(before, <u32>(behind - before));
}

/** No key opens a record: it is one of the handshake, or lost. */
function stayClosed(conversation: Conversation, opened: Opened, side: u32, sender: u32, total: u32, end: u32): void {
  const mine = opened.half(side);
  if (opened.isThirteen && mine.epoch == Epoch.BEGINNING && mayBeHandshake(opened, side, sender, total)) return;
  TlsMetrics.unopened(conversation.directionOf(side), Unopened.FAILED);
  if (mine.doubt < DOUBT_MAX) mine.doubt += 1;
  mine.hasLost = 1;
  missUncounted(opened, side, total, end);
  if (mine.isClosed) return;
  mine.misses += 1;
  if (mine.misses < (mine.epoch == Epoch.BEGINNING ? BEGINNING_MISSES_MAX : MISSES_MAX)) return;
  mine.isClosed = 1;
  if (opened.half(side ^ 1).isClosed) giveUp(conversation, Unopened.FAILED);
}

/**
 * Whether a record that stays closed may be of the handshake: the server's is over when the client has sent something of its own, and the
 * client's when the server has sent something behind its own.
 */
function mayBeHandshake(opened: Opened, side: u32, sender: u32, total: u32): bool {
  const mine = opened.half(side);
  const peer = opened.half(side ^ 1);
  const hasPeerBegun = peer.handshakeBytes != 0 || peer.epoch != Epoch.BEGINNING;
  if (sender == FROM_SERVER && hasPeerBegun) opened.isBehindHandshake = 1;
  if (opened.isBehindHandshake) return false;
  // Before the server has sent anything under keys it is early data.
  if (sender == FROM_SERVER || hasPeerBegun) mine.handshakeBytes += total;
  return mine.handshakeBytes <= HANDSHAKE_BYTES_MAX;
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
    if (!readMessages(opened, mine, start, bytes)) return;
    keysNext(opened.keys, sender);
    mine.sequence = 0;
  } else if (type == Content.CHANGE_CIPHER_SPEC) {
    if (!opened.isThirteen) renew(conversation, opened, side, mine);
  } else if (type == Content.APPLICATION_DATA && bytes != 0) {
    if (opened.inner == 0 && !openInside(conversation, opened, side, sender == FROM_CLIENT)) return;
    Inner.take(opened.inner, side, start, bytes, end, firstNs, lastNs);
    if (changetype<Conversation>(opened.inner).protocol == <u8>PROTOCOL_FOREIGN) leaveAll(conversation);
  }
}

/** What the sender sends from here on is under the keys of the handshake inside. */
function renew(conversation: Conversation, opened: Opened, side: u32, mine: OpenedHalf): void {
  const keys = keysOpen(opened.question);
  if (keys == KEYS_NEVER) {
    giveUp(conversation, Unopened.CIPHER);
    return;
  }
  opened.looks = 1;
  if (keys == 0) opened.awaits = <u8>side + 1;
  else changeKeys(opened, mine, keys);
}

function changeKeys(opened: Opened, mine: OpenedHalf, keys: u32): void {
  if (mine.keys != 0) keysClose(mine.keys);
  mine.keys = keys;
  mine.sequence = 0;
  opened.awaits = 0;
}

/** `side` sends no more. */
export function endOpened(conversation: Conversation, side: u32): void {
  Records.hasLeft = false;
  if (stateAt(conversation).opened == 0) return;
  const opened = openedOf(conversation);
  opened.done |= <u8>(1 << (<u8>side));
  if (!isReady(conversation, opened) || opened.inner == 0) return;
  const inner = opened.inner;
  for (let one: u32 = 0; one < 2; one++) {
    if (!((<u32>opened.done >> one) & 1)) continue;
    const half = opened.half(one);
    // No number has said whether it was of the handshake alone.
    if (half.epoch == Epoch.BEGINNING && (<u32>opened.lostBeginning >> one) & 1) Inner.miss(inner, one, 1, half.end);
    if (half.isMissingTold) settleMissing(opened, one, half.lostRecords + 1, half.end);
    Inner.finish(inner, one);
  }
}
