/**
 * Tables of one object. Migrations only ever get longer: each runs once, in order, in one transaction with the number of the
 * last one, so that an object of any age opens with today's code.
 */
export const MIGRATIONS: readonly string[] = [
  `
  -- Single numbers: format (of this list), revision (of the last change), sealed (the last batch that went into tiles).
  CREATE TABLE numbers (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
  -- What edges posted, many bundles a row. entries: JSON, one array a bundle; data: the bodies as they came, one after another.
  CREATE TABLE batches (id INTEGER PRIMARY KEY, received_ms INTEGER NOT NULL, bytes INTEGER NOT NULL, entries TEXT NOT NULL, data BLOB NOT NULL);
  -- Merged minutes. id: see tiles.ts.
  CREATE TABLE tiles (id INTEGER PRIMARY KEY, revision INTEGER NOT NULL, data BLOB NOT NULL);
  -- What was sealed into a minute. keys: pairs of u32 (source, sequence), ascending; edges: a bit for each edge.
  CREATE TABLE minutes (minute INTEGER PRIMARY KEY, revision INTEGER NOT NULL, edges BLOB NOT NULL, keys BLOB NOT NULL);
  -- Numbers in place of names: policy, sampling rate and tags of a tile; edges; an edge's agent starts with their policies.
  CREATE TABLE groups (id INTEGER PRIMARY KEY, policy TEXT NOT NULL, sampling INTEGER NOT NULL, tags TEXT NOT NULL);
  CREATE TABLE edges (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
  CREATE TABLE sources (id INTEGER PRIMARY KEY, edge INTEGER NOT NULL, boot TEXT NOT NULL, policy TEXT NOT NULL);
  -- How edges are doing, many a row. data: JSON, one array an edge.
  CREATE TABLE edge_states (part INTEGER PRIMARY KEY, data TEXT NOT NULL);
  `,
  `
  -- Bundles that found no place in a tile, since they do not merge with the others. tile: the tile's id.
  CREATE TABLE set_apart (tile INTEGER PRIMARY KEY, bundles INTEGER NOT NULL);
  `,
  `
  -- Hours and days that are behind what lies under them. tile: the tile's id. At first all that minutes lie under.
  CREATE TABLE stale (tile INTEGER PRIMARY KEY);
  INSERT OR IGNORE INTO stale
    SELECT ((268435456 + (id >> 22) / 60 * 60) * 4096 + (id >> 10) % 4096) * 1024 FROM tiles WHERE id < 1125899906842624;
  INSERT OR IGNORE INTO stale
    SELECT ((536870912 + (id >> 22) / 1440 * 1440) * 4096 + (id >> 10) % 4096) * 1024 FROM tiles WHERE id < 1125899906842624;
  `,
  `
  -- Single texts: standing (where this object stands in the tree, JSON), boot (what its numbers of the outbox belong to).
  CREATE TABLE texts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  -- The versions of the tenant's shard map, in its root. keep: JSON, a list of tags.
  CREATE TABLE epochs (epoch INTEGER PRIMARY KEY, from_minute INTEGER NOT NULL, tag TEXT, keep TEXT NOT NULL);
  -- What was sealed and the parent does not have yet. heads: JSON, one a bundle; data: the bundles deflated, one after another.
  CREATE TABLE outbox (number INTEGER PRIMARY KEY, heads TEXT NOT NULL, data BLOB NOT NULL);
  -- Whether a group's bundles come from shards.
  ALTER TABLE groups ADD COLUMN received INTEGER NOT NULL DEFAULT 0;
  -- A bit for each shard that had edges missing in the minute.
  ALTER TABLE minutes ADD COLUMN partial BLOB NOT NULL DEFAULT x'';
  `,
  `
  -- What was refused, by the hour (its start, seconds). data: JSON, one object for each edge and code.
  CREATE TABLE refusals (hour INTEGER PRIMARY KEY, data TEXT NOT NULL);
  -- Keys that are good no more, in the root. name: see revoked.ts.
  CREATE TABLE revoked (name TEXT PRIMARY KEY, since_ms INTEGER NOT NULL) WITHOUT ROWID;
  -- What became of edges and shards, numbered as it happened. data: JSON; sent: whether the webhook has it, or gave it up.
  CREATE TABLE events (id INTEGER PRIMARY KEY, time_ms INTEGER NOT NULL, sent INTEGER NOT NULL, data TEXT NOT NULL);
  `,
  `
  -- Bundles of quarantined edges, as they came. entry: JSON; received_ms: when they came, which they are forgotten by.
  CREATE TABLE apart (
    id INTEGER PRIMARY KEY, edge TEXT NOT NULL, minute INTEGER NOT NULL, source INTEGER NOT NULL, sequence INTEGER NOT NULL,
    received_ms INTEGER NOT NULL, entry TEXT NOT NULL, body BLOB NOT NULL
  );
  CREATE INDEX apart_by_minute ON apart (minute);
  CREATE INDEX apart_by_edge ON apart (edge);
  -- Which edges are quarantined, since when, and how many of their bundles found no room or grew too old.
  CREATE TABLE quarantined (edge TEXT PRIMARY KEY, since_ms INTEGER NOT NULL, lost INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
  -- What was taken out of tiles: bundles of a source's minute in batches up to one.
  CREATE TABLE cuts (source INTEGER NOT NULL, minute INTEGER NOT NULL, through INTEGER NOT NULL, PRIMARY KEY (source, minute)) WITHOUT ROWID;
  -- Batches went uncounted before: of those that are gone the last may have come as late as the first that is there.
  INSERT INTO numbers (name, value)
    SELECT 'batches_gone_ms', COALESCE((SELECT MIN(received_ms) FROM batches), unixepoch() * 1000)
    FROM numbers WHERE name = 'sealed';
  `,
  `
  -- What a message stands in the place of. JSON; null where of nothing: see outbox.ts.
  ALTER TABLE outbox ADD COLUMN recut TEXT;
  -- Minutes that a shard would take an edge out of. number: of the message that asks the parent; through: the last batch that is meant;
  -- bundles: how many; refused: whether the parent cannot.
  CREATE TABLE asked (
    number INTEGER PRIMARY KEY, edge INTEGER NOT NULL, minute INTEGER NOT NULL, through INTEGER NOT NULL, bundles INTEGER NOT NULL,
    refused INTEGER NOT NULL DEFAULT 0
  );
  -- What a parent said last to each boot of a shard that asked. taken: whether the minute was replaced.
  CREATE TABLE decisions (
    edge INTEGER NOT NULL, boot TEXT NOT NULL, number INTEGER NOT NULL, taken INTEGER NOT NULL, PRIMARY KEY (edge, boot)
  ) WITHOUT ROWID;
  `,
];

