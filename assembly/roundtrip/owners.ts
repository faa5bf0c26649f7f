/**
 * Owners: processes of this host that ends of conversations belong to, each kept once.
 *
 * ```
 * owner:  0 hash u32 | 4 references u32 | 8 next of its slot u16 | 10 spare u16
 *        12 process length u8 | 13 user length u8 | 14 container length u8 | 15 pod length u8 | 16 pid u32 | 20 texts, one behind the other
 * region: owners 0 to OWNERS_MAX, of which 0 is none | slots, u16 each
 * ```
 * Ends refer to their owner by number. One that no end refers to any more makes room for another.
 */
import { elementHash } from "../bytes/hash";
import { copyBytes } from "../bytes/run";
import { OWNERS_BYTES, Regions } from "../regions";

/** Owners at the most. */
const OWNERS_MAX: u32 = 1024;
/** Bytes of an owner's texts at the most, all together. */
export const OWNER_TEXT_BYTES_MAX: u32 = 236;
const OWNER_BYTES: u32 = 256;
/** From its lengths to its texts: what makes one owner another than the next, with the texts. */
const IDENTITY_OFFSET: usize = 12;
const IDENTITY_BYTES: u32 = 8;
const TEXT_OFFSET: usize = 20;
/** Slots, a power of two. */
const SLOTS: u32 = 1024;
@unmanaged
export class Owner {
  hash: u32;
  references: u32;
  next: u16;
  spare: u16;
  processLength: u8;
  userLength: u8;
  containerLength: u8;
  podLength: u8;
  /** 0 where it is not known. */
  pid: u32;

  /** Where its texts lie: process, user, container, pod. */
  @inline get textStart(): usize {
    return changetype<usize>(this) + TEXT_OFFSET;
  }

  /** Bytes of all of them. */
  get textLength(): u32 {
    return <u32>this.processLength + <u32>this.userLength + <u32>this.containerLength + <u32>this.podLength;
  }
}

export class Owners {
  /** Owners that were ever kept at once, and those of them that no end refers to. */
  private static used: u32 = 0;
  private static idle: u32 = 0;
  /** Where the search for one to give up goes on. */
  private static hand: u32 = 0;

  static reset(): void {
    Owners.used = 0;
    Owners.idle = 0;
    Owners.hand = 0;
    assert((OWNERS_MAX + 1) * OWNER_BYTES + SLOTS * 2 <= OWNERS_BYTES);
    memory.fill(Regions.owners, 0, OWNERS_BYTES);
  }

  /** Owner `number`, from 1 on. */
  @inline static at(number: u32): Owner {
    assert(number != 0 && number <= OWNERS_MAX);
    return changetype<Owner>(Regions.owners + number * OWNER_BYTES);
  }

  /**
   * Number of the owner with the identity (lengths and pid) and the texts at `start`, made where it is new, to which one more end
   * refers from now on; 0 where there is no room.
   */
  static take(start: usize): u32 {
    const length = IDENTITY_BYTES + load<u8>(start) + load<u8>(start, 1) + load<u8>(start, 2) + load<u8>(start, 3);
    assert(length - IDENTITY_BYTES <= OWNER_TEXT_BYTES_MAX);
    const hash = <u32>elementHash(start, length);
    let number = <u32>load<u16>(slotOf(hash));
    while (number != 0) {
      const owner = Owners.at(number);
      if (owner.hash == hash && memory.compare(changetype<usize>(owner) + IDENTITY_OFFSET, start, length) == 0) break;
      number = owner.next;
    }
    if (number == 0) number = make(hash, start, length);
    if (number == 0) return 0;
    const owner = Owners.at(number);
    if (owner.references == 0) Owners.idle -= 1;
    owner.references += 1;
    return number;
  }

  /** One end less refers to an owner. */
  static release(number: u32): void {
    const owner = Owners.at(number);
    owner.references -= 1;
    if (owner.references == 0) Owners.idle += 1;
  }

  /** A number for a new owner; 0 where ends refer to all that there are. */
  static free(): u32 {
    if (Owners.used < OWNERS_MAX) {
      Owners.idle += 1;
      return ++Owners.used;
    }
    if (Owners.idle == 0) return 0;
    do Owners.hand = (Owners.hand % OWNERS_MAX) + 1;
    while (Owners.at(Owners.hand).references != 0);
    unlink(Owners.hand);
    return Owners.hand;
  }
}

function slotOf(hash: u32): usize {
  return Regions.owners + (OWNERS_MAX + 1) * OWNER_BYTES + ((<usize>(hash & (SLOTS - 1))) << 1);
}

function make(hash: u32, start: usize, length: u32): u32 {
  const number = Owners.free();
  if (number == 0) return 0;
  const owner = Owners.at(number);
  const slot = slotOf(hash);
  owner.hash = hash;
  owner.references = 0;
  owner.next = load<u16>(slot);
  copyBytes(changetype<usize>(owner) + IDENTITY_OFFSET, start, length);
  store<u16>(slot, <u16>number);
  return number;
}

function unlink(number: u32): void {
  const owner = Owners.at(number);
  let link = slotOf(owner.hash);
  while (<u32>load<u16>(link) != number) {
    link = changetype<usize>(Owners.at(<u32>load<u16>(link))) + offsetof<Owner>("next");
  }
  store<u16>(link, owner.next);
}
