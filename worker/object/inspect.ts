import { BODY_ENCODINGS, inflateBody } from "../body";
import { MERGED_BYTES_MAX, MESSAGE_BYTES_MAX, TILE_BYTES_MAX, TILE_ROW_BYTES_MAX } from "../limits";
import type { MergeCore } from "../merge";
import { formatName, parseName, rootOf } from "../names";
import { quote } from "../refusal";
import type { Standing } from "../tree/shard-map";
import { headsOf } from "./batches";
import { TableSizes } from "./bounds";
import { bytesOfParts, concatenate } from "./bytes";
import type { Page, Value } from "./dump";
import { readText } from "./schema";
import { PART_SPAN } from "./tiles";

/**
 * Checks the bundles in rows that come from outside: the core merges what an object has without checking it again, since it was checked when it
 * came in. So what is restored is checked too. Throws RangeError where something is none.
 */
export class Inspector {
  private lastId = -1;
  private open: Uint8Array[] = [];
  private readonly sizes = new TableSizes();

  constructor(private readonly core: MergeCore) {}

  /** Looks through the rows of a page, and how many there are; a table's rows come in order. */
  check(page: Page): void {
    const { table, columns, rows } = page;
    this.sizes.add(page);
    const cell = (row: readonly Value[], name: string) => row[columns.indexOf(name)];
    for (const row of rows) {
      if (table === "tiles") this.checkTile(Number(cell(row, "id")), bytesOf(cell(row, "data")));
      if (table === "batches") this.checkBatch(String(cell(row, "entries")), bytesOf(cell(row, "data")));
      if (table === "outbox") this.checkMessage(String(cell(row, "heads")), bytesOf(cell(row, "data")), cell(row, "recut"));
      if (table === "apart") this.checkApart(String(cell(row, "entry")), bytesOf(cell(row, "body")));
    }
  }

  /** Notes that nothing more comes. */
  end(): void {
    if (this.open.length > 0) throw new RangeError("a tile ends before its last row");
  }

  /** A part that is too large for a row lies in several: see tiles.ts. */
  private checkTile(id: number, data: Uint8Array): void {
    const isNext = id === this.lastId + 1 && id % PART_SPAN !== 0;
    if (id <= this.lastId || (this.open.length > 0 && !isNext)) throw new RangeError(`tile row ${id} is not in its place`);
    this.lastId = id;
    if (data.byteLength > TILE_ROW_BYTES_MAX) throw new RangeError(`tile row ${id} is too long`);
    this.open.push(data);
    if (bytesOfParts(this.open) > TILE_BYTES_MAX) throw new RangeError(`the tile of row ${id} is too long`);
    if (data.byteLength === TILE_ROW_BYTES_MAX) return;
    const part = concatenate(this.open);
    this.open = [];
    if (part.byteLength > 0) this.checkBundle(part);
  }

  private checkBatch(entries: string, data: Uint8Array): void {
    for (const { at, length, encoding } of headsOf(entries)) {
      this.checkBundle(inflateBody(data.subarray(at, at + length), encoding, MERGED_BYTES_MAX));
    }
  }

  private checkMessage(heads: string, data: Uint8Array, recut: Value | undefined): void {
    const { minute, first } = (JSON.parse(String(recut ?? "null")) ?? { minute: 0, first: 0 }) as {
      minute: unknown;
      first: unknown;
    };
    if (!Number.isInteger(minute) || !Number.isInteger(first)) throw new RangeError("a message in it replaces no minute");
    let at = 0;
    let inflatedBytes = 0;
    for (const { length } of JSON.parse(heads) as { length: number }[]) {
      const bundle = inflateBody(data.subarray(at, at + length), "deflate", MERGED_BYTES_MAX);
      this.checkBundle(bundle);
      at += length;
      inflatedBytes += bundle.byteLength;
      if (inflatedBytes > MESSAGE_BYTES_MAX) throw new RangeError(`a message in it has more than ${MESSAGE_BYTES_MAX} bytes`);
    }
  }

  private checkApart(entry: string, body: Uint8Array): void {
    const named = (JSON.parse(entry) as { encoding: unknown }).encoding;
    const encoding = BODY_ENCODINGS.find((known) => known === named);
    if (encoding === undefined) throw new RangeError("a bundle that is kept apart has an unknown encoding");
    this.checkBundle(inflateBody(body, encoding, MERGED_BYTES_MAX));
  }

  private checkBundle(bundle: Uint8Array): void {
    const head = this.core.validate(bundle);
    if ("fault" in head && head.fault !== "merged") throw new RangeError(`a bundle in it is none: ${head.reason}`);
  }
}

/**
 * Throws RangeError where rows that come from outside would have the object speak to one of another tenant: as its parent, as one of its
 * shards, or in its name.
 */
export function checkPlace(sql: SqlStorage, name: string): void {
  const { tenant } = parseName(name);
  const standing = JSON.parse(readText(sql, "standing") ?? "null") as Partial<Standing> | null;
  const isOwn =
    standing === null || (standing.name === name && standing.parent === formatName(rootOf(tenant)) && name !== standing.parent);
  const isNamed = (readText(sql, "name") ?? name) === name;
  if (!isOwn || !isNamed) throw new RangeError(`it is of another place in the tree than ${name}`);
  const others = sql.exec<{ name: string }>(
    "SELECT name FROM edges WHERE instr(name, '/') > 0 AND substr(name, 1, ?) != ? LIMIT 1",
    tenant.length + 1,
    `${tenant}/`,
  );
  const [other] = others.toArray();
  if (other !== undefined) throw new RangeError(`${quote(other.name)} is no shard of tenant ${tenant}`);
}

function bytesOf(value: Value | undefined): Uint8Array {
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  throw new RangeError("a row has no bytes where they belong");
}