/** Brings an object's tables up to date. */
export function migrate(storage: DurableObjectStorage): void {
  const { sql } = storage;
  const exists = sql.exec("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'numbers'").toArray().length > 0;
  const format = exists ? readNumber(sql, "format") : 0;
  if (format > MIGRATIONS.length) {
    throw new Error(`this object's tables have format ${format}, this hub knows ${MIGRATIONS.length}: run a newer hub`);
  }
  if (format === MIGRATIONS.length) return;
  storage.transactionSync(() => {
    for (const migration of MIGRATIONS.slice(format)) sql.exec(migration);
    writeNumber(sql, "format", MIGRATIONS.length);
  });
}

/** The format of today's tables. */
export const FORMAT = MIGRATIONS.length;

/** Makes the tables of an older format, where there are none; inside the caller's transaction. */
export function migrateTo({ sql }: DurableObjectStorage, format: number): void {
  for (const migration of MIGRATIONS.slice(0, format)) sql.exec(migration);
  writeNumber(sql, "format", format);
}

/** One of the single numbers; 0 where it was never written. */
export function readNumber(sql: SqlStorage, name: string): number {
  const [row] = sql.exec<{ value: number }>("SELECT value FROM numbers WHERE name = ?", name).toArray();
  return row?.value ?? 0;
}

/** One of the single texts; null where it was never written. */
export function readText(sql: SqlStorage, name: string): string | null {
  const [row] = sql.exec<{ value: string }>("SELECT value FROM texts WHERE name = ?", name).toArray();
  return row?.value ?? null;
}

/** Writes one of the single texts. */
export function writeText(sql: SqlStorage, name: string, value: string): void {
  sql.exec("INSERT OR REPLACE INTO texts (name, value) VALUES (?, ?)", name, value);
}

/** Writes one of the single numbers. */
export function writeNumber(sql: SqlStorage, name: string, value: number): void {
  sql.exec(
    "INSERT INTO numbers (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    name,
    value,
  );
}
