/**
 * What statements bind and bring, kept where the host asks for contents (shim/output/bodies/postgresql.ts reads it).
 *
 * ```
 *   request    B, of Bind what stands behind its names | d, as on the wire
 *   response   T columns u16 { name NUL | type u32 | format u16 } ... | D, d, as on the wire
 * ```
 * Columns that have no room, or did not come together, are none of T's: a NUL in place of a name says so. Values are bound before a request is
 * known to execute them, and wait in a message of their own.
 */
import { elementHash } from "../../bytes/hash";
import { Mark } from "../../roundtrip/marks";
import { Message, messageCreate, messageRelease } from "../../roundtrip/message";
import { Settings } from "../../settings";
import { closePayload, keepPayload, openPayload, wantedPayload } from "../shared/payload";
import * as F from "./fields";
import { PgMetrics } from "./metrics";
import { PgState, StateFlag, Unit } from "./state";

export const BIND: u32 = 66;
export const COLUMNS: u32 = 84;
export const ROW: u32 = 68;
export const COPY_DATA: u32 = 100;
/** Bytes of a description of columns that must lie together. */
const COLUMNS_BYTES_MAX: u32 = 3000;
/** Of a column: table, its column, type, size, modifier, format. */
const COLUMN_BYTES: u32 = 18;
const COLUMN_TYPE: u32 = 6;
const COLUMN_FORMAT: u32 = 16;
/** Names of a portal and of a statement. */
const BIND_NAMES_BYTES: u32 = 140;
const NO_NAME: usize = memory.data<u8>([0]);

/** Bytes of the client's message in hand that must lie together to be kept. */
export function wantedOfRequest(request: usize): u32 {
  if (Settings.bodyBytes == 0) return 0;
  if (Unit.type == BIND) return min(Unit.length, Settings.bodyBytes + BIND_NAMES_BYTES);
  if (Unit.type != COPY_DATA || request == 0) return 0;
  return restOf(wantedPayload(changetype<Message>(request), F.REQUEST_PAYLOAD));
}

/** Bytes of the server's message in hand that must lie together to be kept. */
export function wantedOfResponse(state: PgState): u32 {
  const type = Unit.type;
  if (Settings.bodyBytes == 0 || (type != COLUMNS && type != ROW && type != COPY_DATA)) return 0;
  const isNext = state.response == 0 || state.is(StateFlag.DONE | StateFlag.HELD);
  const wanted = isNext ? Settings.bodyBytes : wantedPayload(changetype<Message>(state.response), F.RESPONSE_PAYLOAD);
  if (type == COLUMNS) return wanted == 0 ? 0 : min(Unit.length, COLUMNS_BYTES_MAX);
  return restOf(wanted);
}

/** Of so many bytes those behind type and length, as far as the message goes. */
function restOf(wanted: u32): u32 {
  return wanted <= Unit.HEADER ? 0 : min(Unit.length, wanted - Unit.HEADER);
}

/** Keeps the message in hand as it is. */
export function keepUnit(message: Message, place: u32): void {
  keepPayload(message, place, Unit.at, Unit.HEADER + Unit.held);
  if (Unit.held < Unit.length) closePayload(message, place);
}

/** Keeps names, types and formats of columns; names take half the room at the most. */
export function keepColumns(response: Message): void {
  const place = F.RESPONSE_PAYLOAD;
  if (wantedPayload(response, place) == 0) return;
  const count = Unit.u16(0);
  keepPayload(response, place, Unit.at, 1);
  keepPayload(response, place, Unit.body, 2);
  let at: u32 = 2;
  for (let i: u32 = 0; i < count; i++) {
    const rest = Unit.zero(at) + 1;
    const bytes = rest - at + 6;
    const isHere = rest + COLUMN_BYTES <= Unit.held;
    if (!isHere || (response.textLength(place) + bytes) * 2 > Settings.bodyBytes) {
      keepPayload(response, place, NO_NAME, 1);
      return;
    }
    keepPayload(response, place, Unit.body + at, rest - at);
    keepPayload(response, place, Unit.body + rest + COLUMN_TYPE, 4);
    keepPayload(response, place, Unit.body + rest + COLUMN_FORMAT, 2);
    at = rest + COLUMN_BYTES;
  }
}

/** Keeps the values of the Bind in hand until what they are bound to is executed. */
export function holdValues(state: PgState): void {
  if (Settings.bodyBytes == 0) return;
  dropValues(state);
  const from = Unit.zero(Unit.zero(0) + 1) + 1;
  if (from >= Unit.held) return;
  const block = messageCreate(F.POSTGRESQL, F.REQUEST_FIXED_END, F.REQUEST_FIXED_END + Settings.bodyBytes);
  if (block == 0) {
    PgMetrics.refused();
    return;
  }
  const held = openPayload(changetype<Message>(block), F.REQUEST_PAYLOAD, 0);
  held.key = portalOf();
  keepPayload(held, F.REQUEST_PAYLOAD, Unit.at, 1);
  keepPayload(held, F.REQUEST_PAYLOAD, Unit.body + from, Unit.held - from);
  if (Unit.held < Unit.length) closePayload(held, F.REQUEST_PAYLOAD);
  state.values = <u32>changetype<usize>(held);
}

/** Gives the values that were bound to the portal of the Execute in hand to its request. */
export function takeValues(state: PgState, request: Message): void {
  if (state.values == 0) return;
  const held = changetype<Message>(state.values);
  if (held.key == portalOf()) {
    keepPayload(request, F.REQUEST_PAYLOAD, held.textStart(F.REQUEST_PAYLOAD), held.textLength(F.REQUEST_PAYLOAD));
    if (wantedPayload(held, F.REQUEST_PAYLOAD) == 0) closePayload(request, F.REQUEST_PAYLOAD);
    if ((held.marks & Mark.TRUNCATED) != 0) request.mark(Mark.TRUNCATED);
  }
  dropValues(state);
}

/** Lets go of values that nothing will execute any more. */
export function dropValues(state: PgState): void {
  if (state.values != 0) messageRelease(changetype<Message>(state.values));
  state.values = 0;
}

/** Number of the portal that the message in hand begins with. */
function portalOf(): u32 {
  return <u32>elementHash(Unit.body, Unit.zero(0));
}
