/**
 * The walk through a message: the form of its operation, then documents, element by element as bytes come.
 *
 * Every document says how long it is, so only those are entered in which something is looked for: a body, the cursor in it, the
 * arrays that are counted, and what went wrong. The depth is bounded by that, whatever is sent.
 *
 * ```
 * OP_MSG      flags u32 | sections: 0, document | 1, size i32, name, documents | [checksum u32]
 * OP_QUERY    flags u32 | collection | skip i32 | return i32 | document | [document]
 * OP_REPLY    flags u32 | cursor id i64 | from i32 | returned i32 | documents
 * OP_COMMAND  database | command | document | document            OP_COMMANDREPLY  document | document
 * older       flags u32 | collection | ...
 * ```
 */
import { u8At, u32le, u64le } from "../../bytes/reader";
import { Parse } from "../protocol";
import { Turn } from "../shared/turn";
import { stepElement } from "./element";
import * as F from "./fields";
import { CHECKSUM_PRESENT, CURSOR_NOT_FOUND, MORE_TO_COME, Opcode, QUERY_FAILURE } from "./header";
import { addDocuments, keepCursor, keepNamespace, keepText, setCommand } from "./keep";
import { dropContents, keepContents, wantsContents } from "./payload";
import { DOCUMENT_BYTES_MIN, enterDocument, findName, have, Name, take } from "./step";
import { Part, Walk, Walked, WalkFlag } from "./walk-state";

const REPLY_BYTES: u32 = 20;
const CHECKSUM_BYTES: u32 = 4;

/** Walks as far as the bytes in hand go. */
export function walk(w: Walk): u32 {
  while (true) {
    if (w.skip != 0 && !passSkip(w)) return Walked.MORE;
    const answer = w.depth != 0 ? stepPart(w) : stepForm(w);
    if (answer != Walked.GO) return answer;
  }
}

/** Steps over what is to be skipped; false when it goes beyond the bytes in hand. */
function passSkip(w: Walk): bool {
  const here = Turn.left;
  const skip = w.skip;
  if (wantsContents(w)) {
    keepContents(w, min<u32>(skip, here));
    if (skip > here && wantsContents(w)) {
      // What is wanted has to come here, so it is not skipped.
      Turn.at = Turn.end;
      w.left -= here;
      w.skip = skip - here;
      return false;
    }
  }
  w.left -= skip;
  w.skip = 0;
  if (skip <= here) {
    Turn.at += skip;
    return true;
  }
  Turn.at = Turn.end;
  Parse.skip = skip - here;
  return false;
}

function stepPart(w: Walk): u32 {
  const end = w.endOf(w.depth);
  if (w.left == end) {
    w.depth -= 1;
    return Walked.GO;
  }
  if (w.part != Part.SEQUENCE) return stepElement(w, end);
  const answer = enterDocument(w, 0, end, false);
  if (answer == Walked.GO) addDocuments(w, 1);
  return answer;
}

function stepForm(w: Walk): u32 {
  switch (w.opcode) {
    case Opcode.MSG:
      return w.step == 0 ? msgFlags(w) : msgSection(w);
    case Opcode.QUERY:
      return stepQuery(w);
    case Opcode.REPLY:
      return stepReply(w);
    case Opcode.COMMAND:
      return stepCommand(w);
    case Opcode.COMMAND_REPLY:
      return stepDocument(w, true);
    default:
      return stepOlder(w);
  }
}

function msgFlags(w: Walk): u32 {
  const answer = have(w, 4, 0);
  if (answer != Walked.GO) return answer;
  const flags = u32le(Turn.at);
  if (flags & MORE_TO_COME) {
    w.set(WalkFlag.MORE_TO_COME);
    if (!w.is(WalkFlag.RESPONSE)) store<u8>(w.message, 1, F.NO_RESPONSE);
  }
  w.trailer = flags & CHECKSUM_PRESENT ? CHECKSUM_BYTES : 0;
  w.step = 1;
  take(w, 4);
  store<u8>(w.message, 1, F.IS_COMMAND);
  return Walked.GO;
}

function msgSection(w: Walk): u32 {
  const end = w.trailer;
  if (w.left <= end) return w.left == end ? Walked.DONE : Walked.FAULT;
  let answer = have(w, 1, end);
  if (answer != Walked.GO) return answer;
  const kind = u8At(Turn.at);
  answer = have(w, 5, end);
  if (answer != Walked.GO) return answer;
  if (kind == 0) {
    const bytes = u32le(Turn.at + 1);
    if (bytes < DOCUMENT_BYTES_MIN || bytes > w.left - 1 - end) return Walked.FAULT;
    take(w, 1);
    if (!w.is(WalkFlag.RESPONSE)) w.set(WalkFlag.FIRST);
    return enterDocument(w, Part.BODY, end, true);
  }
  if (kind != 1) return Walked.FAULT;
  const bytes = u32le(Turn.at + 1);
  if (bytes < 5 || bytes > w.left - 1 - end) return Walked.FAULT;
  answer = findName(w, 5, w.left - 1 - bytes);
  if (answer != Walked.GO) return answer;
  const head = 6 + Name.length;
  take(w, head);
  w.enter(Part.SEQUENCE, bytes + 1 - head);
  addDocuments(w, 0);
  return Walked.GO;
}

