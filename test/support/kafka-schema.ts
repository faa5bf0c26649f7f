/** Kafka messages, encoded by their field lists: a field that is not given is 0, empty, or null where its value says so. */
import { type Field, SCHEMAS, type Schema, type Type } from "./kafka-fields";

export type Values = { [name: string]: unknown };

/** The schema of a request's name. */
export function schemaOf(name: string): Schema {
  const found = SCHEMAS.find((schema) => schema.name === name);
  if (!found) throw new Error(`no schema of ${name}`);
  return found;
}

class Encoder {
  readonly bytes: number[] = [];

  constructor(
    private readonly version: number,
    private readonly flexible: boolean,
    private readonly tags: number,
  ) {}

  int(value: number | bigint, bytes: number): void {
    for (let shift = 8 * (bytes - 1); shift >= 0; shift -= 8) this.bytes.push(Number((BigInt(value) >> BigInt(shift)) & 255n));
  }

  varint(value: number): void {
    let rest = value;
    for (; rest > 127; rest >>>= 7) this.bytes.push((rest & 127) | 128);
    this.bytes.push(rest);
  }

  /** A length in the form of the version; -1 for null. */
  length(value: number, bytes: number): void {
    if (this.flexible) this.varint(value + 1);
    else this.int(value, bytes);
  }

  /** Tagged fields that no version knows. */
  tagged(): void {
    if (!this.flexible) return;
    this.varint(this.tags);
    for (let i = 0; i < this.tags; i++) {
      this.varint(1000 + i);
      this.varint(150);
      for (let k = 0; k < 150; k++) this.bytes.push(k);
    }
  }

  value(type: Type, value: unknown): void {
    const sizes: Partial<Record<Type, number>> = { int8: 1, bool: 1, int16: 2, uint16: 2, int32: 4, int64: 8 };
    const size = sizes[type];
    if (size !== undefined) this.int(typeof value === "boolean" ? Number(value) : ((value ?? 0) as number | bigint), size);
    else if (type === "uuid") {
      const text = ((value ?? "00000000-0000-0000-0000-000000000000") as string).replaceAll("-", "");
      for (let i = 0; i < 32; i += 2) this.bytes.push(Number.parseInt(text.slice(i, i + 2), 16));
    } else if (type === "string") {
      const bytes = value === null ? null : new TextEncoder().encode((value ?? "") as string);
      this.length(bytes ? bytes.length : -1, 2);
      if (bytes) this.bytes.push(...bytes);
    } else {
      const bytes = value as Uint8Array | null | undefined;
      this.length(bytes ? bytes.length : -1, 4);
      for (const byte of bytes ?? []) this.bytes.push(byte);
    }
  }

  struct(fields: Field[], values: Values): void {
    for (const { name, type, from, to } of fields) {
      if (this.version < from || this.version > to) continue;
      const value = values[name];
      if (typeof type === "string" && !type.endsWith("[]")) {
        this.value(type as Type, value);
        continue;
      }
      const items = (value === null ? null : (value ?? [])) as unknown[] | null;
      this.length(items ? items.length : -1, 4);
      for (const item of items ?? []) {
        if (typeof type === "string") this.value(type.slice(0, -2) as Type, item);
        else this.struct(type, item as Values);
      }
    }
    this.tagged();
  }
}

interface Form {
  correlationId?: number;
  clientId?: string | null;
  /** Unknown tagged fields in each structure and header. */
  tags?: number;
}

/** Puts the size before a message. */
export function sized(bytes: number[] | Uint8Array): Uint8Array {
  const message = new Uint8Array(4 + bytes.length);
  new DataView(message.buffer).setUint32(0, bytes.length);
  message.set(bytes, 4);
  return message;
}

/** A request's header and body. */
export function kafkaRequest(name: string, version: number, values: Values = {}, form: Form = {}): Uint8Array {
  const { key, flexible, request } = schemaOf(name);
  const { correlationId = 1, clientId = "lab", tags = 0 } = form;
  const header = new Encoder(version, false, 0);
  header.int(key, 2);
  header.int(version, 2);
  header.int(correlationId, 4);
  header.value("string", clientId);
  const body = new Encoder(version, version >= flexible, tags);
  body.tagged();
  body.struct(request, values);
  return sized([...header.bytes, ...body.bytes]);
}

/** A response's header and body. */
export function kafkaResponse(name: string, version: number, values: Values = {}, form: Form = {}): Uint8Array {
  const { flexible, response } = schemaOf(name);
  const { correlationId = 1, tags = 0 } = form;
  const header = new Encoder(version, false, 0);
  header.int(correlationId, 4);
  const body = new Encoder(version, version >= flexible, tags);
  if (name !== "ApiVersions") body.tagged();
  body.struct(response, values);
  return sized([...header.bytes, ...body.bytes]);
}

/** A request of any key by its header alone, with bytes for a body. */
export function bareRequest(
  key: number,
  version: number,
  flexible: boolean,
  correlationId: number,
  body: number[] = [],
): Uint8Array {
  const header = new Encoder(version, flexible, 0);
  header.int(key, 2);
  header.int(version, 2);
  header.int(correlationId, 4);
  header.int(3, 2);
  header.bytes.push(0x6c, 0x61, 0x62);
  if (flexible) header.varint(0);
  return sized([...header.bytes, ...body]);
}

/** A record batch of magic 2 that says it holds `count` records in `payload` bytes. */
export function batch(count: number, payload = 20): Uint8Array {
  const bytes = new Uint8Array(61 + payload).fill(0x2e, 61);
  const view = new DataView(bytes.buffer);
  view.setUint32(8, bytes.length - 12);
  view.setUint8(16, 2);
  view.setInt32(23, count - 1);
  view.setInt32(57, count);
  return bytes;
}

/** Messages of magic 0 or 1, as many as there are sizes of values. */
export function messageSet(magic: 0 | 1, sizes: number[], attributes = 0): Uint8Array {
  const parts = sizes.map((size) => {
    const bytes = new Uint8Array(12 + 4 + 2 + (magic === 1 ? 8 : 0) + 8 + size);
    const view = new DataView(bytes.buffer);
    view.setUint32(8, bytes.length - 12);
    view.setUint8(16, magic);
    view.setUint8(17, attributes);
    view.setInt32(18 + (magic === 1 ? 8 : 0), -1);
    view.setUint32(22 + (magic === 1 ? 8 : 0), size);
    return bytes;
  });
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}
