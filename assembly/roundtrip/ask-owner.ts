/**
 * Whose the ends of a conversation are: asked of the host when the conversation begins, and again, where the host does not know yet, when a
 * round trip is told or a minute folded. The answer is kept with the conversation. Nothing waits for it.
 *
 * ```
 * question:  0 side u8 | 1 transport u8 | 2 family u8 | 3 whether it is sure who the client is u8 | 4 client port u16 | 6 server port u16
 *            8 client address, 16 bytes | 24 server address, 16 bytes | 40 time u64, ns; all ones where it is not known
 * answer:   48 outcome u8 | 52 lengths of process, user, container and pod, u8 each | 56 pid u32 | 60 their texts, one behind the other
 * ```
 * `side` is 0 where the client's end is meant, 1 where the server's.
 */
import { Minute } from "../aggregate/minute";
import { timeOf } from "../bytes/stamp";
import { askOwner } from "../host";
import { Settings } from "../settings";
import { CLIENT_UNKNOWN, Conversation, OwnerOf } from "./conversation";
import { OWNER_TEXT_BYTES_MAX, Owners } from "./owners";

/** What the host answers. */
class Outcome {
  /** Not known yet: the host may be asked again. */
  static readonly PENDING: u32 = 0;
  /** The end is no socket of this host. */
  static readonly ELSEWHERE: u32 = 1;
  /** An owner, as far as it is known. */
  static readonly OWNER: u32 = 2;
  /** The same without a process; what is above it is the reason, by its place in OWNER_REASONS. */
  static readonly UNKNOWN: u32 = 3;
}

/** Why an owner is not known, in the order of label `reason`; the host says all but `late` and `full`. */
export const OWNER_REASONS: string = "gone,hidden,doubtful,busy,late,full,shared";
/** How many there are. */
export const OWNER_REASON_COUNT: u32 = 7;
const LATE: u32 = 4;
const FULL: u32 = 5;

/** Times that the host is asked about one end: a second or so of feeds. */
const TRIES_MAX: u32 = 60;
/** The state of an end that is asked about: the tries, whether the last was by a guess who the client is, and in what turn it was. */
const TRIES_SHIFT: u32 = 8;
const TRIES_MASK: u32 = 0x3f;
const GUESSED: u32 = 0x4000;
const TURN_MASK: u32 = 0xff;

const TCP: u8 = 6;
const UDP: u8 = 17;

const QUESTION: usize = memory.data(304, 8);
const ANSWER: usize = QUESTION + 48;
const IDENTITY: usize = QUESTION + 52;
const UNKNOWNS: usize = memory.data(56, 8);

export class Asked {
  /** Ends of this host that were asked about and are settled: owners, or unknown. */
  static count: u64 = 0;
  /** Goes up when the host may know more than before. */
  static turn: u32 = 0;

  static reset(): void {
    Asked.count = 0;
    Asked.turn = 0;
    memory.fill(UNKNOWNS, 0, OWNER_REASON_COUNT << 3);
    if (Settings.owners) Owners.reset();
  }

  /** Ends that stayed unknown for the reason `index`. */
  static unknown(index: u32): u64 {
    return load<u64>(UNKNOWNS + (index << 3));
  }
}

/** Asks whose both ends are, where that is not settled; `client` is the side that asked, CLIENT_UNKNOWN where that is not known. */
export function askOwners(conversation: Conversation, client: u32): void {
  if (isSettled(conversation.owner0) && isSettled(conversation.owner1)) return;
  if (conversation.transport != TCP && conversation.transport != UDP) return;
  const isSure = client != CLIENT_UNKNOWN;
  const asks = isSure ? client : guess(conversation);
  putQuestion(conversation, asks, isSure);
  ask(conversation, 0, asks, isSure);
  ask(conversation, 1, asks, isSure);
}

function isSettled(owner: u16): bool {
  return owner != OwnerOf.NOBODY && owner < OwnerOf.PENDING;
}

/** The side that asks, where it is not known: the one with the higher port, as servers have the lower ones. */
function guess(conversation: Conversation): u32 {
  return conversation.port1 > conversation.port0 ? 1 : 0;
}

