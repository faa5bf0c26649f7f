/**
 * What Kafka carries: the records of what the core kept (assembly/protocols/kafka/payload.ts), a line each.
 *
 * ```
 *   head: row u16 | partition i32     then a batch, or a message of the older forms
 *   {"topic":"orders","partition":0,"offset":17,"key":"a","value":{"count":2},"headers":{"trace":"b"}}
 * ```
 * A request does not say at which offsets its records will be.
 */
import type { BodyOwner, MessageFields } from "../../../engine/round-trip";
import { structured } from "./json-text";
import { type KafkaRecord, recordsOf } from "./kafka-records";
import { Cut, Members, Shown, textOf, type Value } from "./value";

const HEAD_BYTES = 6;
/** Where a batch says how many bytes follow its first twelve. */
const LENGTH = 8;
const LENGTH_END = 12;
/** Lines beyond which nobody is to look. */
const RECORDS_MAX = 256;

type Row = Record<string, string | number>;

/** The records that a request brings, or a response. */
export function kafkaValues(bytes: Uint8Array, fields: MessageFields, { side }: BodyOwner): Value[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const rows = (fields[side === "request" ? "topics" : "partitions"] ?? []) as Row[];
  const values: Value[] = [];
  for (let at = 0; at < bytes.length && values.length < RECORDS_MAX; ) {
    const start = at + HEAD_BYTES;
    if (start + LENGTH_END > bytes.length) return [...values, new Cut()];
    const place: Pair[] = [["partition", shown(view.getInt32(at + 2, true))]];
    const topic = rows[view.getUint16(at, true)]?.topic;
    if (topic !== undefined) place.unshift(["topic", shown(JSON.stringify(topic))]);
    at = start + LENGTH_END + view.getUint32(start + LENGTH);
    for (const record of recordsOf(bytes.subarray(start, at), at > bytes.length)) {
      if (values.length === RECORDS_MAX) break;
      values.push(record instanceof Cut ? record : lineOf(place, record, side === "response"));
    }
  }
  return values;
}

type Pair = readonly [name: string, value: Value];

function lineOf(place: readonly Pair[], record: KafkaRecord, hasOffset: boolean): Value {
  const { offset, control, packed, key, value, headers } = record;
  const pairs: Pair[] = [...place];
  if (hasOffset && offset !== undefined) pairs.push(["offset", shown(offset)]);
  if (packed) pairs.push(["records", shown(JSON.stringify(`(${packed.bytes} bytes, ${packed.coding})`))]);
  if (control !== undefined) pairs.push(["control", shown(JSON.stringify(control))]);
  if (key !== undefined) pairs.push(["key", structured(key)]);
  if (value !== undefined) pairs.push(["value", structured(value)]);
  if (headers && headers.length > 0) pairs.push(["headers", new Members(headers.map(headerOf))]);
  return new Members(pairs);
}

function headerOf({ name, value }: { name: Uint8Array; value: Value }): Pair {
  return [textOf(name) ?? `base64:${Buffer.from(name).toString("base64")}`, value];
}

function shown(value: number | bigint | string): Shown {
  return new Shown(String(value));
}
