/** Whether an object that came from outside fits its memory: what it would hold of its rows is counted before any of it is read. */
import { inflateBody } from "../body";
import {
  ASKED_MAX,
  BATCH_RETENTION_BYTES_MAX,
  BOOTS_PER_EDGE_MAX,
  CUTS_MAX,
  EDGES_MAX,
  EVENTS_KEPT_MAX,
  GROUPS_MAX,
  LATE_SECONDS_MAX,
  MERGED_BYTES_MAX,
  MESSAGE_BYTES_MAX,
  MINUTE_BUNDLES_MAX,
  MINUTE_SECONDS,
  OUTBOX_BYTES_MAX,
  OUTBOX_MESSAGES_MAX,
  PENDING_BYTES_MAX,
  QUARANTINE_BYTES_MAX,
  QUARANTINED_EDGES_MAX,
  QUEUE_BYTES_MAX,
  REFUSALS_SECONDS,
  REVOKED_MAX,
  SHARD_MAP_EPOCHS_MAX,
  SOURCES_MAX,
  TILE_BYTES_MAX,
} from "../limits";
import { headsOf, sizeOf } from "./batches";
import { type Page, sizeOfValue } from "./dump";
import { readNumber } from "./schema";

/** A figure of a table, in SQL, and the most that it may be. */
type Bound = readonly [table: string, figure: string, most: number];

/** Characters of an object's name: a tenant's, and a tag's value percent-encoded. */
const NAME_CHARACTERS_MAX = 800;
const EDGE_CHARACTERS_MAX = 100;
const BOOT_CHARACTERS_MAX = 16;
const POLICY_CHARACTERS_MAX = 63;
/** Of all edges of a full object, or all shards of a full root. */
const NAMES_CHARACTERS_MAX = 650 * EDGES_MAX;
/** Of eight tags whose values are all of characters that JSON escapes. */
const TAGS_CHARACTERS_MAX = 1_400 * GROUPS_MAX;
const STATES_CHARACTERS_MAX = 8_000_000;
const TEXTS_CHARACTERS_MAX = 1_000_000;
const EPOCHS_CHARACTERS_MAX = 400 * SHARD_MAP_EPOCHS_MAX;
/** Keys of a minute of edges, or of shards that send it in two parts. */
const MINUTE_KEYS_BYTES_MAX = 8 * 2 * MINUTE_BUNDLES_MAX;
/** Runs of agents' starts and boots of shards in all states of edges. */
const RUNS_MAX = SOURCES_MAX + 2 * EDGES_MAX;
/** What is pending may be more than an object waits for by the last row, and what is in line behind it. */
const UNSEALED_BYTES_MAX = PENDING_BYTES_MAX + QUEUE_BYTES_MAX + MESSAGE_BYTES_MAX;

const BOUNDS: readonly Bound[] = [
  ["edges", "COUNT(*)", EDGES_MAX],
  ["edges", "SUM(typeof(name) != 'text')", 0],
  ["edges", "MAX(length(name))", NAME_CHARACTERS_MAX],
  ["edges", "SUM(length(name))", NAMES_CHARACTERS_MAX],
  ["groups", "COUNT(*)", GROUPS_MAX],
  ["groups", "SUM(typeof(policy) != 'text' OR typeof(tags) != 'text')", 0],
  ["groups", "MAX(length(policy))", POLICY_CHARACTERS_MAX],
  ["groups", "SUM(length(tags))", TAGS_CHARACTERS_MAX],
  ["sources", "COUNT(*)", SOURCES_MAX],
  ["sources", "SUM(typeof(policy) != 'text' OR typeof(boot) != 'text')", 0],
  ["sources", "COUNT(DISTINCT policy)", GROUPS_MAX],
  ["sources", "MAX(length(boot))", BOOT_CHARACTERS_MAX],
  ["sources", "MAX(length(policy))", POLICY_CHARACTERS_MAX],
  ["edge_states", "SUM(length(data))", STATES_CHARACTERS_MAX],
  ["texts", "SUM(length(name) + length(value))", TEXTS_CHARACTERS_MAX],
  ["epochs", "COUNT(*)", SHARD_MAP_EPOCHS_MAX],
  ["epochs", "SUM(length(COALESCE(tag, '')) + length(keep))", EPOCHS_CHARACTERS_MAX],
  ["quarantined", "COUNT(*)", QUARANTINED_EDGES_MAX],
  ["quarantined", "MAX(length(edge))", EDGE_CHARACTERS_MAX],
  ["revoked", "MAX(length(name))", EDGE_CHARACTERS_MAX],
  ["minutes", "MAX(length(keys))", MINUTE_KEYS_BYTES_MAX],
  ["minutes", "MAX(length(edges) + length(partial))", EDGES_MAX],
  ["(SELECT SUM(length(data)) AS bytes FROM tiles GROUP BY id / 1024)", "MAX(bytes)", TILE_BYTES_MAX],
  ["apart", "COUNT(DISTINCT edge)", EDGES_MAX],
  ["apart", "MAX(length(edge))", EDGE_CHARACTERS_MAX],
];

