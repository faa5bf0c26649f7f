import type { BodyEncoding } from "../body";
import { inflateBody } from "../body";
import { EDGE_MINUTES_SECONDS, MERGED_BYTES_MAX, QUARANTINE_BYTES_MAX, QUARANTINED_EDGES_MAX, QUEUE_BYTES_MAX } from "../limits";
import type { Refused } from "../refusal";
import { type Arrival, type Entry, sizeOf } from "./batches";
import type { EdgeStates } from "./edge-states";
import { entryKey, type Minutes } from "./minutes";
import { readNumber, writeNumber } from "./schema";

/** The edges of a tenant that are quarantined, as its root says; of two lists the one with the greater version is the newer. */
export interface QuarantineList {
  version: number;
  edges: string[];
}

/** What is kept apart of one edge in one object. */
export interface Apart {
  /** When its quarantine began, milliseconds; null where it has ended and some is left. */
  sinceMs: number | null;
  bundles: number;
  bytes: number;
  /** Bundles that found no room, or were kept for too long. */
  lost: number;
}

type Row = {
  id: number;
  edge: string;
  minute: number;
  source: number;
  sequence: number;
  received_ms: number;
  grp: number;
  bytes: number;
};
type PackedEntry = Pick<Entry, "group" | "skewMs" | "version" | "losses"> & { encoding: BodyEncoding };
type Chunk = { ids: number[]; arrivals: Arrival[] };

/** What a row takes beside its body, about. */
const ROW_BYTES = 200;

/** Rows that are forgotten at a time, in the order in which they came. */
const SOME = "ORDER BY id LIMIT 10000";
const OF_EDGE = `WHERE edge = ? ${SOME}`;
const OLD = `WHERE received_ms < ? ${SOME}`;

/**
 * Bundles of quarantined edges: on disk and acknowledged, but in no answer.
 *
 * Invariant: the key of a bundle that is kept apart counts as one of its minute (`Minutes.keys`), and goes into the minute's own row
 * in the transaction that forgets the bundle; so it is a duplicate for as long as any other is.
 */
export class Quarantine {
  private readonly edges = new Map<string, Apart>();
  private bytes = 0;

  constructor(
    private readonly sql: SqlStorage,
    private readonly minutes: Minutes,
    states: EdgeStates,
    edgeOf: (source: number) => number,
  ) {
    for (const row of sql.exec<{ edge: string; since_ms: number; lost: number }>("SELECT * FROM quarantined")) {
      this.edges.set(row.edge, { sinceMs: row.since_ms, bundles: 0, bytes: 0, lost: row.lost });
    }
    for (const row of this.cursor("")) {
      this.count(row.edge, 1, row.bytes);
      const { source, minute, grp: group, received_ms: receivedMs } = row;
      states.observeApart(edgeOf(source), { source, group, minute, receivedMs, skewMs: null, version: "" });
    }
  }

  /** Whether what an edge posts is to be kept apart. */
  has(edge: string): boolean {
    return typeof this.edges.get(edge)?.sinceMs === "number";
  }

  /** What is kept apart of an edge; undefined where nothing is, and it is not quarantined. */
  of(edge: string): Apart | undefined {
    return this.edges.get(edge);
  }

  /** The list that this object goes by. */
  list(): QuarantineList {
    const edges = [...this.edges].flatMap(([edge, { sinceMs }]) => (sinceMs === null ? [] : [edge]));
    return { version: readNumber(this.sql, "quarantine_version"), edges };
  }

  /** Puts an edge on the tenant's list, or takes it off, and gives the list; of a root, inside the caller's transaction. */
  change(edge: string, isIn: boolean, nowMs: number): QuarantineList | Refused {
    const { version, edges } = this.list();
    if (edges.includes(edge) === isIn) return { version, edges };
    if (isIn && edges.length >= QUARANTINED_EDGES_MAX) {
      const reason = `${QUARANTINED_EDGES_MAX} edges of this tenant are quarantined; release or drop one first`;
      return { status: 422, code: "too_many_quarantined", reason };
    }
    const next = { version: version + 1, edges: isIn ? [...edges, edge] : edges.filter((name) => name !== edge) };
    this.apply(next, nowMs);
    return next;
  }

  /** Goes by a list from now on, where it is newer than the one before; inside the caller's transaction. */
  apply({ version, edges }: QuarantineList, nowMs: number): void {
    if (version <= readNumber(this.sql, "quarantine_version")) return;
    const listed = new Set(edges);
    for (const [edge, apart] of this.edges) {
      if (apart.sinceMs === null || listed.has(edge)) continue;
      apart.sinceMs = null;
      this.sql.exec("DELETE FROM quarantined WHERE edge = ?", edge);
      if (apart.bundles === 0) this.edges.delete(edge);
    }
    for (const edge of edges) {
      const apart = this.edges.get(edge) ?? { sinceMs: null, bundles: 0, bytes: 0, lost: 0 };
      this.edges.set(edge, apart);
      if (apart.sinceMs !== null) continue;
      apart.sinceMs = nowMs;
      this.sql.exec("INSERT OR REPLACE INTO quarantined (edge, since_ms, lost) VALUES (?, ?, ?)", edge, nowMs, apart.lost);
    }
    writeNumber(this.sql, "quarantine_version", version);
  }