/** The document that an operation is about, behind its head; the rest of the message is not read. */
function stepDocument(w: Walk, isWanted: bool): u32 {
  if (w.step == 2) return Walked.DONE;
  const answer = enterDocument(w, Part.BODY, 0, isWanted);
  if (answer == Walked.GO) w.step = 2;
  return answer;
}

function stepQuery(w: Walk): u32 {
  if (w.step != 0) return stepDocument(w, load<u8>(w.message, F.IS_COMMAND) != 0);
  let answer = have(w, 4, 0);
  if (answer != Walked.GO) return answer;
  answer = findName(w, 4, 0);
  if (answer != Walked.GO) return answer;
  const head = 4 + Name.length + 1 + 8;
  answer = have(w, head + 4, 0);
  if (answer != Walked.GO) return answer;
  const isCommand = keepNamespace(w, Turn.at + 4, Name.length);
  store<u8>(w.message, isCommand ? 1 : 0, F.IS_COMMAND);
  if (!isCommand) setCommand(w, "query");
  take(w, head);
  w.step = 1;
  w.set(WalkFlag.FIRST);
  return Walked.GO;
}

function stepReply(w: Walk): u32 {
  const isCommand = w.request != 0 && load<u8>(w.request, F.IS_COMMAND) != 0;
  if (w.step != 0) return stepDocument(w, isCommand || load<u8>(w.message, F.IS_FAILED) != 0);
  const answer = have(w, REPLY_BYTES, 0);
  if (answer != Walked.GO) return answer;
  const flags = u32le(Turn.at);
  const returned = u32le(Turn.at + 16);
  const isFailed = (flags & (CURSOR_NOT_FOUND | QUERY_FAILURE)) != 0;
  if (isFailed) store<u8>(w.message, 1, F.IS_FAILED);
  if (isFailed || !isCommand) w.set(WalkFlag.DECIDED);
  keepCursor(w, u64le(Turn.at + 4));
  addDocuments(w, returned);
  take(w, REPLY_BYTES);
  w.step = returned == 0 ? 2 : 1;
  return Walked.GO;
}

function stepCommand(w: Walk): u32 {
  if (w.step != 0) return stepDocument(w, true);
  let answer = findName(w, 0, 0);
  if (answer != Walked.GO) return answer;
  const database = Name.length;
  answer = findName(w, database + 1, 0);
  if (answer != Walked.GO) return answer;
  const command = Name.length;
  keepText(w, F.DATABASE, F.MongoField.DATABASE, Turn.at, database, database);
  keepText(w, F.COMMAND, F.MongoField.COMMAND, Turn.at + database + 1, command, command);
  store<u8>(w.message, 1, F.IS_COMMAND);
  take(w, database + command + 2);
  w.step = 1;
  w.set(WalkFlag.FIRST);
  return Walked.GO;
}

/** Operations without a response, and OP_GET_MORE. */
function stepOlder(w: Walk): u32 {
  if (w.step != 0) return Walked.DONE;
  const opcode = w.opcode;
  if (opcode != Opcode.GET_MORE) store<u8>(w.message, 1, F.NO_RESPONSE);
  // They hold no documents.
  if (opcode == Opcode.GET_MORE || opcode == Opcode.KILL_CURSORS) dropContents(w);
  setCommand(
    w,
    opcode == Opcode.GET_MORE
      ? "getMore"
      : opcode == Opcode.INSERT
        ? "insert"
        : opcode == Opcode.UPDATE
          ? "update"
          : opcode == Opcode.DELETE
            ? "delete"
            : "killCursors",
  );
  let answer = have(w, 4, 0);
  if (answer != Walked.GO) return answer;
  if (opcode != Opcode.KILL_CURSORS) {
    answer = findName(w, 4, 0);
    if (answer != Walked.GO) return answer;
    keepNamespace(w, Turn.at + 4, Name.length);
    take(w, 5 + Name.length);
  }
  w.step = 1;
  if (opcode == Opcode.INSERT) w.enter(Part.SEQUENCE, w.left);
  return Walked.GO;
}

/** Goes on at the end of the first part that is known to end at `left` or behind it; false where there is none. */
export function resume(w: Walk, left: u32): bool {
  w.set(WalkFlag.UNCOUNTED);
  while (w.depth > 1 || (w.depth == 1 && w.part == Part.SEQUENCE)) {
    const end = w.endOf(w.depth);
    w.depth -= 1;
    if (end > left) continue;
    w.left = left;
    w.skip = left - end;
    return true;
  }
  return false;
}
