/**
 * Request targets (RFC 9112 section 3.2): in origin form, absolute form, of a CONNECT, and the asterisk.
 *
 * The target is kept once; the path, and the host of an absolute target, lie inside it. The query is left out unless the
 * settings ask for it, and so are a user's name and password.
 */
import { u8At } from "../../bytes/reader";
import { Mark } from "../../roundtrip/marks";
import { Message, messageText } from "../../roundtrip/message";
import { Settings } from "../../settings";
import { behindUsers, pieceEnd } from "../shared/shown-value";
import * as F from "./fields";
import { Method } from "./method";
import { findByte } from "./scan";

const SLASH: u32 = 47;
const QUERY: u8 = 63;
const FRAGMENT: u8 = 35;
const AT_SIGN: u32 = 64;
const COLON: u32 = 58;
const SCHEME_BYTES_MAX: u32 = 32;

/** Points the text at `offset` to `length` bytes that begin `skipped` bytes inside the target's text, as far as it goes. */
function within(request: Message, offset: u32, field: u32, skipped: u32, length: u32): void {
  const kept = request.textLength(F.TARGET);
  if (skipped > kept) return;
  const base = changetype<usize>(request);
  store<u16>(base + offset, <u32>load<u16>(base + F.TARGET) + skipped);
  store<u16>(base + offset + 2, length < kept - skipped ? length : kept - skipped);
  if (field != F.HttpField.HOST) request.know(field);
}

/** Where the authority of an absolute target begins; 0 where the target is not absolute. */
function authorityOf(start: usize, end: usize): usize {
  let at = start;
  while (at < end && <u32>(at - start) < SCHEME_BYTES_MAX && isSchemeByte(u8At(at))) at += 1;
  if (at == start || at + 3 > end || (u8At(start) | 32) - 97 >= 26) return 0;
  return u8At(at) == COLON && u8At(at + 1) == SLASH && u8At(at + 2) == SLASH ? at + 3 : 0;
}

/** Letters, digits, and + - . (RFC 3986 section 3.1). */
function isSchemeByte(byte: u32): bool {
  return (byte | 32) - 97 < 26 || byte - 48 < 10 || byte == 43 || byte == 45 || byte == 46;
}

/** Where the host begins in the authority from `start` to `end`: behind a user's name and password. */
export function behindUser(start: usize, end: usize): usize {
  let host = end;
  while (host > start && u8At(host - 1) != AT_SIGN) host -= 1;
  return host;
}

/** Sets target and path, and notes the host of an absolute target for want of another; answers where the message now is. */
export function setTarget(request: Message, method: u32, start: usize, end: usize, cut: bool): Message {
  let stop = findByte(start, end, FRAGMENT);
  if (!Settings.raw) stop = findByte(start, stop, QUERY);
  if (cut && stop == end) request.mark(Mark.TRUNCATED);
  request.know(F.HttpField.TARGET);
  const authority = method == Method.CONNECT ? start : authorityOf(start, stop);
  if (authority == 0) {
    const m = appendPath(messageText(request, F.TARGET, start, 0, 0), start, stop, cut && stop == end);
    within(m, F.PATH, F.HttpField.PATH, 0, F.TARGET_BYTES_MAX);
    return m;
  }
  let hostEnd = authority;
  while (hostEnd < stop && u8At(hostEnd) != SLASH && u8At(hostEnd) != QUERY) hostEnd += 1;
  let host = behindUser(authority, hostEnd);
  // Where the authority is cut, what is there of it may be a user's name and password.
  if (cut && hostEnd == end && host == authority) host = hostEnd;
  const shown = Settings.raw ? authority : host;
  let m = messageText(request, F.TARGET, start, <u32>(authority - start), F.TARGET_BYTES_MAX);
  m = append(m, shown, <u32>(hostEnd - shown));
  m = appendPath(m, hostEnd, stop, cut && stop == end);
  const schemeBytes = <u32>(authority - start) + <u32>(host - shown);
  const hostBytes = <u32>(hostEnd - host);
  within(m, F.HOST, F.HttpField.HOST, schemeBytes, hostBytes < F.HOST_BYTES_MAX ? hostBytes : F.HOST_BYTES_MAX);
  if (method == Method.CONNECT) return m;
  if (hostEnd < stop) {
    within(m, F.PATH, F.HttpField.PATH, schemeBytes + hostBytes, F.TARGET_BYTES_MAX);
    return m;
  }
  m.know(F.HttpField.PATH);
  return messageText(m, F.PATH, ROOT, 1, 1);
}

/** A single slash: the path of a target that has none. */
const ROOT: usize = memory.data<u8>([47]);

/** Adds a path to the target's text, without the users' names and passwords of URLs in it unless the settings ask for them. */
function appendPath(request: Message, start: usize, stop: usize, goesOn: bool): Message {
  let m = request;
  let at = start;
  while (at < stop) {
    const next = Settings.raw ? stop : pieceEnd(at, stop);
    m = append(m, at, <u32>(next - at));
    at = behindUsers(next, stop, goesOn);
  }
  return m;
}

/** Adds bytes to the target's text, the last of the message. */
function append(request: Message, start: usize, length: u32): Message {
  const before = load<u32>(changetype<usize>(request) + F.TARGET);
  const kept = before >> 16;
  const m = messageText(request, F.TARGET, start, length, F.TARGET_BYTES_MAX - kept);
  const base = changetype<usize>(m);
  // Both pieces lie side by side, the earlier one first.
  store<u16>(base + F.TARGET, before & 0xffff);
  store<u16>(base + F.TARGET + 2, kept + m.textLength(F.TARGET));
  return m;
}
