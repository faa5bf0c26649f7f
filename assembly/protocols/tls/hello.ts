/**
 * ClientHello and ServerHello (RFC 8446 section 4.1, RFC 5246 section 7.4.1), taken apart where they lie.
 *
 * ```
 *   ClientHello  version u16 | random 32 | session u8+n | ciphers u16+n | compressions u8+n | extensions u16+n
 *   ServerHello  version u16 | random 32 | session u8+n | cipher  u16   | compression  u8   | extensions u16+n
 *   extension    type u16 | length u16 | content
 * ```
 * A hello of which only the first bytes are there is read as far as it goes; `isWhole` says that nothing was missing, without
 * which there are no fingerprints.
 */
import { u8At, u16be, u32be } from "../../bytes/reader";

/** Extensions that are read. */
export class Extension {
  static readonly SERVER_NAME: u32 = 0;
  static readonly GROUPS: u32 = 10;
  static readonly POINT_FORMATS: u32 = 11;
  static readonly SIGNATURES: u32 = 13;
  static readonly ALPN: u32 = 16;
  static readonly PRE_SHARED_KEY: u32 = 41;
  static readonly SUPPORTED_VERSIONS: u32 = 43;
  static readonly ENCRYPTED_HELLO: u32 = 0xfe0d;
  /** The draft before it: an encrypted server name. */
  static readonly ENCRYPTED_NAME: u32 = 0xffce;
}

export const TLS_1_3: u32 = 0x0304;
const RANDOM_BYTES: u32 = 32;
const SESSION_BYTES_MAX: u32 = 32;

/** Whether a number is reserved to keep servers tolerant (RFC 8701): 0x0a0a, 0x1a1a ... */
export function isGrease(value: u32): bool {
  return (value & 0x0f0f) == 0x0a0a && value >> 8 == (value & 0xff);
}

/** A part of the hello: where it begins and its bytes, both 0 where it is not there. */
@unmanaged
export class Part {
  start: u32;
  length: u32;

  set(start: usize, length: u32): void {
    this.start = <u32>start;
    this.length = length;
  }
}

/** What was found in the hello that was read last. */
export class Hello {
  static readonly session: Part = changetype<Part>(memory.data(8, 4));
  static readonly ciphers: Part = changetype<Part>(memory.data(8, 4));
  static readonly extensions: Part = changetype<Part>(memory.data(8, 4));
  static readonly serverName: Part = changetype<Part>(memory.data(8, 4));
  /** The list of names with their lengths, without its own. */
  static readonly alpn: Part = changetype<Part>(memory.data(8, 4));
  static readonly groups: Part = changetype<Part>(memory.data(8, 4));
  static readonly formats: Part = changetype<Part>(memory.data(8, 4));
  static readonly signatures: Part = changetype<Part>(memory.data(8, 4));
  /** The version of the hello itself, and the one that counts: the highest offered or the one chosen. */
  static legacyVersion: u32 = 0;
  static version: u32 = 0;
  /** The highest number of the client's list of versions as it stands there, drafts included; without a list the hello's own. */
  static offered: u32 = 0;
  static cipher: u32 = 0;
  static hasCipher: bool = false;
  static hasServerName: bool = false;
  static isRetry: bool = false;
  static encrypted: bool = false;
  static preShared: bool = false;
  /** Whether every length fits and every byte was there. */
  static isWhole: bool = false;
  /** Whether a length does not fit the message though all of it was there. */
  static isMalformed: bool = false;
  private static at: usize = 0;
  private static end: usize = 0;

  private static open(start: usize, length: u32): void {
    Hello.session.set(0, 0);
    Hello.ciphers.set(0, 0);
    Hello.extensions.set(0, 0);
    Hello.serverName.set(0, 0);
    Hello.alpn.set(0, 0);
    Hello.groups.set(0, 0);
    Hello.formats.set(0, 0);
    Hello.signatures.set(0, 0);
    Hello.legacyVersion = 0;
    Hello.version = 0;
    Hello.offered = 0;
    Hello.hasCipher = false;
    Hello.hasServerName = false;
    Hello.isRetry = false;
    Hello.encrypted = false;
    Hello.preShared = false;
    Hello.isWhole = false;
    Hello.isMalformed = false;
    Hello.at = start;
    Hello.end = start + length;
  }

  @inline private static get left(): u32 {
    return <u32>(Hello.end - Hello.at);
  }

  /** Takes the part behind a length of `width` bytes into `part`, as far as it is there; false where it is not whole. */
  private static take(part: Part, width: u32): bool {
    if (Hello.left < width) return false;
    const length = width == 1 ? u8At(Hello.at) : u16be(Hello.at);
    Hello.at += width;
    const here = length < Hello.left ? length : Hello.left;
    part.set(Hello.at, here);
    Hello.at += here;
    return here == length;
  }

  /** Version, random and session; false where they are not all there. */
  private static head(isServer: bool): bool {
    if (Hello.left < 2) return false;
    Hello.legacyVersion = u16be(Hello.at);
    Hello.version = Hello.legacyVersion;
    Hello.offered = Hello.legacyVersion;
    Hello.at += 2;
    if (Hello.left < RANDOM_BYTES) return false;
    Hello.isRetry = isServer && isRetryRandom(Hello.at);
    Hello.at += RANDOM_BYTES;
    if (isServer && isEarlyDraft(Hello.legacyVersion)) {
      Hello.version = TLS_1_3;
      return true;
    }
    if (!Hello.take(Hello.session, 1)) return false;
    if (Hello.session.length <= SESSION_BYTES_MAX) return true;
    Hello.isMalformed = true;
    return false;
  }

