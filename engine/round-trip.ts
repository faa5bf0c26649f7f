/** Round trips from the core's events (assembly/roundtrip/report.ts draws them) to objects, by the schema alone. */
import { formatAddress } from "./address.ts";
import type { FieldSchema, ProtocolSchema, Schema } from "./schema.ts";

/** A field's value: what is not known is absent, so there is no null. */
export type FieldValue = string | number | boolean | string[] | number[] | Record<string, string | number>[];

/** One side of a round trip: `bytes` on the wire and the protocol's own fields. */
export type MessageFields = { bytes: number } & Record<string, FieldValue>;

export interface Endpoint {
  address: string;
  port: number;
  /** Whose it is, as far as the host that captured knows: its own ends alone. */
  process?: string;
  pid?: number;
  user?: string;
  container?: string;
  pod?: string;
}

/** An interface that saw the first packet of the request or of the response, and when: ns after the request was first seen anywhere. */
export interface Stage {
  interface: number;
  name?: string;
  requestNs?: number;
  responseNs?: number;
}

/** The name of an interface by its number, or by the number that a file's name has, 0 for none; undefined where it is not known. */
export type InterfaceNaming = (interfaceId: number, nameNumber: number) => string | undefined;

export interface RoundTrip {
  /** RFC 3339, UTC, nine digits: the first byte of the request, or of the response where there is none; absent where it has no time. */
  time?: string;
  protocol: string;
  status: string;
  /** First byte of the request to last byte of the response. */
  durationNs?: number;
  client: Endpoint;
  server: Endpoint;
  direction: "in" | "out" | "unknown";
  interface: number;
  request?: MessageFields;
  response?: MessageFields;
  timing: { requestNs?: number; serverNs?: number; responseNs?: number; handshakeRttNs?: number };
  /** The interfaces that the request passed, in its order, where the source showed it on several. */
  stages?: Stage[];
  /** Health of the connection since its last round trip; absent over UDP. */
  tcp?: { retransmissions: number; outOfOrder: number; gapBytes: number };
  marks: string[];
}

const HEADER_BYTES = 128;
const STAGE_COUNT_OFFSET = 118;
const STAGE_BYTES = 24;
const MESSAGE_BYTES_OFFSET = 16;
const MESSAGE_PRESENT_OFFSET = 24;
const OWNERS_LENGTH_OFFSET = 117;
const OWNER_TEXTS = ["process", "user", "container", "pod"] as const;
const UNKNOWN = 0xffff_ffff_ffff_ffffn;
const TCP = 6;
/** Directions as events number them. */
export const DIRECTIONS = ["in", "out", "unknown"] as const;
const SECOND_NS = 1_000_000_000n;
const text = new TextDecoder();

type FieldReader = (view: DataView, message: number, fields: MessageFields, asked: MessageFields | undefined) => FieldValue;

/** Whose a body is: its protocol's name and side, and the fields of what it answers where that is known. */
export interface BodyOwner {
  protocol: string;
  side: "request" | "response";
  asked: MessageFields | undefined;
}

/** What bytes that may be no text become, beside the fields of their message. */
export type BodyReader = (bytes: Uint8Array, message: MessageFields, owner: BodyOwner) => string;

/** A field made ready: its bit, its name, and how to read it. */
interface ReadyField {
  name: string;
  bit: number;
  read: FieldReader;
}

interface ReadyProtocol {
  name: string;
  request: ReadyField[];
  response: ReadyField[];
}

/** Reads the events of a core with this schema. */
export class RoundTripReader {
  private readonly protocols = new Map<number, ReadyProtocol>();
  private second = -1n;
  private secondText = "";

  constructor(
    private readonly schema: Schema,
    private readonly nameOf: InterfaceNaming = () => undefined,
    bodyOf: BodyReader = (bytes) => text.decode(bytes),
  ) {
    for (const protocol of schema.protocols) this.protocols.set(protocol.number, ready(protocol, bodyOf));
  }

  /** Reads all events of a drained ring. */
  *read(view: DataView): Generator<RoundTrip> {
    for (let at = 0; at < view.byteLength; at += view.getUint32(at, true)) yield this.one(view, at);
  }

