/**
 * What is kept of messages where the host asks for contents (`--body`): their first bytes behind the header as they are on the wire, or as
 * they come out of OP_COMPRESSED. The host reads them (shim/output/bodies/mongodb.ts).
 *
 * Bytes that the walk steps over are not skipped while they are wanted, but taken as they come. What proves who a client is is never kept, nor
 * what may answer it.
 */
import { Message } from "../../roundtrip/message";
import { Settings } from "../../settings";
import { closePayload, dropPayload, keepPayload, openPayload, wantedPayload } from "../shared/payload";
import { Turn } from "../shared/turn";
import * as F from "./fields";
import { Opcode } from "./header";
import { Walk, WalkFlag } from "./walk-state";

/** Commands with secrets, or with whatever an oplog has. */
const SECRET_COMMANDS: string =
  ",saslStart,saslContinue,authenticate,getnonce,logout,createUser,updateUser,usersInfo,copydb,copydbgetnonce,copydbsaslstart,setParameter,applyOps,";
/** Collections in which servers keep such. */
const SECRET_COLLECTIONS: string = ",system.users,system.new_users,system.backup_users,system.keys,oplog.rs,oplog.$main,";
/** Commands that may hold the beginning of an authentication, as may what answers them. */
const HELLOS: string = ",hello,isMaster,ismaster,";
const COMMA: u16 = 44;

/** Makes room in a message that has no texts yet: a request, or a response whose request may be seen. */
export function openContents(w: Walk): void {
  if (w.is(WalkFlag.RESPONSE) && (w.request == 0 || load<u8>(w.request, F.IS_SECRET) != 0)) return;
  w.message = <u32>changetype<usize>(openPayload(changetype<Message>(w.message), F.PAYLOAD, F.ALL_TEXT_BYTES_MAX));
}

/** Whether bytes at hand are wanted. */
export function wantsContents(w: Walk): bool {
  return wantedPayload(changetype<Message>(w.message), F.PAYLOAD) != 0;
}

/** Keeps what is wanted of the next `bytes`. */
export function keepContents(w: Walk, bytes: u32): void {
  keepPayload(changetype<Message>(w.message), F.PAYLOAD, Turn.at, bytes);
}

/** No more is kept: what follows does not follow on the bytes before. */
export function closeContents(w: Walk): void {
  closePayload(changetype<Message>(w.message), F.PAYLOAD);
}

/** Whether `bytes` that are missing were stepped over only to be kept: they are stepped over still, and nothing behind them is kept. */
export function passMissing(w: Walk, isRest: bool, bytes: u32): bool {
  const wasAwaited = wantsContents(w) && (isRest || bytes <= w.skip);
  closeContents(w);
  if (!wasAwaited || isRest) return wasAwaited;
  w.skip -= bytes;
  w.left -= bytes;
  return true;
}

/** Lets go of what was kept of a message. */
export function dropContents(w: Walk): void {
  dropPayload(changetype<Message>(w.message), F.PAYLOAD);
}

/** The same, and nobody is to see what will answer it. */
export function hideContents(w: Walk): void {
  dropContents(w);
  if (!w.is(WalkFlag.RESPONSE)) store<u8>(w.message, 1, F.IS_SECRET);
}

/** Hides a request whose command or collection, now known, says that it holds secrets. */
export function hideSecret(w: Walk): void {
  if (Settings.bodyBytes == 0) return;
  const isSecret =
    isOneOf(w, F.MongoField.COMMAND, F.COMMAND, SECRET_COMMANDS) ||
    isOneOf(w, F.MongoField.COLLECTION, F.COLLECTION, SECRET_COLLECTIONS) ||
    (w.opcode == Opcode.COMMAND && isHello(w));
  if (isSecret) hideContents(w);
}

/** Ends what is kept of a message: where a request's secrets may have been among what was not read, nobody is to see it. */
export function settleContents(w: Walk): void {
  if (Settings.bodyBytes == 0) return;
  const message = changetype<Message>(w.message);
  if (!w.is(WalkFlag.RESPONSE)) {
    const isKnown = message.knows(F.MongoField.COMMAND);
    const isOfAny =
      isHello(w) || (isOneOf(w, F.MongoField.COMMAND, F.COMMAND, ",getMore,") && !message.knows(F.MongoField.COLLECTION));
    if (!isKnown || (w.is(WalkFlag.UNCOUNTED) && isOfAny)) hideContents(w);
  }
  if (message.textLength(F.PAYLOAD) == 0) dropContents(w);
}

function isHello(w: Walk): bool {
  return isOneOf(w, F.MongoField.COMMAND, F.COMMAND, HELLOS);
}

/** Whether the text of a field is in `list`, which has a comma before and behind each. */
function isOneOf(w: Walk, field: u32, offset: u32, list: string): bool {
  const message = changetype<Message>(w.message);
  if (!message.knows(field)) return false;
  const start = message.textStart(offset);
  const length = message.textLength(offset);
  const from = changetype<usize>(list);
  const last = <u32>list.length - 1;
  for (let at: u32 = 0; at + length < last; at++) {
    if (load<u16>(from + (at << 1)) != COMMA || load<u16>(from + ((at + length + 1) << 1)) != COMMA) continue;
    let i: u32 = 0;
    while (i < length && load<u16>(from + ((at + 1 + i) << 1)) == <u16>load<u8>(start + i)) i++;
    if (i == length) return true;
  }
  return false;
}
