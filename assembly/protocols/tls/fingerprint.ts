/**
 * Fingerprints of hellos: JA3 and JA3S (Salesforce), JA4 (FoxIO). `Hello` holds what they are made of; each writes its text.
 *
 * ```
 *   JA3   md5 of  version,ciphers,extensions,groups,formats      numbers in decimal, lists with dashes, GREASE left out
 *   JA3S  md5 of  version,cipher,extensions
 *   JA4   t13d1516h2_8daaf6152771_e5627efa2ab1
 *         t TCP | version | d with a server name, i without | ciphers | extensions | first and last letter of the first ALPN
 *         _ sha256 of the ciphers, sorted _ sha256 of the extensions, sorted, without names and ALPN, then signatures as sent
 * ```
 */
import { decimal } from "../../bytes/ascii";
import { Md5 } from "../../bytes/md5";
import { u8At, u16be } from "../../bytes/reader";
import { Sha256 } from "../../bytes/sha256";
import { Extension, Hello, isGrease, Part } from "./hello";

const COMMA: u32 = 44;
const DASH: u32 = 45;
const UNDERSCORE: u32 = 95;
/** Numbers that are sorted at the most; a hello of more has no JA4. */
const SORTED_MAX: u32 = 1024;
/** Hexadecimal digits of each hash in a JA4. */
const HASH_DIGITS: u32 = 12;

const TEXT: usize = memory.data(40, 8);
const DIGEST: usize = memory.data(32, 8);
const DIGITS: usize = memory.data(16);
const SORTED: usize = memory.data(2048, 8);

/** Where the text of the last fingerprint lies. */
export const FINGERPRINT: usize = TEXT;

function hexDigit(value: u32): u32 {
  return value < 10 ? 48 + value : 87 + value;
}

function putHex(at: usize, start: usize, bytes: u32): void {
  for (let i: u32 = 0; i < bytes; i++) {
    const byte = <u32>load<u8>(start + i);
    store<u8>(at + (i << 1), hexDigit(byte >> 4));
    store<u8>(at + (i << 1) + 1, hexDigit(byte & 15));
  }
}

function md5Number(value: u32): void {
  Md5.run(DIGITS, <u32>(decimal(DIGITS, value) - DIGITS));
}

/** The numbers of two bytes in a part, GREASE left out. */
function md5List(part: Part): void {
  let first = true;
  for (let i: u32 = 0; i + 2 <= part.length; i += 2) {
    const value = u16be(part.start + i);
    if (isGrease(value)) continue;
    if (!first) Md5.byte(DASH);
    first = false;
    md5Number(value);
  }
}

function md5Extensions(): void {
  let at = <usize>Hello.extensions.start;
  const end = at + Hello.extensions.length;
  let first = true;
  while (at < end) {
    const type = u16be(at);
    at += 4 + u16be(at + 2);
    if (isGrease(type)) continue;
    if (!first) Md5.byte(DASH);
    first = false;
    md5Number(type);
  }
}

/** Writes the JA3 of the whole client's hello in hand: 32 digits. */
export function ja3(): void {
  Md5.open();
  md5Number(Hello.legacyVersion);
  Md5.byte(COMMA);
  md5List(Hello.ciphers);
  Md5.byte(COMMA);
  md5Extensions();
  Md5.byte(COMMA);
  md5List(Hello.groups);
  Md5.byte(COMMA);
  for (let i: u32 = 0; i < Hello.formats.length; i++) {
    if (i != 0) Md5.byte(DASH);
    md5Number(u8At(Hello.formats.start + i));
  }
  Md5.close(DIGEST);
  putHex(TEXT, DIGEST, 16);
}

/** Writes the JA3S of the whole server's hello in hand: 32 digits. */
export function ja3s(): void {
  Md5.open();
  md5Number(Hello.legacyVersion);
  Md5.byte(COMMA);
  md5Number(Hello.cipher);
  Md5.byte(COMMA);
  md5Extensions();
  Md5.close(DIGEST);
  putHex(TEXT, DIGEST, 16);
}

/** Sorts the `count` numbers in SORTED (Shell's sort with Knuth's gaps). */
function sort(count: u32): void {
  let gap: u32 = 1;
  while (gap < count / 3) gap = 3 * gap + 1;
  for (; gap != 0; gap /= 3) {
    for (let i = gap; i < count; i++) {
      const value = load<u16>(SORTED + (i << 1));
      let j = i;
      for (; j >= gap && load<u16>(SORTED + ((j - gap) << 1)) > value; j -= gap) {
        store<u16>(SORTED + (j << 1), load<u16>(SORTED + ((j - gap) << 1)));
      }
      store<u16>(SORTED + (j << 1), value);
    }
  }
}

function sha256Hex(value: u32): void {
  Sha256.byte(hexDigit(value >> 12));
  Sha256.byte(hexDigit((value >> 8) & 15));
  Sha256.byte(hexDigit((value >> 4) & 15));
  Sha256.byte(hexDigit(value & 15));
}

