/** What the arguments of a command say: its name, its key, how many keys, and what changes how the connection goes on. */
import { u8At } from "../../bytes/reader";
import { Mark } from "../../roundtrip/marks";
import { Message, messageText } from "../../roundtrip/message";
import { CommandFound, CommandKind, findCommand, KeyRule } from "./commands";
import * as F from "./fields";
import { isWord, readWord, upper } from "./word";

/** Bytes of a number or of a word like STREAMS that are looked at. */
const WORD_BYTES: u32 = 10;
const NAME: usize = memory.data(64);

function kindOf(request: Message): u32 {
  return load<u8>(changetype<usize>(request), F.KIND);
}

function ruleOf(request: Message): u32 {
  return load<u8>(changetype<usize>(request), F.RULE);
}

function isContainer(kind: u32): bool {
  return kind == CommandKind.CONTAINER || kind == CommandKind.CLIENT;
}

/** Index of the argument that holds the first key, 0 where there is none or it is not known yet. */
function keyIndex(request: Message, rule: u32): u32 {
  const counted = load<u32>(changetype<usize>(request), F.KEYS) != 0;
  if (rule == KeyRule.NONE || rule == KeyRule.UNKNOWN) return 0;
  if (rule == KeyRule.SECOND || rule == KeyRule.FROM_SECOND) return 2;
  if (rule == KeyRule.COUNTED) return counted ? 2 : 0;
  if (rule == KeyRule.COUNTED_SECOND) return counted ? 3 : 0;
  if (rule == KeyRule.THIRD) return 3;
  if (rule != KeyRule.STREAMS) return 1;
  const behind = load<u16>(changetype<usize>(request), F.KEYS_BEHIND);
  return behind != 0 ? <u32>behind + 1 : 0;
}

/** Index of the argument that says how many keys there are, 0 for none. */
function countIndex(rule: u32): u32 {
  if (rule == KeyRule.COUNTED) return 1;
  return rule == KeyRule.COUNTED_SECOND || rule == KeyRule.STORED ? 2 : 0;
}

/** How many bytes of argument `index` are wanted together. */
export function wantedBytes(request: Message, index: u32): u32 {
  if (index == 0) return F.COMMAND_BYTES_MAX;
  const kind = kindOf(request);
  const rule = ruleOf(request);
  if (index == keyIndex(request, rule)) return F.KEY_TEXT_BYTES_MAX;
  if (isContainer(kind) && index == 1) return F.SUBCOMMAND_BYTES_MAX;
  if (index == countIndex(rule)) return WORD_BYTES;
  if (rule == KeyRule.STREAMS && load<u16>(changetype<usize>(request), F.KEYS_BEHIND) == 0) return WORD_BYTES;
  if (kind == CommandKind.SELECT && index == 1) return WORD_BYTES;
  return kind == CommandKind.CLIENT && index == 2 ? WORD_BYTES : 0;
}

/** Takes argument `index` of `length` bytes, of which `take` lie at `start`; answers where the request now is. */
export function takeArgument(request: Message, index: u32, start: usize, take: u32, length: u32): Message {
  if (index == 0) return takeCommand(request, start, take, length);
  const at = changetype<usize>(request);
  const kind = kindOf(request);
  const rule = ruleOf(request);
  if (index == keyIndex(request, rule)) {
    request.know(F.RedisField.KEY);
    const keyed = messageText(request, F.KEY, start, take, F.KEY_TEXT_BYTES_MAX);
    if (take < length) keyed.mark(Mark.TRUNCATED);
    return keyed;
  }
  if (isContainer(kind) && index == 1) {
    const isName = readWord(start, take);
    if (kind == CommandKind.CLIENT && isName && isWord("REPLY")) store<u8>(at, 1, F.AFTER_GAP + 3);
    return isName && take == length ? takeSubcommand(request, start, take) : request;
  }
  if (index == countIndex(rule)) {
    store<u32>(at, numberAt(start, take), F.KEYS);
  } else if (rule == KeyRule.STREAMS && index < 0xffff) {
    if (readWord(start, take) && take == length) {
      if (isWord("STREAMS")) store<u16>(at, index, F.KEYS_BEHIND);
      if (isWord("BLOCK")) store<u8>(at, CommandKind.BLOCKS, F.KIND);
    }
  } else if (kind == CommandKind.SELECT && index == 1) {
    store<u32>(at, numberAt(start, take), F.REPLIES);
  } else if (kind == CommandKind.CLIENT && index == 2 && load<u8>(at, F.AFTER_GAP + 3) == 1) {
    if (readWord(start, take)) store<u8>(at, isWord("OFF") ? Reply.OFF : isWord("SKIP") ? Reply.SKIP : Reply.ON, F.AFTER_GAP + 3);
  }
  return request;
}

