/**
 * Records in batches (kafka.apache.org/documentation, "Message format"), as far as their bytes go.
 *
 * ```
 * batch (magic 2):    0 base offset i64 | 8 length i32 | 12 epoch i32 | 16 magic i8 | 17 crc u32 | 21 attributes i16 | ... 57 records i32
 *   record:           length | attributes i8 | time delta | offset delta | key | value | headers: count, then name and value of each
 * message (0 and 1):  0 offset i64 | 8 size i32 | 12 crc i32 | 16 magic i8 | 17 attributes i8 | [time i64, of 1] | key | value
 * ```
 * A batch's records are compressed together; a compressed message's value is a set of others.
 */
import { decoded } from "../decompress";
import { unlz4 } from "../lz4";
import { unsnap } from "../snappy";
import { ByteCursor } from "./byte-cursor";
import { Cut, type Value } from "./value";

const BATCH_HEAD_BYTES = 61;
const MESSAGE_HEAD_BYTES = 18;
const CODINGS = ["", "gzip", "snappy", "lz4", "zstd"];
const COMPRESSION = 7;
const CONTROL = 32;
/** What a control record says by its key's second number. */
const CONTROLS = ["ABORT", "COMMIT"];
const HEADERS_MAX = 256;
/** Records of a batch beyond which nobody is to look, and bytes that they were before they were compressed. */
const RECORDS_MAX = 256;
const PLAIN_BYTES_MAX = 1 << 16;

/** A record; what is absent was not kept, or has no place in its form. */
export interface KafkaRecord {
  offset?: bigint;
  /** What it tells consumers of a transaction. */
  control?: string;
  /** Records that could not be unpacked. */
  packed?: { bytes: number; coding: string };
  key?: Value;
  value?: Value;
  headers?: { name: Uint8Array; value: Value }[];
}

/** The records in the first bytes of a batch or message, all of it unless `isCut`; what is cut at its very beginning is a `Cut`. */
export function recordsOf(bytes: Uint8Array, isCut: boolean): (KafkaRecord | Cut)[] {
  if (bytes.length < MESSAGE_HEAD_BYTES) return [new Cut()];
  return bytes[16] === 2 ? batchRecords(bytes, isCut) : messageRecords(new ByteCursor(bytes), true);
}

function batchRecords(bytes: Uint8Array, isCut: boolean): (KafkaRecord | Cut)[] {
  if (bytes.length < BATCH_HEAD_BYTES) return [new Cut()];
  const head = new ByteCursor(bytes);
  const base = head.i64();
  head.skip(13);
  const attributes = head.i16();
  head.skip(34);
  const count = head.i32();
  const content = bytes.subarray(BATCH_HEAD_BYTES);
  const plain = unpacked(content, attributes & COMPRESSION);
  if (plain === undefined || (plain.length === 0 && content.length > 0)) {
    return [{ offset: base, packed: { bytes: content.length, coding: codingOf(attributes) } }];
  }
  const cursor = new ByteCursor(plain);
  const records: (KafkaRecord | Cut)[] = [];
  while (records.length < Math.min(count, RECORDS_MAX)) {
    if (cursor.left === 0) return isCut || plain.length === PLAIN_BYTES_MAX ? [...records, new Cut()] : records;
    const record = oneRecord(cursor, base, (attributes & CONTROL) !== 0);
    records.push(record);
    if (cursor.isCut) break;
  }
  return records;
}

function oneRecord(cursor: ByteCursor, base: bigint, isControl: boolean): KafkaRecord | Cut {
  cursor.varint();
  cursor.skip(1);
  cursor.varint();
  const delta = cursor.varint();
  if (cursor.isCut) return new Cut();
  const record: KafkaRecord = { offset: base + BigInt(delta) };
  const key = cursor.bytes(cursor.varint());
  if (isControl && key instanceof Uint8Array && key.length >= 4) {
    const type = key[2]! * 256 + key[3]!;
    record.control = CONTROLS[type] ?? String(type);
  } else record.key = key;
  if (cursor.isCut) return record;
  const value = cursor.bytes(cursor.varint());
  if (record.control === undefined) record.value = value;
  if (cursor.isCut) return record;
  const headers = cursor.varint();
  record.headers = [];
  while (record.headers.length < Math.min(headers, HEADERS_MAX)) {
    const name = cursor.bytes(cursor.varint());
    if (cursor.isCut || !(name instanceof Uint8Array)) break;
    record.headers.push({ name, value: cursor.bytes(cursor.varint()) });
    if (cursor.isCut) break;
  }
  return record;
}

/** The messages of a set; those that were in a message are not looked into again. */
function messageRecords(cursor: ByteCursor, mayBeCompressed: boolean): (KafkaRecord | Cut)[] {
  const records: (KafkaRecord | Cut)[] = [];
  while (cursor.left > 0 && records.length < RECORDS_MAX && !cursor.isCut) {
    const offset = cursor.i64();
    cursor.skip(8);
    const magic = cursor.i8();
    const coding = cursor.i8() & COMPRESSION;
    if (magic === 1) cursor.skip(8);
    if (cursor.isCut) return [...records, new Cut()];
    const key = cursor.bytes(cursor.i32());
    if (cursor.isCut) return [...records, { offset, key }];
    const value = cursor.bytes(cursor.i32());
    if (coding === 0) records.push({ offset, key, value });
    else if (mayBeCompressed) records.push(...innerRecords(value, coding, magic, offset));
    else return [...records, new Cut()];
  }
  return records;
}

function innerRecords(value: Value, coding: number, magic: number, offset: bigint): (KafkaRecord | Cut)[] {
  const isWhole = value instanceof Uint8Array;
  const content = isWhole ? value : value instanceof Cut && typeof value.start !== "string" ? value.start : undefined;
  if (content === undefined) return [];
  const plain = unpacked(content, coding);
  if (plain === undefined || plain.length === 0) return [{ packed: { bytes: content.length, coding: codingOf(coding) } }];
  const cursor = new ByteCursor(plain);
  const records = messageRecords(cursor, false);
  if (!isWhole && !(records.at(-1) instanceof Cut)) records.push(new Cut());
  if (magic === 0) return records;
  // Inside they count from 0, and the last has the outer offset (KIP-31): where it was not kept, none is known.
  const last = records.at(-1);
  const isEnd = isWhole && !cursor.isCut && cursor.left === 0 && plain.length < PLAIN_BYTES_MAX;
  const base = isEnd && last && !(last instanceof Cut) && last.offset !== undefined ? offset - last.offset : undefined;
  return records.map((record) => {
    if (record instanceof Cut) return record;
    const { offset: inner, ...rest } = record;
    return base === undefined || inner === undefined ? rest : { offset: base + inner, ...rest };
  });
}

function codingOf(attributes: number): string {
  return CODINGS[attributes & COMPRESSION] ?? "compressed";
}

/** Bytes without their compression, as many as are looked at; undefined where that cannot be. */
function unpacked(bytes: Uint8Array, coding: number): Uint8Array | undefined {
  try {
    const name = CODINGS[coding];
    if (name === undefined) return undefined;
    const plain = name === "snappy" ? unsnap(bytes) : name === "lz4" ? unlz4(bytes) : decoded(bytes, name);
    return plain?.subarray(0, PLAIN_BYTES_MAX);
  } catch {
    return undefined;
  }
}