  private one(view: DataView, at: number): RoundTrip {
    const protocol = this.protocols.get(view.getUint8(at + 4));
    const family = view.getUint8(at + 7);
    const requestLength = view.getUint32(at + 120, true);
    const responseLength = view.getUint32(at + 124, true);
    const time = view.getBigUint64(at + 48, true);
    const durationNs = optionalNs(view, at + 56);
    const request = requestLength === 0 ? undefined : fieldsOf(view, at + HEADER_BYTES, protocol?.request ?? []);
    const response =
      responseLength === 0 ? undefined : fieldsOf(view, at + HEADER_BYTES + requestLength, protocol?.response ?? [], request);
    const trip: RoundTrip = {
      ...(time === UNKNOWN ? {} : { time: this.time(time) }),
      protocol: protocol?.name ?? "",
      status: this.schema.statuses[view.getUint8(at + 5)] ?? "",
      ...(durationNs === undefined ? {} : { durationNs }),
      client: { address: formatAddress(view, at + 16, family), port: view.getUint16(at + 8, true), ...ownerIn(view, at, 0) },
      server: { address: formatAddress(view, at + 32, family), port: view.getUint16(at + 10, true), ...ownerIn(view, at, 1) },
      direction: DIRECTIONS[view.getUint8(at + 6)] ?? "unknown",
      interface: view.getUint32(at + 12, true),
      ...(request && { request }),
      ...(response && { response }),
      timing: timingOf(view, at),
      ...this.stages(view, at),
      ...(view.getUint8(at + 116) === TCP ? { tcp: healthOf(view, at) } : {}),
      marks: bitNames(view.getUint32(at + 112, true), this.schema.marks),
    };
    return trip;
  }

  /** Stages stand at the event's end (assembly/roundtrip/stages.ts draws them). */
  private stages(view: DataView, event: number): { stages?: Stage[] } {
    const count = view.getUint8(event + STAGE_COUNT_OFFSET);
    if (count === 0) return {};
    const start = event + view.getUint32(event, true) - count * STAGE_BYTES;
    return { stages: Array.from({ length: count }, (_, index) => this.stage(view, start + index * STAGE_BYTES)) };
  }

  private stage(view: DataView, at: number): Stage {
    const interfaceId = view.getUint32(at, true);
    const name = this.nameOf(interfaceId, view.getUint16(at + 4, true));
    const requestNs = optionalNs(view, at + 8);
    const responseNs = optionalNs(view, at + 16);
    return {
      interface: interfaceId,
      ...(name === undefined ? {} : { name }),
      ...(requestNs === undefined ? {} : { requestNs }),
      ...(responseNs === undefined ? {} : { responseNs }),
    };
  }

  private time(ns: bigint): string {
    const second = ns / SECOND_NS;
    if (second !== this.second) {
      this.second = second;
      this.secondText = new Date(Number(second) * 1000).toISOString().slice(0, -5);
    }
    return `${this.secondText}.${(ns % SECOND_NS).toString().padStart(9, "0")}Z`;
  }
}

/** What an event says of an end's owner (assembly/roundtrip/event-owners.ts draws it); `side` is 0 for the client, 1 for the server. */
export function ownerIn(view: DataView, event: number, side: number): Omit<Endpoint, "address" | "port"> {
  const owner: Omit<Endpoint, "address" | "port"> = {};
  if (!hasOwners(view, event)) return owner;
  const owners = ownersStart(view, event);
  const present = view.getUint32(owners + MESSAGE_PRESENT_OFFSET, true) >> (side * 8);
  OWNER_TEXTS.forEach((name, index) => {
    const at = owners + 32 + side * 16 + index * 4;
    if (present & (2 << index)) owner[name] = textAt(view, owners + view.getUint16(at, true), view.getUint16(at + 2, true));
  });
  if (present & 1) owner.pid = view.getUint32(owners + side * 4, true);
  return owner;
}

/** Number of the process that an end is of; 0 where that is not known. */
export function pidIn(view: DataView, event: number, side: number): number {
  return hasOwners(view, event) ? view.getUint32(ownersStart(view, event) + side * 4, true) : 0;
}

function hasOwners(view: DataView, event: number): boolean {
  return view.getUint8(event + OWNERS_LENGTH_OFFSET) !== 0;
}

/** Where owners stand: behind the messages. */
function ownersStart(view: DataView, event: number): number {
  const messages = view.getUint32(event + 120, true) + view.getUint32(event + 124, true);
  return event + HEADER_BYTES + Math.ceil(messages / 8) * 8;
}

function optionalNs(view: DataView, at: number): number | undefined {
  const value = view.getBigUint64(at, true);
  return value === UNKNOWN ? undefined : Number(value);
}

function timingOf(view: DataView, at: number): RoundTrip["timing"] {
  const timing: RoundTrip["timing"] = {};
  const names = ["requestNs", "serverNs", "responseNs", "handshakeRttNs"] as const;
  names.forEach((name, index) => {
    const value = optionalNs(view, at + 64 + index * 8);
    if (value !== undefined) timing[name] = value;
  });
  return timing;
}

