/** docs/cost.md: what a hub costs on Cloudflare, from what one object was counted to do and from list prices. */

/** What was counted on objects; `test/worker/rows-written.test.ts` and the benchmarks hold it. */
export const COUNTS = {
  /** Rows that a seal writes beside its tiles: its minute, edges, numbers; the message to the parent, and its deletion; the alarm. */
  rowsOfSeal: 8,
  /** Rows that a seal writes for each set of tags: its tile. */
  rowsOfTile: 1,
  /** Rows of a second in which edges post: they share one. */
  rowsOfBatch: 1,
  /** Rows of batches a minute where edges do not come at once but trickle in, at the number of edges that makes most (some 450). */
  batchesOfTrickle: 200,
  /** Rows that a root writes for the messages of a minute, beside its seal. */
  rowsOfReceipt: 1,
  /** Bytes of a busy minute on the way, and of a tile that many were merged into (`npm run bench -- wire hub`). */
  bundleBytes: 36_218,
  tileBytes: 93_487,
  /** Bytes of a busy minute inflated, as it is held unsealed, and how many an object holds before it seals out of turn. */
  inflatedBytes: 69_479,
  unsealedBytes: 10 * 1024 * 1024,
  /** workerd's CPU for a bundle of a busy minute, everything included, ms (`npm run bench -- ingest`). */
  cpuMsOfBundle: 2,
};

/** List prices of Workers and Durable Objects on the paid plan, US dollars, with what is included a month. */
const PRICES = {
  plan: 5,
  workerRequests: { included: 10e6, perMillion: 0.3 },
  workerCpuMs: { included: 30e6, perMillion: 0.02 },
  objectRequests: { included: 1e6, perMillion: 0.15 },
  objectGbSeconds: { included: 400e3, perMillion: 12.5 },
  rowsWritten: { included: 50e6, perMillion: 1 },
  storageGb: { included: 5, each: 0.2 },
};

const FLEETS = [100, 1_000, 10_000, 100_000];
const EDGES_PER_SHARD = 1_000;
/** Sets of tags in one object. */
const GROUPS = 4;
const MINUTES = 30 * 1_440;
const OBJECT_GB = 0.128;
/** What is kept, by level: tiles of each set of tags. */
const TILES_KEPT = 48 * 60 + 30 * 24 + 400;
const BATCHES_KEPT_MINUTES = 120;
const BATCHES_KEPT_BYTES_MAX = 256 * 1024 * 1024;
/** Every row that is written is deleted one day, which counts as another. */
const WRITTEN_AND_DELETED = 2;

interface Month {
  edges: number;
  objects: number;
  workerRequests: number;
  objectRequests: number;
  cpuMs: number;
  gbSeconds: number;
  rowsWritten: number;
  storageGb: number;
  dollars: number;
}

/** How often an object with so many edges seals in a minute. */
function sealsOf(edges: number): number {
  return Math.max(1, Math.ceil((edges * COUNTS.inflatedBytes) / COUNTS.unsealedBytes));
}

/** What a fleet comes to in a month; `rowsPerBundle` has each bundle in a row of its own, for comparison. */
function month(edges: number, rowsPerBundle = false): Month {
  const shards = edges > EDGES_PER_SHARD ? Math.ceil(edges / EDGES_PER_SHARD) : 0;
  const objects = shards + 1;
  const takers = Math.max(1, shards);
  const edgesOfTaker = edges / takers;
  const batches = Math.min(rowsPerBundle ? edgesOfTaker : COUNTS.batchesOfTrickle, edgesOfTaker);
  const seals = sealsOf(edgesOfTaker);
  // A tile is written again by each seal, and deleted once.
  const rowsOfSeals = seals * (COUNTS.rowsOfSeal + GROUPS * COUNTS.rowsOfTile) + GROUPS * COUNTS.rowsOfTile;
  const rowsOfTaker = WRITTEN_AND_DELETED * batches * COUNTS.rowsOfBatch + rowsOfSeals;
  const rowsOfRoot =
    WRITTEN_AND_DELETED * (Math.min(COUNTS.batchesOfTrickle, shards * seals) * COUNTS.rowsOfReceipt + COUNTS.rowsOfTile) +
    COUNTS.rowsOfSeal;
  const batchBytes = Math.min(BATCHES_KEPT_BYTES_MAX, BATCHES_KEPT_MINUTES * edgesOfTaker * COUNTS.bundleBytes);
  const tileBytes = TILES_KEPT * COUNTS.tileBytes;
  const figures = {
    edges,
    objects,
    workerRequests: edges * MINUTES,
    objectRequests: (edges + 2 * shards * seals + objects) * MINUTES,
    cpuMs: edges * MINUTES * COUNTS.cpuMsOfBundle,
    gbSeconds: objects * MINUTES * 60 * OBJECT_GB,
    rowsWritten: (takers * rowsOfTaker + (shards > 0 ? rowsOfRoot : 0)) * MINUTES,
    storageGb: (takers * (batchBytes + GROUPS * tileBytes) + (shards > 0 ? tileBytes : 0)) / 1e9,
  };
  const beyond = (used: number, { included, perMillion }: { included: number; perMillion: number }) =>
    (Math.max(0, used - included) / 1e6) * perMillion;
  const dollars =
    PRICES.plan +
    beyond(figures.workerRequests, PRICES.workerRequests) +
    beyond(figures.cpuMs, PRICES.workerCpuMs) +
    beyond(figures.objectRequests, PRICES.objectRequests) +
    beyond(figures.gbSeconds, PRICES.objectGbSeconds) +
    beyond(figures.rowsWritten, PRICES.rowsWritten) +
    Math.max(0, figures.storageGb - PRICES.storageGb.included) * PRICES.storageGb.each;
  return { ...figures, dollars };
}

