/** An HPACK encoder with a dynamic table (RFC 7541), as servers have one: what the table holds is named, all else is added to it. */
import { hpackNumber, limit } from "./http2";
import { join, toBytes } from "./pcap-builder";

export type Field = readonly [name: string, value: string];

/** Entries of the static table that are used here. */
const STATIC: readonly (readonly [number, string, string])[] = [
  [1, ":authority", ""],
  [3, ":method", "POST"],
  [4, ":path", ""],
  [6, ":scheme", "http"],
  [8, ":status", "200"],
  [31, "content-type", ""],
  [33, "date", ""],
  [54, "server", ""],
  [58, "user-agent", ""],
];
const STATIC_ENTRIES = 61;
const ENTRY_BYTES = 32;

const text = (value: string) => join(hpackNumber(toBytes(value).length, 7, 0), value);
const sizeOf = ([name, value]: Field) => name.length + value.length + ENTRY_BYTES;

export class HpackEncoder {
  /** Newest first. */
  private table: Field[] = [];
  private resized: number | undefined;

  constructor(
    private most = 4096,
    /** Fields that are sent as they are, and not added. */
    private readonly isPlain: (name: string) => boolean = () => false,
  ) {
    if (most !== 4096) this.resized = most;
  }

  /** Changes the table's limit, which the next block says. */
  resize(most: number): void {
    this.most = most;
    this.resized = most;
    this.evict(0);
  }

  /** A header block. */
  block(fields: readonly Field[]): Uint8Array {
    const parts = fields.map((field) => this.field(field));
    const first = this.resized === undefined ? [] : [limit(this.resized)];
    this.resized = undefined;
    return join(...first, ...parts);
  }

  private field(field: Field): Uint8Array {
    const [name, value] = field;
    const fixed = STATIC.find((entry) => entry[1] === name && entry[2] === value && value !== "");
    if (fixed) return hpackNumber(fixed[0], 7, 0x80);
    const kept = this.table.findIndex((entry) => entry[0] === name && entry[1] === value);
    if (kept >= 0) return hpackNumber(STATIC_ENTRIES + 1 + kept, 7, 0x80);
    const staticName = STATIC.find((entry) => entry[1] === name)?.[0];
    const keptName = this.table.findIndex((entry) => entry[0] === name);
    const index = staticName ?? (keptName >= 0 ? STATIC_ENTRIES + 1 + keptName : 0);
    const isPlain = this.isPlain(name);
    if (!isPlain) this.add(field);
    const head = isPlain ? hpackNumber(index, 4, 0) : hpackNumber(index, 6, 0x40);
    return index === 0 ? join(head, text(name), text(value)) : join(head, text(value));
  }

  private add(field: Field): void {
    this.evict(sizeOf(field));
    if (sizeOf(field) <= this.most) this.table.unshift(field);
  }

  private evict(room: number): void {
    let bytes = this.table.reduce((sum, entry) => sum + sizeOf(entry), room);
    while (bytes > this.most && this.table.length > 0) bytes -= sizeOf(this.table.pop()!);
  }
}