/** What CLIENT REPLY asked for. */
export class Reply {
  static readonly ON: u32 = 2;
  static readonly OFF: u32 = 3;
  static readonly SKIP: u32 = 4;

  static of(request: Message): u32 {
    return load<u8>(changetype<usize>(request), F.AFTER_GAP + 3);
  }
}

function takeCommand(request: Message, start: usize, take: u32, length: u32): Message {
  const at = changetype<usize>(request);
  for (let i: u32 = 0; i < take; i++) store<u8>(NAME + i, upper(u8At(start + i)));
  findCommand(NAME, take);
  store<u8>(at, CommandFound.rule, F.RULE);
  store<u8>(at, CommandFound.kind, F.KIND);
  store<u8>(at, CommandFound.isSecret ? 1 : 0, F.IS_SECRET);
  request.know(F.RedisField.COMMAND);
  const named = messageText(request, F.COMMAND, NAME, take, F.COMMAND_BYTES_MAX);
  if (take < length) named.mark(Mark.TRUNCATED);
  return named;
}

/** Puts the subcommand behind the command, a blank between them; the command is the message's last text. */
function takeSubcommand(request: Message, start: usize, take: u32): Message {
  const before = request.textLength(F.COMMAND);
  memory.copy(NAME, request.textStart(F.COMMAND), before);
  if (before + 1 + take > 64) return request;
  store<u8>(NAME + before, 32);
  for (let i: u32 = 0; i < take; i++) store<u8>(NAME + before + 1 + i, upper(u8At(start + i)));
  request.length -= <u16>before;
  return messageText(request, F.COMMAND, NAME, before + 1 + take, 64);
}

/** The decimal number in so many bytes, 0 where it is none. */
function numberAt(start: usize, length: u32): u32 {
  let value: u32 = 0;
  if (length > 9) return 0;
  for (let i: u32 = 0; i < length; i++) {
    const digit = u8At(start + i) - 48;
    if (digit > 9) return 0;
    value = value * 10 + digit;
  }
  return value;
}

/** Counts the keys of a request that has all its `count` arguments behind the command. */
export function countKeys(request: Message, count: u32): void {
  const at = changetype<usize>(request);
  const rule = ruleOf(request);
  const said = load<u32>(at, F.KEYS);
  let keys: u32 = 0;
  if (rule == KeyRule.UNKNOWN || rule == KeyRule.MODULE) return;
  if (rule == KeyRule.FIRST) keys = count >= 1 ? 1 : 0;
  else if (rule == KeyRule.ALL) keys = count;
  else if (rule == KeyRule.PAIRS) keys = count >> 1;
  else if (rule == KeyRule.BUT_LAST) keys = count != 0 ? count - 1 : 0;
  else if (rule == KeyRule.TWO) keys = min<u32>(count, 2);
  else if (rule == KeyRule.SECOND) keys = count >= 2 ? 1 : 0;
  else if (rule == KeyRule.FROM_SECOND) keys = count >= 2 ? count - 1 : 0;
  else if (rule == KeyRule.COUNTED || rule == KeyRule.COUNTED_SECOND) keys = min<u32>(said, count);
  else if (rule == KeyRule.STORED) keys = min<u32>(said + 1, count);
  else if (rule == KeyRule.THIRD) keys = count >= 3 ? 1 : 0;
  else if (rule == KeyRule.STREAMS) keys = streamKeys(at, count);
  store<u32>(at, keys, F.KEYS);
  request.know(F.RedisField.KEYS);
}

function streamKeys(at: usize, count: u32): u32 {
  const behind = <u32>load<u16>(at, F.KEYS_BEHIND);
  return behind != 0 && count > behind ? (count - behind) >> 1 : 0;
}
