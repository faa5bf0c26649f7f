/**
 * Joining of IP fragments, bounded in datagrams, bytes, pieces and packet time.
 *
 * A datagram under way is an entry of a small table; its pieces lie in blocks of the pool, linked by offset. When nothing is
 * missing they are copied, in order, to one buffer and decoded there.
 *
 * ```
 * piece:   | next u32 | offset u16 | length u16 | bytes ... |
 * ```
 * Overlap policy: a fragment that brings nothing new is ignored (the first one wins); any other overlap, or a second opinion
 * on where the datagram ends, drops the datagram and what else of it comes (RFC 5722, and what Linux does for both versions).
 * Time: a datagram is given up 60 s after its first fragment. Memory: the oldest is given up first.
 */
import { Pool } from "../bytes/pool";
import { Window } from "../bytes/window";
import { Fragment, Packet } from "../capture/packet";
import { Count, Malformed, Tally, Undecoded } from "../capture/tally";

/** Most datagrams under way at once. */
export const DATAGRAMS_MAX: u32 = 64;
/** Most bytes of pool blocks that pieces may take together. */
export const FRAGMENT_BYTES_MAX: u32 = 512 * 1024;
/** Most pieces of a datagram: a full one over links of 576 bytes has 119. */
export const PIECES_MAX: u32 = 256;
/** How long a datagram is waited for: RFC 8200 section 4.5, and the least of RFC 1122 section 3.3.2. */
export const FRAGMENT_TIME_NS: u64 = 60000000000;
/** Most bytes of a datagram behind its IP header. */
const DATAGRAM_BYTES_MAX: u32 = 65535;

const PIECE_OFFSET: usize = 4;
const PIECE_LENGTH: usize = 6;
const PIECE_DATA: usize = 8;
const PIECE_BYTES_MAX: u32 = 4072;

/** A datagram under way. */
@unmanaged
class Datagram {
  sourceLow: u64;
  sourceHigh: u64;
  destinationLow: u64;
  destinationHigh: u64;
  /** Packet time of the first fragment to come. */
  timeNs: u64;
  /** Which one was opened first. */
  sequence: u64;
  id: u32;
  /** Version and, for IPv4, protocol; 0 where the entry is free. */
  kind: u32;
  input: u32;
  first: u32;
  last: u32;
  held: u32;
  /** Bytes of the whole datagram, 0 while they are not known. */
  total: u32;
  pieces: u32;
  /** Fragments taken, for the count when it is given up. */
  fragments: u32;
  /** Protocol of the fragment at offset 0. */
  protocol: u32;
  dropped: bool;
}

const DATAGRAM_STRIDE: u32 = 96;

class Fragments {
  static pool: Pool = changetype<Pool>(0);
  static table: usize = 0;
  static buffer: usize = 0;
  static sequence: u64 = 0;
  static bytes: u32 = 0;
  static open: u32 = 0;
}

/** Lays out the table and the buffer over pages of `pool`, which gives the pieces' blocks as well. */
export function fragmentsCreate(pool: Pool): bool {
  assert(offsetof<Datagram>() <= DATAGRAM_STRIDE);
  Fragments.table = pool.reserve(DATAGRAMS_MAX * DATAGRAM_STRIDE);
  Fragments.buffer = pool.reserve(DATAGRAM_BYTES_MAX + 1);
  if (Fragments.table == 0 || Fragments.buffer == 0) return false;
  memory.fill(Fragments.table, 0, DATAGRAMS_MAX * DATAGRAM_STRIDE);
  Fragments.pool = pool;
  Fragments.sequence = 0;
  Fragments.bytes = 0;
  Fragments.open = 0;
  return true;
}

/** Gives up what is under way of input `input`. */
export function fragmentsEnd(input: u32): void {
  if (Fragments.open == 0) return;
  for (let index: u32 = 0; index < DATAGRAMS_MAX; index++) {
    const datagram = datagramAt(index);
    if (datagram.kind != 0 && datagram.input == input) giveUp(datagram, Undecoded.FRAGMENT_INCOMPLETE);
  }
}

/** A datagram that was joined: where it lies and what it is. */
export class Joined {
  static start: usize = 0;
  static length: u32 = 0;
  /** Protocol, or next header, of the fragment at offset 0. */
  static protocol: u32 = 0;
}

/** What became of a fragment. */
export enum Taken {
  /** Held, or of no use, which has been counted: the packet has no transport to read. */
  HELD = 0,
  /** It breaks its format, which has been counted. */
  MALFORMED = 1,
  /** It was the last one missing: `Joined` has the datagram. */
  JOINED = 2,
  /** A first fragment that the capture cut: it is decoded as far as it goes, since it cannot be joined. */
  FIRST = 3,
}

