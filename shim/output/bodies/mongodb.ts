/**
 * What MongoDB carries: the documents of a message, of which the core kept what is behind its header, a line each.
 *
 * ```
 *   {"insert":"users","ordered":true,"$db":"lab"}
 *   {"name":"?","born":{"$date":"?"}}
 * ```
 */
import type { BodyOwner, MessageFields } from "../../../engine/round-trip";
import { BsonReader, type Shows } from "./bson";
import { Cut, Shown, type Value } from "./value";

/** Lines beyond which nobody is to look. */
const DOCUMENTS_MAX = 256;
const CHECKSUM_PRESENT = 1;
const CHECKSUM_BYTES = 4;

/** The documents of a request or response, of which what its fields tell is shown. */
export function mongoValues(bytes: Uint8Array, fields: MessageFields, { side }: BodyOwner): Value[] {
  const reader = new BsonReader(bytes);
  const shows = side === "request" ? requestShows(fields) : responseShows(fields);
  // How much there was is not known of what was compressed.
  const isAll = fields.compressor !== undefined || bytes.length >= Number(fields.bodyBytes);
  if (fields.opCode === "OP_MSG") return sections(reader, shows, isAll);
  passHead(reader, String(fields.opCode));
  return documents(reader, bytes.length, isAll, shows);
}

/** What stands before the documents of an operation. */
function passHead(reader: BsonReader, opCode: string): void {
  if (opCode === "OP_COMMANDREPLY") return;
  if (opCode === "OP_REPLY") {
    reader.skip(20);
    return;
  }
  if (opCode === "OP_COMMAND") reader.skipName();
  else reader.skip(4);
  reader.skipName();
  if (opCode === "OP_QUERY") reader.skip(8);
  if (opCode === "OP_UPDATE" || opCode === "OP_DELETE") reader.skip(4);
}

/** Sections of OP_MSG: a document, or the documents of an array that the message names. */
function sections(reader: BsonReader, shows: Shows, isAll: boolean): Value[] {
  const tail = reader.i32() & CHECKSUM_PRESENT && isAll ? CHECKSUM_BYTES : 0;
  const values: Value[] = [];
  while (reader.left > tail && !reader.isCut && values.length < DOCUMENTS_MAX) {
    const kind = reader.u8();
    if (kind === 0) {
      values.push(reader.document(shows));
      continue;
    }
    const end = reader.at + reader.i32();
    reader.skipName();
    if (kind !== 1 || reader.isCut) return [...values, new Cut()];
    values.push(...documents(reader, end, reader.at + reader.left >= end));
  }
  return isAll && values.length > 0 ? values : withEnd(reader, values);
}

/** Documents behind one another up to `end`. */
function documents(reader: BsonReader, end: number, isAll: boolean, shows?: Shows): Value[] {
  const values: Value[] = [];
  while (reader.at < end && reader.left > 0 && !reader.isCut && values.length < DOCUMENTS_MAX) {
    values.push(reader.document(values.length === 0 ? shows : undefined));
  }
  return isAll ? values : withEnd(reader, values);
}

/** Says that there was more, unless the last value does. */
function withEnd(reader: BsonReader, values: Value[]): Value[] {
  return reader.isCut && values.length > 0 ? values : [...values, new Cut()];
}

/** The collection and the database of a command. */
function requestShows({ command, collection, database }: MessageFields): Shows {
  return (name, value, index) => {
    const isCollection = (index === 0 && name === command) || (name === "collection" && command === "getMore");
    if (isCollection && value === collection) return new Shown(JSON.stringify(value));
    return name === "$db" && value === database ? new Shown(JSON.stringify(value)) : undefined;
  };
}

/** How a command went. */
function responseShows({ ok, code, codeName }: MessageFields): Shows {
  return (name, value) => {
    if (name === "codeName" && value === codeName) return new Shown(JSON.stringify(value));
    return (name === "ok" && value === ok) || (name === "code" && value === code) ? new Shown(String(value)) : undefined;
  };
}
