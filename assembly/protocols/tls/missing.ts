/**
 * What is missing inside, by what is missing of the records around it: their headers, nonces and tags are no bytes of the content.
 *
 * How many records bytes were is known by the number of the next one that is opened. Until then what is inside has heard of one byte: that
 * something is missing, before what the peer says next.
 */
import { Conversation } from "../../roundtrip/conversation";
import { Inner } from "../shared/inner";
import { TlsMetrics } from "./metrics";
import { Epoch, Opened, OpenedHalf } from "./opened";
import { stateAt } from "./state";

/** Makes the conversation inside, of which `side` speaks first, and tells it what is missing before; false without memory. */
export function openInside(conversation: Conversation, opened: Opened, side: u32, isClient: bool): bool {
  opened.inner = <u32>Inner.open(conversation, true);
  if (opened.inner == 0) {
    TlsMetrics.refused();
    opened.loseBeginning(side);
    return false;
  }
  for (let one: u32 = 0; one < 2; one++) {
    const half = opened.half(one);
    // What is lost of a server's handshake is told by its first record's number.
    const isToldLater = one != side && isClient && half.epoch == Epoch.BEGINNING;
    if (opened.hasLostBeginning(one) && !isToldLater) Inner.miss(opened.inner, one, 1, half.end);
  }
  return true;
}

/** Whether what is missing may all be of the handshake of TLS 1.3: the number of the next record that is opened says so. */
export function isBetween(opened: Opened, mine: OpenedHalf): bool {
  return opened.isThirteen && mine.epoch == Epoch.BEGINNING;
}

/** `bytes` of what `side` said inside are missing before the outer number `end`. */
export function missInside(opened: Opened, side: u32, bytes: u32, end: u32): void {
  if (opened.inner != 0) Inner.miss(opened.inner, side, bytes, end);
  else opened.loseBeginning(side);
}

/** The first record of `side` is opened: its number says whether something of what is inside was lost before it. */
export function findBeginning(opened: Opened, side: u32, end: u32): void {
  const bit = <u8>(1 << (<u8>side));
  if ((opened.lostBeginning & bit) == 0) return;
  // Under TLS 1.2 the first under keys is Finished.
  const first: u32 = opened.isThirteen ? 0 : 1;
  const number = opened.half(side).sequence - 1;
  if (number <= first) opened.lostBeginning &= ~bit;
  else if (opened.inner != 0) Inner.miss(opened.inner, side, number - first, end);
}

/** One record of `total` bytes is missing. */
export function missRecord(opened: Opened, side: u32, total: u32, end: u32): void {
  const sealing = opened.sealingBytes;
  if (isBetween(opened, opened.half(side))) opened.loseBeginning(side);
  else if (total > sealing) missInside(opened, side, total - sealing, end);
}

/** Records are missing up to the outer number `end`, or more: one byte inside is, once. */
function tellMissing(opened: Opened, side: u32, end: u32): void {
  const mine = opened.half(side);
  if (mine.isMissingTold) return;
  mine.isMissingTold = 1;
  missInside(opened, side, 1, end);
}

/** `bytes` of records are missing, of which nobody knows yet how many they are. */
export function missUncounted(opened: Opened, side: u32, bytes: u32, end: u32): void {
  tellMissing(opened, side, end);
  opened.half(side).lostBytes += bytes;
}

/** Bytes are missing up to the outer number `end`, and where the next record begins is not known: its place will say how many they are. */
export function missPlace(conversation: Conversation, side: u32, end: u32): void {
  const state = stateAt(conversation);
  if (!state.over || state.opened == 0) return;
  const opened = changetype<Opened>(state.opened);
  const mine = opened.half(side);
  // What waits was said before.
  const isWaiting = opened.keys == 0 || opened.awaits != 0 || opened.heldFirst != 0;
  if (mine.isPlaced && !isWaiting && !isBetween(opened, mine)) tellMissing(opened, side, end);
}

/** They were `records`: tells the rest of what is missing. */
export function settleMissing(opened: Opened, side: u32, records: u32, end: u32): void {
  const mine = opened.half(side);
  const bytes = mine.lostBytes;
  const told = records * opened.sealingBytes + 1;
  mine.isMissingTold = 0;
  mine.lostBytes = 0;
  mine.lostRecords = 0;
  if (bytes > told) missInside(opened, side, bytes - told, end);
}
