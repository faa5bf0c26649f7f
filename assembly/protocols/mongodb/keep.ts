/** What a walk keeps: fields of its message. */
import { Mark } from "../../roundtrip/marks";
import { Message, messageText } from "../../roundtrip/message";
import { hideValues } from "../shared/error-text";
import * as F from "./fields";
import { hideSecret } from "./payload";
import { Part, Walk, WalkFlag } from "./walk-state";

/** Commands whose first value is a collection. */
const OF_COLLECTIONS: string =
  ",find,insert,update,delete,aggregate,count,distinct,findAndModify,findandmodify,mapReduce,mapreduce,create,drop," +
  "createIndexes,dropIndexes,deleteIndexes,listIndexes,collMod,collStats,collstats,validate,compact,reIndex,killCursors," +
  "planCacheListFilters,planCacheSetFilter,planCacheClearFilters,planCacheClear,cloneCollectionAsCapped,convertToCapped," +
  "parallelCollectionScan,geoNear,geoSearch,group,createSearchIndexes,dropSearchIndex,updateSearchIndex,";

const TEXT: usize = memory.data(32);

/** Whether `length` bytes at `start` are `word`. */
export function isWord(start: usize, length: u32, word: string): bool {
  if (length != <u32>word.length) return false;
  const from = changetype<usize>(word);
  for (let i: u32 = 0; i < length; i++) if (load<u8>(start + i) != <u8>load<u16>(from + (i << 1))) return false;
  return true;
}

/** Whether the command of this name has a collection as its first value. */
export function isCollectionCommand(start: usize, length: u32): bool {
  const from = changetype<usize>(OF_COLLECTIONS);
  const end = <u32>OF_COLLECTIONS.length;
  let at: u32 = 1;
  while (at < end) {
    let i: u32 = 0;
    while (i < length && load<u16>(from + ((at + i) << 1)) == <u16>load<u8>(start + i)) i++;
    if (i == length && load<u16>(from + ((at + i) << 1)) == 44) return true;
    while (load<u16>(from + (at << 1)) != 44) at++;
    at++;
  }
  return false;
}

/** Whether the text of this name in the part at hand is kept. */
export function wants(w: Walk, name: usize, length: u32): bool {
  const message = changetype<Message>(w.message);
  const part = w.part;
  if (!w.is(WalkFlag.RESPONSE)) {
    if (part != Part.BODY) return false;
    if (isWord(name, length, "$db")) return !message.knows(F.MongoField.DATABASE);
    // The collection of getMore, which has the cursor first.
    return isWord(name, length, "collection") && !message.knows(F.MongoField.COLLECTION) && isGetMore(message);
  }
  if (part != Part.BODY && part != Part.ERROR) return false;
  if (isWord(name, length, "codeName")) return !message.knows(F.MongoField.CODE_NAME);
  const isMessage = isWord(name, length, "errmsg") || isWord(name, length, "$err") || isWord(name, length, "err");
  return isMessage && !message.knows(F.MongoField.ERROR_MESSAGE);
}

function isGetMore(message: Message): bool {
  return message.knows(F.MongoField.COMMAND) && isWord(message.textStart(F.COMMAND), message.textLength(F.COMMAND), "getMore");
}

/** Keeps `kept` bytes at `start` of a text of `length`, the first of its kind. */
export function keepText(w: Walk, offset: u32, field: u32, start: usize, kept: u32, length: u32): void {
  const before = changetype<Message>(w.message);
  if (before.knows(field)) return;
  if (kept < length) before.mark(Mark.TRUNCATED);
  const message = messageText(before, offset, start, kept, F.TEXT_BYTES_MAX);
  message.know(field);
  w.message = <u32>changetype<usize>(message);
  if (!w.is(WalkFlag.RESPONSE) && field != F.MongoField.DATABASE) hideSecret(w);
}

/** Keeps an error's message without the values that it repeats. */
export function keepError(w: Walk, start: usize, kept: u32, length: u32): void {
  if (changetype<Message>(w.message).knows(F.MongoField.ERROR_MESSAGE)) return;
  keepText(w, F.ERROR_MESSAGE, F.MongoField.ERROR_MESSAGE, start, kept, length);
  hideValues(changetype<Message>(w.message), F.ERROR_MESSAGE, kept == length && length <= F.TEXT_BYTES_MAX);
}

/** Names the command that an older operation is. */
export function setCommand(w: Walk, name: string): void {
  const length = <u32>name.length;
  for (let i: u32 = 0; i < length; i++) store<u8>(TEXT + i, load<u16>(changetype<usize>(name) + (i << 1)));
  keepText(w, F.COMMAND, F.MongoField.COMMAND, TEXT, length, length);
}

/** Keeps "database.collection" as both; whether it stands for a command. */
export function keepNamespace(w: Walk, start: usize, length: u32): bool {
  let dot: u32 = 0;
  while (dot < length && load<u8>(start + dot) != 46) dot++;
  keepText(w, F.DATABASE, F.MongoField.DATABASE, start, dot, dot);
  if (dot == length) return false;
  const rest = length - dot - 1;
  if (isWord(start + dot + 1, rest, "$cmd")) return true;
  keepText(w, F.COLLECTION, F.MongoField.COLLECTION, start + dot + 1, rest, rest);
  return false;
}

/** Counts documents. */
export function addDocuments(w: Walk, count: u32): void {
  store<u32>(w.message, load<u32>(w.message, F.DOCUMENTS) + count, F.DOCUMENTS);
  changetype<Message>(w.message).know(F.MongoField.DOCUMENTS);
}

/** Keeps whether a command went well. */
export function keepOk(w: Walk, isOk: bool): void {
  store<i32>(w.message, isOk ? 1 : 0, F.OK);
  changetype<Message>(w.message).know(F.MongoField.OK);
  w.set(WalkFlag.DECIDED);
  if (!isOk) store<u8>(w.message, 1, F.IS_FAILED);
}

/** Keeps an error's code. */
export function keepCode(w: Walk, code: i32): void {
  store<i32>(w.message, code, F.CODE);
  changetype<Message>(w.message).know(F.MongoField.CODE);
}

/** Keeps a cursor's id in decimal, since it may have more digits than a number holds elsewhere. */
export function keepCursor(w: Walk, id: u64): void {
  let at = TEXT + 24;
  let rest = id;
  do {
    at -= 1;
    store<u8>(at, 48 + <u8>(rest % 10));
    rest /= 10;
  } while (rest != 0);
  const length = <u32>(TEXT + 24 - at);
  keepText(w, F.CURSOR_ID, F.MongoField.CURSOR_ID, at, length, length);
}
