/**
 * A connection that is opened with secrets: its keys, where each side stands, and records that wait. Only where the host may have secrets.
 *
 * What the host is asked by lies together: `version u16 | cipher u16 | client random 32 | server random 32`.
 *
 * A record that does not lie whole in one piece of bytes, or that waits, is a list of pool blocks: `Sealed` with its first bytes, and
 * blocks of `next u32 | bytes`.
 */

import { BLOCK_BYTES_MAX } from "../../bytes/pool";
import { copyBytes } from "../../bytes/run";
import { keysClose } from "../../host";
import { Regions } from "../../regions";
import { Conversation } from "../../roundtrip/conversation";
import { Inner } from "../shared/inner";
import { TlsMetrics, Unopened } from "./metrics";

/** A record under keys with nothing in it: its header and its tag. What is shorter was sent in the clear. */
export const SEALED_BYTES_MIN: u32 = 5 + 16;
/** Part of each nonce under TLS 1.2 that AES-GCM sends along (RFC 5288 section 3); ChaCha20-Poly1305, whose suites begin with this, does not. */
const NONCE_SENT_BYTES: u32 = 8;
const CHACHA20_SUITES: u32 = 0xcc;
const RANDOM_BYTES: u32 = 32;
const NEXT_BYTES: u32 = 4;

/** A record under keys, or its first part. */
@unmanaged
export class Sealed {
  /** Block of its next bytes. */
  next: u32;
  /** The record that waits behind it. */
  nextHeld: u32;
  /** The block that its last bytes are in, and how many these are. */
  last: u32;
  lastBytes: u32;
  /** Bytes that are there, and bytes of the whole record, its header with it. */
  bytes: u32;
  total: u32;
  /** Sequence number one past it, of TCP. */
  end: u32;
  side: u32;
  /** Acknowledgement number that came with its last bytes, where it waits for keys. */
  acknowledgement: u32;
  firstNs: u64;
  lastNs: u64;

  /** Makes the first block for a record of `total` bytes; 0 without memory. */
  static create(side: u32, total: u32): usize {
    const bytes = <u32>offsetof<Sealed>() + total;
    const block = Regions.streamPool.allocate(bytes < BLOCK_BYTES_MAX ? bytes : BLOCK_BYTES_MAX);
    if (block == 0) return 0;
    memory.fill(block, 0, offsetof<Sealed>());
    const sealed = changetype<Sealed>(block);
    sealed.last = <u32>block;
    sealed.total = total;
    sealed.side = side;
    return block;
  }

  /** Bytes before those of the record in its last block. */
  @inline private get headBytes(): u32 {
    return this.last == <u32>changetype<usize>(this) ? <u32>offsetof<Sealed>() : NEXT_BYTES;
  }

  /** Adds the next bytes, no more than are missing; false without memory. */
  add(start: usize, length: u32): bool {
    let at = start;
    let left = length;
    while (left != 0) {
      const head = this.headBytes;
      const room = BLOCK_BYTES_MAX - head - this.lastBytes;
      if (room == 0) {
        if (!this.grow()) return false;
        continue;
      }
      const take = left < room ? left : room;
      copyBytes(this.last + head + this.lastBytes, at, take);
      this.lastBytes += take;
      this.bytes += take;
      at += take;
      left -= take;
    }
    return true;
  }

  private grow(): bool {
    const bytes = NEXT_BYTES + this.total - this.bytes;
    const block = Regions.streamPool.allocate(bytes < BLOCK_BYTES_MAX ? bytes : BLOCK_BYTES_MAX);
    if (block == 0) return false;
    store<u32>(block, 0);
    store<u32>(this.last, <u32>block);
    this.last = <u32>block;
    this.lastBytes = 0;
    return true;
  }

  /** Writes its bytes to `target`. */
  copyTo(target: usize): void {
    let block = changetype<usize>(this);
    let head: u32 = offsetof<Sealed>();
    let left = this.bytes;
    let at = target;
    while (left != 0) {
      const room = BLOCK_BYTES_MAX - head;
      const take = left < room ? left : room;
      copyBytes(at, block + head, take);
      at += take;
      left -= take;
      block = load<u32>(block);
      head = NEXT_BYTES;
    }
  }

  release(): void {
    let block = changetype<usize>(this);
    while (block != 0) {
      const next = <usize>load<u32>(block);
      Regions.streamPool.release(block);
      block = next;
    }
  }
}

/** What keys open the next record of a side. */
export class Epoch {
  /** None was opened yet: under TLS 1.3 it may be of the handshake, or of the client before the server answered. */
  static readonly BEGINNING: u8 = 0;
  static readonly APPLICATION: u8 = 1;
}

@unmanaged
export class OpenedHalf {
  /** The record whose bytes are coming, 0 for none or where it found no room. */
  gathered: u32;
  /** Number of the next record under the keys, and of the next that the client sends before the server answers. */
  sequence: u32;
  earlySequence: u32;
  /** Number of an early record that was tried and opened. */
  triedSequence: u32;
  /** How many records more may have gone by unseen. */
  doubt: u32;
  /** TCP's sequence number one past the last record; valid where `isPlaced`. */
  end: u32;
  isPlaced: u8;
  epoch: u8;
  /** Records that no key opened since the last one that was opened. */
  misses: u8;
  /** Whether records went by unseen, or closed, since the last one that was opened: new keys may have been among them. */
  hasLost: u8;
  /** Its keys, where they are not those of the connection: a handshake inside of the connection made others. */
  keys: u32;
  /** Bytes of the record whose bytes are coming. */
  total: u32;
  /** The header of the handshake message inside whose bytes are coming, and how many of its content are to come (opened-messages.ts). */
  header: u32;
  messageLeft: u32;
  headerBytes: u8;
  /** Bytes of the session's identifier in the hello whose bytes are coming. */
  sessionBytes: u8;
  /** Whether nothing more of it is tried. */
  isClosed: u8;
  /** Whether what is inside has heard that records are missing, of which nobody knows yet how many they are. */
  isMissingTold: u8;
  /** Bytes of what stayed closed and may be of the handshake. */
  handshakeBytes: u32;
  /** Bytes of those records, and how many of them are counted in `sequence`. */
  lostBytes: u32;
  lostRecords: u32;
}