const millions = (value: number) => (value / 1e6).toLocaleString("en", { maximumFractionDigits: 1 });
const whole = (value: number) => value.toLocaleString("en", { maximumFractionDigits: 0 });

/** The page. */
export function costPage(): string {
  const rows = FLEETS.map((edges) => {
    const { objects, workerRequests, objectRequests, cpuMs, gbSeconds, rowsWritten, storageGb, dollars } = month(edges);
    const cells = [
      whole(edges),
      whole(objects),
      millions(workerRequests),
      millions(objectRequests),
      millions(cpuMs),
      millions(gbSeconds),
      millions(rowsWritten),
      storageGb.toLocaleString("en", { maximumFractionDigits: 1 }),
      whole(dollars),
      (dollars / edges).toLocaleString("en", { minimumFractionDigits: 3, maximumFractionDigits: 3 }),
      whole(month(edges, true).dollars),
    ];
    return `| ${cells.join(" | ")} |`;
  });
  return `# What a hub costs on Cloudflare

Written by \`npm run docs\` out of \`scripts/docs/cost.ts\`: counts of one object's work, held by tests and benchmarks, times the list prices of
the paid plan for Workers and Durable Objects as of November 2026. It is a calculation: no bill was compared with it.

A month of 30 days, each edge posting a busy minute every minute (60,000 requests, ${whole(COUNTS.bundleBytes)} B). Up to ${whole(EDGES_PER_SHARD)} edges have one object, more
are parted into shards of ${whole(EDGES_PER_SHARD)}; ${GROUPS} sets of tags in each; minutes kept 48 hours, hours 30 days, days 400 days. Requests, CPU, GB s and rows in millions.

| edges | objects | requests | object requests | CPU ms | GB s | rows written | GB stored | $ a month | $ an edge | $ with a row a bundle |
|---|---|---|---|---|---|---|---|---|---|---|
${rows.join("\n")}

- **Rows.** Posts that come close together share a row. Those that trickle in share fewer: at most ${COUNTS.batchesOfTrickle} rows a minute for bundles, whatever the
  number of edges, which is what the table reckons with; where all post within a few seconds it is some 10. A seal writes ${COUNTS.rowsOfTile} for each set of tags and
  ${COUNTS.rowsOfSeal} for the rest, once a minute where edges are quiet and ${sealsOf(EDGES_PER_SHARD)} times where ${whole(EDGES_PER_SHARD)} are busy, as an object holds ${COUNTS.unsealedBytes / 1024 / 1024} MiB unsealed. What is deleted later counts once more.
- **Requests.** One of the Worker and one of the object for each bundle; a message up, its receipt and an alarm for each object and seal.
- **Time.** An object that is posted to every second is awake all the time, at ${OBJECT_GB * 1000} MB.
- **Storage.** What edges posted is kept 2 hours, at most ${whole(BATCHES_KEPT_BYTES_MAX / 1024 / 1024)} MB an object; a tile takes ${whole(COUNTS.tileBytes)} B at most busy minutes, less at others.

A quiet edge that posts every minute costs the same requests and rows, and less CPU and storage. Queries are not in it.
`;
}