/** Adds the `count` numbers in SORTED to the digest, sorted. */
function sha256Sorted(count: u32): void {
  sort(count);
  for (let i: u32 = 0; i < count; i++) {
    if (i != 0) Sha256.byte(COMMA);
    sha256Hex(load<u16>(SORTED + (i << 1)));
  }
}

/** Writes the first digits of the digest, or zeros where there was nothing to hash. */
function putShort(at: usize, empty: bool): void {
  if (empty) {
    for (let i: u32 = 0; i < HASH_DIGITS; i++) store<u8>(at + i, 48);
    return;
  }
  Sha256.close(DIGEST);
  putHex(at, DIGEST, HASH_DIGITS >> 1);
}

/** Puts the ciphers but GREASE into SORTED; answers how many. */
function gatherCiphers(): u32 {
  let count: u32 = 0;
  for (let i: u32 = 0; i < Hello.ciphers.length; i += 2) {
    const value = u16be(Hello.ciphers.start + i);
    if (!isGrease(value)) {
      if (count < SORTED_MAX) store<u16>(SORTED + (count << 1), value);
      count += 1;
    }
  }
  return count;
}

/** Extensions but GREASE, all of them. */
let extensionCount: u32 = 0;

/** Puts the extensions but GREASE, server name and ALPN into SORTED; answers how many. */
function gatherExtensions(): u32 {
  let at = <usize>Hello.extensions.start;
  const end = at + Hello.extensions.length;
  let count: u32 = 0;
  extensionCount = 0;
  while (at < end) {
    const type = u16be(at);
    at += 4 + u16be(at + 2);
    if (isGrease(type)) continue;
    extensionCount += 1;
    if (type == Extension.SERVER_NAME || type == Extension.ALPN) continue;
    if (count < SORTED_MAX) store<u16>(SORTED + (count << 1), type);
    count += 1;
  }
  return count;
}

function putTwo(at: usize, value: u32): void {
  const most: u32 = value > 99 ? 99 : value;
  store<u8>(at, 48 + most / 10);
  store<u8>(at + 1, 48 + (most % 10));
}

/** Two letters of the highest version that is offered, as JA4 has them: those of a draft, as of any number that it does not list, are 00. */
function putVersion(at: usize): void {
  const version = Hello.offered;
  let letters: u32 = 0x3030;
  if (version >= 0x0301 && version <= 0x0304) letters = 0x3031 + (((version & 15) - 1) << 8);
  else if (version == 0x0300) letters = 0x3373;
  else if (version == 0x0002) letters = 0x3273;
  else if (version == 0xfeff) letters = 0x3164;
  else if (version == 0xfefd) letters = 0x3264;
  else if (version == 0xfefc) letters = 0x3364;
  store<u16>(at, letters);
}

function isAlphanumeric(byte: u32): bool {
  return byte - 48 < 10 || (byte | 32) - 97 < 26;
}

/** First and last letter of the first ALPN; of its hexadecimal form where either is no letter or digit. */
function putAlpn(at: usize): void {
  store<u16>(at, 0x3030);
  const length: u32 = Hello.alpn.length != 0 ? u8At(Hello.alpn.start) : 0;
  if (length == 0 || length >= Hello.alpn.length) return;
  const first = u8At(Hello.alpn.start + 1);
  const last = u8At(Hello.alpn.start + length);
  const plain = isAlphanumeric(first) && isAlphanumeric(last);
  store<u8>(at, plain ? first : hexDigit(first >> 4));
  store<u8>(at + 1, plain ? last : hexDigit(last & 15));
}

/** Writes the JA4 of the whole client's hello in hand: 36 letters; false where it has too many parts. */
export function ja4(): bool {
  const ciphers = gatherCiphers();
  if (ciphers > SORTED_MAX) return false;
  store<u8>(TEXT, 116);
  putVersion(TEXT + 1);
  store<u8>(TEXT + 3, Hello.hasServerName ? 100 : 105);
  putTwo(TEXT + 4, ciphers);
  Sha256.open();
  sha256Sorted(ciphers);
  store<u8>(TEXT + 10, UNDERSCORE);
  putShort(TEXT + 11, ciphers == 0);
  const extensions = gatherExtensions();
  if (extensions > SORTED_MAX) return false;
  putTwo(TEXT + 6, extensionCount);
  putAlpn(TEXT + 8);
  Sha256.open();
  sha256Sorted(extensions);
  const signatures = Hello.signatures;
  let separator = UNDERSCORE;
  for (let i: u32 = 0; i + 2 <= signatures.length; i += 2) {
    const value = u16be(signatures.start + i);
    if (isGrease(value)) continue;
    Sha256.byte(separator);
    separator = COMMA;
    sha256Hex(value);
  }
  store<u8>(TEXT + 23, UNDERSCORE);
  putShort(TEXT + 24, extensions == 0);
  return true;
}
