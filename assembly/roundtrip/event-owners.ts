/**
 * Whose the ends of a round trip are, as its event says it, in the form of a message so that fields are read in the same way.
 *
 * ```
 * owners:   0 client pid u32 | 4 server pid u32 | 24 present u32
 *          32 client process, user, container, pod | 48 the server's, the same       {offset u16, length u16} each
 *          64 texts
 * present: bit 0 client pid, 1 process, 2 user, 3 container, 4 pod; bits 8 to 12 the server's
 * ```
 * They begin behind the messages, at a multiple of eight bytes.
 */
import { copyBytes } from "../bytes/run";
import { Conversation, OwnerOf } from "./conversation";
import { Owner, Owners } from "./owners";

/** Bytes before the texts. */
export const EVENT_OWNERS_BYTES: u32 = 64;
const PRESENT: usize = 24;
const REFERENCES: usize = 32;
/** From the client's references to the server's, and from its bits. */
const SERVER_REFERENCES: usize = 16;
const SERVER_BITS: u32 = 8;
const TEXTS: u32 = 4;
/** Where an owner's lengths lie. */
const LENGTHS: usize = 12;

/** The owner of a side; 0 where none is known. */
function ownerOf(conversation: Conversation, side: u32): usize {
  const number = conversation.ownerOf(side);
  return number == OwnerOf.NOBODY || number >= OwnerOf.UNKNOWN ? 0 : changetype<usize>(Owners.at(number));
}

/** Bytes that the owners of a conversation take in an event, a multiple of eight; 0 where none is known. */
export function eventOwnersBytes(conversation: Conversation): u32 {
  const owner0 = ownerOf(conversation, 0);
  const owner1 = ownerOf(conversation, 1);
  if (owner0 == 0 && owner1 == 0) return 0;
  let bytes = EVENT_OWNERS_BYTES;
  if (owner0 != 0) bytes += changetype<Owner>(owner0).textLength;
  if (owner1 != 0) bytes += changetype<Owner>(owner1).textLength;
  return (bytes + 7) & ~7;
}

/** Writes them to the `bytes` at `at`; `client` is the side that asked. */
export function putEventOwners(at: usize, bytes: u32, conversation: Conversation, client: u32): void {
  memory.fill(at, 0, bytes);
  const end = putOwner(at, EVENT_OWNERS_BYTES, ownerOf(conversation, client), 0);
  putOwner(at, end, ownerOf(conversation, client ^ 1), 1);
}

/** Writes one, whose texts begin at `offset`; gives where they end. */
function putOwner(at: usize, offset: u32, from: usize, isServer: u32): u32 {
  if (from == 0) return offset;
  const owner = changetype<Owner>(from);
  store<u32>(at + (isServer << 2), owner.pid);
  let present: u32 = owner.pid != 0 ? 1 : 0;
  let reference = at + REFERENCES + isServer * SERVER_REFERENCES;
  copyBytes(at + offset, owner.textStart, owner.textLength);
  for (let text: u32 = 0; text < TEXTS; text++, reference += 4) {
    const length = <u32>load<u8>(from + LENGTHS + text);
    if (length == 0) continue;
    present |= 2 << text;
    store<u16>(reference, <u16>offset);
    store<u16>(reference, <u16>length, 2);
    offset += length;
  }
  store<u32>(at, load<u32>(at, PRESENT) | (present << (isServer * SERVER_BITS)), PRESENT);
  return offset;
}