function putQuestion(conversation: Conversation, client: u32, isSure: bool): void {
  store<u8>(QUESTION, conversation.transport, 1);
  store<u8>(QUESTION, conversation.family, 2);
  store<u8>(QUESTION, isSure ? 1 : 0, 3);
  store<u16>(QUESTION, conversation.port(client), 4);
  store<u16>(QUESTION, conversation.port(client ^ 1), 6);
  memory.copy(QUESTION + 8, conversation.address(client), 16);
  memory.copy(QUESTION + 24, conversation.address(client ^ 1), 16);
  store<u64>(QUESTION, conversation.synNs != 0 ? timeOf(conversation.synNs) : Minute.clockNs, 40);
}

function ask(conversation: Conversation, side: u32, client: u32, isSure: bool): void {
  const state = <u32>conversation.ownerOf(side);
  let tries: u32 = 0;
  if (state != OwnerOf.NOBODY) {
    if (state < OwnerOf.PENDING) return;
    const isNews = isSure && (state & GUESSED) != 0;
    if (!isNews && (state & TURN_MASK) == (Asked.turn & TURN_MASK)) return;
    tries = (state >> TRIES_SHIFT) & TRIES_MASK;
    if (tries == TRIES_MAX) {
      settleUnknown(conversation, side, LATE);
      return;
    }
  }
  store<u8>(QUESTION, side == client ? 0 : 1);
  store<u32>(ANSWER, 0);
  store<u64>(IDENTITY, 0);
  askOwner(QUESTION);
  const outcome = <u32>load<u8>(ANSWER);
  const isGuess = !isSure && outcome >= Outcome.UNKNOWN;
  if (outcome == Outcome.ELSEWHERE) conversation.setOwner(side, OwnerOf.ELSEWHERE);
  else if (outcome == Outcome.PENDING || isGuess || textBytes() > OWNER_TEXT_BYTES_MAX) {
    const guessed: u32 = isSure ? 0 : GUESSED;
    conversation.setOwner(side, OwnerOf.PENDING | guessed | ((tries + 1) << TRIES_SHIFT) | (Asked.turn & TURN_MASK));
  } else take(conversation, side, outcome);
}

function textBytes(): u32 {
  return <u32>load<u8>(IDENTITY) + <u32>load<u8>(IDENTITY, 1) + <u32>load<u8>(IDENTITY, 2) + <u32>load<u8>(IDENTITY, 3);
}

/** Keeps what was answered with the conversation. */
function take(conversation: Conversation, side: u32, outcome: u32): void {
  const isKnown = outcome == Outcome.OWNER;
  const reason = isKnown ? 0 : min(outcome - Outcome.UNKNOWN, OWNER_REASON_COUNT - 1);
  const isNamed = load<u64>(IDENTITY) != 0;
  const number = isNamed ? Owners.take(IDENTITY) : 0;
  if (number == 0) {
    settleUnknown(conversation, side, isNamed ? FULL : reason);
    return;
  }
  conversation.setOwner(side, number);
  Asked.count += 1;
  if (!isKnown) noteUnknown(reason);
}

function settleUnknown(conversation: Conversation, side: u32, reason: u32): void {
  conversation.setOwner(side, OwnerOf.UNKNOWN);
  Asked.count += 1;
  noteUnknown(reason);
}

function noteUnknown(reason: u32): void {
  const at = UNKNOWNS + (reason << 3);
  store<u64>(at, load<u64>(at) + 1);
}

/** Another conversation has begun between the same ends: what the host answers from now on is not of this one any more. */
export function endQuestions(conversation: Conversation): void {
  for (let side: u32 = 0; side < 2; side++) {
    const state = conversation.ownerOf(side);
    if (state >= OwnerOf.PENDING) settleUnknown(conversation, side, LATE);
    else if (state == OwnerOf.NOBODY) conversation.setOwner(side, OwnerOf.ELSEWHERE);
  }
}

/** The conversation ends, or another begins between the same ends: its owners are no longer its own. */
export function forgetOwners(conversation: Conversation): void {
  for (let side: u32 = 0; side < 2; side++) {
    const state = <u32>conversation.ownerOf(side);
    if (state >= OwnerOf.PENDING) settleUnknown(conversation, side, LATE);
    else if (state != OwnerOf.NOBODY && state < OwnerOf.UNKNOWN) Owners.release(state);
    conversation.setOwner(side, OwnerOf.NOBODY);
  }
}