@unmanaged
export class Opened {
  /** Number of the keys, 0 before there are any. */
  keys: u32;
  /** The conversation inside. */
  inner: u32;
  heldFirst: u32;
  heldLast: u32;
  heldBytes: u32;
  /** How often keys were asked for. */
  looks: u8;
  /** Sides of which bytes are lost that may be the beginning of what is inside: bit 0 and bit 1. */
  lostBeginning: u8;
  /** Sides that send no more: bit 0 and bit 1. */
  done: u8;
  /** Whether the server takes early data, as `Early` (early.ts) has it. */
  early: u8;
  /** The side that waits for the keys of a handshake inside, and one more; 0 where none does. */
  awaits: u8;
  /** Whether the server has sent what is no more of the handshake. */
  isBehindHandshake: u8;

  @inline half(side: u32): OpenedHalf {
    return changetype<OpenedHalf>(changetype<usize>(this) + HALVES + side * offsetof<OpenedHalf>());
  }

  /** Where it lies what keys are asked for by. */
  @inline get question(): usize {
    return changetype<usize>(this) + QUESTION;
  }

  /** Notes what the client's hello says, whose version begins at `start`. */
  asked(start: usize): void {
    copyBytes(this.question + 4, start + 2, RANDOM_BYTES);
  }

  /** Notes what the server's says. */
  answered(start: usize, version: u32, cipher: u32): void {
    store<u16>(this.question, version);
    store<u16>(this.question + 2, cipher);
    copyBytes(this.question + 4 + RANDOM_BYTES, start + 2, RANDOM_BYTES);
  }

  /** Notes byte `index` of the client's random, or of the server's: of a hello inside. */
  @inline askedByte(index: u32, byte: u8): void {
    store<u8>(this.question + 4 + index, byte);
  }

  @inline answeredByte(index: u32, byte: u8): void {
    store<u8>(this.question + 4 + RANDOM_BYTES + index, byte);
  }

  get cipher(): u32 {
    return load<u16>(this.question, 2);
  }

  set cipher(value: u32) {
    store<u16>(this.question, value, 2);
  }

  @inline get isThirteen(): bool {
    return load<u16>(this.question) == 0x0304;
  }

  /** Bytes of a record under keys that are none of its content; of TLS 1.3 without what pads it. */
  get sealingBytes(): u32 {
    if (this.isThirteen) return SEALED_BYTES_MIN + 1;
    return this.cipher >> 8 == CHACHA20_SUITES ? SEALED_BYTES_MIN : SEALED_BYTES_MIN + NONCE_SENT_BYTES;
  }

  @inline loseBeginning(side: u32): void {
    this.lostBeginning |= <u8>(1 << (<u8>side));
  }

  /** Whether bytes of `side` are lost that may be the beginning of what is inside. */
  @inline hasLostBeginning(side: u32): bool {
    return ((<u32>this.lostBeginning >> side) & 1) != 0;
  }

  /** Puts a record behind those that wait. */
  hold(sealed: Sealed): void {
    const at = <u32>changetype<usize>(sealed);
    if (this.heldLast != 0) changetype<Sealed>(this.heldLast).nextHeld = at;
    else this.heldFirst = at;
    this.heldLast = at;
    this.heldBytes += sealed.total;
  }

  /** Takes the first of them out; 0 where none waits. */
  takeHeld(): usize {
    const first = <usize>this.heldFirst;
    if (first == 0) return 0;
    this.heldFirst = changetype<Sealed>(first).nextHeld;
    if (this.heldFirst == 0) this.heldLast = 0;
    this.heldBytes -= changetype<Sealed>(first).total;
    return first;
  }

  /** Lets go of all that it holds, and of itself; what waited for secrets to the end has stayed closed. */
  release(conversation: Conversation): void {
    for (let at = this.takeHeld(); at != 0; at = this.takeHeld()) {
      const held = changetype<Sealed>(at);
      if (held.total >= SEALED_BYTES_MIN) TlsMetrics.unopened(conversation.directionOf(held.side), Unopened.KEYS);
      held.release();
    }
    for (let side: u32 = 0; side < 2; side++) {
      const half = this.half(side);
      if (half.gathered != 0) changetype<Sealed>(half.gathered).release();
      if (half.keys != 0) keysClose(half.keys);
    }
    if (this.keys != 0) keysClose(this.keys);
    if (this.inner != 0) Inner.release(this.inner);
    Regions.streamPool.release(changetype<usize>(this));
  }
}

const HALVES: usize = 32;
const HALF_BYTES: usize = 60;
const QUESTION: usize = HALVES + 2 * HALF_BYTES;
const OPENED_BYTES: u32 = <u32>QUESTION + 4 + 2 * RANDOM_BYTES;

/** Makes it, with nothing noted; 0 without memory. */
export function openedCreate(): usize {
  assert(offsetof<Opened>() <= HALVES && offsetof<OpenedHalf>() == HALF_BYTES);
  const block = Regions.streamPool.allocate(OPENED_BYTES);
  if (block != 0) memory.fill(block, 0, OPENED_BYTES);
  return block;
}
