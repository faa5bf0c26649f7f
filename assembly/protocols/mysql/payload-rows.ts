/**
 * The first rows of results, kept for who asks for contents, in a form of our own (shim/output/bodies/mysql.ts reads it), since
 * definitions of columns take much room on the wire:
 *
 * ```
 *   result      1 | columns u16
 *   column      2 | type u8 | 1 unsigned, 2 named as in its table, 4 without its name | bytes of the name u8 | name
 *   text row    3 | bytes u24 | the packet's payload
 *   binary row  4 | bytes u24 | the packet's payload
 * ```
 * Half of the room is for names at the most, a quarter more for types of columns that have none. Columns behind these are not kept.
 */
import { sameBytes } from "../../bytes/run";
import { Message } from "../../roundtrip/message";
import { Settings } from "../../settings";
import { closePayload, keepPayload, openPayload, wantedPayload } from "../shared/payload";
import { Command } from "./commands";
import * as F from "./fields";
import { Encoded, Expect, MysqlState, Packet } from "./state";

const RESULT: u32 = 1;
const COLUMN: u32 = 2;
const TEXT_ROW: u32 = 3;
const BINARY_ROW: u32 = 4;
const HEAD: usize = memory.data(4, 4);
const HEAD_BYTES: u32 = 4;
/** Flags of a column. */
const UNSIGNED: u32 = 1;
const IS_ORIGINAL: u32 = 2;
const UNNAMED: u32 = 4;
/** A type that is not known. */
const NO_TYPE: u32 = 255;
const NAME_BYTES_MAX: u32 = 255;
/** What ends a definition: 12 | charset u16, width u32, type u8, flags u16, decimals u8, 2 bytes. */
const FIXED_BYTES: u32 = 13;
const FIXED_LENGTH: u32 = 12;
const TYPE: u32 = 7;
const FLAGS: u32 = 8;
const UNSIGNED_FLAG: u32 = 32;
/** Texts in a definition before its table's own name, behind which are its name, and that in the table: catalog, schema, alias. */
const BEFORE_TABLE: u32 = 3;

/** Whether a command's response is rows that may be kept. */
function bringsRows(command: u32): bool {
  if (command == Command.QUERY || command == Command.STMT_EXECUTE) return true;
  return command == Command.STMT_FETCH || command == Command.STMT_BULK_EXECUTE;
}

/** A result of `columns` columns begins; answers where the response now is. */
export function openRows(state: MysqlState, response: Message, columns: u32): Message {
  if (Settings.bodyBytes == 0 || !bringsRows(<u32>state.command)) return response;
  let message = response;
  if (load<u16>(changetype<usize>(response), F.RESPONSE_PAYLOAD) == 0) {
    message = openPayload(response, F.RESPONSE_PAYLOAD, F.SQL_STATE_BYTES + F.ERROR_MESSAGE_BYTES_MAX);
    state.response = <u32>changetype<usize>(message);
  }
  const left = wantedPayload(message, F.RESPONSE_PAYLOAD);
  const names = message.textLength(F.RESPONSE_PAYLOAD) + (left >> 1);
  store<u16>(changetype<usize>(message), names, F.NAMES_END);
  store<u16>(changetype<usize>(message), names + (left >> 2), F.TYPES_END);
  store<u8>(HEAD, RESULT);
  store<u16>(HEAD + 1, min<u32>(columns, 65535));
  keepPayload(message, F.RESPONSE_PAYLOAD, HEAD, 3);
  return message;
}

/** Keeps what a row needs of the definition in hand. */
export function keepDefinition(response: Message): void {
  if (wantedPayload(response, F.RESPONSE_PAYLOAD) == 0) return;
  const at = changetype<usize>(response);
  const kept = response.textLength(F.RESPONSE_PAYLOAD) + HEAD_BYTES;
  if (kept > <u32>load<u16>(at, F.TYPES_END)) return;
  let type = NO_TYPE;
  let flags = UNNAMED;
  let nameLength: u32 = 0;
  let name: u32 = 0;
  const fixed: u32 = Packet.length < FIXED_BYTES ? 0 : Packet.length - FIXED_BYTES;
  if (Packet.held == Packet.length && fixed != 0 && Packet.byte(fixed) == FIXED_LENGTH) {
    type = Packet.byte(fixed + TYPE);
    if (Packet.u16(fixed + FLAGS) & UNSIGNED_FLAG) flags |= UNSIGNED;
    for (let i: u32 = 0; i < BEFORE_TABLE; i++) name = textEnd(name, fixed);
    Encoded.read(name);
    // What comes of no table has the name of an expression.
    const hasTable = Encoded.value != 0;
    name = textEnd(name, fixed);
    const original = textEnd(name, fixed);
    name = Encoded.read(name);
    nameLength = original - min(name, original);
    const isRoom = nameLength <= NAME_BYTES_MAX && kept + nameLength <= <u32>load<u16>(at, F.NAMES_END);
    if (!isRoom || original > fixed) nameLength = 0;
    else flags = (flags & UNSIGNED) | (hasTable && isOriginal(name, nameLength, original, fixed) ? IS_ORIGINAL : 0);
  }
  store<u8>(HEAD, COLUMN);
  store<u8>(HEAD, type, 1);
  store<u8>(HEAD, flags, 2);
  store<u8>(HEAD, nameLength, 3);
  keepPayload(response, F.RESPONSE_PAYLOAD, HEAD, HEAD_BYTES);
  keepPayload(response, F.RESPONSE_PAYLOAD, Packet.payload + name, nameLength);
}

/** The offset behind the text at `offset`, or `end` where it is none that ends before. */
function textEnd(offset: u32, end: u32): u32 {
  const from = Encoded.read(offset);
  return from <= end && Encoded.value <= <u64>(end - from) ? from + <u32>Encoded.value : end;
}

/** Whether the name is the one in the column's table, which stands at `original`: not an expression's text, and no literal of it. */
function isOriginal(name: u32, length: u32, original: u32, end: u32): bool {
  const from = Encoded.read(original);
  if (Encoded.value != <u64>length || from + length > end) return false;
  return sameBytes(Packet.payload + name, Packet.payload + from, length);
}

/** Payload bytes of the row in hand that are to be kept, and so must lie together. */
export function wantedOfRow(state: MysqlState): u32 {
  if (state.response == 0 || (state.expect != Expect.ROWS && state.expect != Expect.SEPARATOR)) return 0;
  const wanted = wantedPayload(changetype<Message>(state.response), F.RESPONSE_PAYLOAD);
  return wanted > HEAD_BYTES ? wanted - HEAD_BYTES : 0;
}

/** Keeps the row in hand. */
export function keepRow(state: MysqlState, response: Message): void {
  if (wantedPayload(response, F.RESPONSE_PAYLOAD) == 0) return;
  store<u32>(HEAD, (state.command == Command.QUERY ? TEXT_ROW : BINARY_ROW) | (Packet.length << 8));
  keepPayload(response, F.RESPONSE_PAYLOAD, HEAD, HEAD_BYTES);
  keepPayload(response, F.RESPONSE_PAYLOAD, Packet.payload, Packet.held);
  if (Packet.held < Packet.length) closePayload(response, F.RESPONSE_PAYLOAD);
}
