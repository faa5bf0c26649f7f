/**
 * The values with which a prepared statement is executed, kept for who asks for contents, in a form of our own
 * (shim/output/bodies/mysql.ts reads it):
 *
 * ```
 *   number of values u16 | 0: 1 they have names, 2 a part of one value | which were sent by themselves, a bit each u32 |
 *   as on the wire: nulls, 1, types and names, values        or        the part
 * ```
 * How many there are is known of the statement, and not from the packet alone. Types that were sent before (payload-types.ts) are laid
 * between nulls and values; where none are known the values cannot be read, and nothing is kept.
 */
import { Message } from "../../roundtrip/message";
import { Settings } from "../../settings";
import { closePayload, keepPayload, openPayload } from "../shared/payload";
import { Prepared, PreparedList, preparedFind } from "../sql/prepared";
import { Command } from "./commands";
import * as F from "./fields";
import { Capability } from "./handshake";
import { forgetTypes, hasTypes, noteTypes, TYPES_BYTES_MAX, typesLength, typesStart } from "./payload-types";
import { Encoded, MysqlState, Packet, StateFlag } from "./state";

const HEAD: usize = memory.data(8, 4);
const HEAD_BYTES: u32 = 8;
/** Flags of that head. */
const NAMED: u32 = 1;
const PART: u32 = 2;
/** Where values begin in a COM_STMT_EXECUTE, and the data in a COM_STMT_SEND_LONG_DATA. */
const VALUES: u32 = 10;
const PART_DATA: u32 = 7;
/** Flag of a COM_STMT_EXECUTE that has a number of values though the statement has no parameters. */
const COUNT_SENT: u32 = 8;
const COUNT_MAX: u64 = 65535;
/** Before types: they were sent, or not. */
const TYPED: usize = memory.data<u8>([1]);
/** Nulls, what says that types were sent, and these. */
const TYPED_BYTES_MAX: u32 = (TYPES_BYTES_MAX >> 4) + 1 + TYPES_BYTES_MAX;
/** Stands for all parameters from the 32nd on, and for those of which it is not known. */
const SENT_LAST: u32 = 31;

/** Where the values of an execution lie: nulls from `from`, what says whether types were sent at `typed`. */
class Values {
  static count: u32 = 0;
  static from: u32 = 0;
  static typed: u32 = 0;
  static isNamed: bool = false;

  /** Finds them in the packet in hand, which executes `one`; false where it has none. */
  static find(state: MysqlState, one: Prepared): bool {
    Values.count = one.parameters;
    Values.from = VALUES;
    Values.isNamed = (state.capabilities & state.serverCapabilities & Capability.QUERY_ATTRIBUTES) != 0;
    if (Values.isNamed && (Values.count != 0 || Packet.byte(5) & COUNT_SENT)) {
      Values.from = Encoded.read(VALUES);
      if (Encoded.value > COUNT_MAX) return false;
      Values.count = <u32>Encoded.value;
    }
    Values.typed = Values.from + ((Values.count + 7) >> 3);
    return Values.count != 0;
  }

  static get areTyped(): bool {
    return Packet.byte(Values.typed) == 1;
  }
}

/** Payload bytes of the packet in hand that must lie together to be kept. */
export function wantedTogether(state: MysqlState): u32 {
  if (Settings.bodyBytes == 0 || Packet.id != 0 || !state.is(StateFlag.CLIENT_IN_PLACE)) return 0;
  const command = Packet.byte(0);
  if (command == Command.STMT_EXECUTE) return VALUES + 9 + max(TYPED_BYTES_MAX, Settings.bodyBytes);
  return command == Command.STMT_SEND_LONG_DATA ? PART_DATA + Settings.bodyBytes : 0;
}

/** Notes whose value is sent by itself, and types; answers which values of a statement that is executed were sent so. */
export function noteParameters(state: MysqlState, command: u32): u32 {
  if (Settings.bodyBytes == 0 || Packet.held < 5) return 0;
  if (command < Command.STMT_EXECUTE || command > Command.STMT_RESET || command == Command.STMT_CLOSE) return 0;
  const found = preparedFind(state.prepared, Packet.u32(1));
  if (found == 0) return 0;
  const one = changetype<Prepared>(found);
  const sent = one.sent;
  if (command == Command.STMT_SEND_LONG_DATA) one.sent |= 1 << min(Packet.u16(5), SENT_LAST);
  else one.sent = 0;
  if (command == Command.STMT_EXECUTE && Values.find(state, one)) {
    if (Values.areTyped) noteTypes(one, Values.count, Values.typed + 1, Values.isNamed);
    else if (Packet.held <= Values.typed) forgetTypes(one);
  }
  return sent;
}

/** Bytes are missing from what the client sent: values may have been sent by themselves, and other types. */
export function missParameters(state: MysqlState): void {
  if (Settings.bodyBytes == 0) return;
  for (let at = <usize>state.prepared.head; at != 0; at = <usize>changetype<Prepared>(at).next) {
    changetype<Prepared>(at).sent = 1 << SENT_LAST;
    forgetTypes(changetype<Prepared>(at));
  }
}

/** Keeps the values in the packet in hand, of which `sent` came before; answers where the message now is. */
export function keepParameters(state: MysqlState, request: Message, command: u32, sent: u32): Message {
  if (Settings.bodyBytes == 0) return request;
  if (command == Command.STMT_SEND_LONG_DATA) return keepPart(state.prepared, request);
  if (command != Command.STMT_EXECUTE || sent >> SENT_LAST) return request;
  const found = preparedFind(state.prepared, Packet.u32(1));
  if (found == 0) return request;
  const one = changetype<Prepared>(found);
  if (!Values.find(state, one) || Packet.held <= Values.typed) return request;
  if (!Values.areTyped && !hasTypes(one, Values.count)) return request;
  const message = open(found, request, Values.count, Values.isNamed ? NAMED : 0, sent);
  keep(message, Packet.payload + Values.from, Values.typed - Values.from);
  keep(message, TYPED, 1);
  if (!Values.areTyped) keep(message, typesStart(one), typesLength(one));
  return keepRest(message, Values.typed + 1);
}

/** Keeps a part of a value that is sent by itself. */
function keepPart(list: PreparedList, request: Message): Message {
  if (Packet.held < PART_DATA) return request;
  return keepRest(open(preparedFind(list, Packet.u32(1)), request, 0, PART, 0), PART_DATA);
}

/** Makes room behind the texts of the statement that was found, and begins with the head. */
function open(found: usize, request: Message, count: u32, flags: u32, sent: u32): Message {
  const one = changetype<Prepared>(found);
  const texts: u32 = found == 0 ? 0 : <u32>one.statementLength + <u32>one.fingerprintLength;
  const message = openPayload(request, F.REQUEST_PAYLOAD, 2 * F.NAME_BYTES_MAX + texts);
  store<u16>(HEAD, count);
  store<u16>(HEAD, flags, 2);
  store<u32>(HEAD, sent, 4);
  keep(message, HEAD, HEAD_BYTES);
  return message;
}

function keep(message: Message, start: usize, length: u32): void {
  keepPayload(message, F.REQUEST_PAYLOAD, start, length);
}

/** Keeps the packet's bytes from `from` on. */
function keepRest(message: Message, from: u32): Message {
  keep(message, Packet.payload + from, Packet.held - from);
  if (Packet.held < Packet.length) closePayload(message, F.REQUEST_PAYLOAD);
  return message;
}
