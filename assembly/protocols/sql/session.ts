/**
 * Who connections are of: user, database and application, once for all connections that have the same.
 *
 * ```
 * block:  0 next u32 | 4 connections u32 | 8 user length u8 | 9 database length u8 | 10 application length u8 | 11 cut u8 | 12 texts
 * ```
 * A server has thousands of connections and few users. So names of any length cost an idle connection next to nothing; where
 * connections differ all the same, so many sets are kept and the names of the others are not known.
 */
import { elementHash } from "../../bytes/hash";
import { copyBytes, sameBytes } from "../../bytes/run";
import { Regions } from "../../regions";

/** Sets of names at the most. */
export const SESSIONS_MAX: u32 = 1024;
/** Bytes of a name at the most. */
const NAME_BYTES_MAX: u32 = 64;
const HEADER_BYTES: u32 = 12;
/** What stands from here on is compared, and hashed, with the texts. */
const KEY_OFFSET: u32 = 8;
const CUT: usize = 11;
const SLOTS: u32 = 256;
const TABLE: usize = memory.data(4 * 256, 4);
/** A block that is put together; the hash reads up to 16 bytes behind it. */
const DRAFT: usize = memory.data(12 + 3 * 64 + 16, 8);

/** The names of one or more connections. */
@unmanaged
export class Session {
  next: u32;
  connections: u32;
  userLength: u8;
  databaseLength: u8;
  applicationLength: u8;
  /** Whether one of the names was longer. */
  isCut: u8;

  /** Whether the user's name was longer, as far as that can be told. */
  @inline get isUserCut(): bool {
    return this.isCut != 0 && <u32>this.userLength == NAME_BYTES_MAX;
  }

  @inline get userStart(): usize {
    return changetype<usize>(this) + HEADER_BYTES;
  }

  @inline get databaseStart(): usize {
    return this.userStart + this.userLength;
  }

  @inline get applicationStart(): usize {
    return this.databaseStart + this.databaseLength;
  }
}

export class Sessions {
  /** Sets of names that are kept. */
  static count: u32 = 0;

  /** Forgets all; their blocks are gone with the pool. */
  static reset(): void {
    Sessions.count = 0;
    memory.fill(TABLE, 0, 4 * SLOTS);
  }

  /** Begins a set of names: `add` is called for user, database and application. */
  static begin(): void {
    store<u64>(DRAFT, 0);
    store<u32>(DRAFT, 0, KEY_OFFSET);
    Draft.length = HEADER_BYTES;
    Draft.names = 0;
  }

  /** Adds the next name, `length` bytes at `start`. */
  static add(start: usize, length: u32): void {
    const taken = length < NAME_BYTES_MAX ? length : NAME_BYTES_MAX;
    if (taken < length) Sessions.cut();
    store<u8>(DRAFT + KEY_OFFSET + Draft.names, taken);
    copyBytes(DRAFT + Draft.length, start, taken);
    Draft.length += taken;
    Draft.names += 1;
  }

  /** Notes that one of the names was longer. */
  static cut(): void {
    store<u8>(DRAFT, 1, CUT);
  }

  /** Keeps the names for a connection that held `before`, 0 for none, until now; 0 where there are none, or no room. */
  static keep(before: u32): u32 {
    const length = Draft.length - KEY_OFFSET;
    const slot = TABLE + ((<u32>elementHash(DRAFT + KEY_OFFSET, length) & (SLOTS - 1)) << 2);
    const kept = Draft.length == HEADER_BYTES ? 0 : take(slot, length);
    Sessions.release(before);
    return kept;
  }

  /** A connection lets go of its names, 0 for none. */
  static release(held: u32): void {
    if (held == 0) return;
    const session = changetype<Session>(<usize>held);
    session.connections -= 1;
    if (session.connections != 0) return;
    const bytes = HEADER_BYTES + session.userLength + session.databaseLength + session.applicationLength;
    const hash = <u32>elementHash(<usize>held + KEY_OFFSET, bytes - KEY_OFFSET);
    let link = TABLE + ((hash & (SLOTS - 1)) << 2);
    while (load<u32>(link) != held) link = <usize>load<u32>(link);
    store<u32>(link, session.next);
    Sessions.count -= 1;
    Regions.streamPool.release(held);
  }
}

class Draft {
  static length: u32 = 0;
  static names: u32 = 0;
}

/** One more connection of the set in the draft, whose lengths and texts are `length` bytes; 0 where there is no room for a new set. */
function take(slot: usize, length: u32): u32 {
  for (let at = load<u32>(slot); at != 0; at = changetype<Session>(<usize>at).next) {
    const key = <usize>at + KEY_OFFSET;
    if (load<u32>(key) != load<u32>(DRAFT, KEY_OFFSET) || !sameBytes(key, DRAFT + KEY_OFFSET, length)) continue;
    changetype<Session>(<usize>at).connections += 1;
    return at;
  }
  if (Sessions.count >= SESSIONS_MAX) return 0;
  const block = Regions.streamPool.allocate(KEY_OFFSET + length);
  if (block == 0) return 0;
  copyBytes(block, DRAFT, KEY_OFFSET + length);
  changetype<Session>(block).connections = 1;
  changetype<Session>(block).next = load<u32>(slot);
  store<u32>(slot, <u32>block);
  Sessions.count += 1;
  return <u32>block;
}