  /** Keeps one bundle apart, and forgets the oldest where there is no room; inside the caller's transaction. */
  take(edge: string, { entry, body, encoding }: Arrival, nowMs: number): void {
    const { group, skewMs, version, losses, minute, source, sequence } = entry;
    const packed: PackedEntry = { group, skewMs, version, encoding, ...(losses && { losses }) };
    const values = [edge, minute, source, sequence, nowMs, JSON.stringify(packed), body];
    this.sql.exec(
      "INSERT INTO apart (edge, minute, source, sequence, received_ms, entry, body) VALUES (?, ?, ?, ?, ?, ?, ?)",
      ...values,
    );
    this.count(edge, 1, body.byteLength);
    while (this.bytes > QUARANTINE_BYTES_MAX) this.forget(this.rows("ORDER BY id LIMIT 1"), true);
  }

  /** Forgets what was kept for too long; inside the caller's transaction. */
  expire(nowMs: number): void {
    const oldestMs = nowMs - EDGE_MINUTES_SECONDS * 1000;
    for (let rows = this.rows(OLD, oldestMs); rows.length > 0; rows = this.rows(OLD, oldestMs)) this.forget(rows, true);
  }

  /** Forgets all of an edge; inside the caller's transaction. Gives how many bundles it was. */
  drop(edge: string): number {
    let dropped = 0;
    for (let rows = this.rows(OF_EDGE, edge); rows.length > 0; rows = this.rows(OF_EDGE, edge)) {
      this.forget(rows, false);
      dropped += rows.length;
    }
    return dropped;
  }

  /** The oldest bundles of an edge, as many as fit one batch and may wait inflated; what belongs to no known agent start is not among them. */
  next(edge: string, bytesMax: number, bundlesMax: number, isKnown: (source: number) => boolean): Chunk {
    const chunk: Chunk = { ids: [], arrivals: [] };
    let bytes = 0;
    let size = 0;
    const rows = this.sql.exec<Omit<Row, "bytes" | "edge" | "grp"> & { entry: string; body: ArrayBuffer }>(
      "SELECT * FROM apart WHERE edge = ? ORDER BY id",
      edge,
    );
    for (const { id, minute, source, sequence, received_ms: receivedMs, entry: text, body: data } of rows) {
      bytes += data.byteLength;
      const isFull = bytes > bytesMax || chunk.ids.length === bundlesMax || size > QUEUE_BYTES_MAX - MERGED_BYTES_MAX;
      if (chunk.ids.length > 0 && isFull) break;
      chunk.ids.push(id);
      if (!isKnown(source)) continue;
      const { encoding, ...rest } = JSON.parse(text) as PackedEntry;
      const body = new Uint8Array(data);
      const entry = { ...rest, minute, source, sequence, receivedMs, bytes: inflateBody(body, encoding, MERGED_BYTES_MAX) };
      size += sizeOf(entry);
      chunk.arrivals.push({ entry, body, encoding });
    }
    return chunk;
  }

  /** Takes off what has been stored like any other; inside the caller's transaction. */
  released(ids: readonly number[]): void {
    for (const id of ids) this.remove(this.rows("WHERE id = ?", id), false);
  }

  /** Forgets bundles, but not that they came. */
  private forget(rows: readonly Row[], isLoss: boolean): void {
    const keys = new Map<number, number[]>();
    for (const row of rows) {
      const own = keys.get(row.minute);
      if (own === undefined) keys.set(row.minute, [entryKey(row)]);
      else own.push(entryKey(row));
    }
    for (const [minute, own] of keys) this.minutes.remember(minute, own);
    this.remove(rows, isLoss);
  }

  private remove(rows: readonly Row[], isLoss: boolean): void {
    for (const { id, edge, bytes } of rows) {
      this.sql.exec("DELETE FROM apart WHERE id = ?", id);
      this.count(edge, -1, -bytes);
      const apart = this.edges.get(edge)!;
      if (isLoss) {
        apart.lost += 1;
        this.sql.exec("UPDATE quarantined SET lost = ? WHERE edge = ?", apart.lost, edge);
      }
      if (apart.bundles === 0 && apart.sinceMs === null) this.edges.delete(edge);
    }
  }

  private count(edge: string, bundles: number, bytes: number): void {
    const apart = this.edges.get(edge) ?? { sinceMs: null, bundles: 0, bytes: 0, lost: 0 };
    this.edges.set(edge, apart);
    apart.bundles += bundles;
    apart.bytes += bytes;
    this.bytes += bytes + bundles * ROW_BYTES;
  }

  private rows(which: string, ...values: (string | number)[]): Row[] {
    return this.cursor(which, ...values).toArray();
  }

  private cursor(which: string, ...values: (string | number)[]): SqlStorageCursor<Row> {
    const columns =
      "id, edge, minute, source, sequence, received_ms, json_extract(entry, '$.group') AS grp, length(body) AS bytes";
    return this.sql.exec<Row>(`SELECT ${columns} FROM apart ${which}`, ...values);
  }
}
