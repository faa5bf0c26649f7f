/**
 * What a client of TLS 1.3 says before the server answers (RFC 8446 section 4.2.10): it was said where the server takes it, which it says in its
 * first message under keys, EncryptedExtensions; what it does not take the client says again, or never.
 *
 * ```
 *   message     type u8 = 8 | length u24 | extensions u16+n
 *   extension   type u16 | length u16 | content
 * ```
 */
import { u8At, u16be, u24be } from "../../bytes/reader";
import { Window } from "../../bytes/window";
import { keysRecord } from "../../host";
import { Regions, TLS_RECORD_BYTES } from "../../regions";
import { TRIES_MAX } from "./attempt";
import { Opened, OpenedHalf, Sealed } from "./opened";
import { Content } from "./probe";

const FROM_CLIENT_EARLY: u32 = 2;
const FROM_SERVER_HANDSHAKE: u32 = 3;
const MESSAGE_HEADER_BYTES: u32 = 4;
const EXTENSION_HEADER_BYTES: u32 = 4;
const ENCRYPTED_EXTENSIONS: u32 = 8;
const EARLY_DATA: u32 = 42;

/** Whether the server takes early data. */
export class Early {
  static readonly UNKNOWN: u8 = 0;
  static readonly TAKEN: u8 = 1;
  /** It does not, or what it says of it was not seen. */
  static readonly REFUSED: u8 = 2;
}

/** Tries a record of the client as its next early one, or one of those behind it; answers as `keysRecord` does, and notes no number. */
export function tryEarly(opened: Opened, half: OpenedHalf, start: usize, total: u32): i32 {
  const target = Regions.tlsRecord + TLS_RECORD_BYTES;
  const most = half.doubt < TRIES_MAX ? half.doubt : TRIES_MAX;
  for (let more: u32 = 0; more <= most; more++) {
    const sequence = half.earlySequence + more;
    const length = keysRecord(opened.keys, FROM_CLIENT_EARLY, sequence, start, total, target, 0);
    if (length < 0) continue;
    half.triedSequence = sequence;
    return length;
  }
  return -1;
}

/** Notes what the server's first record under keys, of `total` bytes at `start`, says of early data. */
export function readAnswer(opened: Opened, start: usize, total: u32): void {
  opened.early = Early.REFUSED;
  const target = Regions.tlsRecord + TLS_RECORD_BYTES;
  const length = keysRecord(opened.keys, FROM_SERVER_HANDSHAKE, 0, start, total, target, 0);
  if (length < 0) return;
  const before = Window.start;
  const behind = Window.end;
  Window.open(target, length);
  if (takesEarly(target, length)) opened.early = Early.TAKEN;
  Window.open(before, <u32>(behind - before));
}

function takesEarly(start: usize, length: u32): bool {
  if (length < MESSAGE_HEADER_BYTES + 2 || u8At(start) != ENCRYPTED_EXTENSIONS) return false;
  const bytes = u24be(start + 1);
  const end = MESSAGE_HEADER_BYTES + bytes < length ? MESSAGE_HEADER_BYTES + bytes : length;
  for (
    let at = MESSAGE_HEADER_BYTES + 2;
    at + EXTENSION_HEADER_BYTES <= end;
    at += EXTENSION_HEADER_BYTES + u16be(start + at + 2)
  )
    if (u16be(start + at) == EARLY_DATA) return true;
  return false;
}

/**
 * Whether the first record that waits has to wait on: it is an early one, and what the server says of it is not there. `client` is the client's
 * side. Looks into what waits behind it.
 */
export function awaitsAnswer(opened: Opened, client: u32, isServerWhole: bool): bool {
  const first = changetype<Sealed>(opened.heldFirst);
  if (!opened.isThirteen || opened.early != Early.UNKNOWN || first.side != client) return false;
  const start = Window.start;
  const end = Window.end;
  if (isEarly(opened, opened.half(client), first)) {
    const answer = isServerWhole ? firstOf(opened, client ^ 1) : 0;
    if (answer != 0) {
      const total = put(changetype<Sealed>(answer));
      readAnswer(opened, Regions.tlsRecord, total);
    } else if (!isServerWhole) opened.early = Early.REFUSED;
    Window.open(start, <u32>(end - start));
    return opened.early == Early.UNKNOWN;
  }
  Window.open(start, <u32>(end - start));
  return false;
}

function isEarly(opened: Opened, half: OpenedHalf, sealed: Sealed): bool {
  const total = put(sealed);
  return u8At(Regions.tlsRecord) == Content.APPLICATION_DATA && tryEarly(opened, half, Regions.tlsRecord, total) >= 0;
}

/** Copies a record to where it is opened; answers its bytes. */
function put(sealed: Sealed): u32 {
  sealed.copyTo(Regions.tlsRecord);
  Window.open(Regions.tlsRecord, sealed.total);
  return sealed.total;
}

/** The first record of `side` under keys that waits; 0 where there is none. */
function firstOf(opened: Opened, side: u32): usize {
  for (let at = <usize>opened.heldFirst; at != 0; at = changetype<Sealed>(at).nextHeld) {
    const sealed = changetype<Sealed>(at);
    if (sealed.side == side && load<u8>(at + offsetof<Sealed>()) == Content.APPLICATION_DATA) return at;
  }
  return 0;
}