function healthOf(view: DataView, at: number): { retransmissions: number; outOfOrder: number; gapBytes: number } {
  return {
    retransmissions: view.getUint32(at + 96, true),
    outOfOrder: view.getUint32(at + 100, true),
    gapBytes: Number(view.getBigUint64(at + 104, true)),
  };
}

function fieldsOf(view: DataView, message: number, fields: readonly ReadyField[], asked?: MessageFields): MessageFields {
  const present = view.getUint32(message + MESSAGE_PRESENT_OFFSET, true);
  const result: MessageFields = { bytes: Number(view.getBigUint64(message + MESSAGE_BYTES_OFFSET, true)) };
  for (const field of fields) {
    if (present & field.bit) result[field.name] = field.read(view, message, result, asked);
  }
  return result;
}

function ready(protocol: ProtocolSchema, bodyOf: BodyReader): ReadyProtocol {
  const side = (name: FieldSchema["side"]) =>
    protocol.fields
      .filter((field) => field.side === name)
      .map((field) => ({ name: field.name, bit: 1 << field.index, read: readerOf(field, bodyOf, protocol.name) }));
  return { name: protocol.name, request: side("request"), response: side("response") };
}

/** How a field of each kind is read; the numbers are FieldKind of assembly/protocols/field.ts. */
function readerOf(field: FieldSchema, bodyOf: BodyReader, protocol: string): FieldReader {
  const { offset, side } = field;
  const names = field.names;
  switch (field.kind) {
    case 1:
      return (view, message) => view.getUint8(message + offset);
    case 2:
      return (view, message) => view.getUint16(message + offset, true);
    case 3:
      return (view, message) => view.getUint32(message + offset, true);
    case 4:
      return (view, message) => Number(view.getBigUint64(message + offset, true));
    case 5:
      return (view, message) =>
        textAt(view, message + view.getUint16(message + offset, true), view.getUint16(message + offset + 2, true));
    case 6: {
      const byNumber = new Map(names.split(",").map((part) => part.split("=") as [string, string]));
      return (view, message) => {
        const value = String(view.getUint16(message + offset, true));
        return byNumber.get(value) ?? value;
      };
    }
    case 7: {
      const list = names.split(",");
      return (view, message) => bitNames(view.getUint16(message + offset, true), list);
    }
    case 8: {
      const columns = names.split(",").map((part) => part.split(":") as [string, string]);
      return (view, message) => rowsAt(view, message, offset, columns);
    }
    case 10:
      return (view, message) => numbersAt(view, message, offset);
    case 12:
      return (view, message, fields, asked) =>
        bodyOf(
          bytesAt(view, message + view.getUint16(message + offset, true), view.getUint16(message + offset + 2, true)),
          fields,
          { protocol, side, asked },
        );
    case 11:
      return (view, message) => view.getInt32(message + offset, true);
    default:
      return (view, message) => view.getUint8(message + offset) !== 0;
  }
}

/** Numbers of four bytes, as many as the field's bytes hold. */
function numbersAt(view: DataView, message: number, offset: number): number[] {
  const start = message + view.getUint16(message + offset, true);
  return Array.from({ length: view.getUint16(message + offset + 2, true) >> 2 }, (_, index) =>
    view.getUint32(start + index * 4, true),
  );
}

function textAt(view: DataView, start: number, length: number): string {
  return text.decode(bytesAt(view, start, length));
}

function bytesAt(view: DataView, start: number, length: number): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset + start, length);
}

function bitNames(bits: number, names: readonly string[]): string[] {
  return names.filter((_, index) => bits & (1 << index));
}

/** Rows of `{length u16, text}` and columns of four bytes, as many as the field's bytes hold. */
function rowsAt(view: DataView, message: number, offset: number, columns: [string, string][]): Record<string, string | number>[] {
  let at = message + view.getUint16(message + offset, true);
  const end = at + view.getUint16(message + offset + 2, true);
  const rows: Record<string, string | number>[] = [];
  while (at < end) {
    const row: Record<string, string | number> = {};
    for (const [name, type] of columns) {
      if (type === "number" || type === "integer") {
        row[name] = type === "number" ? view.getUint32(at, true) : view.getInt32(at, true);
        at += 4;
      } else {
        const length = view.getUint16(at, true);
        row[name] = textAt(view, at + 2, length);
        at += 2 + length;
      }
    }
    rows.push(row);
  }
  return rows;
}