  /** Reads the client's, of which `length` bytes are there, all of them where `whole`. */
  static readClient(start: usize, length: u32, whole: bool): void {
    Hello.open(start, length);
    Hello.isWhole = Hello.clientParts() && whole;
    if (whole && !Hello.isWhole) Hello.isMalformed = true;
  }

  private static clientParts(): bool {
    if (!Hello.head(false) || !Hello.take(Hello.ciphers, 2)) return false;
    if (Hello.ciphers.length & 1) return false;
    // The compressions lie where the point formats will be noted, and are of no interest.
    if (!Hello.take(Hello.formats, 1)) return false;
    Hello.formats.set(0, 0);
    return Hello.readExtensions(false);
  }

  /** Reads the server's, of which `length` bytes are there, all of them where `whole`. */
  static readServer(start: usize, length: u32, whole: bool): void {
    Hello.open(start, length);
    Hello.isWhole = Hello.serverParts() && whole;
    if (whole && !Hello.isWhole) Hello.isMalformed = true;
  }

  private static serverParts(): bool {
    if (!Hello.head(true) || Hello.left < 2) return false;
    Hello.cipher = u16be(Hello.at);
    Hello.hasCipher = true;
    Hello.at += 2;
    if (!isEarlyDraft(Hello.legacyVersion)) {
      if (Hello.left < 1) return false;
      Hello.at += 1;
    }
    return Hello.readExtensions(true);
  }

  /** Walks the extensions; a hello may end before them. */
  private static readExtensions(isServer: bool): bool {
    if (Hello.left == 0) return true;
    const whole = Hello.take(Hello.extensions, 2);
    let at = <usize>Hello.extensions.start;
    const end = at + Hello.extensions.length;
    while (end - at >= 4) {
      const type = u16be(at);
      const length = u16be(at + 2);
      at += 4;
      if (length > <u32>(end - at)) return false;
      Hello.extension(type, at, length, isServer);
      at += length;
    }
    return whole && at == end;
  }

  private static extension(type: u32, at: usize, length: u32, isServer: bool): void {
    if (type == Extension.SERVER_NAME) {
      Hello.hasServerName = true;
      // list u16 | kind 0 | length u16 | name
      if (length >= 5 && u8At(at + 2) == 0) list(Hello.serverName, at + 3, length - 3);
    } else if (type == Extension.GROUPS) list(Hello.groups, at, length);
    else if (type == Extension.SIGNATURES) list(Hello.signatures, at, length);
    else if (type == Extension.ALPN) list(Hello.alpn, at, length);
    else if (type == Extension.POINT_FORMATS) {
      if (length >= 1 && u8At(at) < length) Hello.formats.set(at + 1, u8At(at));
    } else if (type == Extension.PRE_SHARED_KEY) Hello.preShared = true;
    else if (type == Extension.ENCRYPTED_HELLO || type == Extension.ENCRYPTED_NAME) Hello.encrypted = true;
    else if (type == Extension.SUPPORTED_VERSIONS) {
      if (isServer) {
        if (length == 2) Hello.version = known(u16be(at));
      } else highest(at, length);
    }
  }
}

/** Whether a server's hello is one of TLS 1.3 before its draft 22: its version says so, and it has neither session nor compression. */
function isEarlyDraft(legacyVersion: u32): bool {
  return legacyVersion == TLS_1_3 || (legacyVersion >= 0x7f00 && legacyVersion < 0x7f16);
}

/** Drafts of TLS 1.3 count as it. */
function known(version: u32): u32 {
  return version >> 8 == 0x7f ? TLS_1_3 : version;
}

/** Takes the highest version of a list of `length` bytes: length u8, then numbers. */
function highest(at: usize, length: u32): void {
  let best: u32 = 0;
  let offered: u32 = 0;
  for (let i: u32 = 1; i + 2 <= length; i += 2) {
    const number = u16be(at + i);
    if (isGrease(number)) continue;
    if (number > offered) offered = number;
    const version = known(number);
    if (version >> 8 == 3 && version > best) best = version;
  }
  if (best != 0) Hello.version = best;
  Hello.offered = offered;
}

/** Notes a list that has its length of two bytes before it, where that fits. */
function list(part: Part, at: usize, length: u32): void {
  if (length >= 2 && u16be(at) <= length - 2) part.set(at + 2, u16be(at));
}

/** The random of a HelloRetryRequest (RFC 8446 section 4.1.3). */
function isRetryRandom(at: usize): bool {
  return (
    u32be(at) == 0xcf21ad74 &&
    u32be(at + 4) == 0xe59a6111 &&
    u32be(at + 8) == 0xbe1d8c02 &&
    u32be(at + 12) == 0x1e65b891 &&
    u32be(at + 16) == 0xc2a21116 &&
    u32be(at + 20) == 0x7abb8c5e &&
    u32be(at + 24) == 0x079e09e2 &&
    u32be(at + 28) == 0xc8a8339c
  );
}
