/**
 * Header names that are read, by number, and HPACK's static table (RFC 7541 appendix A): of each entry its name's length, and
 * what it says.
 */
import { sameText } from "../../bytes/ascii";
import { Settings } from "../../settings";

/** Names by number; what is not read is OTHER, what an unknown entry of a dynamic table holds is UNKNOWN. */
export class Name {
  static readonly UNKNOWN: u32 = 0;
  static readonly OTHER: u32 = 1;
  static readonly METHOD: u32 = 2;
  static readonly SCHEME: u32 = 3;
  static readonly AUTHORITY: u32 = 4;
  static readonly PATH: u32 = 5;
  static readonly STATUS: u32 = 6;
  static readonly CONTENT_TYPE: u32 = 7;
  static readonly USER_AGENT: u32 = 8;
  static readonly TRACEPARENT: u32 = 9;
  static readonly GRPC_STATUS: u32 = 10;
  static readonly GRPC_MESSAGE: u32 = 11;
  static readonly GRPC_TIMEOUT: u32 = 12;
  static readonly GRPC_ENCODING: u32 = 13;
  /** Not read, but kept with its value, as it came in trailers. */
  static readonly TRAILER: u32 = 14;
  /** The same of headers, which are kept where the host asks for them. */
  static readonly HEADER: u32 = 15;
  /** Read for a body that is kept. */
  static readonly CONTENT_ENCODING: u32 = 16;
}

/** Whether what has that name in a table has its text before the value. */
export function hasText(name: u32): bool {
  return name == Name.TRAILER || name == Name.HEADER;
}

/** Bytes of a name that are looked at. */
export const NAME_BYTES_MAX: u32 = 64;
/** Entries of the static table. */
export const STATIC_ENTRIES: u32 = 61;

/** What is told apart of names, read or not: a key is a name's number, an entry of the static table, or 14 bits of a hash. */
export class Key {
  static readonly NONE: u32 = 0;
  static readonly UNKNOWN: u32 = 1;
  /** No field: a block begins. */
  static readonly START: u32 = 32;
  static readonly DATE: u32 = 64 + 33;
}

const KEY_STATIC: u32 = 64;
const KEY_HASHED: u32 = 1 << 14;

/** Lengths of the names of entries 1 to 61. */
const LENGTHS: usize = memory.data<u8>([
  0, 10, 7, 7, 5, 5, 7, 7, 7, 7, 7, 7, 7, 7, 7, 14, 15, 15, 13, 6, 27, 3, 5, 13, 13, 19, 16, 16, 14, 16, 13, 12, 6, 4, 4, 6, 7, 4,
  4, 8, 17, 13, 8, 19, 13, 4, 8, 12, 18, 19, 5, 7, 7, 11, 6, 10, 25, 17, 10, 4, 3, 16,
]);

/** The names of entries 1 to 61, a comma behind each. */
const NAMES: string =
  ":authority,:method,:method,:path,:path,:scheme,:scheme,:status,:status,:status,:status,:status,:status,:status,accept-charset,accept-encoding,accept-language,accept-ranges,accept,access-control-allow-origin,age,allow,authorization,cache-control,content-disposition,content-encoding,content-language,content-length,content-location,content-range,content-type,cookie,date,etag,expect,expires,from,host,if-match,if-modified-since,if-none-match,if-range,if-unmodified-since,last-modified,link,location,max-forwards,proxy-authenticate,proxy-authorization,range,referer,refresh,retry-after,server,set-cookie,strict-transport-security,transfer-encoding,user-agent,vary,via,www-authenticate,";

/** Writes the name of entry `index` of the static table to `at`. */
export function putStaticName(at: usize, index: u32): void {
  let from: u32 = 0;
  for (let before: u32 = 1; before < index; before++) from += staticNameLength(before) + 1;
  for (let i: u32 = 0; i < staticNameLength(index); i++) store<u8>(at + i, NAMES.charCodeAt(from + i));
}

