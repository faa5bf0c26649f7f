/** Kafka's requests by their field lists, in the versions before the flexible ones: what a broker of ours is asked. */
import type { Field, Type } from "../kafka-fields";
import { SCHEMAS } from "../kafka-fields";

/** A request as it was read. */
export interface Request {
  name: string;
  version: number;
  correlationId: number;
  // biome-ignore lint/suspicious/noExplicitAny: what a request holds depends on its name.
  values: Record<string, any>;
}

class Reader {
  constructor(
    private readonly bytes: Buffer,
    private readonly version: number,
    private at: number,
  ) {}

  int(size: 1 | 2 | 4): number {
    this.at += size;
    return this.bytes.readIntBE(this.at - size, size);
  }

  /** As many bytes as a length of `size` bytes says; null for -1. */
  run(size: 2 | 4): Buffer | null {
    const length = this.int(size);
    if (length < 0) return null;
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  value(type: Type): unknown {
    switch (type) {
      case "int8":
        return this.int(1);
      case "bool":
        return this.int(1) !== 0;
      case "int16":
      case "uint16":
        return this.int(2);
      case "int32":
        return this.int(4);
      case "int64":
        this.at += 8;
        return this.bytes.readBigInt64BE(this.at - 8);
      case "string":
        return this.run(2)?.toString() ?? null;
      case "uuid":
        this.at += 16;
        return this.bytes.subarray(this.at - 16, this.at).toString("hex");
      default:
        return this.run(4);
    }
  }

  struct(fields: readonly Field[]): Record<string, unknown> {
    const values: Record<string, unknown> = {};
    for (const { name, type, from, to } of fields) {
      if (this.version < from || this.version > to) continue;
      if (typeof type === "string" && !type.endsWith("[]")) values[name] = this.value(type as Type);
      else values[name] = this.array(type as Field[] | `${Type}[]`);
    }
    return values;
  }

  private array(type: Field[] | `${Type}[]`): unknown[] | null {
    const length = this.int(4);
    if (length < 0) return null;
    const one = () => (typeof type === "string" ? this.value(type.slice(0, -2) as Type) : this.struct(type));
    return Array.from({ length }, one);
  }
}

/** Reads a request with its size before it. */
export function readRequest(message: Buffer): Request {
  const key = message.readInt16BE(4);
  const version = message.readInt16BE(6);
  const schema = SCHEMAS.find((one) => one.key === key);
  if (!schema) throw new Error(`no schema of key ${key}`);
  const header = new Reader(message, version, 12);
  header.run(2);
  return { name: schema.name, version, correlationId: message.readInt32BE(8), values: header.struct(schema.request) };
}