/** Takes the bytes of a fragment behind its header; `kind` tells versions and, for IPv4, protocols apart. */
export function fragment(offset: u32, more: bool, kind: u32, protocol: u32, p: usize, end: usize, missing: u32): Taken {
  Tally.add(Count.FRAGMENTS, 1);
  const nested = Packet.fragment == Fragment.JOINED;
  Packet.fragment = Fragment.PART;
  if (nested) return held(Undecoded.FRAGMENT_NESTED);
  if (missing != 0) {
    if (offset == 0) Packet.fragment = Fragment.FIRST;
    Tally.undecoded(Undecoded.FRAGMENT_CUT);
    return offset == 0 ? Taken.FIRST : Taken.HELD;
  }
  const length = <u32>(end - p);
  if (length == 0 || (more && (length & 7) != 0) || offset + length > DATAGRAM_BYTES_MAX)
    return malformed(Malformed.FRAGMENT_LENGTH);
  const datagram = find(kind);
  datagram.fragments += 1;
  if (datagram.dropped) return held(Undecoded.FRAGMENT_DROPPED);
  const news = compare(datagram, offset, length, more);
  if (news == News.NOTHING) {
    Tally.add(Count.FRAGMENT_DUPLICATES, 1);
    return Taken.HELD;
  }
  if (news == News.CONFLICT) {
    drop(datagram);
    return malformed(Malformed.FRAGMENT_OVERLAP);
  }
  if (!more) datagram.total = offset + length;
  if (offset == 0) datagram.protocol = protocol;
  if (!keep(datagram, offset, p, length)) {
    giveUp(datagram, Undecoded.FRAGMENT_MEMORY);
    return Taken.HELD;
  }
  if (datagram.total == 0 || datagram.held != datagram.total) return Taken.HELD;
  join(datagram);
  return Taken.JOINED;
}

function held(layer: u32): Taken {
  Tally.undecoded(layer);
  return Taken.HELD;
}

function malformed(reason: u32): Taken {
  Tally.malformed(reason);
  return Taken.MALFORMED;
}

/** Copies the pieces to the buffer and frees them; the window moves to the buffer. */
function join(datagram: Datagram): void {
  const buffer = Fragments.buffer;
  for (let piece = <usize>datagram.first; piece != 0; piece = load<u32>(piece)) {
    memory.copy(buffer + load<u16>(piece, PIECE_OFFSET), piece + PIECE_DATA, load<u16>(piece, PIECE_LENGTH));
  }
  Joined.start = buffer;
  Joined.length = datagram.total;
  Joined.protocol = datagram.protocol;
  clear(datagram);
  Tally.add(Count.JOINED, 1);
  Packet.fragment = Fragment.JOINED;
  Window.open(buffer, Joined.length);
}

/** What a fragment brings to its datagram. */
enum News {
  BYTES = 0,
  NOTHING = 1,
  CONFLICT = 2,
}

/** Compares a fragment with what is there. */
function compare(datagram: Datagram, offset: u32, length: u32, more: bool): News {
  const end = offset + length;
  const total = datagram.total;
  if (total != 0 && (end > total || (!more && end != total))) return News.CONFLICT;
  if (datagram.last == 0) return News.BYTES;
  const last = <usize>datagram.last;
  const reach = <u32>load<u16>(last, PIECE_OFFSET) + load<u16>(last, PIECE_LENGTH);
  if (!more && end < reach) return News.CONFLICT;
  if (offset >= reach) return News.BYTES;
  let shared: u32 = 0;
  for (let piece = <usize>datagram.first; piece != 0; piece = load<u32>(piece)) {
    const from = <u32>load<u16>(piece, PIECE_OFFSET);
    const to = from + load<u16>(piece, PIECE_LENGTH);
    if (from >= end) break;
    if (to > offset) shared += min(to, end) - max(from, offset);
  }
  if (shared == 0) return News.BYTES;
  return shared == length ? News.NOTHING : News.CONFLICT;
}

/** Copies `length` bytes at `p` to pieces; false when memory, or the number of pieces, does not allow it. */
function keep(datagram: Datagram, offset: u32, p: usize, length: u32): bool {
  assert(Window.holds(p, length));
  while (length != 0) {
    const bytes = min(length, PIECE_BYTES_MAX);
    if (datagram.pieces >= PIECES_MAX) return false;
    const piece = allocate(datagram, bytes);
    if (piece == 0) return false;
    store<u16>(piece, offset, PIECE_OFFSET);
    store<u16>(piece, bytes, PIECE_LENGTH);
    memory.copy(piece + PIECE_DATA, p, bytes);
    link(datagram, piece, offset);
    datagram.pieces += 1;
    datagram.held += bytes;
    offset += bytes;
    p += bytes;
    length -= bytes;
  }
  return true;
}

