/**
 * Where a capture of several interfaces saw the same packet, and when: veth, bridge and network card of one container's request.
 *
 * A table of sets, eight packets each; all packets of a conversation are in one set. What began a turn, the first bytes after
 * the other side's, is a request's or a response's beginning as a rule and goes last when room is made, so that a long response does not
 * push the request out that it answers. A packet that was pushed out has no sightings: nothing is guessed.
 *
 * ```
 * packet:   0 conversation u32 | 4 order u32 | 8 digest u64 | 16 time u64 | 24 count u8 | 25 side u8 | 26 flags u8 | 32 sightings, 8 of 12
 * sighting: 0 interface u32 | 4 name u16 | 8 nanoseconds after the packet's time i32
 * ```
 */
import { UNTIMED } from "../bytes/stamp";
import { Regions } from "../regions";

/** Interfaces that one packet is remembered on. */
export const SIGHTINGS_MAX: u32 = 8;
/** How long after its first sighting a packet may be seen again, ns: longer than bridges and queues of a host hold it. */
const SAME_PACKET_NS: u64 = 100_000_000;

const WAYS: u32 = 8;
const HEAD_BYTES: u32 = 32;
const SIGHTING_BYTES: u32 = 12;
/** Bytes of a packet and its sightings. */
export const SIGHTED_BYTES: u32 = 128;
/** Bytes of a set. */
export const SIGHTING_SET_BYTES: u32 = WAYS * SIGHTED_BYTES;

/** Bits of `Sighted.flags`: the first bytes after the other side's; it may have been sent again. */
const TURN: u8 = 1;
const CLOSED: u8 = 2;

@unmanaged
class Sighting {
  interfaceId: u32;
  /** Number of the interface's name, 0 where none is known (capture/interface-names.ts). */
  name: u16;
  spare: u16;
  /** After the packet's first sighting; captures may bring what came a little earlier a little later. */
  afterNs: i32;
}

/** A packet and its sightings, the first one the one that was read. */
@unmanaged
export class Sighted {
  conversation: u32;
  /** Counts up with every packet that is remembered. */
  order: u32;
  digest: u64;
  timeNs: u64;
  count: u8;
  side: u8;
  flags: u8;
  spare: u8;
  spare2: u32;

  private at(index: u32): Sighting {
    return changetype<Sighting>(changetype<usize>(this) + HEAD_BYTES + index * SIGHTING_BYTES);
  }

  /** Interface of sighting `index`, which is below `count`. */
  interfaceOf(index: u32): u32 {
    return this.at(index).interfaceId;
  }

  /** Number of that interface's name, 0 where none is known. */
  nameOf(index: u32): u32 {
    return this.at(index).name;
  }

  /** When that was, ns. */
  timeOf(index: u32): u64 {
    return this.timeNs + <i64>this.at(index).afterNs;
  }

  /** Notes a sighting; false where this interface has seen the packet, or there is no room. */
  see(interfaceId: u32, name: u32, timeNs: u64, hasIdentity: bool): bool {
    const count = <u32>this.count;
    for (let index: u32 = 0; index < count; index++) {
      if (this.at(index).interfaceId != interfaceId) continue;
      // It may be another one that says the same: which of them the next interfaces see is not known.
      if (!hasIdentity) this.flags |= CLOSED;
      return false;
    }
    if (count >= SIGHTINGS_MAX || this.flags & CLOSED) return false;
    const sighting = this.at(count);
    sighting.interfaceId = interfaceId;
    sighting.name = <u16>name;
    sighting.afterNs = <i32>(timeNs - this.timeNs);
    this.count = <u8>(count + 1);
    return true;
  }
}

export class Sightings {
  /** Whether any packet was seen on a second interface, so that round trips have stages. */
  static isAny: bool = false;
  private static order: u32 = 0;

  static reset(): void {
    Sightings.isAny = false;
    Sightings.order = 0;
    if (Regions.sightings != 0) memory.fill(Regions.sightings, 0, Regions.sightingSets * SIGHTING_SET_BYTES);
  }

  private static setOf(conversation: u32): usize {
    const index = (conversation * 0x9e3779b1) >> 8;
    return Regions.sightings + (index & (Regions.sightingSets - 1)) * SIGHTING_SET_BYTES;
  }

  /**
   * Notes a packet that `side` sent: a sighting more of one that is known by its `digest`, or a new one. `hasIdentity` where a packet that
   * is sent again has another digest. Whether it was a sighting more.
   */
  static note(conversation: u32, side: u32, digest: u64, hasIdentity: bool, interfaceId: u32, name: u32, timeNs: u64): bool {
    const set = Sightings.setOf(conversation);
    let last: usize = 0;
    let free = set;
    for (let way: u32 = 0; way < WAYS; way++) {
      const at = set + way * SIGHTED_BYTES;
      const known = changetype<Sighted>(at);
      if (known.conversation == conversation) {
        const apartNs = timeNs > known.timeNs ? timeNs - known.timeNs : known.timeNs - timeNs;
        if (known.digest == digest && known.side == <u8>side && apartNs < SAME_PACKET_NS) {
          if (!known.see(interfaceId, name, timeNs, hasIdentity)) return false;
          Sightings.isAny = true;
          return true;
        }
        if (last == 0 || known.order > changetype<Sighted>(last).order) last = at;
      }
      if (goesBefore(known, changetype<Sighted>(free))) free = at;
    }
    const packet = changetype<Sighted>(free);
    const isTurn = last == 0 || changetype<Sighted>(last).side != <u8>side;
    packet.conversation = conversation;
    packet.order = ++Sightings.order;
    packet.digest = digest;
    packet.timeNs = timeNs;
    packet.count = 0;
    packet.side = <u8>side;
    packet.flags = isTurn ? TURN : 0;
    packet.see(interfaceId, name, timeNs, true);
    return false;
  }

  /** The packet that `side` sent and that was read at `timeNs`; 0 where it is not remembered, or not the only one of that time. */
  static find(conversation: u32, side: u32, timeNs: u64): usize {
    if (timeNs == UNTIMED) return 0;
    const set = Sightings.setOf(conversation);
    let found: usize = 0;
    for (let way: u32 = 0; way < WAYS; way++) {
      const at = set + way * SIGHTED_BYTES;
      const known = changetype<Sighted>(at);
      if (known.conversation != conversation || known.side != <u8>side || known.timeNs != timeNs) continue;
      if (found != 0) return 0;
      found = at;
    }
    return found;
  }
}

/** Whether `one` makes room rather than `other`. */
function goesBefore(one: Sighted, other: Sighted): bool {
  const turns = <i32>(one.flags & TURN) - <i32>(other.flags & TURN);
  return turns != 0 ? turns < 0 : one.order < other.order;
}
