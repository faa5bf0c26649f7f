/**
 * Two endpoints that talk: what a protocol and a round trip need to know of a flow.
 *
 * Side 0 is the endpoint whose packet came first, side 1 the other. `stream/flow.ts` lays its own fields behind these.
 */

import { elementHash } from "../bytes/hash";

/** Which side opened the conversation is not known yet. */
export const CLIENT_UNKNOWN: u32 = 2;

/** The flow's protocol has not been recognised yet; no protocol has the number 0. */
export const PROTOCOL_UNKNOWN: u32 = 0;

/** No protocol of ours: its bytes are not looked at any more. */
export const PROTOCOL_FOREIGN: u32 = 255;

/** Directions relative to the networks of this host, as the label `direction` numbers them. */
export class Direction {
  static readonly IN: u32 = 0;
  static readonly OUT: u32 = 1;
  static readonly UNKNOWN: u32 = 2;
}

/** What a conversation says of the owner of an end, beside the number of one (owners.ts). */
export class OwnerOf {
  /** Nobody was asked. */
  static readonly NOBODY: u32 = 0;
  /** The end is this host's, and nothing is known of its owner. */
  static readonly UNKNOWN: u32 = 0x4000;
  /** The end is another host's. */
  static readonly ELSEWHERE: u32 = 0x4001;
  /** From here on: the host did not know yet (ask-owner.ts). */
  static readonly PENDING: u32 = 0x8000;
}

@unmanaged
export class Conversation {
  /** Address of side 0, 16 bytes; IPv4 as ::ffff:a.b.c.d. */
  address0High: u64;
  address0Low: u64;
  address1High: u64;
  address1Low: u64;
  port0: u16;
  port1: u16;
  /** IP protocol number. */
  transport: u8;
  /** 4 or 6. */
  family: u8;
  /** 0, 1 or CLIENT_UNKNOWN. */
  client: u8;
  /** Number of the protocol (protocols/protocol.ts), PROTOCOL_UNKNOWN or PROTOCOL_FOREIGN. */
  protocol: u8;
  /** Direction of packets that side 0 sends, and of those that side 1 sends. */
  direction0: u8;
  direction1: u8;
  /** Whether the start of the connection was seen. */
  started: u8;
  /** Whether the connection has ended: 0 no, 1 closed, 2 reset. */
  ended: u8;
  interfaceId: u32;
  /** Requests that wait for their response, oldest first: a list of messages. */
  pendingHead: u32;
  pendingTail: u32;
  pendingCount: u32;
  /** The protocol's own record, `stateBytes` of its declaration; 0 while there is none. */
  state: u32;
  /** For which minute, protocol and client metrics took the endpoints in last: minute << 6 | client << 5 | protocol. */
  observed: u32;
  /** Marks (marks.ts) of all its round trips. */
  marks: u32;
  /** The elements of both addresses, 0 until they are asked for. */
  element0: u64;
  element1: u64;
  /** Handshake: times of SYN, SYN-ACK and the first ACK, ns; 0 when not seen. */
  synNs: u64;
  synAckNs: u64;
  ackNs: u64;
  /** Health since the last round trip was reported. */
  retransmissions: u32;
  outOfOrder: u32;
  gapBytes: u64;
  /** Whose the ends are: numbers of owners, or an OwnerOf. */
  owner0: u16;
  owner1: u16;

  /** Address of the 16 bytes of a side's address. */
  @inline address(side: u32): usize {
    return changetype<usize>(this) + (side << 4);
  }

  /** Where the address of `side` lies as it is written: 4 bytes of IPv4, 16 of IPv6. */
  @inline addressStart(side: u32): usize {
    return this.address(side) + (this.family == 4 ? 12 : 0);
  }

  /** Bytes of an address as it is written. */
  @inline get addressLength(): u32 {
    return this.family == 4 ? 4 : 16;
  }

  /** The elementHash of the address of `side` as it is written: endpoints count in many metrics, and are hashed once. */
  element(side: u32): u64 {
    const at = changetype<usize>(this) + offsetof<Conversation>("element0") + (side << 3);
    let element = load<u64>(at);
    if (element == 0) {
      element = elementHash(this.addressStart(side), this.addressLength);
      store<u64>(at, element);
    }
    return element;
  }

  /** Whether metrics of `protocol` have not taken the endpoints in yet in `minute`, with `client` as the one that asks; they do so now. */
  isNewTo(minute: u32, protocol: u32, client: u32): bool {
    const now = (minute << 6) | (client << 5) | protocol;
    if (this.observed == now) return false;
    this.observed = now;
    return true;
  }

  @inline port(side: u32): u32 {
    return side == 0 ? this.port0 : this.port1;
  }

  /** Whether `side` is the client; where that is not known it is the side that was seen first. */
  asks(side: u32): bool {
    return this.client == <u8>CLIENT_UNKNOWN ? side == 0 : this.client == <u8>side;
  }

  /** Whose `side` is: the number of an owner, or an OwnerOf. */
  @inline ownerOf(side: u32): u32 {
    return side == 0 ? this.owner0 : this.owner1;
  }

  setOwner(side: u32, owner: u32): void {
    if (side == 0) this.owner0 = <u16>owner;
    else this.owner1 = <u16>owner;
  }

  /** Direction of what `side` sends. */
  @inline directionOf(side: u32): u32 {
    return side == 0 ? this.direction0 : this.direction1;
  }
}
