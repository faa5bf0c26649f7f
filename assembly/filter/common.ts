/** The fields that round trips of all protocols have: one table, which a filter's names are looked up in first. */
import { FieldKind } from "../protocols/field";
import { MARK_NAMES, STATUS_NAMES } from "../roundtrip/marks";
import { Known, Place } from "./program";

/** How a common field is stored, beside the kinds of FieldKind. */
export class CommonKind {
  /** 16 bytes of an address, whose family the event says. */
  static readonly ADDRESS: u32 = 64;
  /** u8 whose value is a place in a list of words. */
  static readonly WORD: u32 = 65;
  /** u8: the number of a protocol. */
  static readonly PROTOCOL: u32 = 66;
  /** u32 of bits with names. */
  static readonly MARKS: u32 = 67;
  /** Nothing but whether it is there. */
  static readonly SIDE: u32 = 68;
}

const DIRECTION_NAMES: string = "in,out,unknown";
const COMMON_FIELDS_MAX: u32 = 64;

@unmanaged
export class CommonField {
  name: u32;
  /** Static string: names of the values or bits; 0 for none. */
  names: u32;
  offset: u16;
  kind: u8;
  known: u8;
  place: u8;
  spare: u8;
  spare2: u16;
}

const TABLE: usize = memory.data(16 * 64, 4);

export class CommonFields {
  static count: u32 = 0;

  @inline static at(index: u32): CommonField {
    return changetype<CommonField>(TABLE + index * offsetof<CommonField>());
  }
}

function declare(name: string, kind: u32, place: u32, offset: u32, known: u32, names: string): void {
  assert(CommonFields.count < COMMON_FIELDS_MAX);
  const field = CommonFields.at(CommonFields.count++);
  field.name = <u32>changetype<usize>(name);
  field.names = <u32>changetype<usize>(names);
  field.offset = <u16>offset;
  field.kind = <u8>kind;
  field.known = <u8>known;
  field.place = <u8>place;
}

/** Declares them; `roundtrip/report.ts` draws where they lie in an event, `roundtrip/message.ts` where in a message. */
export function declareCommonFields(): void {
  CommonFields.count = 0;
  const event = Place.EVENT;
  const always = Known.ALWAYS;
  declare("protocol", CommonKind.PROTOCOL, event, 4, always, "");
  declare("status", CommonKind.WORD, event, 5, always, STATUS_NAMES);
  declare("direction", CommonKind.WORD, event, 6, always, DIRECTION_NAMES);
  declare("interface", FieldKind.U32, event, 12, always, "");
  declare("marks", CommonKind.MARKS, event, 112, always, MARK_NAMES);
  declare("client.address", CommonKind.ADDRESS, event, 16, always, "");
  declare("client.port", FieldKind.U16, event, 8, always, "");
  declare("server.address", CommonKind.ADDRESS, event, 32, always, "");
  declare("server.port", FieldKind.U16, event, 10, always, "");
  declare("durationNs", FieldKind.U64, event, 56, Known.TIMED, "");
  declare("timing.requestNs", FieldKind.U64, event, 64, Known.TIMED, "");
  declare("timing.serverNs", FieldKind.U64, event, 72, Known.TIMED, "");
  declare("timing.responseNs", FieldKind.U64, event, 80, Known.TIMED, "");
  declare("timing.handshakeRttNs", FieldKind.U64, event, 88, Known.TIMED, "");
  declare("stages.count", FieldKind.U8, event, 118, always, "");
  declare("tcp", CommonKind.SIDE, event, 0, Known.OVER_TCP, "");
  declare("tcp.retransmissions", FieldKind.U32, event, 96, Known.OVER_TCP, "");
  declare("tcp.outOfOrder", FieldKind.U32, event, 100, Known.OVER_TCP, "");
  declare("tcp.gapBytes", FieldKind.U64, event, 104, Known.OVER_TCP, "");
  declare("request", CommonKind.SIDE, Place.REQUEST, 0, always, "");
  declare("request.bytes", FieldKind.U64, Place.REQUEST, 16, always, "");
  declare("response", CommonKind.SIDE, Place.RESPONSE, 0, always, "");
  declare("response.bytes", FieldKind.U64, Place.RESPONSE, 16, always, "");
  declareOwners();
}

/** What is said of owners; `roundtrip/event-owners.ts` draws where it lies, and numbers what is known. */
function declareOwners(): void {
  const pid = FieldKind.U32;
  const text = FieldKind.TEXT;
  const owners = Place.OWNERS;
  declare("client.pid", pid, owners, 0, 0, "");
  declare("client.process", text, owners, 32, 1, "");
  declare("client.user", text, owners, 36, 2, "");
  declare("client.container", text, owners, 40, 3, "");
  declare("client.pod", text, owners, 44, 4, "");
  declare("server.pid", pid, owners, 4, 8, "");
  declare("server.process", text, owners, 48, 9, "");
  declare("server.user", text, owners, 52, 10, "");
  declare("server.container", text, owners, 56, 11, "");
  declare("server.pod", text, owners, 60, 12, "");
  const either = Place.EITHER_OWNER;
  declare("pid", pid, either, 0, 0, "");
  declare("process", text, either, 32, 1, "");
  declare("container", text, either, 40, 3, "");
  declare("pod", text, either, 44, 4, "");
}