/** What a name that is read says; empty for all others, and for those before the header fields (RFC 9113 section 8.3). */
export function textOf(name: u32): string {
  switch (name) {
    case Name.CONTENT_TYPE:
      return "content-type";
    case Name.USER_AGENT:
      return "user-agent";
    case Name.TRACEPARENT:
      return "traceparent";
    case Name.GRPC_STATUS:
      return "grpc-status";
    case Name.GRPC_MESSAGE:
      return "grpc-message";
    case Name.GRPC_TIMEOUT:
      return "grpc-timeout";
    case Name.GRPC_ENCODING:
      return "grpc-encoding";
    case Name.CONTENT_ENCODING:
      return "content-encoding";
    default:
      return "";
  }
}

/** Bytes of the name of entry `index` of the static table. */
export function staticNameLength(index: u32): u32 {
  return load<u8>(LENGTHS + index);
}

/** The name of entry `index` of the static table. */
export function staticName(index: u32): u32 {
  if (index == 1) return Name.AUTHORITY;
  if (index <= 3) return Name.METHOD;
  if (index <= 5) return Name.PATH;
  if (index <= 7) return Name.SCHEME;
  if (index <= 14) return Name.STATUS;
  if (index == 31) return Name.CONTENT_TYPE;
  if (index == 58) return Name.USER_AGENT;
  return index == 26 && Settings.bodyBytes != 0 ? Name.CONTENT_ENCODING : Name.OTHER;
}

/** The key of the name of entry `index` of the static table. */
export function staticKey(index: u32): u32 {
  const name = staticName(index);
  return name == Name.OTHER ? KEY_STATIC + index : name;
}

/** The key of the name of number `name`, which is the `length` bytes at `start`, of which NAME_BYTES_MAX lie there at the most. */
export function keyOf(name: u32, start: usize, length: u32): u32 {
  if (name > Name.OTHER) return name;
  const there = length < NAME_BYTES_MAX ? length : NAME_BYTES_MAX;
  let hash: u32 = 2166136261 ^ length;
  for (let i: u32 = 0; i < there; i++) hash = (hash ^ load<u8>(start + i)) * 16777619;
  return KEY_HASHED | (hash >> 18);
}

/** What entry `index` of the static table says; empty where it says nothing. */
export function staticValue(index: u32): string {
  switch (index) {
    case 2:
      return "GET";
    case 3:
      return "POST";
    case 4:
      return "/";
    case 5:
      return "/index.html";
    case 6:
      return "http";
    case 7:
      return "https";
    case 8:
      return "200";
    case 9:
      return "204";
    case 10:
      return "206";
    case 11:
      return "304";
    case 12:
      return "400";
    case 13:
      return "404";
    case 14:
      return "500";
    case 16:
      return "gzip, deflate";
    default:
      return "";
  }
}

/** The number of the name of `length` bytes at `start`. */
export function nameOf(start: usize, length: u32): u32 {
  switch (length) {
    case 5:
      return sameText(start, length, ":path") ? Name.PATH : Name.OTHER;
    case 7:
      if (sameText(start, length, ":method")) return Name.METHOD;
      if (sameText(start, length, ":scheme")) return Name.SCHEME;
      return sameText(start, length, ":status") ? Name.STATUS : Name.OTHER;
    case 10:
      if (sameText(start, length, ":authority")) return Name.AUTHORITY;
      return sameText(start, length, "user-agent") ? Name.USER_AGENT : Name.OTHER;
    case 11:
      if (sameText(start, length, "traceparent")) return Name.TRACEPARENT;
      return sameText(start, length, "grpc-status") ? Name.GRPC_STATUS : Name.OTHER;
    case 12:
      if (sameText(start, length, "content-type")) return Name.CONTENT_TYPE;
      if (sameText(start, length, "grpc-message")) return Name.GRPC_MESSAGE;
      return sameText(start, length, "grpc-timeout") ? Name.GRPC_TIMEOUT : Name.OTHER;
    case 13:
      return sameText(start, length, "grpc-encoding") ? Name.GRPC_ENCODING : Name.OTHER;
    case 16:
      return Settings.bodyBytes != 0 && sameText(start, length, "content-encoding") ? Name.CONTENT_ENCODING : Name.OTHER;
    default:
      return Name.OTHER;
  }
}