/** Puts a piece in its place: mostly the end, the beginning where a sender begins with the last fragment. */
function link(datagram: Datagram, piece: usize, offset: u32): void {
  let before = <usize>datagram.last;
  if (before != 0 && <u32>load<u16>(before, PIECE_OFFSET) > offset) {
    before = 0;
    for (let at = <usize>datagram.first; at != 0 && <u32>load<u16>(at, PIECE_OFFSET) < offset; at = load<u32>(at)) before = at;
  }
  if (before == 0) {
    store<u32>(piece, datagram.first);
    datagram.first = <u32>piece;
  } else {
    store<u32>(piece, load<u32>(before));
    store<u32>(before, <u32>piece);
  }
  if (load<u32>(piece) == 0) datagram.last = <u32>piece;
}

/** Bytes of pool that a piece of `bytes` is reckoned to take. */
function blockBytes(bytes: u32): u32 {
  return bytes + <u32>PIECE_DATA;
}

/** A block for a piece; other datagrams, the oldest first, are given up for it. */
function allocate(datagram: Datagram, bytes: u32): usize {
  while (true) {
    if (Fragments.bytes + blockBytes(bytes) <= FRAGMENT_BYTES_MAX) {
      const block = Fragments.pool.allocate(blockBytes(bytes));
      if (block != 0) {
        Fragments.bytes += blockBytes(bytes);
        return block;
      }
    }
    const victim = oldest(datagram);
    if (changetype<usize>(victim) == 0) return 0;
    giveUp(victim, Undecoded.FRAGMENT_MEMORY);
  }
}

/** The datagram under way that was opened first, other than `except`; null when there is none. */
function oldest(except: Datagram): Datagram {
  let found = changetype<Datagram>(0);
  for (let index: u32 = 0; index < DATAGRAMS_MAX; index++) {
    const datagram = datagramAt(index);
    if (datagram.kind == 0 || datagram == except) continue;
    if (changetype<usize>(found) == 0 || datagram.sequence < found.sequence) found = datagram;
  }
  return found;
}

/** The entry of the fragment in hand: the one that is there and not too old, or a new one. */
function find(kind: u32): Datagram {
  let free = changetype<Datagram>(0);
  const sourceLow = load<u64>(Packet.source);
  const sourceHigh = load<u64>(Packet.source, 8);
  const destinationLow = load<u64>(Packet.destination);
  const destinationHigh = load<u64>(Packet.destination, 8);
  for (let index: u32 = 0; index < DATAGRAMS_MAX; index++) {
    const datagram = datagramAt(index);
    if (datagram.kind == 0) {
      free = datagram;
      continue;
    }
    // Its time is 0 where it was read before the clock ran.
    if (datagram.timeNs != 0 && Packet.timeNs > datagram.timeNs + FRAGMENT_TIME_NS) {
      giveUp(datagram, Undecoded.FRAGMENT_INCOMPLETE);
      free = datagram;
      continue;
    }
    if (datagram.id != Packet.ipId || datagram.kind != kind || datagram.input != Packet.input) continue;
    if (datagram.sourceLow != sourceLow || datagram.sourceHigh != sourceHigh) continue;
    if (datagram.destinationLow == destinationLow && datagram.destinationHigh == destinationHigh) return datagram;
  }
  if (changetype<usize>(free) == 0) {
    free = oldest(free);
    giveUp(free, Undecoded.FRAGMENT_MEMORY);
  }
  free.sourceLow = sourceLow;
  free.sourceHigh = sourceHigh;
  free.destinationLow = destinationLow;
  free.destinationHigh = destinationHigh;
  free.timeNs = Packet.timeNs;
  free.sequence = ++Fragments.sequence;
  free.id = Packet.ipId;
  free.kind = kind;
  free.input = Packet.input;
  Fragments.open += 1;
  return free;
}

function datagramAt(index: u32): Datagram {
  return changetype<Datagram>(Fragments.table + <usize>index * DATAGRAM_STRIDE);
}

/** Frees the pieces of a datagram whose fragments disagree; the entry stays, so that the rest of it is refused too. */
function drop(datagram: Datagram): void {
  freePieces(datagram);
  datagram.dropped = true;
}

/** Frees a datagram that will not be whole, and counts its fragments. */
function giveUp(datagram: Datagram, layer: u32): void {
  if (!datagram.dropped) Tally.undecoded(layer, datagram.fragments);
  clear(datagram);
}

function clear(datagram: Datagram): void {
  freePieces(datagram);
  memory.fill(changetype<usize>(datagram), 0, offsetof<Datagram>());
  Fragments.open -= 1;
}

function freePieces(datagram: Datagram): void {
  let piece = <usize>datagram.first;
  while (piece != 0) {
    const next = load<u32>(piece);
    Fragments.bytes -= blockBytes(load<u16>(piece, PIECE_LENGTH));
    Fragments.pool.release(piece);
    piece = next;
  }
  datagram.first = 0;
  datagram.last = 0;
  datagram.held = 0;
  datagram.pieces = 0;
}