/**
 * Rows and bytes of tables that a request reads many rows of, or that nothing else would keep from growing. What an object lets grow until an alarm
 * comes, or its parent, has room to.
 */
const SIZES: Readonly<Record<string, { rows: number; bytes: number }>> = {
  batches: { rows: 100_000, bytes: 2 * BATCH_RETENTION_BYTES_MAX },
  outbox: { rows: OUTBOX_MESSAGES_MAX, bytes: OUTBOX_BYTES_MAX },
  cuts: { rows: CUTS_MAX + BOOTS_PER_EDGE_MAX, bytes: 100 * CUTS_MAX },
  asked: { rows: ASKED_MAX, bytes: 100 * ASKED_MAX },
  decisions: { rows: SOURCES_MAX, bytes: 100 * SOURCES_MAX },
  revoked: { rows: REVOKED_MAX, bytes: 200 * REVOKED_MAX },
  events: { rows: EVENTS_KEPT_MAX, bytes: 8_000 * EVENTS_KEPT_MAX },
  refusals: { rows: (2 * REFUSALS_SECONDS) / 3600, bytes: 64_000_000 },
  minutes: { rows: (2 * LATE_SECONDS_MAX) / MINUTE_SECONDS, bytes: 2 * BATCH_RETENTION_BYTES_MAX },
  stale: { rows: 100 * GROUPS_MAX, bytes: 1_000 * GROUPS_MAX },
  apart: { rows: QUARANTINE_BYTES_MAX / 200, bytes: 2 * QUARANTINE_BYTES_MAX },
};

/** What the pages of a backup came to so far, table by table. */
export class TableSizes {
  private readonly sizes = new Map<string, { rows: number; bytes: number }>();

  /** Takes note of a page that is to be written; throws RangeError where its table is more than an object's can be. */
  add({ table, rows }: Page): void {
    const most = SIZES[table];
    if (most === undefined) return;
    const sum = this.sizes.get(table) ?? { rows: 0, bytes: 0 };
    this.sizes.set(table, sum);
    sum.rows += rows.length;
    for (const row of rows) sum.bytes += row.reduce<number>((bytes, value) => bytes + sizeOfValue(value), 0);
    if (sum.rows > most.rows) throw new RangeError(`${table} has more than the ${most.rows} rows of an object`);
    if (sum.bytes > most.bytes) throw new RangeError(`${table} has more than the ${most.bytes} bytes of an object`);
  }
}

/** Throws RangeError where tables hold more than an object has in memory. */
export function checkBounds(sql: SqlStorage): void {
  for (const [table, figure, most] of BOUNDS) {
    const { value } = sql.exec<{ value: number | null }>(`SELECT ${figure} AS value FROM ${table}`).one();
    if ((value ?? 0) > most) throw new RangeError(`${figure} of ${table} is ${value}, more than the ${most} of an object`);
  }
  checkStates(sql);
  checkUnsealed(sql);
}

function checkStates(sql: SqlStorage): void {
  let runs = 0;
  for (const { data } of rowsOf<{ part: number; data: string }>(sql, "edge_states", "part", Number.MIN_SAFE_INTEGER)) {
    for (const state of JSON.parse(data) as unknown[][]) {
      runs += state.reduce<number>((sum, field) => sum + (Array.isArray(field) ? field.length : 0), 0);
    }
    if (runs > RUNS_MAX) throw new RangeError(`edges started more often than the ${RUNS_MAX} times of an object`);
  }
}

/** What is not sealed is held inflated, which may be much more than its rows. */
function checkUnsealed(sql: SqlStorage): void {
  let bytes = 0;
  const rows = rowsOf<{ id: number; entries: string; data: ArrayBuffer }>(sql, "batches", "id", readNumber(sql, "sealed"));
  for (const { entries, data } of rows) {
    for (const { at, length, encoding } of headsOf(entries)) {
      bytes += sizeOf({ bytes: inflateBody(new Uint8Array(data, at, length), encoding, MERGED_BYTES_MAX) });
      if (bytes > UNSEALED_BYTES_MAX) throw new RangeError(`more than ${UNSEALED_BYTES_MAX} bytes are not sealed`);
    }
  }
}

/** The rows of a table behind one, each read by itself: a table that is still being read cannot be dropped. */
function* rowsOf<Row extends Record<string, SqlStorageValue>>(
  sql: SqlStorage,
  table: string,
  key: string,
  after: number,
): Generator<Row> {
  const next = (from: number) => sql.exec<Row>(`SELECT * FROM ${table} WHERE ${key} > ? ORDER BY ${key} LIMIT 1`, from).toArray();
  for (let [row] = next(after); row !== undefined; [row] = next(Number(row[key]))) yield row;
}
